"""Cluster centres: means that move, absent where nothing is labelled, never NaN elsewhere."""

import pytest
import torch
from torch.nn.functional import normalize

from modc.clustering.centres import initial_centres, move_centres, similarities
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
    centres = initial_centres(embeddings, attribute, value, VALUES, WHOLE)
    assert centres.shape == (2, 3, 6)
    for a in range(2):
        for v in range(2):
            members = embeddings[(attribute == a) & (value == v)]
            assert torch.allclose(centres[a, v], normalize(members.mean(0), dim=0), atol=1e-6)
    assert centres[:, 2].isnan().all()  # no labelled image, or no such value


def test_one_image_is_its_own_centre_and_opposite_ones_give_no_nan():
    one = torch.tensor([[0.6, 0.8], [1.0, 0.0], [-1.0, 0.0]])
    centres = initial_centres(
        one, torch.tensor([0, 1, 1]), torch.tensor([1, 0, 0]), VALUES, (Space(0, 2),)
    )
    assert centres[0, 1].tolist() == pytest.approx([0.6, 0.8])
    assert centres[1, 0].tolist() == [1, 0]


def test_they_move_towards_the_mean_of_the_batch():
    embeddings, attribute, value = case()
    centres = initial_centres(embeddings, attribute, value, VALUES, WHOLE)
    before = centres.clone()
    batch, a, v = case(seed=1, rows=7)
    a[:] = 0
    move_centres(centres, batch, a, v, 0.1, WHOLE)
    for value_ in range(2):
        members = batch[v == value_]
        expected = normalize(0.9 * before[0, value_] + 0.1 * members.mean(0), dim=0)
        assert torch.allclose(centres[0, value_], expected, atol=1e-6)
    assert torch.equal(centres[1, :2], before[1, :2])
    assert torch.allclose(centres[:, :2].norm(dim=2), torch.ones(2, 2))


def test_a_value_without_a_centre_never_gets_one():
    embeddings, attribute, value = case()
    centres = initial_centres(embeddings, attribute, value, VALUES, WHOLE)
    move_centres(centres, embeddings[:1], torch.tensor([0]), torch.tensor([2]), 0.5, WHOLE)
    assert centres[0, 2].isnan().all() and not centres[:, :2].isnan().any()


def test_a_centre_that_would_vanish_stays():
    centres = torch.tensor([[[1.0, 0.0]]])
    zero = torch.tensor([0])
    move_centres(centres, torch.tensor([[-1.0, 0.0]]), zero, zero, 0.5, (Space(0, 2),))
    assert centres.tolist() == [[[1, 0]]]


def test_similarities_are_cosines_and_absent_centres_are_infinitely_far():
    embeddings, attribute, value = case()
    centres = initial_centres(embeddings, attribute, value, VALUES, WHOLE)
    embeddings.requires_grad_()
    cosines = similarities(centres, embeddings, attribute)
    for row in range(len(embeddings)):
        for v in range(2):
            expected = embeddings[row] @ centres[attribute[row], v]
            assert torch.allclose(cosines[row, v], expected, atol=1e-6)
        assert cosines[row, 2] == -torch.inf
    cosines[:, :2].sum().backward()
    assert embeddings.grad.isfinite().all()


def test_near_centres_are_told_apart_under_autocast_too():
    g = torch.Generator().manual_seed(0)
    common = torch.randn(64, generator=g)
    near = normalize(common + 0.02 * torch.randn(1, 3, 64, generator=g), dim=2)
    embeddings = normalize(near[0, :, :] + 0.01 * torch.randn(3, 64, generator=g), dim=1)
    attribute = torch.zeros(3, dtype=torch.int64)
    expected = similarities(near, embeddings, attribute)
    with torch.autocast("cpu", torch.bfloat16):
        found = similarities(near, embeddings, attribute)
    assert found.dtype == torch.float32 and torch.equal(found, expected)
