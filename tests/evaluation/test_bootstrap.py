"""The bootstrap interval, against its definition and the normal approximation."""

import numpy as np
import pytest

from modc.evaluation.bootstrap import intervals


def interval(values, **options):
    """The interval of one column."""
    return tuple(intervals(values[:, None], **options)[:, 0])


def test_it_holds_the_middle_of_the_resampled_means():
    values = np.random.default_rng(0).random(400)
    low, high = interval(values)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_it_is_the_same_each_time_and_wider_for_a_higher_level():
    values = np.random.default_rng(1).random(50)
    assert interval(values) == interval(values)
    low, high = interval(values, level=0.99)
    assert low < interval(values)[0] and interval(values)[1] < high


def test_paired_differences_of_equal_scores_are_surely_nothing():
    assert interval(np.zeros(30)) == (0, 0)


def test_a_constant_gain_is_sure_however_much_queries_differ():
    scores = np.random.default_rng(2).random(40)
    low, high = interval((scores + 0.125) - scores)
    assert low == pytest.approx(0.125) and high == pytest.approx(0.125)


def test_it_covers_the_true_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(200):
        low, high = interval(rng.random(60), draws=300)
        hits += low <= 0.5 <= high
    assert 180 <= hits <= 199
