"""How a job ended, from its log."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

# The last line of a failed job: modc's own, Snakemake's, or the end of a traceback.
_ERROR = re.compile(r"(?:modc: error|(?:[\w.]+\.)?(?:\w*Error|\w*Exception)): (.*)")
_TRACEBACK = "Traceback (most recent call last):"
# The line of a traceback that names the error is not indented; more of its message may follow.
_NAMED = re.compile(r"(?:[\w.]+\.)?([A-Z]\w+)(?:: (.*))?")
_LOGGED = re.compile(r"\d\d:\d\d")
# The last line is at the end of the file, which may be long.
_TAIL_BYTES = 8192


def failures(logs: Path, since: float) -> Iterator[str]:
    """Yield the errors that jobs ended with, each with its log; since: a time in seconds."""
    for path in sorted(logs.rglob("*.log")):
        error = error_of(path)
        if error and path.stat().st_mtime >= since:
            yield f"FAILED ({path}): {error}"


def error_of(log: Path) -> str:
    """Return the error that a job ended with, "" if its log has none or cannot be read."""
    match = _ERROR.fullmatch(last_line(log))
    if match:
        return match[1]
    lines = [line.split("\r")[-1].rstrip() for line in _tail(log)]
    if _TRACEBACK not in lines:
        return ""
    after = lines[len(lines) - lines[::-1].index(_TRACEBACK) :]
    if any(map(_LOGGED.match, after)):  # the job continued after it
        return ""
    named = next(filter(None, map(_NAMED.fullmatch, after)), None)
    return (named[2] or named[1]) if named else ""


def last_line(log: Path) -> str:
    """Return the last nonempty line of a log, "" if there is none or it cannot be read."""
    lines = reversed(_tail(log))
    return next((line.split("\r")[-1].strip() for line in lines if line.strip()), "")


def _tail(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            return file.read().decode(errors="replace").split("\n")
    except OSError:
        return []
