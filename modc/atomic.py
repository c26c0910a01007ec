"""Files that are either whole or absent: write beside the target, then rename."""

import glob
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Processes of other machines may write to the same file system.
HOST = platform.node().replace(".", "-")


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`, renamed to `path` on success.

    The folder is made if need be. On any error the temporary file is removed and `path` keeps
    what it held before; what a killed process left is removed the next time. Errors of the file
    system (full disk, read-only folder) pass as OSError.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    temporary = path.with_name(f".{path.name}.{HOST}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(temporary), temporary):
            error.filename = str(path)
        raise


def _remove_leftovers(path: Path) -> None:
    """Remove temporary files of `path` whose process on this machine is gone."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.{HOST}.*.tmp"):
        number = leftover.name.split(".")[-2]
        if number.isdigit() and not Path("/proc", number).exists() and Path("/proc").is_dir():
            leftover.unlink(missing_ok=True)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all; a lone surrogate becomes "?"."""
    write_bytes(path, text.encode(errors="replace"))


def write_json(path: str | Path, value: object) -> None:
    """Write `value` to `path` as indented JSON; NaN is refused, since it is not JSON."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")
