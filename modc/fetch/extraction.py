"""One image at a time from its copies to its place, with what the manifest says of it."""

import os
import threading
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from modc.atomic import HOST
from modc.data.image_file import Unusable, open_image, shown_size
from modc.data.states import MISSING, NOT_AN_IMAGE, OK
from modc.progress_bar import progress_bar

DAMAGED = "damaged"
# Beside the images, so that a rename puts one in place; its files are no images by their names.
PARTIAL = ".partial"
# The disk waits, not the processor.
THREADS = 8


class Copy(NamedTuple):
    """One copy of an image: an archive's member, or a file where the archive was unpacked.

    checksum: CRC-32, None where none is known. unreadable: why it must not be read, "" if it may.
    """

    source: Path
    bytes: int
    checksum: int | None
    unreadable: str
    read: partial  # () -> its bytes, None where they are damaged


class ManifestRow(NamedTuple):
    """A row of the manifest (its six columns), and why the image is not there."""

    path: str
    status: str
    bytes: int | None = None
    sha256: str = ""
    width: int | None = None
    height: int | None = None
    reason: str = ""


def extract(
    folder: Path, pictures: Iterable[tuple[str, list[Copy]]], total: int
) -> list[ManifestRow]:
    """Put each image (path below `folder`, its copies) in place; return what there is then.

    An image that lies there with the size and checksum of a copy is left alone, and so is one
    without a copy. The others are written whole or not at all, and only if they are images. A
    full disk ends in an OSError that names the image; what was put in place stays.
    """
    _remove_leftovers(folder / PARTIAL)
    pool = ThreadPoolExecutor(THREADS)
    try:
        rows = pool.map(lambda picture: _put(folder, *picture), pictures)
        return list(progress_bar(rows, "images", total))
    finally:
        pool.shutdown(cancel_futures=True)
        _remove_leftovers(folder / PARTIAL)


def can_be_had(copies: Iterable[Copy]) -> bool:
    """Return whether one of the copies is an image."""
    return any(_read(copy)[0] == OK for copy in copies)


def _put(folder: Path, path: str, copies: list[Copy]) -> ManifestRow:
    there = _what_lies_there(folder, path, [copy for copy in copies if not copy.unreadable])
    if there is not None:
        return there
    status, reason = MISSING, ""
    for copy in copies:
        status, reason, data, size = _read(copy)
        if status == OK:
            _write(folder, path, data)
            return ManifestRow(path, OK, len(data), sha256(data).hexdigest(), *size)
    return ManifestRow(path, status, reason=reason)


def _read(copy: Copy) -> tuple[str, str, bytes, tuple[int, int]]:
    """Return the copy's status, why it is no image, its bytes, its width and height."""
    data = None if copy.unreadable else copy.read()
    if data is None:
        reason = copy.unreadable or "damaged: checksum mismatch"
        return DAMAGED, f"{copy.source}: {reason}", b"", (0, 0)
    try:
        return OK, "", data, shown_size(open_image(data))
    except Unusable as why:
        return NOT_AN_IMAGE, f"{copy.source}: {why.detail}", b"", (0, 0)


def _what_lies_there(folder: Path, path: str, copies: list[Copy]) -> ManifestRow | None:
    """Return what there is in place; None if there is nothing, or no copy is like it."""
    try:
        data = (folder / path).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if copies and not any(_is_copy(data, copy) for copy in copies):
        return None
    try:
        size = shown_size(open_image(data))
    except Unusable as why:
        return None if copies else ManifestRow(path, NOT_AN_IMAGE, reason=why.detail)
    return ManifestRow(path, OK, len(data), sha256(data).hexdigest(), *size)


def _is_copy(data: bytes, copy: Copy) -> bool:
    return len(data) == copy.bytes and copy.checksum in (None, zlib.crc32(data))


def _write(folder: Path, path: str, data: bytes) -> None:
    """Write the image beside its place, then rename. Not as modc.atomic does, which asks the
    disk to be done and looks for leftovers each time: hours for 180,335 images."""
    temporary = folder / PARTIAL / f"{HOST}.{os.getpid()}.{threading.get_ident()}"
    try:
        for place in (temporary, folder / path):
            place.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(folder / path)
    except OSError as error:
        error.filename = str(folder / path)
        raise


def _remove_leftovers(folder: Path) -> None:
    """Remove what this process, or one on this machine that is gone, left half-written."""
    for leftover in folder.glob(f"{HOST}.*.*"):
        number = leftover.name.split(".")[-2]
        gone = not Path("/proc", number).exists() and Path("/proc").is_dir()
        if number == str(os.getpid()) or gone:
            leftover.unlink(missing_ok=True)
    with suppress(OSError):  # absent, or another process writes there
        folder.rmdir()
