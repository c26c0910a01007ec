"""The self-supervision loss, with and without predictor, against loops."""

import pytest
import torch
from torch import nn

from modc.losses.self_supervision import Predictor, self_supervision_loss


def naive(first, second, predict) -> float:
    """The definition, image by image."""

    def cosine(a, b) -> float:
        return float((a * b).sum() / (a.norm() * b.norm()))

    one, two = predict(first), predict(second)
    total = sum(cosine(one[i], second[i]) + cosine(two[i], first[i]) for i in range(len(first)))
    return -total / (2 * len(first))


@pytest.mark.parametrize("predictor", [nn.Identity(), Predictor(8)])
def test_it_equals_its_definition(predictor):
    g = torch.Generator().manual_seed(0)
    first, second = torch.randn(6, 8, generator=g), torch.randn(6, 8, generator=g)
    loss = self_supervision_loss(first, second, predictor)
    assert float(loss) == pytest.approx(naive(first, second, predictor), abs=1e-6)


def test_equal_views_without_predictor_give_the_least_loss():
    views = torch.randn(4, 8)
    assert float(self_supervision_loss(views, views, nn.Identity())) == pytest.approx(-1)


def test_no_gradient_flows_to_what_is_predicted():
    first = torch.randn(6, 8, requires_grad=True)
    second = torch.randn(6, 8)
    constant = nn.Linear(8, 8)
    with torch.no_grad():
        constant.weight.zero_()  # the prediction does not depend on its input
    self_supervision_loss(first, second, constant).backward()
    assert first.grad.abs().max() == 0


def test_the_predictor_has_a_bottleneck_of_a_quarter():
    sizes = [layer.out_features for layer in Predictor(64) if isinstance(layer, nn.Linear)]
    assert sizes == [16, 64]
