"""What the three networks have in common: shapes, unit embeddings, attention that sums to one."""

import pytest
import torch

from modc.networks.build import build

BATCH, SIDE, ATTRIBUTES = 4, 64, 5


@pytest.fixture
def images():
    return torch.rand(BATCH, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("network", "dim"), [("ASEN", 1024), ("ASENv2", 256)])
def test_one_branch(images, network, dim):
    made = build(network, {"backbone": "resnet10"}, ATTRIBUTES).eval()
    attribute = torch.arange(BATCH)
    found = made(images, attribute)
    embedding, attention = found.embedding, found.attention
    assert found.vector is embedding
    assert embedding.shape == (BATCH, dim)
    assert attention.shape == (BATCH, 4, 4)
    assert torch.allclose(embedding.norm(dim=1), torch.ones(BATCH))
    assert torch.allclose(attention.sum(dim=(1, 2)), torch.ones(BATCH))
    features = made.features(images)
    for row in range(BATCH):
        alone, _ = made.head(features[row : row + 1], attribute[row : row + 1])
        assert torch.allclose(alone[0], embedding[row], atol=1e-5)
    other, _ = made.head(features, (attribute + 1) % ATTRIBUTES)
    assert not torch.allclose(other, embedding, atol=1e-3)


def test_two_branches_make_the_weighted_similarity(images):
    architecture = {
        "global_backbone": "resnet10",
        "local_backbone": "resnet10",
        "global_weight": 0.6,
    }
    made = build("ASEN++", architecture, ATTRIBUTES).eval()
    attribute = torch.arange(BATCH)
    vector, attention = made.global_head(made.features(images), attribute)
    local = made.local_head(images[:, :, ::2, ::2], attribute)
    assert vector.shape == local.shape == (BATCH, 1024)
    assert attention.shape == (BATCH, 4, 4)
    embedding = made.similarity_embedding(vector, local)
    cosine = torch.nn.functional.cosine_similarity
    expected = 0.6 * cosine(vector[0], vector[1], dim=0) + 0.4 * cosine(local[0], local[1], dim=0)
    assert torch.allclose(embedding[0] @ embedding[1], expected, atol=1e-5)
    assert torch.allclose(embedding.norm(dim=1), torch.ones(BATCH))


def test_the_local_parameters_are_the_local_branchs_alone():
    architecture = {
        "global_backbone": "resnet10",
        "local_backbone": "resnet10",
        "global_weight": 0.6,
    }
    made = build("ASEN++", architecture, ATTRIBUTES)
    local = {id(parameter) for parameter in made.local_parameters()}
    names = {name for name, parameter in made.named_parameters() if id(parameter) in local}
    assert names == {n for n, _ in made.named_parameters() if n.startswith("local_branch.")}
