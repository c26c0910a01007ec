"""Locks that the kernel frees when their process dies, however it dies.

They are flock's own, without `filelock`: its kernel locks are never shared, and it refuses a lock
file of another user in a group's sticky folder.
"""

import errno
import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modc.errors import UserError

log = logging.getLogger(__name__)

_ABSENT = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


def take(file: Path, shared: bool = False, wait: bool = False) -> int | None:
    """Lock a file and return its descriptor; the lock goes when that is closed.

    The file is made if need be, by the umask, so that a group can share a folder. shared: any
    number of processes may have the lock together, also of a file that can only be read. Returns
    None if another process has the lock, unless `wait`. Raises UserError where the file system has
    no locks, OSError where the file cannot be opened.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    access = os.O_RDONLY if shared else os.O_RDWR
    try:
        # Without O_CREAT, which Linux may refuse for another user's file in a sticky folder.
        lock = os.open(file, access)
    except FileNotFoundError:
        lock = os.open(file, access | os.O_CREAT, 0o666)
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(lock, kind | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(lock)
        return None
    except OSError as error:
        os.close(lock)
        if error.errno not in _ABSENT:
            raise
        raise UserError(
            f"{file}: the file system has no locks ({error.strerror}); mount it with them (Lustre: "
            f"-o flock, NFS: with lockd), or put data/ and results/ on another one"
        ) from None
    return lock


def is_read_only(error: OSError) -> bool:
    """Whether `take` failed since this process may not write where the lock should be."""
    return error.errno in _READ_ONLY


@contextmanager
def alone(path: Path, work: str) -> Iterator[None]:
    """Hold the lock of `path`, a file that need not be there, so that no two processes work on it.

    A job may outlive a killed Snakemake; a second one started for the same file waits here and says
    so with `work`, such as "training this stage". The file `<path>.lock` stays, since removing it
    would let a third process in.
    """
    file = path.with_name(path.name + ".lock")
    lock = take(file)
    if lock is None:
        log.warning("%s: another process is %s; waiting for it", path, work)
        lock = take(file, wait=True)
    try:
        yield
    finally:
        os.close(lock)


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock of `path` (`alone`); False where it cannot be told.

    It asks for a shared lock and lets it go at once, so it never waits.
    """
    file = path.with_name(path.name + ".lock")
    if not file.is_file():
        return False
    try:
        lock = take(file, shared=True)
    except (OSError, UserError):
        return False
    if lock is not None:
        os.close(lock)
    return lock is None
