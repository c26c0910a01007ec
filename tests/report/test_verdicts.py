import math

import pytest

from modc.report.verdicts import VERDICTS, rule, verdict


@pytest.mark.parametrize(
    ("published", "low", "high", "expected"),
    [
        (0.50, 0.49, 0.51, "matches"),
        (0.49, 0.49, 0.51, "matches"),
        (0.48, 0.49, 0.51, "above"),
        (0.52, 0.49, 0.51, "below"),
        # Too wide to have failed; outside it, the width does not matter.
        (0.50, 0.40, 0.60, "undecided"),
        (0.61, 0.40, 0.60, "below"),
        (0.50, math.nan, math.nan, "undecided"),
    ],
)
def test_what_a_comparable_number_says(published, low, high, expected):
    assert verdict(published, low, high, True, True, 0.04) == expected


def test_absence_and_other_data_come_first():
    assert verdict(0.5, 0.49, 0.51, False, True, 0.04) == "missing"
    assert verdict(0.5, 0.49, 0.51, True, False, 0.04) == "not comparable"


def test_the_rule_names_every_verdict_of_a_comparable_number_and_its_limit():
    for seeds in ([1, 1], [3, 0], []):
        text = rule(seeds, 0.025)
        assert "2.5 points" in text and all(word in text for word in VERDICTS[:4])


def test_the_rule_says_of_what_the_numbers_below_it_are():
    assert "with one seed" in rule([1, 0, 1], 0.04) and "further training" not in rule([1], 0.04)
    assert "further training" in rule([3, 0], 0.04) and "one seed" not in rule([3, 0], 0.04)
    both = rule([3, 1], 0.04)
    assert "further training" in both and "where a number has one seed" in both
