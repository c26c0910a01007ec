"""Pictures by their path below a dataset's folder: files and rows of idx files."""

import gzip
import os
import struct
import warnings
import zlib
from functools import cached_property
from io import BytesIO
from pathlib import Path
from threading import Lock

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from modc.errors import UserError

# A picture of more pixels is refused before it is decoded: such a file is an attack or a mistake.
PIXEL_LIMIT = 100_000_000
SUFFIXES = (".jpg", ".jpeg", ".png")
# A photograph's long side is not many times its short one. A strip of one pixel by 65,000 would be
# enlarged to many gigabytes.
MOST_ASPECT = 20
LEAST_SIDE = 16
_IDX_IMAGES = 0x00000803  # unsigned bytes, three dimensions


class ImageFolder:
    """The pictures of one dataset's folder.

    A path is relative to the folder, with forward slashes: a file (`pic/51586095/3660_47_1.jpg`) or
    a picture of an idx file (`train-images-idx3-ubyte.gz/00017`). Several threads may read at once.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self._arrays: dict[Path, np.ndarray] = {}
        self._lock = Lock()

    @cached_property
    def paths(self) -> list[str]:
        """All pictures in files below the folder, in a fixed order."""
        found = []
        for root, folders, files in os.walk(self.folder):
            folders.sort()
            below = Path(root).relative_to(self.folder).as_posix()
            prefix = "" if below == "." else below + "/"
            found += [prefix + name for name in sorted(files) if name.lower().endswith(SUFFIXES)]
        return found

    def size(self, path: str) -> tuple[int, int]:
        """Return the picture's width and height as shown, read from its header alone."""
        with self._picture(path) as picture:
            return _size_as_shown(picture)

    def open(self, path: str) -> Image.Image:
        """Return the decoded picture, RGB, turned as its EXIF orientation says.

        Raises UserError naming the file if it is missing, no picture, truncated, or too large.
        """
        with self._picture(path) as picture:
            try:
                return ImageOps.exif_transpose(picture).convert("RGB")
            except (OSError, SyntaxError, ValueError, struct.error, zlib.error):
                raise UserError(_damaged(self._name(path))) from None

    def _picture(self, path: str) -> Image.Image:
        """Return the picture with its header read and its pixels not yet."""
        container = _container(path)
        if container is None:
            return _opened(self.folder / path, self._name(path))
        try:
            return Image.fromarray(self._row(container, path))
        except KeyError:
            raise UserError(_absent(self._name(path))) from None

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


def size_of(data: bytes, name: str) -> tuple[int, int]:
    """Return the width and height of a picture's bytes likewise; `name` names it in a UserError."""
    with _opened(BytesIO(data), name) as picture:
        return _size_as_shown(picture)


def is_photograph(width: int, height: int) -> bool:
    """Whether a picture of this size, in pixels, can be one of a garment."""
    short, long = sorted((width, height))
    return short >= LEAST_SIDE and long <= MOST_ASPECT * short


def read_idx_images(path: Path) -> np.ndarray:
    """Return the uint8 pictures (N, height, width) of an idx3 file, compressed by gzip or not."""
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


def _opened(source: Path | BytesIO, name: str) -> Image.Image:
    """Return the picture with its header read and its pixels not yet."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(source)
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(_absent(name)) from None
    except IsADirectoryError:
        raise UserError(f"{name}: a folder; expected a picture") from None
    except (UnidentifiedImageError, SyntaxError, zlib.error):
        raise UserError(f"{name}: not a picture; expected JPEG or PNG; fetch it again") from None
    except Image.DecompressionBombError:
        raise UserError(_too_large(name)) from None
    except OSError as error:
        if error.errno is not None:  # of the file system, not of the picture
            raise
        raise UserError(_damaged(name)) from None
    if picture.width * picture.height > PIXEL_LIMIT:
        picture.close()
        raise UserError(_too_large(name))
    if not is_photograph(*picture.size):
        picture.close()
        raise UserError(
            f"{name}: {picture.width} x {picture.height} pixels; expected a photograph; delete it"
        )
    return picture


def _size_as_shown(picture: Image.Image) -> tuple[int, int]:
    width, height = picture.size
    turned = picture.getexif().get(0x0112, 1) >= 5  # EXIF orientations that swap the sides
    return (height, width) if turned else (width, height)


def _container(path: str) -> str | None:
    """Return the idx file that holds the picture, None if it is a file of its own."""
    container = path.rpartition("/")[0]
    return container if container.lower().endswith(("-ubyte", "-ubyte.gz")) else None


def _absent(name: str) -> str:
    return f"{name}: no such picture; expected it there"


def _damaged(name: str) -> str:
    return f"{name}: truncated or damaged picture; fetch it again or delete it"


def _too_large(name: str) -> str:
    return f"{name}: more than {PIXEL_LIMIT:,} pixels; expected a photograph; delete it"
