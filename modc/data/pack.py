"""All images of a dataset as one memory-mapped array of uint8 squares, which all jobs share."""

import json
import logging
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from modc.atomic import atomic_path, write_json
from modc.data.images import ImageFolder
from modc.data.index import Index
from modc.data.square import short_side_square
from modc.errors import UserError

log = logging.getLogger(__name__)

HEADER_BYTES = 4096  # more than the header of a .npy file takes


def pack(index: Index, folder: Path, size: int, output: Path, threads: int) -> None:
    """Write every image of `index` as uint8 (N, size, size, 3) to `output`, a .npy file.

    Row i is image i. A JSON file beside it says of which index it is made. An array that fits
    already is kept. Raises UserError naming the picture that cannot be read, or when the disk has
    too little room; then nothing is left behind.
    """
    facts = _facts(index, size)
    if output.suffix != ".npy":
        raise UserError(f"{output}: expected a name that ends with .npy")
    if output.exists() and _read_facts(output) == facts:
        return
    shape = (len(index.images), size, size, 3)
    _check_space(output, int(np.prod(shape)) + HEADER_BYTES)
    images = ImageFolder(folder)
    paths = index.images["path"].tolist()

    with atomic_path(output) as temporary:
        array = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        _reserve(temporary)

        def fill(row: int) -> str | None:
            try:
                array[row] = short_side_square(images.open(paths[row]), size)
            except UserError as error:
                return str(error)
            return None

        pool = ThreadPoolExecutor(threads)
        try:
            done = pool.map(fill, range(len(paths)))
            done = tqdm(done, f"packing {output.name}", len(paths), mininterval=5)
            failed = [reason for reason in done if reason]
        finally:
            pool.shutdown(cancel_futures=True)
        if failed:
            for reason in failed[1:]:
                log.warning("%s", reason)
            raise UserError(
                f"{failed[0]} ({len(failed)} of {len(paths)} pictures cannot be read). Once they "
                f"are fetched or deleted, make the index again (in the workflow: delete "
                f"prepared/index); missing_images: leave_out lets it go on without them"
            )
        array.flush()
        # Facts of another array must not stand beside this one, whenever the process is killed.
        _sidecar(output).unlink(missing_ok=True)
    write_json(_sidecar(output), facts)


def open_packed(path: Path, index: Index) -> np.ndarray:
    """Return the read-only array uint8 (N, S, S, 3) of `index` that `pack` wrote to `path`.

    Raises UserError if it is absent, damaged, or made of another index.
    """
    facts = _read_facts(path)
    if facts is None or not path.exists():
        raise UserError(f"{path}: no packed images there; run `modc pack`")
    if facts["index_sha256"] != index.sha256:
        raise UserError(f"{path}: packed from another index; run `modc pack` again")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError):
        raise UserError(f"{path}: damaged array; delete it and run `modc pack` again") from None
    size = facts["size"]
    if array.shape != (len(index.images), size, size, 3) or array.dtype != np.uint8:
        raise UserError(f"{path}: an array {array.shape}; delete it and run `modc pack` again")
    return array


def _facts(index: Index, size: int) -> dict:
    return {"index_sha256": index.sha256, "images": len(index.images), "size": size}


def _sidecar(path: Path) -> Path:
    return path.with_suffix(".json")


def _read_facts(path: Path) -> dict | None:
    try:
        return json.loads(_sidecar(path).read_text())
    except (FileNotFoundError, ValueError):
        return None


def _check_space(output: Path, needed: int) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(output.parent).free
    if needed > free:
        raise UserError(
            f"{output}: needs {needed / 1e9:.1f} GB, but {output.parent} has {free / 1e9:.1f} GB "
            f"free; free some space or set a smaller size"
        )


def _reserve(path: Path) -> None:
    """Take the file's space on disk at once: a memory map on a full disk would kill the process."""
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
