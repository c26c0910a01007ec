"""`modc fetch splits`: the public archive, others that look like it, and what is there already."""

import json
import resource
import shutil
import subprocess
import sys
import zipfile

import pytest
import yaml
from made_archives import files, flag, link, release, spoil, write_zip

from modc.errors import UserError
from modc.fetch import split_archive, split_check

PAGE = "https://drive.google.com/file/d/1KUkwqdZxjmDL-ixCcIX8GbsnUFqqcpJH/view"
WHOLE = sorted(
    f"{dataset}/splits/{name}" for dataset in ("DARN", "FashionAI") for name in split_check.FILES
)


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network is used")

    monkeypatch.setattr(split_archive, "download", refuse)


def meta(**changed) -> str:
    return json.dumps(
        {
            dataset: {
                "ATTRIBUTES": list(attributes),
                "ATTRIBUTES_NUM": {**attributes, **changed.get(dataset, {})},
            }
            for dataset, attributes in split_check.ATTRIBUTES.items()
        }
    )


@pytest.fixture
def archive(small, tmp_path):
    return write_zip(tmp_path / "data.zip", {**release(), "data/meta.json": meta()})


def test_the_archive_is_put_in_place_and_a_rerun_needs_nothing(modc, archive, tmp_path, no_network):
    data = tmp_path / "data"
    status, out, _ = modc("fetch", "splits", "--data", data, "--file", archive)
    assert status == 0 and f"{data}/DARN/splits: put in place (40 train, 20 valid, 20 test)" in out
    assert files(data) == WHOLE
    for path, text in release().items():
        _, dataset, name = path.split("/")
        assert (data / dataset / "splits" / name).read_text() == text
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*.txt")}
    status, out, _ = modc("fetch", "splits", "--data", data)
    assert status == 0 and f"{data}/FashionAI/splits: there already" in out
    assert before == {path: path.stat().st_mtime_ns for path in data.rglob("*.txt")}


@pytest.mark.parametrize("deeper", ["", "data"])
def test_a_folder_with_the_archives_content_will_do(modc, archive, tmp_path, deeper):
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "unpacked")
    data = tmp_path / "there"
    status, _, _ = modc("fetch", "splits", "--data", data, "--file", tmp_path / "unpacked" / deeper)
    assert status == 0 and files(data) == WHOLE


def test_without_a_file_it_comes_from_google_drive(modc, archive, tmp_path, monkeypatch):
    asked = []

    def download(drive_id, output, what, advice):
        asked.append((drive_id, what, advice))
        shutil.copy(archive, output)

    monkeypatch.setattr(split_archive, "download", download)
    assert modc("fetch", "splits", "--data", tmp_path / "data")[0] == 0
    assert files(tmp_path / "data") == WHOLE
    assert asked == [
        (
            "1KUkwqdZxjmDL-ixCcIX8GbsnUFqqcpJH",
            "split files (data.zip, 11 MB)",
            "run `modc fetch splits --file FILE`",
        )
    ]


def test_only_what_is_absent_is_put_in_place(modc, archive, tmp_path):
    data = tmp_path / "data"
    modc("fetch", "splits", "--data", data, "--file", archive)
    (data / "DARN" / "splits" / "query_test.txt").unlink()
    kept = (data / "FashionAI" / "splits" / "query_test.txt").stat().st_mtime_ns
    calls = []

    def download(_, output, *__):
        calls.append(output)
        shutil.copy(archive, output)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(split_archive, "download", download)
        status, out, _ = modc("fetch", "splits", "--data", data)
    assert status == 0 and len(calls) == 1
    assert "FashionAI/splits: there already" in out and "DARN/splits: put in place" in out
    assert files(data) == WHOLE
    assert (data / "FashionAI" / "splits" / "query_test.txt").stat().st_mtime_ns == kept


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
def test_an_archive_that_leaves_its_folder_is_refused(modc, small, tmp_path, name, why, one_error):
    texts = {key: value for key, value in release().items() if key != getattr(name, "filename", "")}
    path = write_zip(tmp_path / "in" / "data.zip", [*texts.items(), (name, "/etc/passwd")])
    status, _, err = modc("fetch", "splits", "--data", tmp_path / "data", "--file", path)
    message = one_error(err)
    assert status == 1 and message.startswith(f"{path}: ") and why in message and PAGE in message
    assert files(tmp_path) == ["in/data.zip"]


def test_a_nul_in_a_name_is_seen_though_python_cuts_it_off(modc, small, tmp_path, one_error):
    path = write_zip(tmp_path / "data.zip", {**release(), "data/a.txt#x": "x"})
    path.write_bytes(path.read_bytes().replace(b"data/a.txt#x", b"data/a.txt\0x"))
    status, _, err = modc("fetch", "splits", "--data", tmp_path / "data", "--file", path)
    assert status == 1 and "it has a control character" in one_error(err)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("cut", "no zip archive, or cut short or damaged"),
        ("empty", "no zip archive, or cut short or damaged (0 bytes)"),
        ("page", "a web page, not a zip archive"),
        ("absent", "no such archive or folder"),
        ("checksum", "damaged: its checksum does not fit"),
        ("encrypted", "encrypted"),
        ("bomb", "larger than 0 MB"),
    ],
)
def test_a_damaged_archive_is_named_with_its_source(
    modc, archive, tmp_path, damage, message, monkeypatch, one_error
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
    status, _, err = modc("fetch", "splits", "--data", tmp_path / "data", "--file", archive)
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
            "1 of 16 split files are missing: DARN/query_test.txt; expected data/<dataset>/{cand",
        ),
        (
            lambda t: {k: v for k, v in t.items() if "FashionAI" not in k},
            "8 of 16 split files are missing: FashionAI/candidate_test.txt, ",
        ),
        (
            lambda t: {k.replace("FashionAI", "FashionAi"): v for k, v in t.items()},
            "8 of 16 split files are missing",
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
    modc, small, tmp_path, change, message, one_error
):
    path = write_zip(tmp_path / "data.zip", change(release()))
    status, _, err = modc("fetch", "splits", "--data", tmp_path / "data", "--file", path)
    assert status == 1
    error = one_error(err)
    assert error.startswith(f"{path}") and message in error
    assert not (tmp_path / "data").exists()


