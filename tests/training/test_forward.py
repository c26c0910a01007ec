"""A triplet's groups in one pass, as on a GPU, and one after the other, as on a CPU."""

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional

from modc.networks.batch_norm import in_groups
from modc.networks.build import build
from modc.training.forward import embedded, embedded_groups
from modc.training.groups import Images, joined

ARCHITECTURE = {
    "global_backbone": "resnet10",
    "local_backbone": "resnet10",
    "global_weight": 0.6,
}


def group(seed: int, has_details: bool) -> Images:
    rng = np.random.default_rng(seed)
    attributes = rng.integers(0, 5, 4)
    details = torch.from_numpy(rng.integers(0, 256, (4, 3, 64, 64)).astype(np.uint8))
    pixels = functional.avg_pool2d(details.float(), 2).to(torch.uint8)
    return Images(
        np.arange(4),
        attributes,
        pixels,
        details if has_details else None,
        torch.from_numpy(attributes),
    )


@pytest.mark.parametrize("has_details", [False, True])
def test_asenpp_embeds_groups_in_one_pass_as_one_after_the_other(has_details):
    torch.manual_seed(0)
    one = build("ASEN++", ARCHITECTURE, 5).train()
    other = copy.deepcopy(one)
    groups = [group(seed, has_details) for seed in range(3)]
    with in_groups(one, 3):
        together = embedded(one, joined(groups)).split(4)
    apart = embedded_groups(other, groups)
    for ours, theirs in zip(together, apart, strict=True):
        assert torch.allclose(ours.vector, theirs.vector, atol=1e-5)
        assert torch.allclose(ours.embedding, theirs.embedding, atol=1e-5)
        if has_details:
            assert torch.allclose(ours.parts["local"], theirs.parts["local"], atol=1e-4)
        else:
            assert ours.parts == {}
    state = other.state_dict()
    for name, value in one.state_dict().items():
        if value.is_floating_point():
            assert torch.allclose(value, state[name], atol=1e-5), name
