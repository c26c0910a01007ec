"""One pass of several groups is as several passes."""

import pytest
import torch
from torch import nn

from modc.networks.batch_norm import BatchNorm2d, in_groups
from modc.networks.build import build

RESNET10 = {
    "ASEN": {"backbone": "resnet10"},
    "ASENv2": {"backbone": "resnet10"},
    "ASEN++": {
        "global_backbone": "resnet10",
        "local_backbone": "resnet10",
        "global_weight": 0.6,
    },
}


def test_groups_are_normalized_each_by_itself():
    layer = BatchNorm2d(4)
    features = torch.randn(6, 4, 3, 3) * torch.arange(1, 7)[:, None, None, None]
    with in_groups(layer, 3):
        found = layer(features)
    for part, of_features in zip(found.chunk(3), features.chunk(3), strict=True):
        mean, variance = of_features.mean((0, 2, 3)), of_features.var((0, 2, 3), correction=0)
        normal = (of_features - mean[:, None, None]) / (variance + layer.eps).sqrt()[:, None, None]
        assert torch.allclose(part, normal, atol=1e-5)
    assert not torch.allclose(layer(features), found, atol=0.1)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_groups_are_as_calls_of_torch_one_after_the_other(dtype, layout):
    torch.manual_seed(0)
    one, three = BatchNorm2d(5, momentum=0.3), nn.BatchNorm2d(5, momentum=0.3)
    nn.init.normal_(one.weight)
    nn.init.normal_(one.bias)
    three.load_state_dict(one.state_dict())
    if dtype == torch.float64:
        one, three = one.double(), three.double()
    features = torch.randn(12, 5, 4, 4, dtype=dtype).contiguous(memory_format=layout)
    together, apart = (features.clone().requires_grad_() for _ in range(2))
    with in_groups(one, 4):
        found = one(together)
    expected = torch.cat([three(part) for part in apart.chunk(4)])
    assert torch.equal(found, expected) and found.is_contiguous(memory_format=layout)
    weight = torch.randn_like(found)
    found.backward(weight)
    expected.backward(weight)
    assert torch.equal(together.grad, apart.grad)
    for (name, ours), theirs in zip(one.named_parameters(), three.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-5), name
    for ours, theirs in zip(one.buffers(), three.buffers(), strict=True):
        assert torch.equal(ours, theirs)


def test_groups_end_with_the_context_and_with_an_error_in_it():
    layer = BatchNorm2d(4)
    with pytest.raises(KeyError), in_groups(layer, 3):
        raise KeyError
    assert layer.groups == 1


def test_in_evaluation_there_are_no_groups():
    layer = BatchNorm2d(4).eval()
    features = torch.randn(6, 4, 3, 3)
    with in_groups(layer, 3):
        assert torch.equal(layer(features), (features / (1 + layer.eps) ** 0.5))


@pytest.mark.parametrize("network", ["ASEN", "ASENv2"])
def test_one_pass_in_groups_has_the_embeddings_gradients_and_statistics_of_three(network):
    torch.manual_seed(0)
    one = build(network, RESNET10[network], 5).double()
    three = build(network, RESNET10[network], 5).double()
    three.load_state_dict(one.state_dict())
    images, attribute = torch.randn(12, 3, 32, 32).double(), torch.arange(12) % 5
    with in_groups(one, 3):
        together = one(images, attribute).vector
    apart = [three(i, a).vector for i, a in zip(images.chunk(3), attribute.chunk(3), strict=True)]
    assert torch.allclose(together, torch.cat(apart), atol=1e-12)
    weight = torch.randn_like(together)
    (together * weight).sum().backward()
    (torch.cat(apart) * weight).sum().backward()
    for (name, ours), (_, theirs) in zip(
        one.named_parameters(), three.named_parameters(), strict=True
    ):
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-9), name
    for name, value in one.state_dict().items():
        assert torch.allclose(value, three.state_dict()[name], atol=1e-12), name
