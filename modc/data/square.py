"""The centre square of a picture, as every network sees it."""

import numpy as np
from PIL import Image


def short_side_square(image: Image.Image, size: int) -> np.ndarray:
    """Return uint8 (size, size, 3): the short side resized to `size`, then the centre square.

    Bilinear with antialiasing, by PIL; equal to torchvision's Resize(size) and CenterCrop(size),
    with which the public code prepares its images.
    """
    width, height = resized_sides(image.width, image.height, size)
    left, top = centre_corner(width, height, size)
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized.crop((left, top, left + size, top + size)))


def resized_sides(width: int, height: int, size: int) -> tuple[int, int]:
    """Return a picture's width and height once its short side is `size` pixels."""
    short = min(width, height)
    return int(size * width / short), int(size * height / short)


def centre_corner(width: int, height: int, size: int) -> tuple[int, int]:
    """Return left and top of the centre square."""
    return round((width - size) / 2), round((height - size) / 2)
