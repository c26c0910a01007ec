"""Pairs of numbers judged: what each says of a claim."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isnan, nan
from typing import NamedTuple

import pandas as pd

from modc.published.claims import Pair, Place, Statement, pairs
from modc.report.results import NOT_IN_GRID, NOT_RUN
from modc.report.verdicts import NO_INTERVAL, NOT_COMPARABLE, OUTSIDE

CELL_VERDICTS = ("supports", "opposes", "undecided", "missing")
SUPPORTS, OPPOSES, UNDECIDED, MISSING = CELL_VERDICTS
# How a difference was judged.
BY_INTERVAL, BY_SIGN = ("interval", "sign")

# Returns the paired interval (low, high) of the first place minus the second, None if unknown.
PairedInterval = Callable[[Place, Place], tuple[float, float] | None]


@dataclass(frozen=True)
class Cell:
    """A pair of numbers and what it says of a claim.

    where: the table, or the dataset that the paper does not have. better_name, worse_name: the two
    rows. values, difference and its 95 % interval (low, high) are fractions, NaN where absent.
    judged_by: "interval" or "sign", "" without numbers. verdict: one of CELL_VERDICTS, or OUTSIDE
    where the run's grid does not have both. status: why there is no number, why it is not
    comparable, or why there is no interval, else "".
    """

    where: str
    better: Place
    worse: Place
    better_name: str
    worse_name: str
    better_value: float
    worse_value: float
    difference: float
    low: float
    high: float
    judged_by: str
    verdict: str
    status: str
    is_comparable: bool

    @property
    def is_there(self) -> bool:
        """Whether both numbers are."""
        return self.verdict not in (MISSING, OUTSIDE)

    @property
    def is_marked(self) -> bool:
        """Whether both numbers are there, but not comparable to the paper's."""
        return self.is_there and not self.is_comparable


def cells_of(
    statement: Statement,
    among: Iterable[Place],
    numbers: dict[Place, dict],
    paired_interval: PairedInterval | None = None,
) -> tuple[Cell, ...]:
    """Return the cells of a statement whose places are `among` those given.

    numbers: place -> the columns "ours" and, where known, low, high, gain, gain_low, gain_high,
    status of `modc.report.tables`. MODC and its baseline are judged by the paired interval in
    gain_low and gain_high, other pairs by `paired_interval`; without an interval by the sign alone.
    """
    compared = (
        _gains_compared(pair, numbers)
        if statement.by_accuracy
        else _numbers_compared(pair, numbers, paired_interval)
        for pair in pairs(statement, among)
    )
    return tuple(_cell(comparison, numbers) for comparison in compared)


class _Comparison(NamedTuple):
    """Two values, how far the first is above the second, and the places that they rest on."""

    pair: Pair
    names: tuple[str, str]
    values: tuple[float, float]
    difference: float
    interval: tuple[float, float]
    needed: tuple[Place, ...]
    is_open: bool = False  # undecided in any case


def _numbers_compared(
    pair: Pair, numbers: dict[Place, dict], paired_interval: PairedInterval | None
) -> _Comparison:
    values = tuple(_number(numbers, place, "ours") for place in pair)
    names = (pair.better.row, pair.worse.row)
    difference, interval = values[0] - values[1], None
    if pair.worse == pair.better.baseline:
        difference, *interval = _gain(numbers, pair.better)
    elif paired_interval and not isnan(difference):
        interval = paired_interval(*pair)
    return _Comparison(pair, names, values, difference, tuple(interval or (nan, nan)), pair)


def _gains_compared(pair: Pair, numbers: dict[Place, dict]) -> _Comparison:
    """Compare the gains of two places, of which the one with the higher Acc should gain more."""
    accuracy = {place: _number(numbers, place.accuracy, "ours") for place in pair}
    has_accuracy = not any(map(isnan, accuracy.values()))
    if has_accuracy and accuracy[pair.worse] > accuracy[pair.better]:
        pair = Pair(pair.worse, pair.better)
    names = (f"gain of {place.row}, {place.dataset}" for place in pair)
    if has_accuracy:
        names = (
            f"{name} (Acc {100 * accuracy[place]:.2f})"
            for name, place in zip(names, pair, strict=True)
        )
    (better, *of_better), (worse, *of_worse) = (_gain(numbers, place) for place in pair)
    lowest = _number(numbers, pair.better.accuracy, "low")
    highest = _number(numbers, pair.worse.accuracy, "high")
    return _Comparison(
        pair,
        tuple(names),
        (better, worse),
        better - worse if has_accuracy else nan,
        # What both intervals leave possible: wider than a paired one, which datasets do not share.
        (of_better[0] - of_worse[1], of_better[1] - of_worse[0]),
        tuple(own for place in pair for own in (place, place.baseline, place.accuracy)),
        accuracy[pair.better] == accuracy[pair.worse] or lowest <= highest,
    )


