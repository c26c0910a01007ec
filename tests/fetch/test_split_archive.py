"""`modc fetch splits`: the public archive, and what is there already."""

import resource
import shutil
import subprocess
import sys
import zipfile
from hashlib import sha1

import pytest
import yaml
from made_archives import files, release, write_zip

from modc.errors import UserError
from modc.fetch import split_archive, split_check, split_mirror
from modc.fetch.split_check import FILES

WHOLE = sorted(
    f"{dataset}/splits/{name}" for dataset in ("DARN", "FashionAI") for name in split_check.FILES
)


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network is used")

    monkeypatch.setattr(split_archive, "download", refuse)


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


@pytest.fixture
def mirror(server, archive, monkeypatch):
    """A mirror of the archive's files on this machine, and no Google Drive."""

    def refuse(*_):
        raise UserError("data.zip: Google Drive does not hand it over")

    monkeypatch.setattr(split_archive, "download", refuse)
    monkeypatch.setattr(split_mirror, "BASE", server.url)
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            server.routes["/" + name.removeprefix("data/")] = opened.read(name)
    return server


def test_where_google_drive_refuses_they_come_from_the_mirror(modc, mirror, tmp_path):
    status, out, err = modc("fetch", "splits", "--data", tmp_path / "data")
    assert status == 0, err
    assert out.count("(40 train, 20 valid, 20 test)") == 2
    for dataset in ("FashionAI", "DARN"):
        for name in FILES:
            found = (tmp_path / "data" / dataset / "splits" / name).read_bytes()
            assert found == mirror.routes[f"/{dataset}/{name}"]


@pytest.mark.parametrize("answer", [404, 503, b"x" * 5000])
def test_where_the_mirror_fails_too_both_are_named(
    modc, mirror, tmp_path, one_error, answer, monkeypatch
):
    monkeypatch.setattr(split_archive, "FILE_LIMIT", 4000)
    mirror.routes["/DARN/label_train.txt"] = answer
    status, _, err = modc("fetch", "splits", "--data", tmp_path / "data")
    assert status == 1
    said = one_error(err)
    assert "Google Drive" in said and "DARN/label_train.txt" in said
    assert not (tmp_path / "data" / "DARN" / "splits").exists()


def test_content_is_compared_where_its_blob_is_known(modc, mirror, archive, tmp_path, monkeypatch):
    data = mirror.routes["/DARN/label_train.txt"]
    blob = sha1(b"blob %d\0" % len(data) + data).hexdigest()
    monkeypatch.setitem(split_check.BLOBS, "DARN", {"label_train.txt": blob})
    # Git, or a text editor, may have changed the ends of lines.
    mirror.routes["/DARN/label_train.txt"] = data.replace(b"\n", b"\r\n")
    assert modc("fetch", "splits", "--data", tmp_path / "data")[0] == 0
    monkeypatch.setitem(split_check.BLOBS, "DARN", {"label_train.txt": "0" * 40})
    for options in ((), ("--file", archive)):
        status, _, err = modc("fetch", "splits", "--data", tmp_path / "other", *options)
        assert status == 1 and "label_train.txt: its content is not the public release's" in err
    assert not (tmp_path / "other" / "DARN").exists()


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


def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
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
    monkeypatch.setattr(split_check, "BLOBS", {key: {} for key in split_check.BLOBS})
    split_archive.fetch({name: data / name for name in ("FashionAI", "DARN")}, path)
    assert files(data) == WHOLE


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


@pytest.mark.parametrize("dataset", ["FashionAI", "DARN"])
def test_the_real_lists_are_those_whose_blobs_are_known(shared, dataset):
    folder = shared / "annotations" / dataset
    there = [name for name in FILES if (folder / name).exists()]
    assert len(there) >= 6
    for name in there:
        blob = split_check.BLOBS[dataset][name]
        assert blob in split_check._blobs((folder / name).read_bytes()), name


def test_the_real_lists_pass_beside_invented_training_lists(shared, tmp_path, monkeypatch):
    """Real filenames, queries, candidates and meta.json, as far as they are at hand."""
    monkeypatch.setattr(split_check, "BLOBS", {key: {} for key in split_check.BLOBS})
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
