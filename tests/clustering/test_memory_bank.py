"""The memory bank, against a dictionary that is gone through pair by pair."""

import pytest
import torch
from torch.nn.functional import normalize

from modc.clustering.members import Members
from modc.clustering.memory_bank import MemoryBank
from modc.networks.asen_pp import halves
from modc.networks.network import Space

ATTRIBUTES, VALUES, DIM, EVERY = 2, 4, 6, 3
PAIRS = [(image, attribute) for image in (9, 3, 0, 7, 5) for attribute in range(ATTRIBUTES)]
WHOLE = (Space(0, DIM),)
SPACES = {"whole": WHOLE, "branches": halves(DIM, 0.6, 0.1)}


def begun(spaces=WHOLE) -> torch.Tensor:
    """Centers; the last value has none, nor has value 2 of attribute 1."""
    g = torch.Generator().manual_seed(5)
    centers = lengths(torch.randn(ATTRIBUTES * VALUES, DIM, generator=g), spaces)
    centers = centers.view(ATTRIBUTES, VALUES, DIM)
    centers[:, 3] = centers[1, 2] = torch.nan
    return centers


def lengths(vectors: torch.Tensor, spaces) -> torch.Tensor:
    parts = [space.length * normalize(vectors[:, space.start : space.stop]) for space in spaces]
    return torch.cat(parts, dim=1)


def batch(seed: int, rows: int = 12, spaces=WHOLE, values: int = 3) -> Members:
    """Members of drawn pairs, most of them several times; a pair has one value in a batch."""
    g = torch.Generator().manual_seed(seed)
    chosen = torch.randint(0, len(PAIRS), (rows,), generator=g)
    value_of = torch.randint(0, values, (len(PAIRS),), generator=g)
    pairs = torch.tensor(PAIRS)[chosen]
    embedding = lengths(torch.randn(rows, DIM, generator=g), spaces)
    return Members(pairs[:, 0], embedding, pairs[:, 1], value_of[chosen])


def bank(spaces=WHOLE, momentum: float = 0.25) -> MemoryBank:
    return MemoryBank(begun(spaces), torch.tensor(PAIRS), momentum, EVERY, spaces)


class Naive:
    """The same, pair by pair and center by center."""

    def __init__(self, spaces, momentum: float = 0.25):
        self.centers, self.spaces, self.momentum = begun(spaces), spaces, momentum
        self.memory: dict[tuple[int, int], tuple[torch.Tensor, int]] = {}
        self.iteration = 0

    def update(self, members: Members) -> None:
        new: dict[tuple[int, int], list] = {}
        values = {}
        rows = zip(members.image, members.attribute, members.embedding, members.value, strict=True)
        for image, attribute, embedding, value in rows:
            new.setdefault((int(image), int(attribute)), []).append(embedding)
            values[int(image), int(attribute)] = int(value)
        for pair, found in new.items():
            vector = sum(found) / len(found)
            if pair in self.memory:
                old = self.memory[pair][0]
                vector = (1 - self.momentum) * old + self.momentum * vector
            self.memory[pair] = (lengths(vector[None], self.spaces)[0], values[pair])
        self.iteration += 1
        if self.iteration % EVERY:
            return
        for a in range(ATTRIBUTES):
            for v in range(VALUES):
                own = [e for (_, b), (e, w) in self.memory.items() if (b, w) == (a, v)]
                if own and not self.centers[a, v].isnan().any():
                    mean = sum(own) / len(own)
                    self.centers[a, v] = lengths(mean[None], self.spaces)[0]


@pytest.mark.parametrize("space", SPACES)
def test_it_equals_its_definition_batch_by_batch(space):
    spaces = SPACES[space]
    made, naive = bank(spaces), Naive(spaces)
    for seed in range(4 * EVERY):
        members = batch(seed, spaces=spaces)
        before = made.centers.clone()
        made.update(members)
        naive.update(members)
        assert torch.allclose(made.centers, naive.centers, atol=1e-6, equal_nan=True)
        changed = not torch.equal(made.centers.nan_to_num(), before.nan_to_num())
        assert changed == ((seed + 1) % EVERY == 0)


def test_the_first_sight_takes_the_embedding_itself_and_the_next_moves_it():
    made = bank(momentum=0.25)
    first, second = (
        Members(torch.tensor([7]), e, torch.tensor([1]), torch.tensor([0]))
        for e in lengths(torch.randn(2, DIM, generator=torch.manual_seed(0)), WHOLE).split(1)
    )
    made.remember(first)
    made._recompute()
    assert torch.allclose(made.centers[1, 0], first.embedding[0], atol=1e-6)
    made.remember(second)
    made._recompute()
    moved = normalize(0.75 * first.embedding + 0.25 * second.embedding)[0]
    assert torch.allclose(made.centers[1, 0], moved, atol=1e-6)


def test_two_views_of_a_pair_count_as_their_mean():
    one, two = (batch(seed, rows=1) for seed in (0, 1))
    both = Members(
        one.image.repeat(2),
        torch.cat([one.embedding, two.embedding]),
        one.attribute.repeat(2),
        one.value.repeat(2),
    )
    mean = Members(one.image, (one.embedding + two.embedding) / 2, one.attribute, one.value)
    a, b = bank(), bank()
    for _ in range(EVERY):
        a.update(both)
        b.update(mean)
    assert torch.allclose(a.centers, b.centers, atol=1e-6, equal_nan=True)
    assert not torch.equal(a.centers.nan_to_num(), begun().nan_to_num())


def test_the_newest_pseudo_label_holds():
    made = bank()
    member = batch(0, rows=1)
    for value in (0, 1, 1):
        made.update(
            Members(member.image, member.embedding, member.attribute, torch.tensor([value]))
        )
    attribute = int(member.attribute)
    assert torch.allclose(made.centers[attribute, 1], member.embedding[0], atol=1e-6)
    # The value that it was first has no member left and keeps its center.
    assert torch.equal(made.centers[attribute, 0], begun()[attribute, 0])


def test_a_value_without_a_center_never_gets_one():
    made = bank()
    members = batch(0, rows=30)
    for absent in (3, 2):  # 2 is absent in one attribute only
        given = Members(
            members.image, members.embedding, members.attribute, torch.full((30,), absent)
        )
        for _ in range(EVERY):
            made.update(given)
        assert torch.equal(made.centers.isnan(), begun().isnan())
    assert not torch.equal(made.centers[0, 2], begun()[0, 2])


@pytest.mark.parametrize("stopped_after", [1, EVERY, EVERY + 1])
def test_taken_up_from_its_state_it_goes_on_identically(stopped_after):
    whole, first = bank(), bank()
    for seed in range(3 * EVERY):
        whole.update(batch(seed))
    for seed in range(stopped_after):
        first.update(batch(seed))
    second = bank()
    second.load_state_dict(first.state_dict())
    first.update(batch(99))
    for seed in range(stopped_after, 3 * EVERY):
        second.update(batch(seed))
    assert torch.equal(second.centers.nan_to_num(), whole.centers.nan_to_num())
    assert torch.equal(second.memory.embedding, whole.memory.embedding)
    assert torch.equal(second.memory.value, whole.memory.value)


def test_the_centers_that_it_starts_from_stay_as_they_are():
    given = begun()
    made = MemoryBank(given, torch.tensor(PAIRS), 0.5, 1, WHOLE)
    made.update(batch(0))
    assert torch.equal(given.nan_to_num(), begun().nan_to_num())
