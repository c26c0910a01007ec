"""Locks on the folders that a workflow uses, held until its process ends in any way.

Snakemake's own lock is a file that remains when Snakemake is killed, and disappears when another
one in the same place ends. These are kernel locks, so nothing ever has to be unlocked by hand.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from modc import paths
from modc.atomic import HOST
from modc.errors import UserError
from modc.lock import is_read_only, take

# Open until the process ends.
_held: dict[Path, int] = {}


def claim(folder: Path, shared: bool = False) -> None:
    """Keep other workflows from `folder`, which need not exist, until this process ends.

    Any number may share a folder that they only read, but none may write to it meanwhile. Raises
    UserError if another one is at work there, OSError if the lock cannot be created.
    """
    path = paths.lock(folder)
    if path in _held:
        return
    try:
        lock = take(path, shared)
    except OSError as error:
        if shared and is_read_only(error):  # nobody can write there, so no lock is needed
            return
        raise
    if lock is None:
        raise UserError(
            f"{folder}: in use by {_holder(path)}; wait until it is done or stop it, then run the "
            f"same command again"
        )
    _held[path] = lock
    if not shared:
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"process {os.getpid()} of {HOST}\n".encode(), 0)


def claim_run(config: dict, made: Sequence[str], read: Sequence[str]) -> None:
    """Keep other workflows from a run, and from the datasets whose files it makes or reads.

    Raises as `claim` does.
    """
    claim(paths.run_folder(config))
    for dataset in config["datasets"]:
        folder = paths.dataset_folder(config, dataset)
        is_made, is_read = (
            any(file.startswith(f"{folder}/") for file in files) for files in (made, read)
        )
        if is_made or is_read:
            claim(folder, shared=not is_made)


def _holder(path: Path) -> str:
    """Return who holds a lock; only a writer leaves its name in it."""
    reader = take(path, shared=True)
    if reader is not None:
        os.close(reader)
        return "another run that reads it"
    return path.read_bytes()[:1000].decode(errors="replace").strip() or "another process"
