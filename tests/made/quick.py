"""What makes trainings quicker: a narrower backbone, no image of a curve, no wait for the disk."""

from pathlib import Path

import pandas as pd
from torch import nn

WIDTH = 16


class Narrow(nn.Module):
    """The parts of torchvision's ResNet that a backbone keeps, with one block; called as it is.

    A quarter as wide, it is quicker to train and to write.
    """

    def __init__(self, block: type, layers: list[int], norm_layer: type):
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTH, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = norm_layer(WIDTH)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = nn.Identity()
        self.layer2 = nn.AvgPool2d(kernel_size=2)
        width = 4 * WIDTH
        smaller = nn.Sequential(
            nn.Conv2d(WIDTH, width, kernel_size=1, stride=2, bias=False), norm_layer(width)
        )
        self.layer3 = nn.Sequential(block(WIDTH, width, 2, smaller, norm_layer=norm_layer))


def write_curve(csv: Path, image: Path, curve: list[dict], title: str) -> None:
    """Write what training writes, but draw nothing."""
    csv.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(curve).to_csv(csv, index=False)
    image.write_bytes(title.encode())


# What is replaced, by module and name.
PATCHES = {
    ("modc.networks.backbone", "ResNet"): Narrow,
    ("modc.training.train", "write_curve"): write_curve,
    ("os", "fsync"): lambda file: None,
}
