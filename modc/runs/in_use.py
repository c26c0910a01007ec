"""Folders that a workflow works in: locked until its process is gone, however it ends.

Snakemake's own lock is a file that stays when Snakemake is killed, and that goes when another one
in the same place ends. These are locks of the kernel, so nothing is left to be unlocked by hand.
"""

import fcntl
import os
from pathlib import Path

from modc.atomic import HOST
from modc.errors import UserError

# Open until the process ends.
_held: dict[Path, int] = {}


def claim(folder: Path, shared: bool = False) -> None:
    """Keep other workflows from `folder`, which need not be there, until this process ends.

    Any number may share a folder that they only read, but nobody writes to it meanwhile. Raises
    UserError if another one is at work there.
    """
    path = folder.with_name(f".{folder.name}.lock")
    if path in _held:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 1000, 0).decode(errors="replace").strip()
        os.close(lock)
        raise UserError(
            f"{folder}: {holder or 'another process'} is at work there; wait until it is done, or "
            f"stop it, then run the same command again"
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"process {os.getpid()} of {HOST}\n".encode(), 0)
    _held[path] = lock
