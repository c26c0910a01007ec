"""Spreads between trainings: their pools, and by simulation what verdicts and claims promise."""

from math import isnan, sqrt

import numpy as np
import pytest
from scipy import stats

from modc.report.claim_cells import BY_INTERVAL, OPPOSES, SUPPORTS, UNDECIDED, ClaimCell
from modc.report.claims import FAILS, HOLDS, HOLDS_PARTLY, Evidence
from modc.report.trainings import (
    Spread,
    difference,
    half_width,
    holm,
    label_class,
    noticeable,
    pooled,
    queries_variance,
    rank_correlation,
)
from modc.report.verdicts import ABOVE, BELOW, CONSISTENT, verdict
from modc.report.verdicts import UNDECIDED as WIDE

DRAWS = 4000
SDS = (0.002, 0.005, 0.010)
# Half a chance in a thousand that 4,000 draws of a true share of 0.95 are further off.
CLOSE = 0.015


def test_a_pool_weighs_by_degrees_of_freedom():
    groups = [[0.1, 0.3], [0.5, 0.5, 0.8], [0.9], []]
    found = pooled(groups)
    squares = np.var(groups[0], ddof=1) + 2 * np.var(groups[1], ddof=1)
    assert found == Spread(pytest.approx(sqrt(squares / 3)), 3)
    assert pooled([[0.1], []]) is None
    assert pooled([[0.1, 0.1], [0.2, 0.2]]) is None


def test_classes_of_labels():
    assert [label_class(p) for p in (100, 50, 10, 5, 1)] == ["100", *["from 5"] * 3, "below 5"]


@pytest.mark.parametrize(("share", "p"), [(0.975, 2.446911851), (0.8, 0.905703)])
def test_the_reach_is_students(share, p):
    assert Spread(2.0, 6).reach(share) == pytest.approx(2 * p, rel=1e-5)


def test_a_difference_has_students_interval_and_p():
    values = [0.01, 0.03, 0.02, 0.05]
    expected = stats.ttest_1samp(values, 0)
    found = difference(np.mean(values), np.std(values, ddof=1) / 2, 3)
    assert found.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_what_one_seed_needs_to_be_consistent():
    # The specification's: s of at most 0.58 points at 6 degrees of freedom, 0.33 at 2.
    for dof, most in ((6, 0.0058), (2, 0.0033)):
        assert half_width(Spread(most, dof), 1) < 0.0202
        assert half_width(Spread(most + 0.0001, dof), 1) > 0.02


def test_a_half_width_joins_the_queries_and_a_difference_that_is_noticed_is_larger():
    spread = Spread(0.003, 6)
    alone, both = half_width(spread, 1), half_width(spread, 1, 0.002)
    assert both == pytest.approx(np.hypot(alone, 1.959964 * 0.002))
    assert noticeable(spread, 1) == pytest.approx((2.446912 + 0.905703) * 0.003 * sqrt(2), rel=1e-5)
    assert noticeable(spread, 1, 0.002) > noticeable(spread, 1)


def test_holm_is_holms():
    p = [0.01, 0.04, 0.03, 0.005, float("nan")]
    # 0.005 <= 0.05/5, 0.01 <= 0.05/4, 0.03 > 0.05/3: that one and all above stay.
    assert holm(p) == [True, False, False, True, False]
    assert holm([]) == [] and holm([float("nan")]) == [False]
    assert holm([0.05]) == [True]


def test_a_rank_correlation_is_spearmans():
    x, y = [1, 2, 3, 4, 5, 5], [0.2, 0.1, 0.4, 0.3, 0.9, 0.8]
    found = rank_correlation(x, y)
    assert found.value == pytest.approx(stats.spearmanr(x, y).statistic)
    assert -1 < found.low < found.value < found.high < 1
    few = rank_correlation(x[:4], y[:4])
    assert not few.has_interval and not isnan(few.value)
    assert isnan(rank_correlation(x[:2], y[:2]).value)
    assert isnan(rank_correlation([1, 1, 1], [1, 2, 3]).value)


# Simulations: what the numbers promise, with a normal spread between trainings.


def drawn_spread(rng, sd: float, dof: int) -> Spread:
    """What cells with several seeds would give: a pooled estimate of `sd`."""
    return Spread(float(sd * sqrt(rng.chisquare(dof) / dof)), dof)


@pytest.mark.parametrize("seeds", [1, 3, 5])
def test_a_published_number_of_the_same_method_lies_inside_in_95_of_100(seeds):
    """Whatever the spread: the half width is on its scale."""
    rng, sd = np.random.default_rng(seeds), 0.005
    inside = 0
    for _ in range(DRAWS):
        ours, published = rng.normal(0.6, sd, seeds).mean(), rng.normal(0.6, sd)
        spread = drawn_spread(rng, sd, 6)
        inside += abs(ours - published) <= half_width(spread, seeds)
    assert abs(inside / DRAWS - 0.95) < CLOSE


