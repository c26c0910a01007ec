"""`modc fetch FashionAI`: what the split files list, frozen in a manifest that stays."""

import json
import shutil
import zipfile
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest
from made_archives import (
    FIRST,
    SECOND,
    bad_picture,
    expected,
    jpeg,
    members,
    pictures,
    release,
    rewrite,
    status_of,
    write_zip,
)

from modc.data import manifest
from modc.datasets.fashionai_archives import fetch
from modc.errors import UserError


def test_what_the_split_files_list_is_extracted_and_nothing_else(drawn):
    whole = expected(drawn)
    rewrite(drawn / FIRST, lambda pairs: [*pairs, ("x/Images/neck_design_labels/no.jpg", jpeg())])
    line = fetch(drawn, drawn, refreeze=False)
    assert line == f"{drawn}: 300 images listed: 300 ok; manifest.csv is frozen"
    assert pictures(drawn) == whole and len(whole) == 300
    frozen = manifest.read(drawn)
    row = frozen.table.iloc[7]
    data = (drawn / row.path).read_bytes()
    assert (row.bytes, row.sha256) == (len(data), sha256(data).hexdigest())
    described = manifest.describe(drawn, whole).sort_values("path").reset_index(drop=True)
    pd.testing.assert_frame_equal(frozen.table, described)
    sizes = {name: (drawn / name).stat().st_size for name in (FIRST, SECOND)}
    assert frozen.facts["sources"]["archives"] == sizes
    assert not (drawn / "missing.csv").exists() and not (drawn / ".partial").exists()


def test_pictures_unpacked_into_the_folder_by_hand_need_no_archive(drawn):
    whole = expected(drawn)
    for name in (FIRST, SECOND):
        with zipfile.ZipFile(drawn / name) as archive:
            archive.extractall(drawn.parent / "by_hand")
        shutil.copytree(
            drawn.parent / "by_hand" / Path(name).stem / "Images",
            drawn / "Images",
            dirs_exist_ok=True,
        )
        (drawn / name).unlink()
    before = {path: path.stat().st_mtime_ns for path in (drawn / "Images").rglob("*.jpg")}
    fetch(drawn, drawn.parent / "nowhere", refreeze=False)
    assert pictures(drawn) == whole and manifest.read(drawn).facts["pictures"] == {"ok": 300}
    assert before == {path: path.stat().st_mtime_ns for path in (drawn / "Images").rglob("*.jpg")}


def test_what_misses_pictures_is_not_frozen_unasked(modc, drawn, leave_out, one_error):
    name = bad_picture(drawn, "checksum")
    call = ("fetch", "FashionAI", "--part", "images", "--folder", drawn)
    status, _, err = modc(*call)
    message = one_error(err)
    assert status == 1 and "1 of 300 listed images are missing" in message
    assert "missing.csv" in message and "missing_images to leave_out" in message
    assert not manifest.exists(drawn) and name in (drawn / "missing.csv").read_text()
    assert modc(*call, *leave_out)[0] == 0 and manifest.exists(drawn)


def test_a_cut_archive_beside_a_whole_one_of_its_number_is_only_warned_of(modc, drawn, caplog):
    cut = drawn / FIRST.replace(".zip", " (1).zip")
    cut.write_bytes((drawn / FIRST).read_bytes()[:1000])
    status, out, _ = modc("fetch", "FashionAI", "--part", "images", "--folder", drawn)
    assert status == 0 and "300 ok" in out and str(cut) in caplog.text


