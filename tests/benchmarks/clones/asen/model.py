"""The names and state dicts of the public repository, with our networks behind them."""

import torch
from torch import nn

from modc.networks.build import build, find
from modc.networks.public_checkpoints import _public_name

SCALE = 1


class Net(nn.Module):
    name = "ASEN"

    def __init__(self, backbonenet, embedding_size, n_attributes):
        super().__init__()
        self.held = build(self.name, find(self.name).published, n_attributes)

    def forward(self, x, c, norm=True):
        return self.held(SCALE * x, c.cpu().cuda()).embedding

    def state_dict(self, **_):
        return {
            _public_name(key, self.held): value for key, value in self.held.state_dict().items()
        }


class NetV2(Net):
    name = "ASENv2"


class Tripletnet(nn.Module):
    def __init__(self, embeddingnet):
        super().__init__()
        self.embeddingnet = embeddingnet

    def forward(self, x, y, z, c):
        x, y, z = (self.embeddingnet(images, c) for images in (x, y, z))
        return torch.sum(x * y, dim=1), torch.sum(x * z, dim=1)

    def state_dict(self):
        return {f"embeddingnet.{k}": v for k, v in self.embeddingnet.state_dict().items()}


def get_model(name):
    return {"ASENet": Net, "ASENet_V2": NetV2, "Tripletnet": Tripletnet}[name]
