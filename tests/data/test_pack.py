"""Packed images: equal to the direct way, whole or absent, made of the right index, in one pass."""

import dataclasses
import errno
import json
import os

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, Resize

from modc.data import index as index_module
from modc.data import pack as pack_module
from modc.data import packed as packed_module
from modc.data.pack import pack
from modc.data.packed import open_packed
from modc.data.square import Form
from modc.errors import UserError


def contents(folder) -> list[str]:
    """The names in a folder but for the packers' lock."""
    return sorted(p.name for p in folder.iterdir() if p.name != ".packing.lock")


@pytest.fixture
def decoded(monkeypatch) -> list[tuple[str, tuple[int, ...]]]:
    """What `pack` decodes: each time the path and the sizes."""
    calls = []
    squares = pack_module.squares

    def counted(images, path, forms):
        calls.append((path, tuple(form.size for form in forms)))
        return squares(images, path, forms)

    monkeypatch.setattr(pack_module, "squares", counted)
    return calls


@pytest.mark.parametrize("threads", [1, 3])
def test_each_row_is_the_picture_as_torchvision_prepares_it(tmp_path, pictures, index, threads):
    output = tmp_path / "packed"
    pack(index, pictures, [Form(32), Form(65)], output, threads)
    assert contents(output) == ["32.json", "32.npy", "65.json", "65.npy"]
    for size in (32, 65):
        array = open_packed(output / f"{size}.npy", index, Form(size))
        assert array.shape == (10, size, size, 3) and array.dtype == np.uint8
        prepare = Compose([Resize(size), CenterCrop(size)])
        for row, path in enumerate(index.images["path"]):
            with Image.open(pictures / path) as picture:
                expected = np.asarray(prepare(picture.convert("RGB"))).astype(int)
            assert np.abs(array[row] - expected).mean() < 0.2
            assert np.abs(array[row] - expected).max() <= 2
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_each_picture_is_decoded_once(tmp_path, pictures, index, decoded):
    pack(index, pictures, [Form(32), Form(65), Form(32)], tmp_path, 2)
    assert sorted(decoded) == [(f"{n}.jpg", (32, 65)) for n in range(10)]


def test_an_array_that_fits_is_kept_and_the_others_are_made(tmp_path, pictures, index, decoded):
    pack(index, pictures, [Form(32)], tmp_path, 1)
    before = (tmp_path / "32.npy").stat()
    decoded.clear()
    pack(index, pictures, [Form(32)], tmp_path, 1)
    assert decoded == []
    pack(index, pictures, [Form(32), Form(48)], tmp_path, 1)
    assert decoded == [(f"{n}.jpg", (48,)) for n in range(10)]
    after = (tmp_path / "32.npy").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert contents(tmp_path) == ["32.json", "32.npy", "48.json", "48.npy", "pictures"]


def test_an_array_of_another_index_or_another_decoding_is_made_again(
    tmp_path, pictures, index, decoded, monkeypatch
):
    pack(index, pictures, [Form(32)], tmp_path, 1)
    other = dataclasses.replace(index, labels=index.labels.iloc[::-1])
    pack(other, pictures, [Form(32)], tmp_path, 1)
    assert len(decoded) == 20
    monkeypatch.setattr(packed_module, "DECODING", 3)
    pack(other, pictures, [Form(32)], tmp_path, 1)
    assert len(decoded) == 30
    assert contents(tmp_path) == ["32.json", "32.npy", "pictures"]


