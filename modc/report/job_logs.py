"""What a job's log says of its end."""

import os
import re
from pathlib import Path

# How a job ends that failed: modc's own line, Snakemake's, or the last line of a traceback.
_ERROR = re.compile(r"(?:modc: error|(?:[\w.]+\.)?(?:\w*Error|\w*Exception)): (.*)")
# The last line is at the end of the file, which may be long.
_TAIL_BYTES = 8192


def error_of(log: Path) -> str:
    """Return the mistake that a job ended with, "" if its log says none or cannot be read."""
    match = _ERROR.fullmatch(last_line(log))
    return match[1] if match else ""


def last_line(log: Path) -> str:
    """Return the last line of a log that is not empty, "" if there is none or it cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.split("\r")[-1].strip() for line in reversed(lines) if line.strip()), "")