def test_a_cut_archive_without_another_is_an_error(modc, drawn, one_error):
    data = (drawn / FIRST).read_bytes()
    (drawn / FIRST).write_bytes(data[: len(data) // 2])
    status, _, err = modc("fetch", "FashionAI", "--part", "images", "--folder", drawn)
    assert status == 1 and FIRST in one_error(err) and not manifest.exists(drawn)


def test_a_frozen_manifest_stays_until_it_is_told_to_go(modc, drawn, leave_out, caplog):
    name = bad_picture(drawn, "absent")
    data = jpeg(1)
    call = ("fetch", "FashionAI", "--part", "images", "--folder", drawn, *leave_out)
    assert modc(*call)[0] == 0
    before = {path: (drawn / path).read_bytes() for path in ("manifest.csv", "manifest.json")}
    status, out, _ = modc(*call)
    assert status == 0 and "299 images, as in manifest.csv; 1 are missing as before" in out
    assert "--refreeze" not in caplog.text
    rewrite(drawn / FIRST, lambda pairs: [*pairs, (name, data)])
    assert modc(*call)[0] == 0
    assert "1 images are there that the frozen manifest does not have" in caplog.text
    assert "--refreeze" in caplog.text
    assert before == {path: (drawn / path).read_bytes() for path in before}
    assert status_of(drawn, name) == "missing"
    status, out, _ = modc(*call, "--refreeze")
    assert status == 0 and "300 ok" in out and status_of(drawn, name) == "ok"
    assert not (drawn / "missing.csv").exists()


def test_what_a_frozen_manifest_has_is_put_in_place_again(modc, drawn, one_error):
    whole = expected(drawn)
    call = ("fetch", "FashionAI", "--part", "images", "--folder", drawn)
    modc(*call)
    before = (drawn / "manifest.csv").stat().st_mtime_ns
    shutil.rmtree(drawn / "Images" / "coat_length_labels")
    status, out, _ = modc(*call)
    assert status == 0 and "of them restored" in out
    assert pictures(drawn) == whole
    for name in (FIRST, SECOND):
        (drawn / name).unlink()
    assert modc(*call)[0] == 0  # nothing is gone: no archive is needed
    path = drawn / sorted(whole)[0]
    path.unlink()
    status, _, err = modc(*call)
    assert status == 1 and "1 listed images are not in place" in one_error(err)
    assert (drawn / "manifest.csv").stat().st_mtime_ns == before


def test_another_picture_in_the_place_of_a_frozen_one_is_named(modc, drawn, one_error):
    call = ("fetch", "FashionAI", "--part", "images", "--folder", drawn)
    modc(*call)
    name = sorted(members(drawn / FIRST))[0]
    rewrite(drawn / FIRST, lambda pairs: [(n, jpeg(5) if n == name else d) for n, d in pairs])
    (drawn / name.split("/", 1)[1]).unlink()
    status, _, err = modc(*call)
    message = one_error(err)
    assert status == 1 and "1 images of the frozen manifest are gone" in message
    assert name.split("/", 1)[1] in message and "--refreeze" in message


def real(tmp_path: Path) -> Path:
    """A folder with a small release's split files and archives, which are not drawn."""
    folder = tmp_path / "real" / "FashionAI"
    (folder / "splits").mkdir(parents=True)
    content = {FIRST: {}, SECOND: {}}
    for path, text in release().items():
        _, dataset, name = path.split("/")
        if dataset == "FashionAI":
            (folder / "splits" / name).write_text(text)
            if name.startswith("filenames"):
                for number, line in enumerate(text.splitlines()):
                    content[line.split("/")[0] + ".zip"][line] = jpeg(number)
    for name, pairs in content.items():
        write_zip(folder / name, pairs)
    return folder


def test_other_split_files_than_the_frozen_ones_are_named(
    modc, small, tmp_path, leave_out, one_error
):
    folder = real(tmp_path)
    call = ("fetch", "FashionAI", "--part", "images", "--folder", folder, *leave_out)
    assert modc(*call)[0] == 0
    path = folder / "splits" / "filenames_train.txt"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[::-1]]))
    status, _, err = modc(*call)
    assert status == 1 and "frozen with other split files than those in" in one_error(err)
    assert modc(*call, "--refreeze")[0] == 0
    assert modc(*call)[0] == 0


def test_garments_drawn_anew_are_frozen_anew(drawn, tmp_path):
    from modc.drawn import garments

    first = fetch(drawn, drawn, refreeze=False)
    garments.write_fashionai(drawn, images=320, seed=2)
    assert first != fetch(drawn, drawn, refreeze=False)
    assert len(manifest.read(drawn).table) == 320


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: (s / "query_test.txt").unlink(),
            "1 split files are missing, the first is query",
        ),
        (lambda s: shutil.rmtree(s), "8 split files are missing"),
        (
            lambda s: (s / "filenames_test.txt").write_text(
                "../../Images/neck_design_labels/a.jpg"
            ),
            "filenames_test.txt, line 1: ../../Images/neck_design_labels/a.jpg: it leads out",
        ),
        (
            lambda s: (s / "query_test.txt").write_text("0 0 0\n"),
            "query_test.txt: 1 entries; expected 4 as in the public release",
        ),
    ],
)
def test_split_files_that_will_not_do_are_named(modc, small, tmp_path, change, message, one_error):
    folder = real(tmp_path)
    change(folder / "splits")
    status, _, err = modc("fetch", "FashionAI", "--part", "images", "--folder", folder)
    assert status == 1 and message in one_error(err)
    assert not manifest.exists(folder) and pictures(folder) == {}


@pytest.mark.parametrize("name", ["a.jpg", "x/other_labels/a.jpg", "x/neck_design_labels/a.txt"])
def test_a_listed_name_that_is_no_picture_of_an_attribute(drawn, name):
    path = drawn / "splits" / "filenames_test.txt"
    path.write_text(path.read_text() + name)
    with pytest.raises(UserError, match=r"expected \.\.\./<attribute>_labels/<name>\.jpg"):
        fetch(drawn, drawn, refreeze=False)


def test_a_missing_configuration_is_named(modc, tmp_path, monkeypatch, one_error):
    monkeypatch.chdir(tmp_path)
    status, _, err = modc("fetch", "FashionAI")
    assert status == 1
    assert one_error(err).startswith(
        "config.yaml: no such file in the working directory; run this in"
    )


def test_an_altered_manifest_is_named(modc, drawn, one_error):
    call = ("fetch", "FashionAI", "--part", "images", "--folder", drawn)
    modc(*call)
    path = drawn / "manifest.csv"
    path.write_text(path.read_text() + "more,ok,1,,1,1\n")
    status, _, err = modc(*call)
    assert status == 1 and "changed since it was frozen" in one_error(err)
    assert json.loads((drawn / "manifest.json").read_text())["pictures"] == {"ok": 300}
