"""An image in several forms: decoded once, twice as fast as by Pillow (benchmarks/decode.py)."""

from collections.abc import Sequence
from pathlib import Path
from threading import local

import numpy as np
import simplejpeg
import torch
from torch.nn.functional import interpolate

from modc.data.image_file import (
    PIXEL_LIMIT,
    Unusable,
    is_photograph,
    open_image,
    orientation,
)
from modc.data.images import ImageFolder
from modc.data.square import Form, center_corner, formed, resized_sides

# Without these bytes a JPEG says nothing of how it is to be turned.
TURNING = (b"Exif\0\0", b"tiff:Orientation")
_thread = local()


def squares(images: ImageFolder, path: str, forms: Sequence[Form]) -> list[np.ndarray]:
    """Return an image as uint8 (size, size, 3) in each of `forms`.

    A JPEG in color takes the fast way. A photograph's square is then within two gray levels, 0.01
    on average, of `modc.data.square.formed`; every other image's is equal to it. Raises UserError
    as `ImageFolder.open`.
    """
    pixels = _plain_jpeg(images.folder / path)
    if pixels is not None:
        return [_formed(pixels, form) for form in forms]
    opened = {upright: images.open(path, upright) for upright in {form.upright for form in forms}}
    return [formed(opened[form.upright], form) for form in forms]


def _plain_jpeg(path: Path) -> np.ndarray | None:
    """Return uint8 (height, width, 3) of a JPEG file in color that need not be turned.

    None for any other image, and for what is missing, damaged, odd or too large: Pillow tells
    them apart. The array is overwritten by the thread's next call.
    """
    try:
        data = path.read_bytes()
        height, width, colors, _ = simplejpeg.decode_jpeg_header(data)
        if colors != "YCbCr" or height * width > PIXEL_LIMIT or _turned(data):
            return None
        if not is_photograph(width, height):
            return None
        # Fresh memory for each image takes a twentieth of the time.
        buffer = getattr(_thread, "buffer", None)
        if buffer is None or buffer.size < height * width * 3:
            buffer = _thread.buffer = np.empty(height * width * 3, np.uint8)
        return simplejpeg.decode_jpeg(data, buffer=buffer)
    # Damaged data may make the decoder raise anything; one image must not stop the others.
    except Exception:
        return None


def _turned(data: bytes) -> bool:
    """Whether a JPEG is to be turned or mirrored, or may be."""
    if not any(mark in data for mark in TURNING):
        return False
    try:
        return orientation(open_image(data)) != 1
    except Unusable:
        return True


def _formed(pixels: np.ndarray, form: Form) -> np.ndarray:
    """Return uint8 (height, width, 3) in its form, resized by torch."""
    size, left, top = form.size, 0, 0
    width = height = size
    if not form.whole:
        width, height = resized_sides(pixels.shape[1], pixels.shape[0], size)
        left, top = center_corner(width, height, size)
    # (1, 3, height, width), channels last in memory, for which torch has a uint8 kernel.
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    resized = interpolate(image, (height, width), mode="bilinear", antialias=True)
    return resized[0].permute(1, 2, 0).numpy()[top : top + size, left : left + size]
