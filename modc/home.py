"""Paths in the home folder of a user who may have none, as on a cluster's containers."""

from pathlib import Path

from modc.errors import UserError


def in_home(path: str, instead: str) -> Path:
    """Return a path whose first part may be ~.

    instead: the variable or option that does without. Raises UserError where HOME is not set and
    the user has no entry that says it.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UserError(
            f"{path}: HOME is not set, and this user has no home folder; set HOME or {instead}"
        ) from None
