"""The state dict and the two passes of the public network, with ours behind them."""

from torch import nn

from modc.networks.build import build, find
from modc.networks.public_checkpoints import _public_name


def get_model(name, pretrained):
    assert not pretrained, "would download"


class ASEN(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        get_model("resnet50", pretrained=True)
        self.held = build("ASEN++", find("ASEN++").published, cfg.DATA.NUM_ATTRIBUTES)

    def forward(self, x, a, level="global"):
        if level == "global":
            return self.held.global_head(self.held.features(x), a)
        return self.held.local_head(x, a), None

    def state_dict(self):
        return {
            _public_name(key, self.held): value for key, value in self.held.state_dict().items()
        }
