"""Decode all images of a dataset once, into an array of uint8 squares for each form."""

import logging
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import reduce
from pathlib import Path

import numpy as np

from modc import paths
from modc.data.decode import squares
from modc.data.images import ImageFolder
from modc.data.index import Index
from modc.data.packed import array_facts
from modc.data.partial_array import PartialArray
from modc.data.square import Form
from modc.errors import UserError
from modc.lock import alone
from modc.progress_bar import progress_bar
from modc.readable import size

log = logging.getLogger(__name__)

# Images that a thread takes at a time, and images after which the work so far is saved.
BLOCK = 16
SAVE_EVERY = 1024


def pack(index: Index, folder: Path, forms: Sequence[Form], output: Path, threads: int) -> None:
    """Write every image of `index` to <output>/<form>.npy, uint8 (N, size, size, 3), for each form.

    Row i is image i. A matching array is kept; the others are made together, so that each
    image is decoded once. After a kill it resumes from the last save and ends with the same
    arrays. Raises UserError when the disk has too little room, before any
    work, or naming an image that cannot be read, after all the others are packed.
    """
    with alone(output / ".packing", "packing there"), ExitStack() as opened:
        arrays = [
            PartialArray(paths.packed_array(output, form.name), array_facts(index, form))
            for form in dict.fromkeys(forms)
        ]
        arrays = [opened.enter_context(closing(array)) for array in arrays if not array.finished]
        if not arrays:
            return
        _check_space(output, arrays)
        for array in arrays:
            array.reserve()
        unread = _fill(arrays, ImageFolder(folder), index.images["path"].tolist(), threads)
        if unread:
            raise UserError(
                f"{unread[0]} ({len(unread)} of {len(index.images)} images cannot be read). "
                f"Fetch them again and run the same command, which packs only them. Or delete them "
                f"and make the index again (in the workflow: delete prepared/index); "
                f"missing_images: leave_out drops them"
            )
        for array in arrays:
            array.finish()


def _fill(
    arrays: list[PartialArray], images: ImageFolder, names: list[str], threads: int
) -> list[str]:
    """Write the rows that any array lacks; return why images could not be read."""
    forms = [Form(**array.facts["form"]) for array in arrays]
    rows = reduce(np.union1d, [array.rows for array in arrays])
    blocks = [rows[start : start + BLOCK].tolist() for start in range(0, len(rows), BLOCK)]
    unread: dict[int, str] = {}

    def write(block: list[int]) -> dict[int, str]:
        failed = {}
        for row in block:
            try:
                made = squares(images, names[row], forms)
            except UserError as error:
                failed[row] = str(error)
                continue
            for array, square in zip(arrays, made, strict=True):
                array.write(row, square)
        return failed

    def save(count: int) -> None:
        left = np.union1d(rows[count:], np.array([*unread], int))
        for array in arrays:
            array.save(left)

    pool = ThreadPoolExecutor(threads)
    done = len(names) - len(rows)
    try:
        written = progress_bar(pool.map(write, blocks), "packing", len(names), done, BLOCK)
        for number, failed in enumerate(written, 1):
            for reason in failed.values():
                log.warning("%s", reason)
            unread |= failed
            if number % (SAVE_EVERY // BLOCK) == 0:
                save(number * BLOCK)
    finally:
        pool.shutdown(cancel_futures=True)
    save(len(rows))
    return list(unread.values())


def _check_space(output: Path, arrays: list[PartialArray]) -> None:
    """Log how much room the arrays need and how much there is; raise UserError if too little."""
    needed = sum(array.bytes for array in arrays)
    taken = sum(array.taken for array in arrays)
    free = shutil.disk_usage(output).free
    sides = " and ".join(str(array.facts["form"]["size"]) for array in arrays)
    room = f"{arrays[0].facts['images']:,} images at {sides} pixels need {size(needed)}"
    if taken:
        room += f", of which {size(taken)} are taken already"
    room += f"; {size(free)} are free"
    if needed - taken > free:
        raise UserError(f"{output}: {room}; free some space or set smaller sizes")
    log.info("%s: %s", output, room)
