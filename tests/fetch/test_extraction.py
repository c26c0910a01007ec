"""Pictures out of archives: bad members, a full disk, a kill amid the work."""

import resource
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from made_archives import (
    FIRST,
    bad_picture,
    expected,
    files,
    pictures,
    status_of,
)

from modc.data import manifest
from modc.datasets import fashionai_archives
from modc.datasets.fashionai_archives import fetch
from modc.errors import UserError
from modc.fetch import extraction


@pytest.mark.parametrize(
    ("kind", "state", "reason"),
    [
        ("checksum", "damaged", "damaged: checksum mismatch"),
        ("encrypted", "damaged", "needs a password"),
        ("link", "damaged", "a link"),
        ("large", "damaged", "larger than 0 MB"),
        ("page", "not_an_image", "a web page"),
        ("outside", "missing", ""),
        ("absolute", "missing", ""),
        ("absent", "missing", ""),
    ],
)
def test_a_bad_member_is_recorded_and_the_rest_goes_on(
    modc, drawn, leave_out, kind, state, reason, monkeypatch, caplog
):
    if kind == "large":
        monkeypatch.setattr("modc.datasets.fashionai_sources.PICTURE_LIMIT", 50_000)
    whole = expected(drawn)
    name = bad_picture(drawn, kind)
    outside = files(drawn.parent)
    status, out, _ = modc("fetch", "FashionAI", "--part", "images", "--folder", drawn, *leave_out)
    assert status == 0 and f"299 ok, 1 {state}" in out
    path = name.split("/", 1)[1]
    assert pictures(drawn) == {key: data for key, data in whole.items() if key != path}
    assert not [p for p in (drawn / "Images").rglob("*") if p.is_symlink()]
    assert status_of(drawn, name) == state
    row = pd.read_csv(drawn / "missing.csv", keep_default_na=False).iloc[0]
    assert (row["name"], row["status"], row["path"]) == (name, state, path)
    assert (
        row["attribute"] == path.split("/")[1].removesuffix("_labels") and reason in row["reason"]
    )
    assert f"{row['split']}: 1 images are missing: {row['attribute']} 1" in caplog.text
    assert f"1 OF 300 LISTED IMAGES ARE MISSING (1 {state}), the first: {name}" in caplog.text
    leads_out = "1 members of the archives point outside their folder" in caplog.text
    assert leads_out == (kind in ("outside", "absolute"))
    new = set(files(drawn.parent)) - set(outside)
    assert all(file.startswith("FashionAI/") for file in new)


def test_a_whole_copy_stands_in_for_a_damaged_one(drawn):
    whole = expected(drawn)
    with zipfile.ZipFile(drawn / FIRST) as archive:
        archive.extractall(drawn / "unpacked")
    bad_picture(drawn, "checksum")
    fetch(drawn, drawn, refreeze=False)
    assert pictures(drawn) == whole


def test_a_rerun_extracts_only_what_is_not_whole(drawn, monkeypatch):
    whole = expected(drawn)
    fetch(drawn, drawn, refreeze=False)
    manifest_before = (drawn / "manifest.csv").read_bytes()
    changed = sorted(whole)[:5]
    (drawn / changed[0]).unlink()
    (drawn / changed[1]).write_bytes(b"")
    (drawn / changed[2]).write_bytes(whole[changed[2]][:-1])
    (drawn / changed[3]).write_bytes(bytes(len(whole[changed[3]])))  # a file after a power cut
    (drawn / changed[4]).write_bytes(whole[changed[4]][:-1] + b"?")  # its header is whole
    written, write = [], extraction._write

    def count(folder, path, data):
        written.append(path)
        write(folder, path, data)

    monkeypatch.setattr(extraction, "_write", count)
    fetch(drawn, drawn, refreeze=True)
    assert sorted(written) == changed and pictures(drawn) == whole
    assert (drawn / "manifest.csv").read_bytes() == manifest_before


def test_too_little_room_is_said_before_the_work(drawn, monkeypatch):
    usage = shutil.disk_usage(drawn)
    monkeypatch.setattr(
        fashionai_archives.shutil, "disk_usage", lambda _: usage._replace(free=5000)
    )
    with pytest.raises(UserError, match=r"300 images need 0\.0 GB, but only 0\.0 GB are free"):
        fetch(drawn, drawn, refreeze=False)
    assert pictures(drawn) == {}


def test_pictures_that_are_there_need_no_room(drawn, monkeypatch):
    fetch(drawn, drawn, refreeze=False)
    nothing = shutil.disk_usage(drawn)._replace(free=0)
    monkeypatch.setattr(fashionai_archives.shutil, "disk_usage", lambda _: nothing)
    assert "300 ok" in fetch(drawn, drawn, refreeze=True)


def command(folder: Path) -> list[str]:
    options = ("--part", "images", "--folder", str(folder))
    return [sys.executable, "-m", "modc.cli", "fetch", "FashionAI", *options]


def test_a_disk_that_fills_up_ends_in_one_line_and_the_same_command_goes_on(modc, drawn):
    whole = expected(drawn)
    limit = sorted(len(data) for data in whole.values())[-2]

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        command(drawn), capture_output=True, text=True, preexec_fn=small_files, timeout=120
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    (largest,) = [path for path, data in whole.items() if len(data) > limit]
    assert f"modc: error: {drawn / largest}: File too large; raise the limit" in done.stderr
    there = pictures(drawn)
    assert largest not in there and all(whole[path] == data for path, data in there.items())
    assert not manifest.exists(drawn) and not (drawn / ".partial").exists()
    assert modc(*command(drawn)[3:])[0] == 0 and pictures(drawn) == whole


def test_after_kills_the_same_command_goes_on_and_ends_the_same(modc, drawn, tmp_path):
    """SIGKILL three times amid the work, which is slowed down so that it lasts."""
    whole = expected(drawn)
    slow = tmp_path / "slow.py"
    slow.write_text(
        "import sys, time\n"
        "from modc.fetch import extraction\n"
        "sha256 = extraction.sha256\n"
        "extraction.sha256 = lambda data: (time.sleep(0.05), sha256(data))[1]\n"
        "from modc.cli import main\n"
        "sys.argv = ['modc', *sys.argv[1:]]\n"
        "main()\n"
    )
    counts = [0]
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, str(slow), *command(drawn)[3:]], stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        while len(pictures(drawn)) < counts[-1] + 20 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        there = pictures(drawn)
        counts.append(len(there))
        assert all(whole[path] == data for path, data in there.items())
        assert not manifest.exists(drawn)
    assert counts[1] < counts[3] < 300
    (drawn / ".partial").mkdir(exist_ok=True)
    left = drawn / ".partial" / f"{extraction.HOST}.999999999.1"
    left.write_bytes(b"half")
    assert modc(*command(drawn)[3:])[0] == 0 and pictures(drawn) == whole
    assert manifest.read(drawn).facts["pictures"] == {"ok": 300}
    assert not (drawn / ".partial").exists()
