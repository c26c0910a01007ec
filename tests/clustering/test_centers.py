"""Cluster centers: means that move, absent where nothing is labeled, never NaN elsewhere."""

import pytest
import torch
from torch.nn.functional import normalize

from modc.clustering.centers import initial_centers, move_centers, similarities
from modc.networks.network import Space

VALUES = (3, 2)
WHOLE = (Space(0, 6),)


def case(seed: int = 0, rows: int = 40):
    g = torch.Generator().manual_seed(seed)
    embeddings = normalize(torch.randn(rows, 6, generator=g), dim=1)
    attribute = torch.randint(0, 2, (rows,), generator=g)
    value = torch.randint(0, 2, (rows,), generator=g)  # value 2 of attribute 0 never occurs
    return embeddings, attribute, value


def test_they_start_at_the_mean_of_their_members():
    embeddings, attribute, value = case()
    centers = initial_centers(embeddings, attribute, value, VALUES, WHOLE)
    assert centers.shape == (2, 3, 6)
    for a in range(2):
        for v in range(2):
            members = embeddings[(attribute == a) & (value == v)]
            assert torch.allclose(centers[a, v], normalize(members.mean(0), dim=0), atol=1e-6)
    assert centers[:, 2].isnan().all()  # no labeled image, or no such value


def test_one_image_is_its_own_center_and_opposite_ones_give_no_nan():
    one = torch.tensor([[0.6, 0.8], [1.0, 0.0], [-1.0, 0.0]])
    centers = initial_centers(
        one, torch.tensor([0, 1, 1]), torch.tensor([1, 0, 0]), VALUES, (Space(0, 2),)
    )
    assert centers[0, 1].tolist() == pytest.approx([0.6, 0.8])
    assert centers[1, 0].tolist() == [1, 0]


def test_they_move_towards_the_mean_of_the_batch():
    embeddings, attribute, value = case()
    centers = initial_centers(embeddings, attribute, value, VALUES, WHOLE)
    before = centers.clone()
    batch, a, v = case(seed=1, rows=7)
    a[:] = 0
    move_centers(centers, batch, a, v, 0.1, WHOLE)
    for value_ in range(2):
        members = batch[v == value_]
        expected = normalize(0.9 * before[0, value_] + 0.1 * members.mean(0), dim=0)
        assert torch.allclose(centers[0, value_], expected, atol=1e-6)
    assert torch.equal(centers[1, :2], before[1, :2])
    assert torch.allclose(centers[:, :2].norm(dim=2), torch.ones(2, 2))


def test_a_value_without_a_center_never_gets_one():
    embeddings, attribute, value = case()
    centers = initial_centers(embeddings, attribute, value, VALUES, WHOLE)
    move_centers(centers, embeddings[:1], torch.tensor([0]), torch.tensor([2]), 0.5, WHOLE)
    assert centers[0, 2].isnan().all() and not centers[:, :2].isnan().any()


def test_a_center_that_would_vanish_stays():
    centers = torch.tensor([[[1.0, 0.0]]])
    zero = torch.tensor([0])
    move_centers(centers, torch.tensor([[-1.0, 0.0]]), zero, zero, 0.5, (Space(0, 2),))
    assert centers.tolist() == [[[1, 0]]]


def test_similarities_are_cosines_and_absent_centers_are_infinitely_far():
    embeddings, attribute, value = case()
    centers = initial_centers(embeddings, attribute, value, VALUES, WHOLE)
    embeddings.requires_grad_()
    cosines = similarities(centers, embeddings, attribute)
    for row in range(len(embeddings)):
        for v in range(2):
            expected = embeddings[row] @ centers[attribute[row], v]
            assert torch.allclose(cosines[row, v], expected, atol=1e-6)
        assert cosines[row, 2] == -torch.inf
    cosines[:, :2].sum().backward()
    assert embeddings.grad.isfinite().all()


def test_near_centers_are_told_apart_under_autocast_too():
    g = torch.Generator().manual_seed(0)
    common = torch.randn(64, generator=g)
    near = normalize(common + 0.02 * torch.randn(1, 3, 64, generator=g), dim=2)
    embeddings = normalize(near[0, :, :] + 0.01 * torch.randn(3, 64, generator=g), dim=1)
    attribute = torch.zeros(3, dtype=torch.int64)
    expected = similarities(near, embeddings, attribute)
    with torch.autocast("cpu", torch.bfloat16):
        found = similarities(near, embeddings, attribute)
    assert found.dtype == torch.float32 and torch.equal(found, expected)
