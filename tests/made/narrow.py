"""A ResNet of basic blocks, one a layer, a quarter as wide: quicker to train, and to write."""

from torch import nn

WIDTH = 16


class Narrow(nn.Module):
    """The parts of torchvision's ResNet that a backbone keeps; called as it is."""

    def __init__(self, block: type, layers: list[int], norm_layer: type):
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTH, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = norm_layer(WIDTH)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = nn.Sequential(block(WIDTH, WIDTH, norm_layer=norm_layer))
        for number, width in ((2, WIDTH), (3, 2 * WIDTH)):
            smaller = nn.Sequential(
                nn.Conv2d(width, 2 * width, kernel_size=1, stride=2, bias=False),
                norm_layer(2 * width),
            )
            halved = block(width, 2 * width, 2, smaller, norm_layer=norm_layer)
            setattr(self, f"layer{number}", nn.Sequential(halved))