def test_an_unreadable_picture_is_named_and_later_packed_alone(
    tmp_path, pictures, index, decoded, monkeypatch
):
    monkeypatch.setattr(pack_module, "BLOCK", 1)
    monkeypatch.setattr(pack_module, "SAVE_EVERY", 1)
    pack(index, pictures, [Form(32)], tmp_path / "alone", 1)
    whole = {name: (pictures / name).read_bytes() for name in ("2.jpg", "7.jpg")}
    for name, data in whole.items():
        (pictures / name).write_bytes(data[: len(data) // 2])
    packed = tmp_path / "packed"
    with pytest.raises(UserError, match=r"2\.jpg: truncated.*\(2 of 10 "):
        pack(index, pictures, [Form(32)], packed, 1)
    assert contents(packed) == [".32.npy.partial", ".32.npy.progress"]
    (pictures / "7.jpg").write_bytes(whole["7.jpg"])
    decoded.clear()
    with pytest.raises(UserError, match=r"2\.jpg: truncated.*\(1 of 10 "):
        pack(index, pictures, [Form(32)], packed, 1)
    (pictures / "2.jpg").write_bytes(whole["2.jpg"])
    pack(index, pictures, [Form(32)], packed, 1)
    assert [path for path, _ in decoded] == ["2.jpg", "7.jpg", "2.jpg"]
    assert contents(packed) == ["32.json", "32.npy"]
    assert (packed / "32.npy").read_bytes() == (tmp_path / "alone" / "32.npy").read_bytes()


def test_where_no_picture_can_be_read_nothing_stays(tmp_path, index):
    with pytest.raises(UserError, match=r"0\.jpg: no such image.*\(10 of 10 "):
        pack(index, tmp_path, [Form(32)], tmp_path / "packed", 2)
    assert contents(tmp_path / "packed") == []


def free(monkeypatch, folder, count: int) -> None:
    """Let the disk look as if it had `count` bytes free."""
    usage = pack_module.shutil.disk_usage(folder)._replace(free=count)
    monkeypatch.setattr(pack_module.shutil, "disk_usage", lambda path: usage)


def test_too_little_room_is_said_before_the_work(tmp_path, pictures, index, decoded, monkeypatch):
    needed = sum(10 * size * size * 3 + 128 for size in (5000, 3200))
    free(monkeypatch, tmp_path, needed - 1)
    with pytest.raises(
        UserError, match=r"5000 and 3200 pixels need 1\.1 GB; 1\.1 GB are free; free "
    ):
        pack(index, pictures, [Form(5000), Form(3200)], tmp_path / "packed", 1)
    assert contents(tmp_path / "packed") == [] and decoded == []


def stop_at(monkeypatch, path: str) -> None:
    """Let the process come to the picture at `path` and no further."""
    squares = pack_module.squares

    def stopped(images, at, sizes):
        if at == path:
            raise KeyboardInterrupt
        return squares(images, at, sizes)

    monkeypatch.setattr(pack_module, "squares", stopped)
    monkeypatch.setattr(pack_module, "BLOCK", 1)
    monkeypatch.setattr(pack_module, "SAVE_EVERY", 1)


def test_room_that_is_taken_already_is_not_asked_for_again(
    tmp_path, pictures, index, decoded, monkeypatch, caplog
):
    caplog.set_level("INFO")
    with monkeypatch.context() as stopping:
        stop_at(stopping, "4.jpg")
        with pytest.raises(KeyboardInterrupt):
            pack(index, pictures, [Form(1000)], tmp_path / "packed", 1)
    assert "10 images at 1000 pixels need 30.0 MB; " in caplog.text
    free(monkeypatch, tmp_path, 0)
    decoded.clear()
    pack(index, pictures, [Form(1000)], tmp_path / "packed", 1)
    assert "need 30.0 MB, of which 30.0 MB are taken already; 0.0 MB are free" in caplog.text
    assert [path for path, _ in decoded] == [f"{n}.jpg" for n in range(4, 10)]


@pytest.mark.parametrize("change", ["index", "size"])
def test_what_is_left_of_another_array_is_not_gone_on_with(
    tmp_path, pictures, index, decoded, monkeypatch, change
):
    with monkeypatch.context() as stopping:
        stop_at(stopping, "4.jpg")
        with pytest.raises(KeyboardInterrupt):
            pack(index, pictures, [Form(32)], tmp_path / "packed", 1)
    decoded.clear()
    if change == "index":
        index = dataclasses.replace(index, labels=index.labels.iloc[::-1])
    else:
        for end in ("partial", "progress"):
            old = tmp_path / "packed" / f".32.npy.{end}"
            old.rename(old.with_name(f".40.npy.{end}"))
    size = 32 if change == "index" else 40
    pack(index, pictures, [Form(size)], tmp_path / "packed", 1)
    assert len(decoded) == 10
    assert contents(tmp_path / "packed") == [f"{size}.json", f"{size}.npy"]


def test_a_disk_that_is_full_at_once_ends_in_one_line_and_nothing_stays(
    modc, files_up_to, tmp_path, pictures, index
):
    index_module.write(index, tmp_path / "index")
    output = tmp_path / "packed"
    command = ["pack", "--index", tmp_path / "index", "--folder", pictures]
    command += ["--size", 16, "--size", 32, "--threads", 1, "--output", output]
    with files_up_to(20_000):
        status, _, err = modc(*command)
    assert status == 1
    lines = [line for line in err.splitlines() if "error" in line]
    assert len(lines) == 1 and "Traceback" not in err
    assert lines[0].startswith(f"modc: error: {output}/32.npy: File too large; ")
    assert contents(output) == []


def test_a_disk_that_fills_up_in_the_middle_is_named_and_it_goes_on_later(
    tmp_path, pictures, index, decoded, monkeypatch
):
    monkeypatch.setattr(pack_module, "BLOCK", 1)
    monkeypatch.setattr(pack_module, "SAVE_EVERY", 1)
    pack(index, pictures, [Form(32)], tmp_path / "alone", 1)
    pwrite = os.pwrite
    fifth = 128 + 5 * 32 * 32 * 3

    def full(descriptor, data, offset):
        if offset > fifth:
            raise OSError(errno.ENOSPC, "No space left on device")
        return pwrite(descriptor, data[:1000], offset)  # the system may write less than asked

    with monkeypatch.context() as filled:
        filled.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="No space left") as error:
            pack(index, pictures, [Form(32)], tmp_path / "packed", 1)
    assert error.value.filename == str(tmp_path / "packed" / "32.npy")
    decoded.clear()
    pack(index, pictures, [Form(32)], tmp_path / "packed", 1)
    assert [path for path, _ in decoded] == [f"{n}.jpg" for n in range(5, 10)]
    alone, later = (tmp_path / name / "32.npy" for name in ("alone", "packed"))
    assert alone.read_bytes() == later.read_bytes()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("truncated", "damaged array"),
        ("foreign", "damaged array"),
        ("absent", "no packed images"),
        ("sidecar", "no packed images"),
        ("shape", "an array (3, 3)"),
        ("index", "packed from another index"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, pictures, index, damage, message):
    output = tmp_path / "32.npy"
    pack(index, pictures, [Form(32)], tmp_path, 1)
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
        open_packed(output, index, Form(32))
    assert message in str(error.value) and "modc pack" in str(error.value)
