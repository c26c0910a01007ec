import numpy as np
import pytest

from modc.evaluation.ranking import Priority, ranked_relevance, unit
from modc.report.figures.examples import choose, found_first

ALL = np.ones(5, bool)


def test_the_queries_of_most_median_and_least_gain():
    gain = np.array([0.1, -0.3, 0.5, 0.2, 0.0])
    assert choose(gain, ALL) == {"gains most": 2, "median": 0, "gains least": 1}


def test_equal_gains_stand_in_the_queries_order():
    assert choose(np.zeros(5), ALL) == {"gains most": 0, "median": 2, "gains least": 4}


@pytest.mark.parametrize(
    ("counted", "cases"),
    [
        ([], {}),
        ([3], {"gains most": 3}),
        ([1, 2], {"gains most": 2, "gains least": 1}),
        ([1, 2, 4], {"gains most": 2, "median": 4, "gains least": 1}),
    ],
)
def test_fewer_queries_than_cases(counted, cases):
    gain = np.array([0.1, -0.3, 0.5, 0.2, 0.0])
    assert choose(gain, np.isin(np.arange(5), counted)) == cases


@pytest.mark.parametrize("by_center", [False, True])
@pytest.mark.parametrize("prioritized", [False, True])
def test_what_is_found_first_is_what_is_scored(prioritized, by_center):
    draw = np.random.default_rng(0)
    # Along the axes, so that many similarities are equal, and each is exact.
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    query, candidate = unit(axes), unit(axes[draw.integers(0, 6, 50)])
    values, wanted = draw.integers(0, 3, 50), draw.integers(0, 3, 6)
    assigned = draw.integers(0, 3, (50, 1))
    own = unit(axes[[4, 0, 2]]) @ candidate.T if by_center else None
    priority = Priority(wanted, assigned, own) if prioritized else None
    ((_, relevance),) = ranked_relevance(query, wanted, candidate, values, priority)
    for number, expected in enumerate(relevance):
        value = wanted[number]
        first = assigned[:, 0] == value if prioritized else None
        by = own[value] if prioritized and by_center else None
        found = found_first(query[number], candidate, 50, first, by)
        assert sorted(found) == list(range(50))
        assert (values[found] == value).tolist() == expected.tolist()


def test_no_more_than_there_are():
    assert found_first(np.array([1.0, 0]), np.eye(2), 8).tolist() == [0, 1]


def test_equal_candidates_stand_in_their_order():
    candidate = np.tile([[1.0, 0], [0, 1.0]], (3, 1))
    assert found_first(np.array([1.0, 0]), candidate, 6).tolist() == [0, 2, 4, 1, 3, 5]
