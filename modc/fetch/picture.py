"""From a downloaded body to the image that is kept: checked, upright, RGB, small enough."""

import io
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from PIL import Image

from modc.data.image_file import (
    decoding,
    exif,
    is_jpeg,
    open_image,
    orientation,
    shown_size,
    small_gray,
    to_rgb,
    turned,
)

# An image of more pixels than this takes much memory while it is decoded.
LARGE = 4_000_000
# Two neighbors differ if by more levels than this, so that noise in a plain area counts as none.
_TOLERANCE = 2


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as it is kept.

    data: the JPEG file. look: 32 hexadecimal digits that images of the same look share, whatever
    their size and compression. width and height in pixels.
    """

    data: bytes
    sha256: str
    look: str
    width: int
    height: int


def prepare(
    body: bytes,
    short_side: int | None,
    quality: int,
    most_pixels: int,
    large: Callable[[], AbstractContextManager] = nullcontext,
) -> Picture:
    """Return the image in `body`, ready to be kept.

    An image whose short side is above `short_side` pixels is shrunk to it; None keeps the size.
    What is a JPEG file in RGB and small enough is kept as it came; all else becomes one of
    `quality`, its pixels as they lay, with an EXIF entry that says how to turn them (A21). Every
    pixel's data are read, so that a body which breaks off is found out. large: what is entered
    while an image that takes much memory is decoded. Raises Unusable for all that is no whole
    image of a photograph's shape, or one of more than `most_pixels`.
    """
    image = open_image(body, most_pixels)
    with large() if image.width * image.height > LARGE else nullcontext(), decoding(body):
        gray = small_gray(body) if is_jpeg(image) else None
        return _prepare(body, image, gray, short_side, quality)


def _prepare(
    body: bytes, image: Image.Image, gray: np.ndarray | None, short_side: int | None, quality: int
) -> Picture:
    how = orientation(image)
    scale = min(1.0, short_side / min(image.size)) if short_side else 1.0
    if is_jpeg(image) and image.mode == "RGB" and scale == 1.0:
        width, height = shown_size(image)
        seen = turned(image if gray is None else Image.fromarray(gray), how)
        return Picture(body, sha256(body).hexdigest(), look(seen), width, height)
    size = tuple(max(1, round(side * scale)) for side in image.size)
    # An odd file is read in full: smaller, it may pass where it would not be opened later.
    if scale < 1.0 and gray is not None:
        image.draft("RGB", size)
    kept = to_rgb(_reduced(image, size))
    if scale < 1.0:
        kept = kept.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    file = io.BytesIO()
    kept.save(file, "JPEG", quality=quality, exif=exif(how))
    data, upright = file.getvalue(), turned(kept, how)
    return Picture(data, sha256(data).hexdigest(), look(upright), *upright.size)


def _reduced(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the image reduced by a whole number to no less than three times `size`.

    All that follows makes copies, which a large image of many channels has no room for.
    """
    factor = min(image.size) // (3 * min(size))
    if factor < 2 or image.mode not in ("RGB", "RGBA", "L", "LA", "CMYK"):
        return image
    if "transparency" in image.info:  # one color, which would mix with its neighbors
        return image
    return image.reduce(factor)


def look(image: Image.Image) -> str:
    """Return 32 hexadecimal digits: where brightness falls to the right and downwards, of 9 x 9.

    A difference hash, of 64 bits each way.
    """
    small = image.convert("L").resize((9, 9), Image.Resampling.BOX)
    levels = np.asarray(small, np.int16)
    across = levels[:8, :8] > levels[:8, 1:] + _TOLERANCE
    down = levels[:8, :8] > levels[1:, :8] + _TOLERANCE
    return np.packbits(np.stack([across, down])).tobytes().hex()
