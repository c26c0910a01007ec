"""ASEN++'s region of interest: the square around what the global branch attends to.

The steps and their rounding are those of the public ASEN++ code, whose view has 224 pixels.
"""

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from modc.networks.network import CloserLook
from modc.networks.normalize import normalize

# Pixels above this share of the brightest one belong to the region (public code).
THRESHOLD = 0.1
# The local view has half the side of the global one: 112 of 224 (public code).
LOCAL_SHARE = 2


@torch.no_grad()
def region_of_interest(attention: Tensor, size: int) -> Tensor:
    """Return int64 (B, 3): left, top and side of the region in a view of size x size pixels.

    attention: (B, h, w). It is upsampled bilinearly, scaled to 0..255 and truncated; the bounding
    box of what exceeds a tenth of 255 is made a square that is moved into the view; a square of an
    odd side may still reach one pixel beyond. A constant attention, which has no such box, gives
    the whole view.
    """
    upsampled = functional.interpolate(
        attention[:, None].float(), size=(size, size), mode="bilinear", align_corners=False
    )[:, 0]  # (B, size, size)
    low = upsampled.amin(dim=(1, 2), keepdim=True)
    high = upsampled.amax(dim=(1, 2), keepdim=True)
    levels = ((upsampled - low) / (high - low).clamp_min(torch.finfo(torch.float32).tiny) * 255).to(
        torch.uint8
    )
    inside = levels > 255 * THRESHOLD
    inside |= high == low  # (B, size, size)
    left, width = _extent(inside.any(dim=1))
    top, height = _extent(inside.any(dim=2))
    side = torch.maximum(width, height)
    return torch.stack(
        [_start(left + width // 2, side, size), _start(top + height // 2, side, size), side], dim=1
    )


def look_at_details(details: Tensor, size: int) -> CloserLook:
    """Return what cuts regions from packed squares, of a view of size x size pixels.

    details: uint8 (B, 3, D, D).
    """

    def look(attention: Tensor) -> Tensor:
        return normalize(crop_detail(details, region_of_interest(attention, size), size))

    return look


def look_at_originals(originals: list[np.ndarray], size: int) -> CloserLook:
    """Return what cuts regions from whole images, uint8 (H, W, 3), as the public code does."""

    def look(attention: Tensor) -> Tensor:
        regions = region_of_interest(attention, size).tolist()
        crops = [
            crop_original(image, region, size)
            for image, region in zip(originals, regions, strict=True)
        ]
        return normalize(torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2))

    return look


def crop_original(image: np.ndarray, region: tuple[int, int, int], size: int) -> np.ndarray:
    """Return the region of an original image as uint8 (size/2, size/2, 3).

    image: uint8 (H, W, 3); region: left, top, side in the size x size view, which shows the center
    square of the image. Cropped and resized by PIL, as the public code does; what lies beyond the
    image is black.
    """
    height, width = image.shape[:2]
    short = min(height, width)
    left, top, side = (int(length / size * short) for length in region)
    left += (width - short) // 2
    top += (height - short) // 2
    crop = Image.fromarray(image).crop((left, top, left + side, top + side))
    output = size // LOCAL_SHARE
    return np.asarray(crop.resize((output, output), Image.Resampling.BILINEAR))


def crop_detail(details: Tensor, regions: Tensor, size: int) -> Tensor:
    """Return the regions of packed squares as float32 (B, 3, size/2, size/2), 0 to 255.

    details: uint8 (B, 3, D, D), the center squares; regions: (B, 3) from `region_of_interest`. What
    lies beyond the square is left out. Resized as by antialiased bilinear interpolation, all images
    at once and without asking a GPU for their regions: two products with a weight for each pair of
    an output row or column and a row or column of the square.
    """
    output = size // LOCAL_SHARE
    scale = details.shape[2] / size
    left, top, side = (regions.double() * scale).long().unbind(dim=1)
    across = _resizing(left, side, details.shape[3], output)[:, None]
    down = _resizing(top, side, details.shape[2], output)[:, None]
    with torch.autocast(details.device.type, enabled=False):
        return down @ details.float() @ across.transpose(2, 3)


def _resizing(start: Tensor, side: Tensor, length: int, output: int) -> Tensor:
    """Return the weights (B, output, length) of start..start + side, cut at `length`, resized."""
    place = torch.arange(length, device=start.device)
    end = (start + side).clamp_max(length)
    scale = ((end - start) / output)[:, None, None]
    center = scale * (torch.arange(output, device=start.device)[:, None] + 0.5)
    offset = place - start[:, None, None] + 0.5 - center
    weight = (1 - (offset / scale.clamp_min(1)).abs()).clamp_min(0)
    inside = (place >= start[:, None]) & (place < end[:, None])
    weight = weight * inside[:, None]
    return weight / weight.sum(dim=2, keepdim=True)


def _extent(occupied: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first place and the length of the span that `occupied` (B, size) covers."""
    first = occupied.to(torch.uint8).argmax(dim=1)
    last = occupied.shape[1] - 1 - occupied.flip(1).to(torch.uint8).argmax(dim=1)
    return first, last - first + 1


def _start(center: Tensor, side: Tensor, size: int) -> Tensor:
    """Return where a square of `side` around `center` starts when kept inside 0..size."""
    start = (center - side // 2).clamp_min(0)
    return torch.where(center + side // 2 > size, size - side, start)
