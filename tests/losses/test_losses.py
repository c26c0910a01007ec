"""Each loss against its definition in a loop."""

import math

import pytest
import torch

from modc.losses.alignment import alignment_loss
from modc.losses.triplet import triplet_loss


def cosine(a, b):
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


@pytest.fixture
def vectors():
    generator = torch.Generator().manual_seed(0)
    return [3 * torch.randn(6, 4, generator=generator, dtype=torch.float64) for _ in range(3)]


@pytest.mark.parametrize("margin", [0.0, 0.2, 2.0])
def test_triplet_loss(vectors, margin):
    rows = zip(*(v.tolist() for v in vectors), strict=True)
    naive = [max(0.0, margin - cosine(a, p) + cosine(a, n)) for a, p, n in rows]
    assert float(triplet_loss(*vectors, margin)) == pytest.approx(sum(naive) / len(naive))


def test_alignment_loss(vectors):
    one, other, _ = vectors
    rows = zip(one.tolist(), other.tolist(), strict=True)
    naive = [max(0.0, 1 - cosine(a, b)) for a, b in rows]
    assert float(alignment_loss(one, other)) == pytest.approx(sum(naive) / len(naive))


def test_the_bounds(vectors):
    same = vectors[0]
    assert float(triplet_loss(same, same, -same, 0.2)) == 0
    assert float(triplet_loss(same, -same, same, 0.2)) == pytest.approx(2.2)
    assert float(alignment_loss(same, 5 * same)) == pytest.approx(0, abs=1e-12)
    assert float(alignment_loss(same, -same)) == pytest.approx(2)
