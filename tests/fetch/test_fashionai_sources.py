"""FashionAI's archives: where they may lie, and what is said where they do not."""

import shutil
import zipfile
from pathlib import Path

import pytest
import yaml
from made_archives import FIRST, SECOND, expected, pictures, write_zip

from modc.data import manifest
from modc.datasets.fashionai_archives import fetch
from modc.datasets.fashionai_sources import picture_path
from modc.errors import UserError

FETCH = ("fetch", "FashionAI", "--part", "images")
CONFIG = Path(__file__).resolve().parents[2] / "config.yaml"
PAGE = "https://tianchi.aliyun.com/competition/entrance/231671/introduction"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("test/Images/coat_length_labels/a.JPG", "Images/coat_length_labels/a.jpg"),
        ("Images\\neck_design_labels\\a.b.jpeg", "Images/neck_design_labels/a.b.jpeg"),
        ("Images/other_labels/a.jpg", None),
        ("Images/coat_length_labels/a.txt", None),
    ],
)
def test_a_picture_has_one_path_in_all_releases(name, path):
    assert picture_path(name) == path


@pytest.mark.parametrize("layout", ["zips", "below", "unpacked", "unpacked below", "mixed"])
def test_the_archives_may_lie_elsewhere_as_they_are_or_unpacked(drawn, tmp_path, layout):
    whole = expected(drawn)
    place = tmp_path / "downloads"
    target = place / "tianchi" if "below" in layout else place
    for name in (FIRST, SECOND):
        if layout in ("zips", "below") or (layout == "mixed" and name == FIRST):
            target.mkdir(parents=True, exist_ok=True)
            shutil.move(drawn / name, target / name)
        else:
            with zipfile.ZipFile(drawn / name) as archive:
                archive.extractall(target)
            (drawn / name).unlink()
    fetch(drawn, place, refreeze=False)
    assert pictures(drawn) == whole
    assert manifest.read(drawn).facts["pictures"] == {"ok": 300}


def test_other_releases_names_find_the_same_pictures(drawn):
    whole = expected(drawn)
    for split in ("train", "valid", "test"):
        path = drawn / "splits" / f"filenames_{split}.txt"
        lines = [f"test/{line.split('/', 1)[1]}\n" for line in path.read_text().splitlines()]
        path.write_text("".join(lines))
    fetch(drawn, drawn, refreeze=False)
    assert pictures(drawn) == whole


@pytest.mark.parametrize(
    ("gone", "named"),
    [
        ([FIRST, SECOND], "train1.zip (6 GB) and no fashionAI_attributes_train2.zip (7 GB) there"),
        ([SECOND], "no fashionAI_attributes_train2.zip (7 GB) there"),
    ],
)
def test_an_absent_archive_is_answered_with_all_one_has_to_know(
    modc, drawn, tmp_path, gone, named, one_error
):
    for name in gone:
        (drawn / name).unlink()
    (tmp_path / "down").mkdir()
    (tmp_path / "down" / "other.zip").write_bytes(b"cut")
    for name in {FIRST, SECOND} - set(gone):
        shutil.move(drawn / name, tmp_path / "down")
    call = (
        "fetch",
        "FashionAI",
        "--part",
        "images",
        "--folder",
        drawn,
        "--archives",
        tmp_path / "down",
    )
    status, _, err = modc(*call)
    message = one_error(err)
    assert status == 1 and message.startswith(f"{tmp_path}/down: ") and named in message
    assert PAGE in message and "put them there, as they are or unpacked" in message
    assert f"{FIRST} (6 GB) and {SECOND} (7 GB)" in message
    assert pictures(drawn) == {} and not manifest.exists(drawn)


def test_an_archive_instead_of_its_folder_is_named(modc, drawn, one_error):
    call = (
        "fetch",
        "FashionAI",
        "--part",
        "images",
        "--folder",
        drawn,
        "--archives",
        drawn / FIRST,
    )
    status, _, err = modc(*call)
    assert status == 1 and f"{drawn / FIRST}: a file; expected the folder" in one_error(err)


def test_an_archive_of_other_pictures_does_not_count(drawn, caplog):
    write_zip(drawn / SECOND, {"fashionAI_attributes_train2/Images/neck_design_labels/a.jpg": "x"})
    with pytest.raises(UserError, match=r"no fashionAI_attributes_train2\.zip \(7 GB\) there"):
        fetch(drawn, drawn, refreeze=False)
    assert f"{SECOND}: contains none of the listed images" in caplog.text


@pytest.mark.parametrize("damage", ["cut", "empty", "page", "start"])
def test_an_archive_that_does_not_open_is_to_be_fetched_again(modc, drawn, damage, one_error):
    data = (drawn / SECOND).read_bytes()
    bad = {"cut": data[: len(data) // 2], "empty": b"", "page": b"<html>Log in", "start": data[:9]}
    (drawn / SECOND).write_bytes(bad[damage])
    status, _, err = modc(*FETCH, "--folder", drawn)
    message = one_error(err)
    assert status == 1 and message.startswith(f"{drawn / SECOND}: ")
    assert f"fetch it again from {PAGE}" in message
    assert ("compare its size with the source's" in message) == (damage != "page")
    assert pictures(drawn) == {} and not manifest.exists(drawn)


def test_the_archives_folder_may_stand_in_the_configuration(
    modc, drawn, tmp_path, one_error, monkeypatch
):
    whole = expected(drawn)
    (tmp_path / "down").mkdir()
    for name in (FIRST, SECOND):
        shutil.move(drawn / name, tmp_path / "down")
    settings = {
        "data": str(tmp_path),
        "datasets": {"FashionAI": {"archives": str(tmp_path / "down")}},
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(settings))
    monkeypatch.setenv("HOME", str(tmp_path))
    call = (
        "fetch",
        "FashionAI",
        "--part",
        "images",
        "--config",
        CONFIG,
        "--config",
        tmp_path / "mine.yaml",
    )
    assert modc(*call)[0] == 0 and pictures(drawn) == whole
    settings["datasets"]["FashionAI"] |= {
        "class": "modc.drawn.fashionai:DrawnFashionAI",
        "generate": {"images": 300, "seed": 1},
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(settings))
    shutil.rmtree(drawn / "Images")
    status, _, err = modc(
        *call[:2], *call[len(FETCH) :]
    )  # drawn archives lie where they were drawn
    assert status == 1 and one_error(err).startswith(f"{drawn}: no fashionAI_attributes_train1")
