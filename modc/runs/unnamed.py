"""What names the machine of a run, its user's folders and its host, taken out of what is published.

A path is replaced by its last part, so that a configuration stays loadable.
"""

import platform
import re
from pathlib import Path, PurePosixPath, PureWindowsPath

from modc.report.job_logs import error_of, last_line

# Of several parts, and not part of a URL.
_PATH = re.compile(r"(?<![\w/:.~-])(?:~|[A-Za-z]:)?(?:[/\\][^\s/\\:'\"`,;()<>\[\]]+){2,}[/\\]?")


def in_values(value: object) -> object:
    """Return nested values in which each path out of the working folder is its last part."""
    if isinstance(value, dict):
        return {key: in_values(own) for key, own in value.items()}
    if isinstance(value, list):
        return [in_values(own) for own in value]
    return last_part(value) if isinstance(value, str) else value


def last_part(text: str) -> str:
    """Return the last part of a path that is absolute, in a home folder or above; else the text."""
    kind = PureWindowsPath if re.match(r"[A-Za-z]:[\\/]", text) else PurePosixPath
    path = kind(text)
    is_outside = path.is_absolute() or text.startswith("~") or ".." in path.parts
    return (path.name.removeprefix("..") or ".") if is_outside else text


def in_words(text: str) -> str:
    """Return a text in which each absolute path is its last part, and the host is called so."""
    folders = {str(Path.cwd()), str(Path("~").expanduser()), str(Path.cwd().resolve())} - {"/"}
    for folder in sorted(folders, key=len, reverse=True):
        text = text.replace(f"{folder}/", "/./")
    text = _PATH.sub(lambda found: last_part(found[0].rstrip("/\\")), text)
    return re.sub(rf"(?<![\w-]){re.escape(platform.node() or 'localhost')}(?![\w-])", "host", text)


def reason(log: Path) -> str:
    """Return the line of a job's log that says why its number is missing, as a log of its own."""
    error = error_of(log)
    return f"modc: error: {in_words(error)}\n" if error else f"{in_words(last_line(log))}\n"
