"""The split files: archives that are damaged, hostile, or of another release."""

import pytest
from made_archives import files, flag, link, meta, release, spoil, write_zip

from modc.fetch import split_archive

PAGE = "https://drive.google.com/file/d/1KUkwqdZxjmDL-ixCcIX8GbsnUFqqcpJH/view"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../evil.txt", "it leads out of its folder"),
        ("data/../../evil.txt", "it leads out of its folder"),
        ("..\\evil.txt", "it leads out of its folder"),
        ("/etc/evil.txt", "it is an absolute path"),
        ("\\evil.txt", "it is an absolute path"),
        ("C:\\evil.txt", "it is an absolute path"),
        ("c:/evil.txt", "it is an absolute path"),
        ("data/" + 300 * "x", "a part of it is longer than 255 bytes"),
        ("data/a\x1bb", "it has a control character"),
        (link("data/DARN/more.txt"), "a link"),
        (link("data/FashionAI/query_test.txt"), "a link"),
    ],
)
def test_an_archive_that_leaves_its_folder_is_refused(
    splits, small, tmp_path, name, why, one_error
):
    texts = {key: value for key, value in release().items() if key != getattr(name, "filename", "")}
    path = write_zip(tmp_path / "in" / "data.zip", [*texts.items(), (name, "/etc/passwd")])
    status, _, err = splits(tmp_path / "data", "--splits", path, datasets=["DARN"])
    message = one_error(err)
    assert status == 1 and message.startswith(f"{path}: ") and why in message and PAGE in message
    assert files(tmp_path) == ["in/data.zip"]


def test_a_nul_in_a_name_is_seen_though_python_cuts_it_off(splits, small, tmp_path, one_error):
    path = write_zip(tmp_path / "data.zip", {**release(), "data/a.txt#x": "x"})
    path.write_bytes(path.read_bytes().replace(b"data/a.txt#x", b"data/a.txt\0x"))
    status, _, err = splits(tmp_path / "data", "--splits", path, datasets=["DARN"])
    assert status == 1 and "it has a control character" in one_error(err)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("cut", "not a zip archive, or truncated or damaged"),
        ("empty", "not a zip archive, or truncated or damaged (0 bytes)"),
        ("page", "a web page, not a zip archive"),
        ("absent", "no such archive or folder"),
        ("checksum", "damaged: checksum mismatch"),
        ("encrypted", "needs a password"),
        ("bomb", "larger than 0 MB"),
    ],
)
def test_a_damaged_archive_is_named_with_its_source(
    splits, archive, tmp_path, damage, message, monkeypatch, one_error
):
    data = archive.read_bytes()
    if damage == "cut":
        archive.write_bytes(data[: len(data) // 2])
    elif damage == "empty":
        archive.write_bytes(b"")
    elif damage == "page":
        archive.write_bytes(b"<!DOCTYPE html><html>Google Drive - Virus scan warning</html>")
    elif damage == "absent":
        archive.unlink()
    elif damage == "checksum":
        spoil(archive, "data/DARN/query_test.txt")
    elif damage == "encrypted":
        flag(archive, 1, "data/DARN/query_test.txt")
    elif damage == "bomb":
        monkeypatch.setattr(split_archive, "FILE_LIMIT", 500)
    status, _, err = splits(tmp_path / "data", "--splits", archive, datasets=["DARN"])
    assert status == 1
    assert message in one_error(err) and str(archive) in err and PAGE in err
    assert not (tmp_path / "data").exists()


def changed(texts: dict, path: str, old: str, new: str) -> dict:
    assert old in texts[path]
    return {**texts, path: texts[path].replace(old, new, 1)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: {k: v for k, v in t.items() if k != "data/DARN/query_test.txt"},
            "1 of 8 split files are missing: DARN/query_test.txt; expected data/DARN/{cand",
        ),
        (
            lambda t: {k: v for k, v in t.items() if "FashionAI" not in k},
            "8 of 8 split files are missing: FashionAI/candidate_test.txt, ",
        ),
        (
            lambda t: {k.replace("FashionAI", "FashionAi"): v for k, v in t.items()},
            "8 of 8 split files are missing: FashionAI/",
        ),
        (
            lambda t: {**t, "old/FashionAI/query_test.txt": "0 0 0\n"},
            "FashionAI/query_test.txt twice",
        ),
        (
            lambda t: {
                **t,
                "data/FashionAI/filenames_train.txt": "a.jpg\n"
                + t["data/FashionAI/filenames_train.txt"],
            },
            "/FashionAI/filenames_train.txt: 41 entries; expected 40 as in the public release",
        ),
        (
            lambda t: changed(t, "data/DARN/query_valid.txt", "3 3 0\n", ""),
            "/DARN/query_valid.txt: 3 entries; expected 4",
        ),
        (
            lambda t: changed(t, "data/FashionAI/label_train.txt", "39 7 0\n", ""),
            "/FashionAI/label_train.txt: 39 entries; expected 40",
        ),
        (
            lambda t: changed(t, "data/DARN/candidate_test.txt", "\n5 5 0\n", "\n20 5 0\n"),
            "/DARN/candidate_test.txt, line 2: image 20; the split has 20 filenames",
        ),
        (
            lambda t: changed(t, "data/DARN/query_test.txt", "3 3 0", "3 3 7"),
            "/DARN/query_test.txt, line 4: value 7 of attribute 3; expected 0 to 6",
        ),
        (
            lambda t: changed(t, "data/DARN/filenames_test.txt", "pic/", "../"),
            "/DARN/filenames_test.txt, line 1: ../",
        ),
        (
            lambda t: {**t, "data/meta.json": meta(FashionAI={"neck_design": 4})},
            "meta.json: the attributes of FashionAI are skirt_length 6, ",
        ),
        (lambda t: {**t, "data/meta.json": "{}"}, "meta.json: damaged; expected the attributes of"),
        (lambda t: {**t, "data/meta.json": "["}, "meta.json: damaged; expected the attributes of"),
    ],
)
def test_another_release_is_named_and_nothing_is_put_in_place(
    splits, small, tmp_path, change, message, one_error
):
    path = write_zip(tmp_path / "data.zip", change(release()))
    dataset = "FashionAI" if "FashionAI" in message else "DARN"
    status, _, err = splits(tmp_path / "data", "--splits", path, datasets=[dataset])
    assert status == 1
    error = one_error(err)
    assert error.startswith(f"{path}") and message in error
    assert not (tmp_path / "data").exists()
