import os
import signal
import subprocess
import sys

import pytest

from modc.runs.folder import put_right, replaced

KILLED = """
import os, signal, sys
from pathlib import Path
from modc.runs import folder
if sys.argv[2] == "filling":
    with folder.replaced(Path(sys.argv[1])) as new:
        (new / "half").write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
rename = Path.rename
def stop(path, target):
    if sys.argv[2] == "stepped aside" and path.suffix == ".tmp":
        os.kill(os.getpid(), signal.SIGKILL)
    done = rename(path, target)
    if sys.argv[2] == "in place" and path.suffix == ".tmp":
        os.kill(os.getpid(), signal.SIGKILL)
    return done
Path.rename = stop
with folder.replaced(Path(sys.argv[1])) as new:
    (new / "file").write_text("new")
"""


@pytest.fixture
def place(tmp_path):
    """A folder with a file, alone in its own."""
    folder = tmp_path / "runs" / "[all] of them"
    folder.mkdir(parents=True)
    (folder / "file").write_text("old")
    return folder


def test_it_is_replaced_whole(place):
    with replaced(place) as new:
        assert not list(new.iterdir()) and new.parent == place.parent
        (new / "other").write_text("new")
        assert (place / "file").read_text() == "old"
    assert [path.name for path in place.iterdir()] == ["other"]
    assert list(place.parent.iterdir()) == [place]


def test_a_new_one_comes_with_its_parents(tmp_path):
    with replaced(tmp_path / "a" / "b") as new:
        (new / "file").write_text("")
    assert (tmp_path / "a" / "b" / "file").exists()


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_what_was_there_and_nothing_else(place, error):
    with pytest.raises(error), replaced(place) as new:
        (new / "half").write_text("")
        raise error
    assert (place / "file").read_text() == "old"
    assert list(place.parent.iterdir()) == [place]


def test_a_rename_that_fails_brings_it_back(place, monkeypatch):
    from pathlib import Path

    rename = Path.rename

    def full(path, target):
        if path.suffix == ".tmp":
            raise OSError(28, "No space left on device", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError), replaced(place) as new:
        (new / "file").write_text("new")
    assert (place / "file").read_text() == "old"
    assert list(place.parent.iterdir()) == [place]


@pytest.mark.parametrize(
    ("when", "expected"), [("filling", "old"), ("stepped aside", "old"), ("in place", "new")]
)
def test_what_a_killed_process_left_is_put_right(place, when, expected):
    code = [sys.executable, "-c", KILLED, str(place), when]
    done = subprocess.run(code, env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
    assert done.returncode == -signal.SIGKILL
    assert len(list(place.parent.iterdir())) == 2  # not clean yet
    put_right(place)
    assert (place / "file").read_text() == expected
    assert list(place.parent.iterdir()) == [place]
