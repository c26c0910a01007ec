"""The convolutional backbone: a torchvision ResNet up to and including layer3, stride 16."""

from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import get_model, get_model_weights
from torchvision.models.resnet import BasicBlock, ResNet

from modc.errors import UserError
from modc.home import in_home
from modc.networks.batch_norm import BatchNorm2d
from modc.networks.safe_load import read, state_dict

PARTS = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3")
NAMES = (
    "resnet10",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "wide_resnet50_2",
    "wide_resnet101_2",
)


class Backbone(nn.Sequential):
    """Images (B, 3, S, S), normalized, to a feature map (B, channels, S/16, S/16)."""

    def __init__(self, resnet: ResNet):
        super().__init__(OrderedDict((part, getattr(resnet, part)) for part in PARTS))
        last = self.layer3[-1]
        self.channels = (last.conv2 if isinstance(last, BasicBlock) else last.conv3).out_channels

    def forward(self, images: Tensor) -> Tensor:
        """Return the feature map."""
        return super().forward(images)


def build(name: str, weights: str) -> Backbone:
    """Return the backbone `name` with the given start.

    name: a torchvision ResNet, or resnet10, torchvision's basic blocks one a layer, for smoke runs.
    weights: "imagenet" (torchvision's IMAGENET1K_V1, downloaded once), "none" (drawn from torch's
    generator), or the path of a state dict of that ResNet. Raises UserError for an unknown name, a
    download that fails, and a file that does not fit.
    """
    if name not in NAMES:
        raise UserError(f"backbone {name!r} is unknown; allowed: {', '.join(NAMES)}")
    resnet = (
        ResNet(BasicBlock, [1, 1, 1, 1], norm_layer=BatchNorm2d)
        if name == "resnet10"
        else get_model(name, weights=None, norm_layer=BatchNorm2d)
    )
    backbone = Backbone(resnet)
    if weights == "imagenet":
        _fill(backbone, _imagenet(name), f"torchvision's weights of {name}")
    elif weights != "none":
        _fill(backbone, state_dict(read(Path(weights)), Path(weights)), weights)
    return backbone


def _imagenet(name: str) -> dict[str, Tensor]:
    if name == "resnet10":
        raise UserError("networks.weights.resnet10: no ImageNet weights exist for it; set none")
    # Every torchvision ResNet but one has a first version of its weights.
    url = get_model_weights(name).IMAGENET1K_V1.url
    file = weights_file(name)
    if not file.exists():
        # As torch.hub does: the name ends in the beginning of the file's SHA-256.
        beginning = file.stem.rpartition("-")[2]
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(file), beginning, progress=False)
        except (OSError, RuntimeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UserError(
                f"networks.weights.{name}: cannot download {url} ({reason}); put that file into "
                f"{file.parent}, or give its path, or set none"
            ) from None
    try:
        return state_dict(read(file), file)
    except UserError as error:
        raise UserError(f"{error}; or delete it to download it again") from None


def weights_file(name: str) -> Path:
    """Return where torchvision's ImageNet weights of a backbone lie, or will lie."""
    url = get_model_weights(name).IMAGENET1K_V1.url
    return in_home(torch.hub.get_dir(), "TORCH_HOME") / "checkpoints" / url.rpartition("/")[2]


def _fill(backbone: Backbone, state: dict[str, Tensor], source: str) -> None:
    """Load the parts that the backbone keeps; layer4 and the classifier are left out."""
    kept = {key: value for key, value in state.items() if key.split(".")[0] in PARTS}
    wanted = backbone.state_dict()
    for key, tensor in wanted.items():
        if key not in kept:
            if key.endswith("num_batches_tracked"):  # absent from older files
                kept[key] = tensor
                continue
            raise UserError(f"{source}: the key {key} is missing; is it another ResNet?")
        if kept[key].shape != tensor.shape:
            raise UserError(
                f"{source}: {key} has shape {tuple(kept[key].shape)}, expected "
                f"{tuple(tensor.shape)}; is it another ResNet?"
            )
    backbone.load_state_dict({key: kept[key] for key in wanted})
