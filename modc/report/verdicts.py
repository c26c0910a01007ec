"""What a difference to the published number means: one word a place, by a rule that is printed."""

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
# How a place's status begins that says why something about it is not known, or of fewer trainings.
NO_INTERVAL = "no interval"
NO_SPREAD = "no spread between trainings"
NO_GAIN = "no gain"
NO_GAIN_INTERVAL = "no interval of the gain"
COMMON_SEEDS = "over the common seeds alone"
COPIES = "identical runs, counted once"
# Of public weights, scored by us: a fraction, 0.1 points.
TOLERANCE = 0.001
WHAT_IS_COMPARED = (
    "A verdict compares the published number, which is of one training, with the mean of ours, on "
    "this test split: our interval says where one more training by the same method would lie. "
    "Even where everything is reproduced, the published number falls outside it in one of twenty "
    "places. Consistent says that no difference was found and that the interval is narrow enough "
    "for one to have shown; undecided says that we cannot tell."
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

    difference: ours minus published; half_width: of its interval, NaN for one training where no
    spread between trainings is known, infinite where it is not known for another reason; margin:
    the widest half width of a consistent number. All are fractions.
    is_public: ours is the number of public weights, which are one model.
    """
    if not is_there:
        return MISSING
    if not is_comparable:
        return NOT_COMPARABLE
    if np.isnan(half_width):
        return ONE_TRAINING
    # Printed numbers differ by what binary fractions make of them.
    if round(abs(difference) - half_width, 9) > 0:
        return ABOVE if difference > 0 else BELOW
    if is_public and np.isfinite(half_width):
        return REPRODUCED
    return CONSISTENT if half_width <= margin else UNDECIDED


def warning(is_marked: Iterable[bool]) -> str:
    """Return the heading's warning that all or some of the numbers are not comparable, or ""."""
    marks = set(is_marked)
    if True not in marks:
        return ""
    return f"{'PARTLY ' if False in marks else ''}NOT COMPARABLE TO THE PAPER"


def rule(margin: float) -> str:
    """Return the rule in words, as it stands below the numbers."""
    return (
        f"Verdict: the half width of ours minus published is t x s x sqrt(1 + 1/n), for n seeds "
        f"and the standard deviation s between trainings, pooled over the cells with several seeds "
        f"of the same dataset, row and share of labels (all; from 5 %; below), in which the "
        f"networks are taken to be alike. Consistent: 0 lies within, and the half width is at "
        f"most {100 * margin:g} points; undecided: it is wider or not known, as it is for one "
        f"training without an s; else below or above (ours is). Where queries are missing, "
        f"v, the variance of the difference that comes of other queries, widens it: it is the root "
        f"of its square and (1.96 sqrt v)^2. Public weights: reproduced within "
        f"{100 * TOLERANCE:g} points, or within 1.96 sqrt v where that is more."
    )
