"""The baseline's augmentation and MODC's random views, for groups of images on the device."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from modc.training.groups import Images, joined, split
from modc.training.views import Draw, draw, view
from modc.training.views import joined as joined_draws


def randomly_flipped(images: Images, rng: np.random.Generator) -> Images:
    """Return the images, each mirrored with probability 1/2 (public code)."""
    chosen = torch.from_numpy(rng.random(len(images.numbers)) < 0.5)
    where = chosen.to(images.pixels.device, non_blocking=True)[:, None, None, None]

    def mirrored(pixels: Tensor | None) -> Tensor | None:
        return None if pixels is None else torch.where(where, pixels.flip(3), pixels)

    return replace(images, pixels=mirrored(images.pixels), details=mirrored(images.details))


def skip_flips(groups: int, size: int, rng: np.random.Generator) -> None:
    """Draw what `randomly_flipped` draws for so many groups of `size` images."""
    for _ in range(groups):
        rng.random(size)


def random_views(
    groups: list[Images],
    color: np.ndarray,
    rng: np.random.Generator,
    count: int,
    aspect: np.ndarray | None = None,
) -> list[list[Images]]:
    """Return the groups `count` times, each time as one random view of each image.

    color: bool (A,), the attributes whose images keep their colors (supplement); aspect: (N,),
    width over height of each of the dataset's images, where they are whole images squeezed (A20).
    All are made at once, which a GPU does faster.
    """
    again = groups * count
    draws = [
        draw(
            len(images.numbers),
            color[images.attributes],
            rng,
            None if aspect is None else aspect[images.numbers],
        )
        for images in again
    ]
    parts = split(_viewed(joined(again), joined_draws(draws)), len(groups[0].numbers))
    return [parts[start : start + len(groups)] for start in range(0, len(parts), len(groups))]


def _viewed(images: Images, drawn: Draw) -> Images:
    """Return a view of each image. ASEN++'s two squares are one view in two sizes."""
    if images.details is None:
        return replace(images, pixels=view(images.pixels, drawn))
    details = view(images.details, drawn)
    side = images.pixels.shape[2]
    small = functional.interpolate(details.float(), (side, side), mode="bilinear", antialias=True)
    pixels = small.round().clamp(0, 255).to(torch.uint8)
    return replace(images, pixels=pixels, details=details)


def skip_views(groups: int, size: int, rng: np.random.Generator) -> None:
    """Draw what one of `random_views` draws for so many groups of `size` images."""
    for _ in range(groups):
        draw(size, np.zeros(size, bool), rng)
