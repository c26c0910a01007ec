"""A network from its name and the configuration's words for it."""

from torch import nn

from modc.networks import backbone
from modc.networks.asen import ASEN
from modc.networks.asen_pp import ASENpp
from modc.networks.asen_v2 import ASENv2

# The networks as published: those of the public checkpoints and of config.yaml.
PUBLISHED = {
    "ASEN": {"backbone": "resnet50"},
    "ASENv2": {"backbone": "resnet50"},
    "ASEN++": {
        "global_backbone": "resnet50",
        "local_backbone": "resnet34",
        "global_weight": 0.6,
    },
}


def build(
    network: str, architecture: dict, attributes: int, weights: dict[str, str] | None = None
) -> nn.Module:
    """Return `network` for so many attributes, on the CPU.

    architecture: networks.<network> of config.yaml; weights: the start of each backbone by its name
    (`modc.networks.backbone.build`), "none" for those not named. What has no such start is drawn
    from torch's generator.
    """
    start = weights or {}

    def made(key: str) -> backbone.Backbone:
        name = architecture[key]
        return backbone.build(name, start.get(name, "none"))

    if network == "ASEN":
        return ASEN(made("backbone"), attributes)
    if network == "ASENv2":
        return ASENv2(made("backbone"), attributes)
    return ASENpp(
        made("global_backbone"), made("local_backbone"), attributes, architecture["global_weight"]
    )
