"""The time that chains of work take on several devices."""

import itertools

import numpy as np
import pytest

from modc.schedule import makespan


def test_one_device_does_all_and_a_chain_is_never_shared():
    assert makespan([[1.0, 2.0], [3.0]], 1) == 6
    assert makespan([[1.0, 2.0], [3.0]], 2) == 3
    assert makespan([[5.0, 5.0]], 8) == 10
    assert makespan([], 2) == 0
    assert makespan([[], [2.0]], 1) == 2


def test_a_device_that_waits_for_a_chain_takes_it_once_its_piece_before_is_done():
    # Two devices, three chains: the long one first, then the others behind each other.
    assert makespan([[4.0, 4.0], [3.0], [3.0]], 2) == 8


def shortest(chains: list[list[int]], devices: int) -> int:
    """The least time, by trying every set of pieces at every second."""

    def step(state: tuple, left: int) -> bool:
        if all(not chain for chain in state):
            return True
        if left == 0:
            return False
        ready = [number for number, chain in enumerate(state) if chain]
        for chosen in itertools.combinations(ready, min(devices, len(ready))):
            after = tuple(
                ((chain[0] - 1, *chain[1:]) if chain[0] > 1 else chain[1:])
                if number in chosen
                else chain
                for number, chain in enumerate(state)
            )
            if step(after, left - 1):
                return True
        return False

    start = tuple(tuple(chain) for chain in chains)
    return next(end for end in itertools.count() if step(start, end))


@pytest.mark.parametrize("seed", range(8))
def test_it_lies_between_the_least_time_and_twice_that(seed):
    rng = np.random.default_rng(seed)
    chains = [rng.integers(1, 3, rng.integers(1, 3)).tolist() for _ in range(4)]
    found = makespan(chains, 2)
    # With interruptions allowed, so that it is a bound from below.
    least = shortest(chains, 2)
    assert least <= found <= 2 * least
    assert found >= max(sum(chain) for chain in chains)
