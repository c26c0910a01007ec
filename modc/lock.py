"""A lock that the kernel frees when its process dies."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)


@contextmanager
def alone(path: Path, work: str) -> Iterator[None]:
    """Hold the lock of `path`, a file that need not be there, so that no two processes work on it.

    A job may outlive a killed Snakemake; a second one started for the same file waits here and says
    so with `work`, such as "training this stage". The file `<path>.lock` stays, since removing it
    would let a third process in.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.warning("%s: another process is %s; waiting for it", path, work)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock of `path` (`alone`); False where it cannot be told.

    It asks for a shared lock and lets it go at once, so it never waits.
    """
    try:
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(lock)
    return False
