"""How an image becomes a square array, as every network sees it."""

import re
from dataclasses import dataclass

import numpy as np
from PIL import Image

from modc.errors import UserError


@dataclass(frozen=True, order=True)
class Form:
    """How an image becomes one row of a packed array, uint8 (size, size, 3).

    whole: the whole image, squeezed, instead of its center square (A20). upright: turned as its
    EXIF data say (A21).
    """

    size: int
    whole: bool = False
    upright: bool = True

    @property
    def name(self) -> str:
        """Its file's name, e.g. 224 or 224-whole-unturned."""
        return f"{self.size}{'-whole' * self.whole}{'-unturned' * (not self.upright)}"

    @classmethod
    def named(cls, name: str) -> "Form":
        """Return the form of this name. Raises UserError if there is none."""
        found = re.fullmatch(r"(\d{2,5})(-whole)?(-unturned)?", name)
        if found is None or int(found[1]) < SMALLEST:
            raise UserError(
                f"{name}: expected a size of at least {SMALLEST}, e.g. 224 or 224-whole"
            )
        return cls(int(found[1]), whole=bool(found[2]), upright=not found[3])


SMALLEST = 16


def formed(image: Image.Image, form: Form) -> np.ndarray:
    """Return uint8 (size, size, 3) of an opened image, turned already if it is to be."""
    if form.whole:
        return np.asarray(image.resize((form.size, form.size), Image.Resampling.BILINEAR))
    return short_side_square(image, form.size)


def short_side_square(image: Image.Image, size: int) -> np.ndarray:
    """Return uint8 (size, size, 3): the short side resized to `size`, then the center square.

    Bilinear with antialiasing, by PIL; equal to torchvision's Resize(size) and CenterCrop(size),
    with which the public code prepares its images.
    """
    width, height = resized_sides(image.width, image.height, size)
    left, top = center_corner(width, height, size)
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized.crop((left, top, left + size, top + size)))


def resized_sides(width: int, height: int, size: int) -> tuple[int, int]:
    """Return an image's width and height once its short side is `size` pixels."""
    short = min(width, height)
    return int(size * width / short), int(size * height / short)


def center_corner(width: int, height: int, size: int) -> tuple[int, int]:
    """Return left and top of the center square."""
    return round((width - size) / 2), round((height - size) / 2)
