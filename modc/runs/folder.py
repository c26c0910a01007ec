"""A folder that is replaced whole or not at all."""

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modc.atomic import HOST


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """Yield a new, empty folder beside `folder` that replaces it on success.

    On any error it is removed and `folder` is left unchanged. What a killed process left behind is
    repaired next time (`put_right`).
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    put_right(folder)
    temporary = folder.with_name(f".{folder.name}.{HOST}.{os.getpid()}.tmp")
    temporary.mkdir()
    try:
        yield temporary
        os.sync()
        # A folder cannot be renamed over another one: move the old one aside first.
        if folder.exists():
            folder.rename(_aside(folder))
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        put_right(folder)
        raise
    shutil.rmtree(_aside(folder), ignore_errors=True)


def put_right(folder: Path) -> None:
    """Remove what killed processes left beside `folder`, and restore it if it was moved aside.

    Only one process at a time may work on `folder`.
    """
    for leftover in folder.parent.glob(f".{glob.escape(folder.name)}.{HOST}.*.tmp"):
        shutil.rmtree(leftover)
    aside = _aside(folder)
    if aside.exists() and folder.exists():
        shutil.rmtree(aside)
    elif aside.exists():
        aside.rename(folder)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.before")