def test_files_of_another_release_that_are_there_are_named_and_kept(
    modc, archive, tmp_path, no_network, one_error
):
    data = tmp_path / "data"
    modc("fetch", "splits", "--data", data, "--file", archive)
    path = data / "DARN" / "splits" / "filenames_test.txt"
    path.write_text(path.read_text() + "pic/99999999/0001_01_1.jpg\n")
    status, _, err = modc("fetch", "splits", "--data", data)
    error = one_error(err)
    assert status == 1
    assert f"{path}: 21 entries; expected 20" in error and f"delete {path.parent}" in error
    assert len(path.read_text().splitlines()) == 21
    assert modc("fetch", "splits", "--data", data, "--file", archive)[0] == 0
    assert len(path.read_text().splitlines()) == 20


def test_drawn_datasets_are_left_alone(modc, small, archive, tmp_path, drawn, one_error):
    before = files(drawn)
    status, _, err = modc("fetch", "splits", "--data", drawn.parent, "--file", archive)
    assert status == 1 and f"{drawn}: holds drawn pictures" in one_error(err)
    assert files(drawn) == before
    shipped = split_check.Path(__file__).parents[2] / "config.yaml"
    config = {
        "data": str(tmp_path / "d"),
        "datasets": {"FashionAI": {"generate": {"images": 300, "seed": 0}}},
    }
    (tmp_path / "more.yaml").write_text(yaml.safe_dump(config))
    configs = ("--config", shipped, "--config", tmp_path / "more.yaml")
    status, out, _ = modc("fetch", "splits", *configs, "--file", archive)
    assert status == 0 and "FashionAI: is drawn" in out
    assert files(tmp_path / "d") == [name for name in WHOLE if name.startswith("DARN")]


def test_a_missing_configuration_is_named(modc, tmp_path, monkeypatch, one_error):
    monkeypatch.chdir(tmp_path)
    status, _, err = modc("fetch", "splits")
    assert status == 1
    assert one_error(err).startswith("config.yaml: no such configuration file here; run this in")
    status, _, err = modc("fetch", "splits", "--config", "other.yaml", "--data", tmp_path)
    assert status == 1 and one_error(err) == "other.yaml: no such configuration file"


def test_a_full_disk_leaves_nothing_half_written(tmp_path):
    """The real counts, in another process whose files may not grow beyond 3 MB."""
    path = write_zip(tmp_path / "data.zip", release())
    data = tmp_path / "data"
    command = [sys.executable, "-m", "modc.cli", "fetch", "splits", "--data", data, "--file", path]

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))

    # The check happens in a temporary folder, where the limit strikes first.
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, preexec_fn=small_files
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "File too large; raise the limit on file sizes" in done.stderr
    assert files(tmp_path) == ["data.zip"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0 and files(data) == WHOLE
    assert "(144,335 train, 18,000 valid, 18,000 test)" in done.stdout


@pytest.mark.parametrize("file", split_check.FILES)
def test_a_disk_that_fills_up_while_they_are_put_in_place(archive, tmp_path, monkeypatch, file):
    from modc import atomic

    folder = tmp_path / "DARN"
    write = split_archive.Path.write_bytes

    def full(path, data):
        if path.name.startswith(f".{file}."):
            write(path, data[:10])
            raise OSError(28, "No space left on device", str(path))
        return write(path, data)

    monkeypatch.setattr(atomic.Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left") as error:
        split_archive.fetch({"DARN": folder}, archive)
    assert error.value.filename == str(folder / "splits" / file)
    assert files(folder) == []


def test_a_kill_while_they_get_their_names_leaves_no_set_that_counts(
    archive, tmp_path, monkeypatch, no_network
):
    folder = tmp_path / "DARN"
    split_archive.fetch({"DARN": folder}, archive)
    renamed, replace = [], split_archive.Path.replace

    def killed(path, target):
        if len(renamed) == 3:
            raise KeyboardInterrupt
        renamed.append(target)
        return replace(path, target)

    monkeypatch.setattr(split_archive.Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        split_archive.fetch({"DARN": folder}, archive)
    assert split_check.missing(folder / "splits") == ["filenames_train.txt"]


def test_the_real_lists_pass_beside_invented_training_lists(shared, tmp_path):
    """Real filenames, queries, candidates and meta.json, as far as they are at hand."""
    texts = release()
    for path in texts:
        real = shared / "annotations" / path.removeprefix("data/")
        if real.exists():
            texts[path] = real.read_text()
    texts["data/meta.json"] = (shared / "annotations" / "meta.json").read_text()
    archive = write_zip(tmp_path / "data.zip", texts)
    folders = {name: tmp_path / name for name in ("FashionAI", "DARN")}
    assert split_archive.fetch(folders, archive) == dict.fromkeys(folders, "put in place")
    assert split_archive.fetch(folders, None) == dict.fromkeys(folders, "there already")
    with pytest.raises(UserError, match=r"test\.txt: 3,600 entries; expected 4,293"):
        (tmp_path / "DARN" / "splits" / "query_test.txt").write_text(
            "".join(f"{n} 0 0\n" for n in range(3600))
        )
        split_archive.fetch(folders, None)
