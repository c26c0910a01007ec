import math

import pytest

from modc.report.verdicts import VERDICTS, WHAT_IS_COMPARED, rule, verdict


@pytest.mark.parametrize(
    ("difference", "half_width", "expected"),
    [
        (0.0, 0.01, "consistent"),
        (0.01, 0.01, "consistent"),
        (0.3 - 0.29, 0.01, "consistent"),  # 0.0100000000000000009
        (0.011, 0.01, "above"),
        (-0.011, 0.01, "below"),
        # Wider than the margin; outside it, the width does not matter.
        (0.0, 0.03, "undecided"),
        (-0.04, 0.03, "below"),
        (0.3, math.nan, "undecided (one training)"),
    ],
)
def test_what_a_comparable_number_says(difference, half_width, expected):
    assert verdict(difference, half_width, 0.02, True, True) == expected


@pytest.mark.parametrize(
    ("difference", "expected"), [(0.0009, "reproduced"), (-0.0011, "below"), (0.002, "above")]
)
def test_public_weights_have_a_rule_of_their_own(difference, expected):
    assert verdict(difference, 0.001, 0.02, True, True, is_public=True) == expected


@pytest.mark.parametrize("is_public", [False, True])
def test_an_interval_that_is_not_known_decides_nothing(is_public):
    assert verdict(0.3, math.inf, 0.02, True, True, is_public) == "undecided"


def test_absence_and_other_data_come_first():
    assert verdict(0.0, 0.01, 0.02, False, True) == "missing"
    assert verdict(0.0, 0.01, 0.02, True, False) == "not comparable"


def test_the_rule_names_every_verdict_of_a_comparable_number_and_its_limit():
    text = rule(0.025)
    assert "2.5 points" in text
    for word in VERDICTS[:5]:
        assert word in text.lower()
    assert "one training" in text


def test_what_is_compared_is_three_sentences():
    assert WHAT_IS_COMPARED.count(". ") == 2 and WHAT_IS_COMPARED.endswith(".")
