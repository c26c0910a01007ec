"""The command line, a small public release of split files, drawn archives, a web server."""

import shutil
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import made_server
import pytest
import yaml
from made_archives import meta, release, write_zip

from modc.datasets.darn import DARN
from modc.datasets.fashionai import FashionAI
from modc.drawn import garments

REPOSITORY = Path(__file__).resolve().parents[2]
SMALL = {
    "train": {"images": 40, "train": 40},
    "valid": {"images": 20, "query": 4, "candidate": 16},
    "test": {"images": 20, "query": 4, "candidate": 16},
}


@pytest.fixture
def splits(modc):
    """Return a function that fetches the split files of both datasets, or of one, to a folder."""

    def run(data: Path, *options, datasets=("FashionAI", "DARN")) -> tuple[int, str, str]:
        done = [
            modc("fetch", name, "--part", "listing", "--folder", data / name, *options)
            for name in datasets
        ]
        outs, errors = ("".join(one[part] for one in done) for part in (1, 2))
        return max(one[0] for one in done), outs, errors

    return run


@pytest.fixture
def one_error():
    """Return a function that returns the one error line of stderr."""

    def find(err: str) -> str:
        assert "Traceback" not in err
        lines = [line for line in err.splitlines() if line.startswith("modc: error: ")]
        assert len(lines) == 1, err
        return lines[0].removeprefix("modc: error: ")

    return find


@pytest.fixture
def leave_out(tmp_path) -> tuple:
    """The options of a configuration that does without pictures which are missing."""
    path = tmp_path / "leave_out.yaml"
    path.write_text(yaml.safe_dump({"datasets": {"FashionAI": {"missing_images": "leave_out"}}}))
    return ("--config", REPOSITORY / "config.yaml", "--config", path)


@pytest.fixture
def small(monkeypatch):
    """Make the public release a small one."""
    for kind in (FashionAI, DARN):
        monkeypatch.setattr(kind, "counts", SMALL)
        monkeypatch.setattr(kind, "release", replace(kind.release, counts=SMALL, blobs={}))


@pytest.fixture
def archive(small, tmp_path) -> Path:
    """A data.zip of the small release."""
    return write_zip(tmp_path / "data.zip", {**release(), "data/meta.json": meta()})


@pytest.fixture(scope="session")
def garments_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "FashionAI"
    garments.write_fashionai(folder, images=300, seed=1)
    return folder


@pytest.fixture
def drawn(garments_folder, tmp_path) -> Path:
    """A dataset's folder with 300 drawn pictures in two archives, and their split files."""
    shutil.copytree(garments_folder, tmp_path / "FashionAI")
    return tmp_path / "FashionAI"


@pytest.fixture(autouse=True)
def no_test_hangs():
    """Fail a test that takes a minute or two: one that waits for ever is wrong, not slow."""

    def stop(*_):
        raise TimeoutError("the test hangs")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(150)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def server():
    """A running web server, whose `routes` say what it answers."""
    running = made_server.Server()
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield running
    running.stopped.set()
    running.shutdown()
    running.server_close()


@pytest.fixture
def picture() -> Callable:
    return made_server.picture


@pytest.fixture
def settings() -> dict:
    """The section `download` of the project's configuration, for servers on this machine."""
    config = yaml.safe_load((REPOSITORY / "config.yaml").read_text())
    return config["download"] | {
        "allow_private_addresses": True,
        "connect_timeout": 2,
        "silence_timeout": 1,
        "timeout": 3,
        "backoff": 0.01,
    }
