"""Zip archives that strangers made: opened, and each member looked at before it is read."""

import errno
import lzma
import os
import shlex
import shutil
import stat
import struct
import zipfile
import zlib
from pathlib import Path

from modc.data.names import shown, why_unsafe
from modc.errors import UserError

_ENCRYPTED = 0x1  # the first general purpose flag of a member
_KNOWN = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_DEFLATE64 = 9  # Windows' own above 2 GB, and WinZip
_METHODS = {_DEFLATE64: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd", 99: "AES encryption"}
_WRAP = 1 << 32
_LOCAL = struct.Struct("<4s5H3I2H")  # what stands before a member's name
_OTHERS = {
    b"rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x1f\x8b": "packed by gzip",
    b"bzh": "packed by bzip2",
    b"\xfd7zxz": "packed by xz",
}


def open_zip(path: Path, again: str) -> zipfile.ZipFile:
    """Return the archive. again: where another copy comes from, for the message.

    Raises UserError if it is absent, cut short, a part of a split one, or no zip archive at all.
    """
    split = f"{path}: a part of a split archive; join its parts first: {_join(path)}"
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such archive; {again}") from None
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError):
        pass
    except OSError as error:
        if error.errno != errno.EINVAL:  # what a wrong offset comes to
            raise
    else:
        if _is_split(path) and not _begins(archive):
            raise UserError(split)
        return archive
    if _is_split(path):
        raise UserError(split)
    kind = other_kind(path)
    if kind:
        raise UserError(f"{path}: {kind}, not a zip archive; {again}")
    raise UserError(
        f"{path}: not a zip archive, or truncated or damaged ({path.stat().st_size:,} bytes): "
        f"compare its size with the source's; {again}"
    )


def other_kind(path: Path) -> str:
    """Return what a file is that is no zip archive, and how to unpack it; "" if that is unclear."""
    name = path.name.lower()
    if name.endswith((".crdownload", ".part", ".download", ".!ut", ".aria2")):
        return "an unfinished download"
    if name.endswith((".001", ".z01")):
        return f"a part of a split archive (join its parts first: {_join(path)})"
    with path.open("rb") as file:
        start = file.read(512)
    if start.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return "a web page"
    kind = next((kind for magic, kind in _OTHERS.items() if start.lower().startswith(magic)), "")
    if start[257:262] == b"ustar":
        kind = "a tar archive"
    folder = shlex.quote(str(path.parent))
    if kind in ("a tar archive", "packed by gzip", "packed by bzip2", "packed by xz"):
        return f"{kind} (unpack it with `tar xf {shlex.quote(str(path))} -C {folder}`)"
    return f"{kind} (unpack it with {_seven_zip(path)})" if kind else ""


def _is_split(path: Path) -> bool:
    """Whether the name is a part's, the end counts other parts, or the first of them is there."""
    if path.suffix[1:].isdigit():
        return True
    if path.with_suffix(".z01").exists() or path.with_suffix(".Z01").exists():
        return True
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 65557))
            end = file.read()
    except FileNotFoundError:
        return False
    at = end.rfind(b"PK\5\6")
    disk = struct.unpack_from("<H", end, at + 4)[0] if 0 <= at <= len(end) - 22 else 0
    return disk not in (0, 0xFFFF)


def _begins(archive: zipfile.ZipFile) -> bool:
    """Whether the first member is where the archive says."""
    members = archive.infolist()
    if not members:
        return True
    try:
        archive.open(members[0]).close()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        return isinstance(error, NotImplementedError | RuntimeError)
    return True


def _join(path: Path) -> str:
    whole = path.with_suffix("")
    if path.suffix[1:].isdigit():
        return f"`cat {shlex.quote(str(whole))}.0* > {shlex.quote(str(whole))}`"
    joined = shlex.quote(str(whole.with_name(f"{whole.name}-joined.zip")))
    command = f"`zip -s 0 {shlex.quote(str(path.with_suffix('.zip')))} --out {joined}`"
    needed = "" if shutil.which("zip") else " (of the package zip)"
    return f"{command}{needed}, or `cat` the parts into one file if they were split by hand"


def _seven_zip(path: Path) -> str:
    found = next((name for name in ("7z", "7zz", "7za") if shutil.which(name)), None)
    command = f"`{found or '7z'} x {shlex.quote(str(path))} -o{shlex.quote(str(path.parent))}`"
    return command if found else f"{command} (of 7-Zip, package 7zip or p7zip-full)"


def _unzip(path: Path) -> str:
    if not shutil.which("unzip"):
        return _seven_zip(path)
    return f"`unzip {shlex.quote(str(path))} -d {shlex.quote(str(path.parent))}`"


def archive_within(archive: zipfile.ZipFile) -> str:
    """Return the first member that is an archive itself, and how to unpack it; "" without one."""
    path = Path(archive.filename)
    for name in archive.namelist():
        if name.lower().endswith((".zip", ".rar", ".7z", ".tar", ".tar.gz", ".tgz")):
            return f"an archive of {shown(name)} (unpack it with {_unzip(path)})"
    return ""


def why_outside(member: zipfile.ZipInfo) -> str:
    """Return why the member would be written outside of the folder; "" if it would not."""
    # zipfile cuts a name at a NUL character; the archive's own name still has it.
    return why_unsafe(member.orig_filename) or why_unsafe(member.filename)


def why_unreadable(path: Path, member: zipfile.ZipInfo, limit: int) -> str:
    """Return why the member is not to be read; "" if it is.

    path: the archive, for the command of a tool that reads what Python does not. limit: bytes that
    the member has at most.
    """
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "a link" if stat.S_ISLNK(mode) else "no regular file"
    if member.flag_bits & _ENCRYPTED:
        return f"needs a password; unpack it by hand with {_seven_zip(path)}"
    method = member.compress_type
    if method in _KNOWN:
        return why_too_large(member.file_size, limit)
    tool = _unzip(path) if method == _DEFLATE64 else _seven_zip(path)
    named = _METHODS.get(method, f"method {method}")
    return f"packed by {named}, which Python does not support; unpack it by hand with {tool}"


def why_too_large(size: int, limit: int) -> str:
    """Return why a file of `size` bytes is not to be read; "" if it is."""
    return f"larger than {limit / 1e6:,.0f} MB" if size > limit else ""


def read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes | None:
    """Return the member's bytes, None if they are damaged: its checksum is compared.

    Errors of the file system pass as OSError. Several threads may read from one archive.
    """
    try:
        return archive.read(_placed(archive, member))
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError):
        return None
    except OSError as error:
        if error.errno in (None, errno.EINVAL):  # of a decompressor, or a wrong offset
            return None
        error.filename = error.filename or archive.filename
        raise


def _placed(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """Return the member with the offset at which it lies.

    macOS counts offsets modulo 2**32, and zipfile takes what is missing for something that stands
    before the archive.
    """
    file, name = archive.fp.fileno(), member.orig_filename.encode("utf-8", "replace")
    size = os.fstat(file).st_size
    if size <= _WRAP:
        return member
    for offset in (member.header_offset, *range(member.header_offset % _WRAP, size, _WRAP)):
        header = os.pread(file, _LOCAL.size + len(name), offset)
        if header.startswith(b"PK\3\4") and header[_LOCAL.size :] == name:
            # A new one: a copy would keep, in newer versions of Python, where the wrong one ends.
            found = zipfile.ZipInfo(member.orig_filename)
            for fact in ("compress_type", "flag_bits", "CRC", "compress_size", "file_size"):
                setattr(found, fact, getattr(member, fact))
            found.header_offset = offset
            return found
    return member
