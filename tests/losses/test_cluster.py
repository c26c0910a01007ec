"""The cluster-level loss, both kinds, against loops over images and centers."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from modc.losses.cluster import margin_cluster_loss, softmax_cluster_loss


def case():
    g = torch.Generator().manual_seed(0)
    centers = normalize(torch.randn(3, 4, 5, generator=g), dim=2)
    centers[0, 3] = centers[1, 2] = torch.nan
    embeddings = normalize(torch.randn(20, 5, generator=g), dim=1).requires_grad_()
    attribute = torch.randint(0, 3, (20,), generator=g)
    value = torch.randint(0, 2, (20,), generator=g)
    return embeddings, attribute, value, centers


def cosines(embedding, centers) -> dict[int, float]:
    return {
        v: float(sum(x * y for x, y in zip(embedding.tolist(), c.tolist(), strict=True)))
        for v, c in enumerate(centers)
        if not c.isnan().any()
    }


def test_softmax_equals_its_definition():
    embeddings, attribute, value, centers = case()
    total = 0.0
    for e, a, v in zip(embeddings, attribute.tolist(), value.tolist(), strict=True):
        scores = {k: c / 0.1 for k, c in cosines(e, centers[a]).items()}
        total += math.log(sum(math.exp(s) for s in scores.values())) - scores[v]
    loss = softmax_cluster_loss(embeddings, attribute, value, centers, temperature=0.1)
    assert float(loss) == pytest.approx(total / 20, rel=1e-4)


def test_margin_equals_its_definition():
    embeddings, attribute, value, centers = case()
    total = 0.0
    for e, a, v in zip(embeddings, attribute.tolist(), value.tolist(), strict=True):
        found = cosines(e, centers[a])
        other = max(c for k, c in found.items() if k != v)
        total += max(0.0, 0.2 - found[v] + other)
    loss = margin_cluster_loss(embeddings, attribute, value, centers, margin=0.2)
    assert float(loss) == pytest.approx(total / 20, rel=1e-4)


@pytest.mark.parametrize("loss", [softmax_cluster_loss, margin_cluster_loss])
def test_gradients_flow_to_the_embeddings_alone_and_are_finite(loss):
    embeddings, attribute, value, centers = case()
    centers.requires_grad_()
    loss(embeddings, attribute, value, centers, 0.2).backward()
    assert embeddings.grad.isfinite().all() and embeddings.grad.abs().sum() > 0
    assert centers.grad is None


@pytest.mark.parametrize("loss", [softmax_cluster_loss, margin_cluster_loss])
def test_a_lone_center_and_an_empty_batch_give_zero(loss):
    centers = torch.tensor([[[1.0, 0.0], [torch.nan, torch.nan]]])
    embeddings = torch.tensor([[0.6, 0.8]], requires_grad=True)
    zero = torch.zeros(1, dtype=torch.int64)
    assert float(loss(embeddings, zero, zero, centers, 0.2)) == 0
    assert float(loss(embeddings[:0], zero[:0], zero[:0], centers, 0.2)) == 0