def _gain(numbers: dict[Place, dict], place: Place) -> tuple[float, float, float]:
    """Return a place's gain over its baseline and the gain's interval."""
    own = tuple(_number(numbers, place, column) for column in ("gain", "gain_low", "gain_high"))
    by_values = _number(numbers, place, "ours") - _number(numbers, place.baseline, "ours")
    # The columns' gain is over the seeds that both have, as its interval is.
    return (by_values, nan, nan) if isnan(own[0]) else own


def _cell(comparison: _Comparison, numbers: dict[Place, dict]) -> Cell:
    # Numbers that are printed alike differ by nothing, whatever binary fractions make of it.
    difference = round(comparison.difference, 9)
    low, high = comparison.interval
    by_interval = not (isnan(difference) or isnan(low) or isnan(high))
    least, most = (low, high) if by_interval else (difference, difference)
    verdict = UNDECIDED
    if isnan(difference):
        verdict = OUTSIDE if _is_outside(numbers, comparison.needed) else MISSING
    elif not comparison.is_open and (least > 0 or most < 0):
        verdict = SUPPORTS if least > 0 else OPPOSES
    is_there = verdict not in (MISSING, OUTSIDE)
    reasons = _reasons(numbers, comparison.needed, verdict)
    unsure = [] if by_interval else _said(numbers, comparison.needed, NO_INTERVAL)
    return Cell(
        _where(comparison.pair),
        *comparison.pair,
        *comparison.names,
        *comparison.values,
        difference,
        *((low, high) if by_interval else (nan, nan)),
        (BY_INTERVAL if by_interval else BY_SIGN) if is_there else "",
        verdict,
        "; ".join([*reasons, *unsure] if is_there else reasons),
        is_there and not reasons,
    )


def _is_outside(numbers: dict[Place, dict], needed: Iterable[Place]) -> bool:
    return any(numbers.get(place, {}).get("status") == NOT_IN_GRID for place in needed)


def _reasons(numbers: dict[Place, dict], needed: Iterable[Place], verdict: str) -> list[str]:
    """Return why a cell has no numbers, or why it is not comparable; none if it is."""
    if verdict == OUTSIDE:
        return [NOT_IN_GRID]
    if verdict != MISSING:
        return _said(numbers, needed, NOT_COMPARABLE)
    found = []
    for place in needed:
        said = str(numbers.get(place, {"status": NOT_RUN}).get("status", "")).split("; ")
        if isnan(_number(numbers, place, "ours")):
            name = place.network if place.method == "baseline" else f"MODC({place.network})"
            found.append(f"{place.dataset} {name} {place.labeled_percent} %: {', '.join(said)}")
    return list(dict.fromkeys(found))


def _said(numbers: dict[Place, dict], places: Iterable[Place], word: str) -> list[str]:
    """Return what of the places' status begins with a word, each once."""
    status = [str(numbers.get(place, {}).get("status", "")) for place in places]
    reasons = dict.fromkeys(reason for text in status for reason in text.split("; "))
    return [reason for reason in reasons if reason.startswith(word)]


def _number(numbers: dict[Place, dict], place: Place, column: str) -> float:
    value = numbers.get(place, {}).get(column)
    return nan if value is None or pd.isna(value) else float(value)


def _where(pair: Pair) -> str:
    tables = sorted({place.table for place in pair}, key=str)
    if tables == [""]:
        return pair.better.dataset
    if len(tables) > 1:
        return " against ".join(f"Table {table}" for table in tables)
    return f"Table {tables[0]}, {pair.better.dataset}"
