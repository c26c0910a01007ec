"""Centers that move with every batch, and nothing else that is kept."""

import torch
from torch.nn.functional import normalize

from modc.clustering.members import Members, joined
from modc.clustering.running_mean import RunningMean
from modc.networks.network import Space

WHOLE = (Space(0, 4),)


def members(seed: int, rows: int = 20) -> Members:
    g = torch.Generator().manual_seed(seed)
    drawn = torch.randint(0, 2, (3, rows), generator=g)
    embedding = normalize(torch.randn(rows, 4, generator=g))
    return Members(drawn[0], embedding, drawn[1], drawn[2])


def test_several_parts_of_a_batch_are_one_batch():
    given = normalize(torch.randn(2, 2, 4, generator=torch.manual_seed(0)), dim=2)
    clusters = RunningMean(given, 0.1, WHOLE)
    parts = [members(1), members(2)]
    clusters.update(joined(parts))
    for a in range(2):
        for v in range(2):
            own = [
                e
                for part in parts
                for e, b, w in zip(part.embedding, part.attribute, part.value, strict=True)
                if (b, w) == (a, v)
            ]
            assert len(own) > 1
            expected = normalize(0.9 * given[a, v] + 0.1 * sum(own) / len(own), dim=0)
            assert torch.allclose(clusters.centers[a, v], expected, atol=1e-6)
    assert set(clusters.state_dict()) == {"centers"}


def test_the_centers_that_it_starts_from_stay_as_they_are():
    given = normalize(torch.randn(2, 2, 4, generator=torch.manual_seed(0)), dim=2)
    before = given.clone()
    RunningMean(given, 0.5, WHOLE).update(members(1))
    assert torch.equal(given, before)
