"""The spaces of cluster centers: whole, or one for each branch of ASEN++."""

import pytest
import torch
from torch.nn.functional import cosine_similarity, normalize

from modc.clustering.centers import initial_centers, move_centers
from modc.losses.cluster import margin_cluster_loss, softmax_cluster_loss
from modc.networks.asen_pp import halves
from modc.networks.network import Space, unit

DIM, HALF = 10, 5


def drawn(rows: int = 30, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Vectors of the global and of the local branch."""
    g = torch.Generator().manual_seed(seed)
    return torch.randn(rows, HALF, generator=g), torch.randn(rows, HALF, generator=g)


def embedded(global_vector, local_vector, beta: float) -> torch.Tensor:
    """What ASEN++ makes of its branches' vectors."""
    halves = [
        beta**0.5 * normalize(global_vector, dim=1),
        (1 - beta) ** 0.5 * normalize(local_vector, dim=1),
    ]
    return torch.cat(halves, dim=1)


def test_the_whole_embedding_is_brought_to_length_one():
    vectors = 3 * torch.cat(drawn(), dim=1)
    (space,) = (Space(0, DIM),)
    assert space.weight == 1
    found = unit(vectors, (space,))
    assert torch.allclose(found, vectors / (vectors**2).sum(dim=1, keepdim=True).sqrt(), atol=1e-6)
    assert torch.equal(space.part(vectors), found)


@pytest.mark.parametrize("beta", [0.0, 0.3, 0.6, 1.0])
def test_the_halves_have_the_networks_lengths(beta):
    one, two = halves(DIM, beta, local_weight=0.1)
    assert (one.weight, two.weight) == (1, 0.1)
    found = unit(7 * torch.cat(drawn(), dim=1), (one, two))
    assert torch.allclose(found[:, :HALF].norm(dim=1), torch.full((30,), beta**0.5))
    assert torch.allclose(found[:, HALF:].norm(dim=1), torch.full((30,), (1 - beta) ** 0.5))
    assert torch.allclose(found.norm(dim=1), torch.ones(30))
    # What the network makes has these lengths already.
    assert torch.allclose(unit(embedded(*drawn(), beta), (one, two)), embedded(*drawn(), beta))


@pytest.mark.parametrize("beta", [0.0, 0.3, 0.6, 1.0])
def test_the_cosine_to_a_center_is_the_weighted_sum_of_the_halves(beta):
    spaces = halves(DIM, beta, local_weight=0.1)
    vectors, others = drawn(), drawn(seed=1)
    centers = unit(torch.cat(others, dim=1), spaces)
    found = (embedded(*vectors, beta) * centers).sum(dim=1)
    in_global, in_local = (
        cosine_similarity(a, b, dim=1) for a, b in zip(vectors, others, strict=True)
    )
    assert torch.allclose(found, beta * in_global + (1 - beta) * in_local, atol=1e-6)


def test_a_center_of_branches_is_the_mean_of_each_branch_alone():
    spaces = halves(DIM, 0.6, local_weight=0.1)
    vectors = drawn()
    embeddings = embedded(*vectors, 0.6)
    zero = torch.zeros(30, dtype=torch.int64)
    centers = initial_centers(embeddings, zero, zero, (1,), spaces)
    means = [normalize(normalize(v, dim=1).mean(dim=0), dim=0) for v in vectors]
    expected = torch.cat([0.6**0.5 * means[0], 0.4**0.5 * means[1]])
    assert torch.allclose(centers[0, 0], expected, atol=1e-6)
    # In the concatenation the halves would differ in how much their members agree.
    whole = initial_centers(embeddings, zero, zero, (1,), (Space(0, DIM),))[0, 0]
    assert not torch.allclose(whole, expected, atol=1e-3)
    batch = embedded(*drawn(4, seed=2), 0.6)
    move_centers(centers, batch, zero[:4], zero[:4], 0.25, spaces)
    moved = 0.75 * expected + 0.25 * batch.mean(dim=0)
    for columns, length in ((slice(HALF), 0.6**0.5), (slice(HALF, None), 0.4**0.5)):
        half = length * normalize(moved[columns], dim=0)
        assert torch.allclose(centers[0, 0, columns], half, atol=1e-6)


def test_nan_stays_nan():
    spaces = halves(DIM, 0.6, local_weight=0.1)
    assert unit(torch.full((2, DIM), torch.nan), spaces).isnan().all()


@pytest.mark.parametrize("loss", [softmax_cluster_loss, margin_cluster_loss])
@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_a_branch_without_weight_gives_no_nan(loss, beta):
    spaces = halves(DIM, beta, local_weight=0.1)
    vectors = [v.requires_grad_() for v in drawn()]
    attribute = torch.zeros(30, dtype=torch.int64)
    value = torch.arange(30) % 3
    embeddings = embedded(*vectors, beta)
    centers = initial_centers(embeddings.detach(), attribute, value, (3,), spaces)
    assert centers.isfinite().all()
    total = sum(
        space.weight * loss(space.part(embeddings), attribute, value, space.part(centers), 0.1)
        for space in spaces
    )
    total.backward()
    assert total.isfinite()
    assert all(v.grad.isfinite().all() for v in vectors)
    counted, ignored = vectors if beta else reversed(vectors)
    assert counted.grad.abs().sum() > 0
    assert ignored.grad.abs().sum() == 0
