"""The split files: the public archive, and what is there already."""

import resource
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from hashlib import sha1
from pathlib import Path

import pytest
from made_archives import files, release, write_zip

from modc.datasets.darn import DARN
from modc.datasets.fashionai import FashionAI
from modc.errors import UserError
from modc.fetch import split_archive, split_check, split_release
from modc.fetch.split_release import FILES

REPOSITORY = Path(__file__).resolve().parents[2]
WHOLE = sorted(f"{dataset}/splits/{name}" for dataset in ("DARN", "FashionAI") for name in FILES)


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network is used")

    monkeypatch.setattr(split_archive, "download", refuse)


def test_the_archive_is_put_in_place_and_a_rerun_needs_nothing(
    splits, archive, tmp_path, no_network
):
    data = tmp_path / "data"
    status, out, _ = splits(data, "--splits", archive)
    assert status == 0 and f"{data}/DARN/splits: put in place (40 train, 20 valid, 20 test)" in out
    assert files(data) == WHOLE
    for path, text in release().items():
        _, dataset, name = path.split("/")
        assert (data / dataset / "splits" / name).read_text() == text
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*.txt")}
    status, out, _ = splits(data)
    assert status == 0 and f"{data}/FashionAI/splits: there already" in out
    assert before == {path: path.stat().st_mtime_ns for path in data.rglob("*.txt")}


@pytest.mark.parametrize("deeper", ["", "data"])
def test_a_folder_with_the_archives_content_will_do(splits, archive, tmp_path, deeper):
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "unpacked")
    data = tmp_path / "there"
    status, _, _ = splits(data, "--splits", tmp_path / "unpacked" / deeper)
    assert status == 0 and files(data) == WHOLE


def test_without_a_file_it_comes_from_google_drive(splits, archive, tmp_path, monkeypatch):
    asked = []

    def download(drive_id, output, what, advice):
        asked.append((drive_id, what, advice))
        shutil.copy(archive, output)

    monkeypatch.setattr(split_archive, "download", download)
    assert splits(tmp_path / "data")[0] == 0
    assert files(tmp_path / "data") == WHOLE
    assert asked == [
        (
            "1KUkwqdZxjmDL-ixCcIX8GbsnUFqqcpJH",
            "split files (data.zip, 11 MB)",
            f"run `modc fetch {dataset} --splits FILE`",
        )
        for dataset in ("FashionAI", "DARN")
    ]


@pytest.fixture
def mirror(server, archive, monkeypatch):
    """A mirror of the archive's files on this machine, and no Google Drive."""

    def refuse(*_):
        raise UserError("data.zip: Google Drive refuses it")

    monkeypatch.setattr(split_archive, "download", refuse)
    for dataset in (DARN, FashionAI):
        monkeypatch.setattr(dataset, "release", replace(dataset.release, mirror=server.url))
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            server.routes["/" + name.removeprefix("data/")] = opened.read(name)
    return server


def test_where_google_drive_refuses_they_come_from_the_mirror(splits, mirror, tmp_path):
    status, out, err = splits(tmp_path / "data")
    assert status == 0, err
    assert out.count("(40 train, 20 valid, 20 test)") == 2
    for dataset in ("FashionAI", "DARN"):
        for name in FILES:
            found = (tmp_path / "data" / dataset / "splits" / name).read_bytes()
            assert found == mirror.routes[f"/{dataset}/{name}"]


@pytest.mark.parametrize("answer", [404, 503, b"x" * 5000])
def test_where_the_mirror_fails_too_both_are_named(
    splits, mirror, tmp_path, one_error, answer, monkeypatch
):
    monkeypatch.setattr(split_archive, "FILE_LIMIT", 4000)
    mirror.routes["/DARN/label_train.txt"] = answer
    status, _, err = splits(tmp_path / "data")
    assert status == 1
    said = one_error(err)
    assert "Google Drive" in said and "DARN/label_train.txt" in said
    assert not (tmp_path / "data" / "DARN" / "splits").exists()


def test_content_is_compared_where_its_blob_is_known(
    splits, mirror, archive, tmp_path, monkeypatch
):
    data = mirror.routes["/DARN/label_train.txt"]
    blob = sha1(b"blob %d\0" % len(data) + data).hexdigest()
    monkeypatch.setattr(DARN, "release", replace(DARN.release, blobs={"label_train.txt": blob}))
    # Git, or a text editor, may have changed the ends of lines.
    mirror.routes["/DARN/label_train.txt"] = data.replace(b"\n", b"\r\n")
    assert splits(tmp_path / "data")[0] == 0
    other = {"label_train.txt": "0" * 40}
    monkeypatch.setattr(DARN, "release", replace(DARN.release, blobs=other))
    for options in ((), ("--splits", archive)):
        status, _, err = splits(tmp_path / "other", *options)
        assert status == 1 and "label_train.txt: differs from the public release" in err
    assert not (tmp_path / "other" / "DARN").exists()


