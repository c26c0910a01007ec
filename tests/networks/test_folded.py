"""A folded network has no batch normalization and the same embeddings."""

import pytest
import torch
from torch import nn

from modc.networks.build import build
from modc.networks.folded import folded

ASEN_PP = {"global_backbone": "resnet10", "local_backbone": "resnet10", "global_weight": 0.6}


def moved(network: nn.Module) -> nn.Module:
    """Give every batch normalization statistics and weights of its own."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -1, 1)
            nn.init.uniform_(layer.running_var, 0.5, 2)
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.uniform_(layer.bias, -1, 1)
    return network


@pytest.mark.parametrize("backbone", ["resnet10", "resnet50"])
@pytest.mark.parametrize("network", ["ASEN", "ASENv2"])
def test_a_folded_network_has_the_same_embeddings(network, backbone):
    torch.manual_seed(0)
    made = moved(build(network, {"backbone": backbone}, 5)).double().eval()
    images, attribute = torch.randn(4, 3, 32, 32).double(), torch.arange(4)
    with torch.no_grad():
        expected = made(images, attribute)
        found = folded(made)(images, attribute)
    for name in ("vector", "embedding", "attention"):
        assert torch.allclose(getattr(found, name), getattr(expected, name), atol=1e-9)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in folded(made).modules())


def test_both_branches_of_asen_pp_are_folded():
    made = moved(build("ASEN++", ASEN_PP, 5)).double().eval()
    images, crops, attribute = torch.randn(2, 3, 32, 32), torch.randn(2, 3, 16, 16), torch.arange(2)
    with torch.no_grad():
        found, expected = (
            (
                net.global_head(net.features(images.double()), attribute)[0],
                net.local_head(crops.double(), attribute),
            )
            for net in (folded(made), made)
        )
    for ours, theirs in zip(found, expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-9)


def test_the_network_itself_stays_as_it_is():
    made = moved(build("ASENv2", {"backbone": "resnet10"}, 5)).train()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    folded(made)
    assert made.training
    assert all(torch.equal(value, before[name]) for name, value in made.state_dict().items())


def test_the_layout_in_memory_stays():
    made = build("ASENv2", {"backbone": "resnet10"}, 5).to(memory_format=torch.channels_last)
    weights = folded(made).backbone.layer1[0].conv1.weight
    assert weights.is_contiguous(memory_format=torch.channels_last)
