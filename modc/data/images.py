"""Images by their path below a dataset's folder: files and rows of idx files."""

import gzip
import os
import struct
import zlib
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np
from PIL import Image

from modc.data import image_file
from modc.data.image_file import SUFFIXES, Unusable
from modc.errors import UserError

_IDX_IMAGES = 0x00000803  # unsigned bytes, three dimensions


class ImageFolder:
    """The images of one dataset's folder.

    A path is relative to the folder, with forward slashes: a file (`pic/51586095/3660_47_1.jpg`) or
    an image of an idx file (`train-images-idx3-ubyte.gz/00017`). Several threads may read at once.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self._arrays: dict[Path, np.ndarray] = {}
        self._lock = Lock()

    @cached_property
    def paths(self) -> list[str]:
        """All images in files below the folder, in a fixed order."""
        found = []
        for root, folders, files in os.walk(self.folder):
            folders.sort()
            below = Path(root).relative_to(self.folder).as_posix()
            prefix = "" if below == "." else below + "/"
            found += [prefix + name for name in sorted(files) if name.lower().endswith(SUFFIXES)]
        return found

    def size(self, path: str) -> tuple[int, int]:
        """Return the image's width and height as shown; only a PNG or TIFF is decoded for it.

        Raises UserError as `open`.
        """
        if _container(path):
            return self._of_container(path).size
        try:
            return image_file.shown_size(image_file.open_image(self._read(path)))
        except Unusable as why:
            raise UserError(_unusable(self._name(path), why)) from None

    def open(self, path: str, upright: bool = True) -> Image.Image:
        """Return the decoded image, RGB, turned as its EXIF data say if it shall be upright.

        Raises UserError naming the file if it is missing, no image, truncated, or too large.
        """
        if _container(path):
            return self._of_container(path).convert("RGB")
        try:
            return image_file.rgb(self._read(path), upright=upright)
        except Unusable as why:
            raise UserError(_unusable(self._name(path), why)) from None

    def _read(self, path: str) -> bytes:
        try:
            return (self.folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise UserError(_absent(self._name(path))) from None
        except OSError as error:
            raise UserError(f"{self._name(path)}: {error.strerror}; expected an image") from None

    def _of_container(self, path: str) -> Image.Image:
        try:
            image = Image.fromarray(self._row(_container(path), path))
        except KeyError:
            raise UserError(_absent(self._name(path))) from None
        return image

    def _name(self, path: str) -> str:
        return str(self.folder / path)

    def _row(self, container: str, path: str) -> np.ndarray:
        with self._lock:
            file = self.folder / container
            if file not in self._arrays:
                self._arrays[file] = read_idx_images(file)
            rows = self._arrays[file]
        number = path.removeprefix(container + "/")
        if not number.isdigit() or int(number) >= len(rows):
            raise KeyError(path)
        return rows[int(number)]


def read_idx_images(path: Path) -> np.ndarray:
    """Return the uint8 images (N, height, width) of an idx3 file, compressed by gzip or not."""
    return read_idx(path, _IDX_IMAGES, dimensions=3)


def read_idx(path: Path, magic: int, dimensions: int) -> np.ndarray:
    """Return the uint8 array of an idx file of the given magic number.

    Raises UserError if the file is absent, no idx file of this kind, or truncated.
    """
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise UserError(f"{path}: damaged gzip file; fetch it again") from None
    header = 4 + 4 * dimensions
    if len(data) < header or struct.unpack(">I", data[:4])[0] != magic:
        raise UserError(f"{path}: not an idx file of {dimensions} dimensions; fetch it again")
    shape = struct.unpack(f">{dimensions}I", data[4:header])
    if len(data) - header != int(np.prod(shape)):
        raise UserError(
            f"{path}: holds {len(data) - header} bytes, expected {int(np.prod(shape))} for "
            f"{shape}; fetch it again"
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _container(path: str) -> str | None:
    """Return the idx file that holds the image, None if it is a file of its own."""
    container = path.rpartition("/")[0]
    return container if container.lower().endswith(("-ubyte", "-ubyte.gz")) else None


def _absent(name: str) -> str:
    return f"{name}: no such image"


def _unusable(name: str, why: Unusable) -> str:
    return f"{name}: {why.state} ({why.detail}); expected an image; replace it or delete it"
