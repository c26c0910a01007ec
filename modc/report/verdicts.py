"""What a difference to the published number means: one word a place, by a rule that is printed."""

from collections.abc import Iterable

import numpy as np

VERDICTS = ("matches", "below", "above", "undecided", "not comparable", "missing", "not in grid")
MATCHES, BELOW, ABOVE, UNDECIDED, NOT_COMPARABLE, MISSING, OUTSIDE = VERDICTS
# How a place's status begins that says why it has none; of a gain, "no interval of the gain".
NO_INTERVAL = "no interval"


def verdict(
    published: float,
    low: float,
    high: float,
    is_there: bool,
    is_comparable: bool,
    widest_interval: float,
) -> str:
    """Return one of VERDICTS for a place that is in the run's grid.

    published, low, high, widest_interval: fractions; low and high are NaN where the scores of the
    queries are not there. A match that could not have failed is none: an interval wider than
    `widest_interval` that holds the published number is undecided.
    """
    if not is_there:
        return MISSING
    if not is_comparable:
        return NOT_COMPARABLE
    if np.isnan(low):
        return UNDECIDED
    if published < low:
        return ABOVE
    if published > high:
        return BELOW
    return MATCHES if high - low <= widest_interval else UNDECIDED


def warning(is_marked: Iterable[bool]) -> str:
    """Return the heading's warning that all or some of the numbers are not comparable, or ""."""
    marks = set(is_marked)
    if True not in marks:
        return ""
    return f"{'PARTLY ' if False in marks else ''}NOT COMPARABLE TO THE PAPER"


def rule(seeds: Iterable[int], widest_interval: float) -> str:
    """Return the rule in words, as it stands below numbers of so many seeds each (0: missing)."""
    counts = {count for count in seeds if count}
    further = "and, by the spread of the seeds, over where a further training would lie"
    alone = "it does not cover how much another training would differ"
    if max(counts, default=1) == 1:
        further = f"alone: with one seed {alone}"
    elif 1 in counts:
        further += f"; where a number has one seed, {alone}"
    return (
        f"Verdict: matches if the published number lies within our 95 % interval and this is at "
        f"most {100 * widest_interval:g} points wide, undecided if it is wider or there "
        f"is none (the scores of the queries are missing or altered); else below or "
        f"above (ours is). The interval is a bootstrap over the queries {further}."
    )