@pytest.mark.parametrize("sd", SDS)
@pytest.mark.parametrize(("dof", "above"), [(6, CLOSE), (2, 0.03)])
def test_it_does_where_queries_are_missing_too(dof, above, sd):
    """The root of two squares is a little wide: up to 0.961 at 6 degrees of freedom, 0.977 at 2."""
    rng = np.random.default_rng(1)
    listed, ours, theirs = 400, 300, 380
    inside = 0
    for _ in range(DRAWS):
        queries = rng.normal(0.6, 0.3, listed)
        parts = [rng.permutation(queries)[:count] for count in (ours, theirs)]
        numbers = [part.mean() + rng.normal(0, sd) for part in parts]
        variance = queries_variance(parts[0].var(ddof=1), listed, ours, theirs)
        width = half_width(drawn_spread(rng, sd, dof), 1, sqrt(variance))
        inside += abs(numbers[0] - numbers[1]) <= width
    assert 0.95 - CLOSE < inside / DRAWS < 0.95 + above


def test_a_noticeable_difference_is_noticed_four_times_in_five():
    rng, sd = np.random.default_rng(2), 0.005
    noticed = 0
    for _ in range(DRAWS):
        ours = rng.normal(0.6, sd)
        spread = Spread(sd, 6)  # what is said of it: by the estimate itself
        published = rng.normal(0.6 - noticeable(spread, 1), sd)
        noticed += abs(ours - published) > half_width(drawn_spread(rng, sd, 6), 1)
    assert 0.76 <= noticed / DRAWS <= 0.82


def correlated_gains(rng, cells: int, seeds: int, sd: float, gain: float = 0.0) -> np.ndarray:
    """Gains (cells, seeds), half of whose variance a training's cells share."""
    shared, own = rng.normal(0, sd * sqrt(0.5), (2, cells, seeds))
    return gain + shared[:1] + own


def evidence(gains: np.ndarray) -> Evidence:
    """A claim whose cells have these gains (cells, seeds), each with its own spread."""
    found = []
    for values in gains:
        own = difference(values.mean(), values.std(ddof=1) / sqrt(len(values)), len(values) - 1)
        word = SUPPORTS if own.low > 0 else OPPOSES if own.high < 0 else UNDECIDED
        found.append(cell(own, word))
    return Evidence(tuple(found))


def cell(own, word: str) -> ClaimCell:
    numbers = (float("nan"), float("nan"), own.value, own.low, own.high, own.p)
    return ClaimCell("Table 1", None, None, "a", "b", *numbers, BY_INTERVAL, word, "", True)


@pytest.mark.parametrize("seeds", [3, 5])
def test_without_a_true_gain_a_claim_is_decided_in_one_of_twenty(seeds):
    """Whatever the spread: a claim's verdict does not depend on the scale of its gains."""
    rng = np.random.default_rng(3)
    claims = 1000
    decided = [evidence(correlated_gains(rng, 51, seeds, 0.005)).verdict for _ in range(claims)]
    wrong = sum(word in (FAILS, HOLDS, HOLDS_PARTLY) for word in decided)
    assert wrong / claims <= 0.06


@pytest.mark.parametrize(("seeds", "power"), [(3, 0.37), (5, 0.79), (10, 1.0)])
def test_a_gain_of_one_point_is_found(seeds, power):
    rng = np.random.default_rng(4)
    gains = rng.normal(0.010, 0.006, (DRAWS, 1, seeds))
    found = sum(evidence(one).verdict == HOLDS for one in gains) / DRAWS
    assert found == pytest.approx(power, abs=0.025)


def test_equal_trainings_of_one_seed_are_never_decided_without_a_spread():
    assert verdict(0.05, float("nan"), 0.02, True, True) == "undecided (one training)"


@pytest.mark.parametrize("sd", SDS)
def test_a_verdict_of_equal_methods_is_above_or_below_in_one_of_twenty(sd):
    rng = np.random.default_rng(5)
    words = []
    for _ in range(DRAWS):
        apart = rng.normal(0, sd * sqrt(2))
        words.append(verdict(apart, half_width(drawn_spread(rng, sd, 6), 1), 0.02, True, True))
    wrong = sum(word in (ABOVE, BELOW) for word in words) / DRAWS
    assert abs(wrong - 0.05) < CLOSE
    assert {*words} <= {ABOVE, BELOW, CONSISTENT, WIDE}