def test_only_what_is_absent_is_put_in_place(splits, archive, tmp_path):
    data = tmp_path / "data"
    splits(data, "--splits", archive)
    (data / "DARN" / "splits" / "query_test.txt").unlink()
    kept = (data / "FashionAI" / "splits" / "query_test.txt").stat().st_mtime_ns
    calls = []

    def download(_, output, *__):
        calls.append(output)
        shutil.copy(archive, output)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(split_archive, "download", download)
        status, out, _ = splits(data)
    assert status == 0 and len(calls) == 1
    assert "FashionAI/splits: there already" in out and "DARN/splits: put in place" in out
    assert files(data) == WHOLE
    assert (data / "FashionAI" / "splits" / "query_test.txt").stat().st_mtime_ns == kept


def test_files_of_another_release_that_are_there_are_named_and_kept(
    splits, archive, tmp_path, no_network, one_error
):
    data = tmp_path / "data"
    splits(data, "--splits", archive)
    path = data / "DARN" / "splits" / "filenames_test.txt"
    path.write_text(path.read_text() + "pic/99999999/0001_01_1.jpg\n")
    status, _, err = splits(data)
    error = one_error(err)
    assert status == 1
    assert f"{path}: 21 entries; expected 20" in error and f"delete {path.parent}" in error
    assert len(path.read_text().splitlines()) == 21
    assert splits(data, "--splits", archive)[0] == 0
    assert len(path.read_text().splitlines()) == 20


def test_a_folder_of_drawn_pictures_is_left_alone(splits, archive, drawn, one_error):
    before = files(drawn)
    status, _, err = splits(drawn.parent, "--splits", archive, datasets=["FashionAI"])
    assert status == 1 and f"{drawn}: holds drawn images" in one_error(err)
    assert files(drawn) == before


def test_a_drawn_dataset_has_no_split_files_to_fetch(modc):
    smoke = REPOSITORY / "configs" / "smoke.yaml"
    configs = ("--config", REPOSITORY / "config.yaml", "--config", smoke)
    status, _, err = modc("fetch", "FashionAI", "--part", "listing", *configs)
    assert status == 2 and "--part" in err


def test_a_missing_configuration_is_named(modc, tmp_path, monkeypatch, one_error):
    monkeypatch.chdir(tmp_path)
    status, _, err = modc("fetch", "DARN")
    assert status == 1
    assert one_error(err).startswith(
        "config.yaml: no such file in the working directory; run this in"
    )
    status, _, err = modc("fetch", "DARN", "--config", "other.yaml")
    assert status == 1 and one_error(err) == "other.yaml: no such configuration file"


def test_a_full_disk_leaves_nothing_half_written(tmp_path):
    """The real counts, in another process whose files may not grow beyond 3 MB."""
    path = write_zip(tmp_path / "data.zip", release())
    data = tmp_path / "data"
    options = ("--part", "listing", "--folder", data, "--splits", path)
    command = [sys.executable, "-m", "modc.cli", "fetch", "FashionAI", *options]

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))

    # The check happens in a temporary folder, where the limit strikes first.
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, preexec_fn=small_files
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "File too large; raise the limit on file sizes" in done.stderr
    assert files(tmp_path) == ["data.zip"]
    split_archive.fetch(data, replace(FashionAI.release, blobs={}), path, "")
    assert files(data / "splits") == sorted(FILES)


@pytest.mark.parametrize("file", FILES)
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
        split_archive.fetch(folder, DARN.release, archive, "")
    assert error.value.filename == str(folder / "splits" / file)
    assert files(folder) == []


def test_a_kill_while_they_get_their_names_leaves_no_set_that_counts(
    archive, tmp_path, monkeypatch, no_network
):
    folder = tmp_path / "DARN"
    split_archive.fetch(folder, DARN.release, archive, "")
    renamed, replace = [], split_archive.Path.replace

    def killed(path, target):
        if len(renamed) == 3:
            raise KeyboardInterrupt
        renamed.append(target)
        return replace(path, target)

    monkeypatch.setattr(split_archive.Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        split_archive.fetch(folder, DARN.release, archive, "")
    assert split_release.missing(folder / "splits") == ["filenames_train.txt"]


@pytest.mark.parametrize("dataset", [FashionAI, DARN])
def test_the_real_lists_are_those_whose_blobs_are_known(shared, dataset):
    folder = shared / "annotations" / dataset.__name__
    there = [name for name in FILES if (folder / name).exists()]
    assert len(there) >= 6
    for name in there:
        blob = dataset.release.blobs[name]
        assert blob in split_check._blobs((folder / name).read_bytes()), name


@pytest.mark.parametrize("dataset", [FashionAI, DARN])
def test_the_real_lists_pass_beside_invented_training_lists(shared, tmp_path, dataset):
    """Real filenames, queries, candidates and meta.json, as far as they are at hand."""
    published = replace(dataset.release, blobs={})
    texts = release()
    for path in texts:
        real = shared / "annotations" / path.removeprefix("data/")
        if real.exists():
            texts[path] = real.read_text()
    texts["data/meta.json"] = (shared / "annotations" / "meta.json").read_text()
    archive = write_zip(tmp_path / "data.zip", texts)
    assert split_archive.fetch(tmp_path, published, archive, "") == "put in place"
    assert split_archive.fetch(tmp_path, published, None, "") == "there already"
    (tmp_path / "splits" / "query_test.txt").write_text("".join(f"{n} 0 0\n" for n in range(99)))
    with pytest.raises(UserError, match=r"query_test\.txt: 99 entries; expected \d,\d{3}"):
        split_archive.fetch(tmp_path, published, None, "")
