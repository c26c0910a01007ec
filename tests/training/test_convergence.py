"""When a stage has converged."""

import pytest

from modc.training.convergence import converged


@pytest.mark.parametrize(
    ("scores", "ended"),
    [
        ([], False),
        ([0.5], False),
        ([0.5, 0.5], False),
        ([0.5, 0.5, 0.5], True),
        ([0.5, 0.5, 0.6, 0.6], False),
        ([0.5, 0.5, 0.6, 0.6, 0.6], True),
        ([0.5, 0.505, 0.509], True),  # small rises do not count
        ([0.5, 0.505, 0.511], False),  # unless they add up
        ([0.6, 0.5, 0.4], True),
        ([0.0, 0.0, 0.0], True),
    ],
)
def test_it_has_when_nothing_rose_for_two_epochs(scores, ended):
    assert converged(scores, rise=0.01, patience=2) is ended
