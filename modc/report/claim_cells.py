"""The comparisons that a claim makes, each with its verdict."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isnan, nan

import pandas as pd

from modc.papers.paper import tables
from modc.papers.places import Place
from modc.papers.statements import Pair, Statement, pairs, places_of
from modc.report.results import NOT_IN_GRID, NOT_RUN
from modc.report.row_names import row_name
from modc.report.trainings import MeanDifference, rank_correlation
from modc.report.verdicts import COMMON_SEEDS, NO_SPREAD, NOT_COMPARABLE, OUTSIDE

CELL_VERDICTS = ("supports", "opposes", "undecided", "described", "missing")
SUPPORTS, OPPOSES, UNDECIDED, DESCRIBED, MISSING = CELL_VERDICTS
# How a difference is judged.
BY_INTERVAL, BY_SIGN = ("interval", "sign")

# Returns the difference of two places with its interval (`modc.report.trainings.Trainings`).
ByTrainings = Callable[[Place, Place], MeanDifference]


@dataclass(frozen=True)
class ClaimCell:
    """A pair of numbers with its verdict on a claim; or the correlation at one share of the labels.

    where: the table, or the dataset not in the paper. better_name, worse_name: the two rows.
    values, difference and its 95 % interval (low, high) are fractions, p is against no difference;
    NaN where absent. judged_by: "interval"; "sign" if it rests on single trainings; "" without
    numbers, or if no judgment is possible. verdict: one of CELL_VERDICTS, or OUTSIDE if the run's
    grid lacks one of the two. status: why there is no number, why it is not comparable, why there
    is no interval, or which seeds the difference covers if not all, else "". For a correlation,
    the difference is the coefficient, and the values are NaN.
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
    p: float
    judged_by: str
    verdict: str
    status: str
    is_comparable: bool

    @property
    def is_there(self) -> bool:
        """Whether both numbers exist."""
        return self.verdict not in (MISSING, OUTSIDE)

    @property
    def is_marked(self) -> bool:
        """Whether both numbers exist but are not comparable to the paper's."""
        return self.is_there and not self.is_comparable


def cells_of(
    statement: Statement,
    among: Iterable[Place],
    numbers: dict[Place, dict],
    config: dict,
    by_trainings: ByTrainings | None = None,
) -> tuple[ClaimCell, ...]:
    """Return the cells of a statement whose places are `among` those given.

    numbers: place -> the columns "ours" and status of `modc.report.tables`. by_trainings: gives the
    difference of two places with its interval; a pair without an interval is judged by sign.
    """
    if statement.by_accuracy:
        return _correlations(statement, among, numbers, config)
    titles = _titles(config)
    return tuple(
        _cell(pair, numbers, config, titles, by_trainings) for pair in pairs(statement, among)
    )


def _cell(
    pair: Pair,
    numbers: dict[Place, dict],
    config: dict,
    titles: dict[str, str],
    by_trainings: ByTrainings | None,
) -> ClaimCell:
    values = [_number(numbers, place, "ours") for place in pair]
    found = MeanDifference(values[0] - values[1])
    if by_trainings and not isnan(found.value):
        found = by_trainings(*pair)
    # Equal printed numbers may differ in their last binary digits.
    difference = round(found.value, 9)
    verdict, judged_by = UNDECIDED, ""
    if isnan(difference):
        verdict = _absence(numbers, pair)
    elif found.has_interval:
        verdict = SUPPORTS if found.low > 0 else OPPOSES if found.high < 0 else UNDECIDED
        judged_by = BY_INTERVAL
    elif not found.reason:
        judged_by = BY_SIGN
        if difference:
            verdict = SUPPORTS if difference > 0 else OPPOSES
    is_there = verdict not in (MISSING, OUTSIDE)
    reasons = _reasons(numbers, pair, verdict, config)
    if verdict == MISSING and found.reason:
        trained = " and ".join(_trained(place, config) for place in pair)
        reasons.append(f"{trained}: {found.reason}")
    said = []
    if is_there and not found.has_interval:
        said = _said(numbers, pair, NO_SPREAD)
        said += [f"{NO_SPREAD}: {found.reason}"] if found.reason else []
    if found.seeds:
        said.append(f"difference {COMMON_SEEDS}: {', '.join(map(str, found.seeds))}")
    return ClaimCell(
        _where(pair, titles),
        *pair,
        *(_row(place, config) for place in pair),
        *values,
        difference,
        found.low,
        found.high,
        found.p,
        judged_by,
        verdict,
        "; ".join(dict.fromkeys([*reasons, *said])),
        is_there and not reasons,
    )


