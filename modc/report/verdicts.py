"""The verdict on a difference from the published number, and its rule in words."""

from collections.abc import Iterable

import numpy as np

VERDICTS = (
    "consistent",
    "reproduced",
    "below",
    "above",
    "undecided",
    "undecided (one training)",
    "not comparable",
    "missing",
    "not in grid",
)
CONSISTENT, REPRODUCED, BELOW, ABOVE, UNDECIDED, ONE_TRAINING = VERDICTS[:6]
NOT_COMPARABLE, MISSING, OUTSIDE = VERDICTS[6:]
# Prefixes of a place's status: why something is unknown, or rests on fewer trainings.
NO_INTERVAL = "no interval"
NO_SPREAD = "no spread between trainings"
NO_GAIN = "no gain"
NO_GAIN_INTERVAL = "no interval of the gain"
COMMON_SEEDS = "over the shared seeds only"
COPIES = "identical runs, counted once"
# For public weights that we score: a fraction, 0.1 points.
TOLERANCE = 0.001
WHAT_IS_COMPARED = (
    "A verdict compares the published number, which comes from a single training, with the mean of "
    "ours on this test split: our interval shows where one more training with the same method "
    "would fall. Even if everything is reproduced, about one published number in twenty falls "
    "outside it. Consistent means that no difference was found and that the interval is narrow "
    "enough to have shown one; undecided means that we cannot tell."
)


def verdict(
    difference: float,
    half_width: float,
    margin: float,
    is_there: bool,
    is_comparable: bool,
    is_public: bool = False,
) -> str:
    """Return one of VERDICTS for a place that is in the run's grid.

    difference: ours minus published; half_width: of its interval, NaN for a single training with no
    known spread between trainings, infinite if unknown for another reason; margin: the largest
    half width that still counts as consistent. All are fractions.
    is_public: our number is that of public weights, which are a single model.
    """
    if not is_there:
        return MISSING
    if not is_comparable:
        return NOT_COMPARABLE
    if np.isnan(half_width):
        return ONE_TRAINING
    # Equal printed numbers may differ in their last binary digits.
    if round(abs(difference) - half_width, 9) > 0:
        return ABOVE if difference > 0 else BELOW
    if is_public and np.isfinite(half_width):
        return REPRODUCED
    return CONSISTENT if half_width <= margin else UNDECIDED


def warning(is_marked: Iterable[bool]) -> str:
    """Return the heading's warning if some or all numbers are not comparable, else ""."""
    marks = set(is_marked)
    if True not in marks:
        return ""
    return f"{'PARTLY ' if False in marks else ''}NOT COMPARABLE TO THE PAPER"


def rule(margin: float) -> str:
    """Return the rule in words, for the notes of a table."""
    return (
        f"Verdict: the interval of ours minus published has a half width of t x s x "
        f"sqrt(1 + 1/n), for n seeds and a standard deviation s between trainings. s is pooled "
        f"over the cells with several seeds of the same dataset, row and share of labels (all; 5 % "
        f"or more; less), assuming that it is the same for all networks. Consistent: the interval "
        f"covers 0, and its half width is at most {100 * margin:g} points. Undecided: it covers 0 "
        f"but is wider, or its width is unknown, as for one training without an s. Otherwise "
        f"ours is below or above. If queries are missing, the half width h grows to "
        f"sqrt(h^2 + 1.96^2 v), where v is the variance of the difference due to "
        f"other queries. Public weights: reproduced within {100 * TOLERANCE:g} points, or within "
        f"1.96 sqrt v if that is more."
    )
