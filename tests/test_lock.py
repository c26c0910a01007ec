"""The lock: one process at a time, freed when it dies."""

import errno
import os
import subprocess
import sys

import pytest

from modc import lock
from modc.errors import UserError
from modc.lock import alone, is_held, take


def test_a_second_process_waits_until_the_first_is_gone(tmp_path):
    path = tmp_path / "stages" / "stage.pt"
    holder = (
        "import sys, time; from pathlib import Path; from modc.lock import alone\n"
        "with alone(Path(sys.argv[1]), 'at work'): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", holder, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "held\n"
        second = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert "stage.pt: another process is at work; waiting for it" in second.stderr.readline()
        assert second.poll() is None
        first.kill()
        assert second.stdout.readline() == "held\n"
        second.kill()
        second.communicate()


def test_a_lock_is_held_while_its_process_lives_and_asking_takes_nothing(tmp_path):
    path = tmp_path / "stage.pt"
    assert not is_held(path)
    assert not list(tmp_path.iterdir())
    with alone(path, "at work"):
        assert is_held(path)
        assert is_held(path)
    assert not is_held(path)
    with alone(path, "at work"):
        pass
    (tmp_path / "folder.pt.lock").mkdir()
    assert not is_held(tmp_path / "folder.pt")


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch, number):
    def flock(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(lock.fcntl, "flock", flock)
    with pytest.raises(UserError) as error, alone(tmp_path / "stage.pt", "at work"):
        raise AssertionError("locked")
    said = str(error.value)
    assert said.startswith(f"{tmp_path}/stage.pt.lock: ") and os.strerror(number) in said
    assert not is_held(tmp_path / "stage.pt")


@pytest.mark.parametrize(("umask", "mode"), [(0o002, 0o664), (0o022, 0o644), (0o077, 0o600)])
def test_a_lock_file_follows_the_umask(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        os.close(take(tmp_path / "file"))
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode


def test_a_file_that_can_only_be_read_is_shared_and_no_more(tmp_path, monkeypatch):
    path = tmp_path / "file"
    opened = os.open

    def read_only(file, flags, *mode):
        if flags & (os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(file))
        return opened(file, flags, *mode)

    os.close(take(path))
    monkeypatch.setattr(lock.os, "open", read_only)
    with pytest.raises(OSError, match="Read-only"):
        take(path)
    first, second = take(path, shared=True), take(path, shared=True)
    assert None not in (first, second)
    for descriptor in (first, second):
        os.close(descriptor)
    path.unlink()
    with pytest.raises(OSError, match="Read-only") as error:
        take(path, shared=True)
    assert lock.is_read_only(error.value)
