"""Names of files that strangers chose: whether one is safe to write below a folder."""

import re

# What ext4, XFS, APFS and NTFS take.
PART_BYTES = 255
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"[A-Za-z]:")


def why_unsafe(name: str) -> str:
    """Return why the relative path `name` must not be written below a folder; "" if it may be.

    A backslash counts as a slash, since archives made on Windows may use it.
    """
    if not name.isprintable():
        is_control = _CONTROL.search(name)
        return f"it has a {'control character' if is_control else 'character that cannot be shown'}"
    name = name.replace("\\", "/")
    if name.startswith("/") or _DRIVE.match(name):
        return "it is an absolute path"
    parts = name.split("/")
    if ".." in parts:
        return "it leads out of its folder"
    is_short = len(name) <= PART_BYTES and name.isascii()
    if not is_short and any(len(part.encode(errors="replace")) > PART_BYTES for part in parts):
        return f"a part of it is longer than {PART_BYTES} bytes"
    return ""


def shown(name: str) -> str:
    """Return `name` as one short line of an error message can show it."""
    text = name if name.isprintable() else ascii(name)[1:-1]
    return text if len(text) <= 80 else f"{text[:77]}..."
