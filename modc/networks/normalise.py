"""Pixels as the ImageNet backbones expect them."""

import torch
from torch import Tensor

# Channel means and deviations of ImageNet, RGB, for pixels in [0, 1] (torchvision's weights).
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


def normalise(pixels: Tensor) -> Tensor:
    """Return float32 images (B, 3, H, W) with ImageNet's mean and deviation taken out.

    pixels: uint8 or float (B, 3, H, W), RGB, 0 to 255.
    """
    mean = torch.tensor(MEAN, device=pixels.device)[:, None, None]
    deviation = torch.tensor(DEVIATION, device=pixels.device)[:, None, None]
    return (pixels.float() / 255 - mean) / deviation
