"""The centre square of a picture, as every network sees it."""

import numpy as np
from PIL import Image


def short_side_square(image: Image.Image, size: int) -> np.ndarray:
    """Return uint8 (size, size, 3): the short side resized to `size`, then the centre square.

    Bilinear with antialiasing, by PIL; equal to torchvision's Resize(size) and CenterCrop(size),
    with which the public code prepares its images.
    """
    width, height = image.size
    short = min(width, height)
    resized = image.resize(
        (int(size * width / short), int(size * height / short)), Image.Resampling.BILINEAR
    )
    left = round((resized.width - size) / 2)
    top = round((resized.height - size) / 2)
    return np.asarray(resized.crop((left, top, left + size, top + size)))
