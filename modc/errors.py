"""The one exception that a user is meant to read, and errors of the file system in its form."""

import errno
import re
from pathlib import Path

from modc.atomic import HOST


class UserError(Exception):
    """Something the user can mend: names the file, line or key, what was expected, what to do.

    The message is a single line. The command line prints it and exits with status 1.
    """


_ADVICE = {
    errno.ENOSPC: "free some space and run the same command again",
    errno.EDQUOT: "raise your quota or free some space, and run the same command again",
    errno.EFBIG: "raise the limit on file sizes and run the same command again",
    errno.EROFS: "choose a folder that can be written",
    errno.EACCES: "choose a folder that you may read and write",
}


# A file or a folder that `modc.atomic` or `modc.runs.folder` writes beside its destination.
_TEMPORARY = re.compile(rf"(^|/)\.([^/]+)\.{re.escape(HOST)}\.\d+\.tmp(?=/|$)")


def file_system(error: OSError) -> str:
    """Return an error of the file system in one line: the path, the reason, what to do."""
    path = Path(str(error.filename or ""))
    if path.is_symlink() and not path.exists():
        return f"{error.filename}: a link to what is not there; make its target, or remove it"
    destination = _TEMPORARY.sub(r"\1\2", str(error.filename))
    where = f"{destination}: " if error.filename else ""
    advice = _ADVICE.get(error.errno)
    return f"{where}{error.strerror or error}" + (f"; {advice}" if advice else "")
