"""What is in the way of a run, seen before it."""

import errno
import shutil
from pathlib import Path

import pytest

from modc import config as configuration
from modc import lock
from modc.errors import UserError
from modc.fetch import split_release
from modc.report import beforehand as module
from modc.report.beforehand import beforehand, stops, writable
from modc.report.plan import plan

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(module, "visible_gpus", lambda: [])
    monkeypatch.setattr(module, "asked_for", lambda: "")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 0, 10**9))
    return tmp_path


@pytest.fixture
def settings(place):
    """The paper's configuration, changed, and what is in its way."""

    def look(**override) -> list[str]:
        config = configuration.load([REPOSITORY / "config.yaml"])
        config = configuration.merge(config, {"data": str(place / "data"), **override})
        return beforehand(plan(config, [], None), jobs=1)

    return look


def test_all_that_the_paper_needs_is_named(settings, place):
    said = "\n".join(settings())
    for what in (
        "GB are free",
        "no GPU",
        "resnet50",
        "resnet34",
        "archives",
        "split files",
        "DARN",
    ):
        assert what in said
    assert str(place / "torch" / "hub" / "checkpoints") in said
    assert not (place / "data").exists() and not list(place.glob("**/.modc-*"))


def test_what_is_there_is_not_named(settings, place, monkeypatch):
    hub = place / "torch" / "hub" / "checkpoints"
    hub.mkdir(parents=True)
    for name in ("resnet50-0676ba61.pth", "resnet34-b627a593.pth"):
        (hub / name).touch()
    for dataset in ("FashionAI", "DARN"):
        folder = place / "data" / dataset
        (folder / "splits").mkdir(parents=True)
        for name in split_release.FILES:
            (folder / "splits" / name).touch()
        for name in ("manifest.csv", "manifest.json"):
            (folder / name).touch()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 0, 10**13))
    (line,) = settings()
    assert line.startswith("no GPU is visible")


def test_files_that_the_configuration_names_must_be_there(settings, place):
    networks = {
        "weights": {"resnet50": str(place / "typo.pth")},
        "ASEN++": {"public_checkpoints": {"DARN": str(place / "typo.pth.tar")}},
    }
    said = settings(networks=networks)
    assert f"networks.weights.resnet50: {place}/typo.pth: no such file" in said
    assert f"networks.ASEN++.public_checkpoints.DARN: {place}/typo.pth.tar: no such file" in said
    config = configuration.merge(
        configuration.load([REPOSITORY / "config.yaml"]), {"networks": networks}
    )
    assert len(stops(config, trains=True, fetched=[])) == 2
    assert stops(config, trains=False, fetched=[]) == []
    assert ["archives" in line for line in stops(config, False, ["FashionAI", "DARN"])] == [True]


def test_a_gpu_that_was_asked_for_is_named(settings, monkeypatch):
    monkeypatch.setattr(module, "asked_for", lambda: "CUDA_VISIBLE_DEVICES=3")
    assert any(line.startswith("CUDA_VISIBLE_DEVICES=3 asks for a GPU") for line in settings())


def test_a_gpu_that_torch_cannot_use_is_named(settings, monkeypatch):
    monkeypatch.setattr(module, "visible_gpus", lambda: ["0"])
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert any(line.startswith("GPU 0: PyTorch") for line in settings())


def test_a_folder_that_cannot_be_written_or_locked_is_named(tmp_path, monkeypatch):
    assert writable(tmp_path / "a" / "b") == "" and list(tmp_path.iterdir()) == []

    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert writable(tmp_path / "link").startswith(f"{tmp_path}/link: a dangling link")

    def read_only(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system", "somewhere")

    with monkeypatch.context() as patch:
        patch.setattr(module.tempfile, "NamedTemporaryFile", read_only)
        assert writable(tmp_path / "a").startswith(f"{tmp_path}: Read-only file system; ")

    def no_locks(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(lock.fcntl, "flock", no_locks)
    assert "the file system has no locks" in writable(tmp_path / "a")
    with pytest.raises(UserError, match="mount it with them"):
        lock.take(tmp_path / "file")