def _correlations(
    statement: Statement, among: Iterable[Place], numbers: dict[Place, dict], config: dict
) -> tuple[ClaimCell, ...]:
    """Return the correlation of Acc and gain over the worse place for each share of the labels."""
    by_share: dict[tuple, list[tuple[Place, Place, Place]]] = {}
    for place in places_of(statement, among):
        own = (place, place._replace(**statement.worse[0]), place._replace(metric="Acc"))
        by_share.setdefault((place.labeled_percent, place.table == ""), []).append(own)
    titles = _titles(config)
    return tuple(_correlation(own, numbers, config, titles) for own in by_share.values())


def _correlation(
    groups: list[tuple[Place, Place, Place]],
    numbers: dict[Place, dict],
    config: dict,
    titles: dict[str, str],
) -> ClaimCell:
    """groups: for each point the better place, the worse one, and that of its Acc."""
    places = [place for place, _, _ in groups]
    points = {}
    for group in groups:
        own = [_number(numbers, one, "ours") for one in group]
        if not any(map(isnan, own)):
            points[group] = (own[2], round(own[0] - own[1], 9))
    needed = [one for group in groups for one in group]
    found = rank_correlation(*zip(*points.values(), strict=True)) if points else MeanDifference(nan)
    verdict = _absence(numbers, needed) if isnan(found.value) else DESCRIBED
    reasons = _reasons(numbers, needed, verdict, config)
    if verdict == MISSING and points and not reasons:
        reasons = [f"{len(points)} of {len(places)} places have numbers; expected three or more"]
    used = [one for group in points for one in group]
    marked = _said(numbers, used, NOT_COMPARABLE)
    is_there = verdict == DESCRIBED
    return ClaimCell(
        _where(Pair(places[0], places[-1]), titles),
        places[0],
        places[-1],
        "rank correlation of Acc and gain",
        f"{len(points)} places with {places[0].labeled_percent} % of the labels",
        nan,
        nan,
        found.value,
        found.low,
        found.high,
        found.p,
        (BY_INTERVAL if found.has_interval else BY_SIGN) if is_there else "",
        verdict,
        "; ".join(marked if is_there else reasons),
        is_there and not marked,
    )


def _absence(numbers: dict[Place, dict], needed: Iterable[Place]) -> str:
    is_outside = any(numbers.get(place, {}).get("status") == NOT_IN_GRID for place in needed)
    return OUTSIDE if is_outside else MISSING


def _reasons(
    numbers: dict[Place, dict], needed: Iterable[Place], verdict: str, config: dict
) -> list[str]:
    """Return why a cell has no numbers or is not comparable; empty if it is."""
    if verdict == OUTSIDE:
        return [NOT_IN_GRID]
    if verdict != MISSING:
        return _said(numbers, needed, NOT_COMPARABLE)
    found = []
    for place in needed:
        said = str(numbers.get(place, {"status": NOT_RUN}).get("status", "")).split("; ")
        if isnan(_number(numbers, place, "ours")):
            found.append(f"{_trained(place, config)}: {', '.join(said)}")
    return list(dict.fromkeys(found))


def _trained(place: Place, config: dict) -> str:
    name = row_name(config, place.network, place.method)
    return f"{place.dataset} {name} {place.labeled_percent} %"


def _row(place: Place, config: dict) -> str:
    """Return the name of the row, with its query label: MODC(ASEN)_top1, unknown."""
    name = row_name(config, place.network, place.method, place.top_n)
    return f"{name}, {place.query_label}" if place.query_label else name


def _said(numbers: dict[Place, dict], places: Iterable[Place], word: str) -> list[str]:
    """Return the parts of the places' statuses that begin with a word, each once."""
    status = [str(numbers.get(place, {}).get("status", "")) for place in places]
    reasons = dict.fromkeys(reason for text in status for reason in text.split("; "))
    return [reason for reason in reasons if reason.startswith(word)]


def _number(numbers: dict[Place, dict], place: Place, column: str) -> float:
    value = numbers.get(place, {}).get(column)
    return nan if value is None or pd.isna(value) else float(value)


def _titles(config: dict) -> dict[str, str]:
    return {name: table.title for name, table in tables(config).items()}


def _where(pair: Pair, titles: dict[str, str]) -> str:
    names = sorted({place.table for place in pair})
    if names == [""]:
        return pair.better.dataset
    said = [titles[name] for name in names]
    return " and ".join(said) if len(said) > 1 else f"{said[0]}, {pair.better.dataset}"
