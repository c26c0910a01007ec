"""Zip archives that strangers made: opened, and each member looked at before it is read."""

import lzma
import stat
import zipfile
import zlib
from pathlib import Path

from modc.data.names import why_unsafe
from modc.errors import UserError

_ENCRYPTED = 0x1  # the first general purpose flag of a member


def open_zip(path: Path, again: str) -> zipfile.ZipFile:
    """Return the archive. again: where another copy comes from, for the message.

    Raises UserError if it is absent, cut short, or no zip archive at all.
    """
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such archive; {again}") from None
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError):
        pass
    with path.open("rb") as file:
        start = file.read(64).lstrip().lower()
    size = path.stat().st_size
    if start.startswith((b"<!doctype", b"<html")):
        raise UserError(f"{path}: a web page, not a zip archive; {again}") from None
    raise UserError(
        f"{path}: no zip archive, or cut short or damaged ({size:,} bytes): compare its size with "
        f"the source's; {again}"
    ) from None


def why_outside(member: zipfile.ZipInfo) -> str:
    """Return why the member would be written outside of the folder; "" if it would not."""
    # zipfile cuts a name at a NUL character; the archive's own name still has it.
    return why_unsafe(member.orig_filename) or why_unsafe(member.filename)


def why_unreadable(member: zipfile.ZipInfo, limit: int) -> str:
    """Return why the member is not to be read; "" if it is. limit: bytes that it has at most."""
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "a link" if stat.S_ISLNK(mode) else "no regular file"
    if member.flag_bits & _ENCRYPTED:
        return "encrypted"
    return why_too_large(member.file_size, limit)


def why_too_large(size: int, limit: int) -> str:
    """Return why a file of `size` bytes is not to be read; "" if it is."""
    return f"larger than {limit / 1e6:,.0f} MB" if size > limit else ""


def read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes | None:
    """Return the member's bytes, None if they are damaged: its checksum is compared.

    Errors of the file system pass as OSError. Several threads may read from one archive.
    """
    try:
        return archive.read(member)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError):
        return None  # RuntimeError: encrypted, or packed in a way that Python does not know
    except OSError as error:
        if error.errno is None:  # of a decompressor
            return None
        error.filename = error.filename or archive.filename
        raise
