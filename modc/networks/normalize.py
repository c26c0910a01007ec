"""Pixels as the ImageNet backbones expect them."""

from functools import cache

import torch
from torch import Tensor

# Channel means and deviations of ImageNet, RGB, for pixels in [0, 1] (torchvision's weights).
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


def normalize(pixels: Tensor) -> Tensor:
    """Return images (B, 3, H, W) with ImageNet's mean and deviation taken out.

    pixels: uint8 or float (B, 3, H, W), RGB, 0 to 255. The result is float32, of float64 float64.
    """
    mean, deviation = _statistics(pixels.device)
    pixels = pixels.to(torch.promote_types(pixels.dtype, torch.float32))
    return (pixels / 255 - mean) / deviation


@cache
def _statistics(device: torch.device) -> tuple[Tensor, Tensor]:
    # Sent once: each copy to a GPU would wait for all that it has to do.
    return tuple(torch.tensor(values, device=device)[:, None, None] for values in (MEAN, DEVIATION))
