"""Packed images: equal to the direct way, whole or absent, made of the right index."""

import dataclasses
import json
import resource
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, Resize

from modc.data import index as index_module
from modc.data import pack as pack_module
from modc.data.pack import open_packed, pack
from modc.errors import UserError


def contents(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("threads", [1, 3])
def test_each_row_is_the_picture_as_torchvision_prepares_it(tmp_path, pictures, index, threads):
    output = tmp_path / "packed" / "32.npy"
    pack(index, pictures, 32, output, threads)
    array = open_packed(output, index)
    assert array.shape == (10, 32, 32, 3) and array.dtype == np.uint8
    prepare = Compose([Resize(32), CenterCrop(32)])
    for row, path in enumerate(index.images["path"]):
        with Image.open(pictures / path) as picture:
            assert np.array_equal(array[row], np.asarray(prepare(picture.convert("RGB"))))
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 0


def test_an_array_that_fits_is_kept(tmp_path, pictures, index):
    output = tmp_path / "32.npy"
    pack(index, pictures, 32, output, 1)
    (pictures / "0.jpg").unlink()
    pack(index, pictures, 32, output, 1)
    other = dataclasses.replace(index, labels=index.labels.iloc[::-1])
    with pytest.raises(UserError, match=r"0\.jpg: no such picture"):
        pack(other, pictures, 32, output, 1)
    assert contents(tmp_path) == ["32.json", "32.npy", "pictures"]


def test_an_unreadable_picture_is_named_and_nothing_stays(tmp_path, pictures, index):
    data = (pictures / "7.jpg").read_bytes()
    (pictures / "7.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match=r"7\.jpg: truncated or damaged picture"):
        pack(index, pictures, 32, tmp_path / "packed" / "32.npy", 2)
    assert contents(tmp_path / "packed") == []


def test_too_little_room_is_said_before_the_work(tmp_path, pictures, index, monkeypatch):
    usage = pack_module.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(pack_module.shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(UserError, match=r"needs 0\.0 GB, but .* free some space"):
        pack(index, pictures, 32, tmp_path / "packed" / "32.npy", 1)
    assert contents(tmp_path / "packed") == []


def test_a_disk_that_fills_up_ends_in_one_line_and_nothing_stays(tmp_path, pictures, index):
    index_module.write(index, tmp_path / "index")
    output = tmp_path / "packed" / "32.npy"
    command = ["-m", "modc.cli", "pack", "--index", tmp_path / "index", "--folder", pictures]
    command += ["--size", "32", "--threads", "1", "--output", output]

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, preexec_fn=small_files
    )
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if "error" in line]
    assert len(lines) == 1 and "Traceback" not in done.stderr
    assert lines[0].startswith(f"modc: error: {output}: File too large; ")
    assert contents(tmp_path / "packed") == []


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("truncated", "damaged array"),
        ("foreign", "damaged array"),
        ("absent", "no packed images there"),
        ("sidecar", "no packed images there"),
        ("shape", "an array (3, 3)"),
        ("index", "packed from another index"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, pictures, index, damage, message):
    output = tmp_path / "32.npy"
    pack(index, pictures, 32, output, 1)
    if damage == "truncated":
        output.write_bytes(output.read_bytes()[:1000])
    elif damage == "foreign":
        output.write_bytes(b"not an array")
    elif damage == "absent":
        output.unlink()
    elif damage == "sidecar":
        output.with_suffix(".json").write_text("{")
    elif damage == "shape":
        np.save(output, np.zeros((3, 3), np.uint8))
    else:
        facts = json.loads(output.with_suffix(".json").read_text())
        output.with_suffix(".json").write_text(json.dumps({**facts, "index_sha256": "0"}))
    with pytest.raises(UserError) as error:
        open_packed(output, index)
    assert message in str(error.value) and "modc pack" in str(error.value)
