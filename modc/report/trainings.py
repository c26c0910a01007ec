"""How much a number varies between trainings, and what a difference of two means.

A seed determines the training and, below 100 %, the labeled part (A8). Standard deviations between
trainings are pooled over the cells of a run that have several seeds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import hypot, nan, sqrt

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from modc.evaluation.bootstrap import LEVEL
from modc.papers.places import Place
from modc.report.frame import MISSING, OTHER_SETTINGS

# The power with which a noticeable difference is detected.
POWER = 0.80
# Percentages of labels assumed to share one spread between trainings: all; 5 or more; fewer.
CLASSES = ("100", "from 5", "below 5")
THIS_RUN = "this run"
OTHER_QUERIES = "the trainings were scored on different queries"
NO_COMMON_SEED = "the two rows have no seed in common"
# Fractions that differ by less are equal up to rounding errors of a mean or difference.
EQUAL = 1e-12


def label_class(percent: int) -> str:
    """Return the one of CLASSES that a percentage of labels belongs to."""
    return CLASSES[0] if percent == 100 else CLASSES[1] if percent >= 5 else CLASSES[2]


@dataclass(frozen=True)
class Spread:
    """A standard deviation between trainings, as a fraction above 0, and its degrees of freedom.

    source: THIS_RUN, or the source named in the configuration.
    """

    sd: float
    dof: float
    source: str = THIS_RUN

    def reach(self, share: float = (1 + LEVEL) / 2) -> float:
        """Return t x sd; the default gives the half width that covers LEVEL of new trainings."""
        return float(stdtrit(self.dof, share)) * self.sd


@dataclass(frozen=True)
class MeanDifference:
    """A mean difference between trainings, with its interval, and p against no difference.

    Fractions; low, high and p are NaN if no spread between trainings is known. reason: why there
    is no value or no interval, "" if it rests on a single training. seeds: the seeds averaged over
    if one of the two rows has more than these, else none.
    """

    value: float
    low: float = nan
    high: float = nan
    p: float = nan
    reason: str = ""
    seeds: tuple[int, ...] = ()

    @property
    def has_interval(self) -> bool:
        """Whether a spread between trainings is known."""
        return not np.isnan(self.p)


def difference(value: float, error: float, dof: float) -> MeanDifference:
    """Return a mean with its interval and p from its standard error and degrees of freedom."""
    half = float(stdtrit(dof, (1 + LEVEL) / 2)) * error
    p = 2 * float(stdtr(dof, -abs(value) / error))
    return MeanDifference(value, value - half, value + half, p)


def pooled(groups: Iterable[Sequence[float]]) -> Spread | None:
    """Return the pooled standard deviation of groups of values.

    s^2 = sum (n - 1) s_n^2 / sum (n - 1), with sum (n - 1) degrees of freedom. None if no group has
    two values, or if the values of each group are equal: that tells nothing about new trainings.
    """
    several = [values for values in groups if len(values) > 1]
    dof = sum(len(values) - 1 for values in several)
    # Not the standard deviation itself: that of three equal fractions is about 1e-17.
    if all(np.ptp(values) < EQUAL for values in several):
        return None
    squares = sum((len(values) - 1) * np.var(values, ddof=1) for values in several)
    return Spread(float(sqrt(squares / dof)), dof)


def half_width(spread: Spread, seeds: int, of_queries: float = 0.0) -> float:
    """Return how far a published number may lie from our mean, at LEVEL, by chance alone.

    The published number is a single training, ours the mean of `seeds`. of_queries: the standard
    deviation of the difference due to other queries (`queries_variance`), as a fraction.
    """
    return hypot(spread.reach() * sqrt(1 + 1 / seeds), _normal((1 + LEVEL) / 2) * of_queries)


def noticeable(spread: Spread, seeds: int, of_queries: float = 0.0) -> float:
    """Return the smallest true difference that is detected with a probability of POWER."""
    trainings = (spread.reach() + spread.reach(POWER)) * sqrt(1 + 1 / seeds)
    queries = (_normal((1 + LEVEL) / 2) + _normal(POWER)) * of_queries
    return hypot(trainings, queries)


def queries_variance(of_query: float, listed: int, ours: int, published: float) -> float:
    """Return the variance of a difference of two means over parts of the same queries.

    of_query: the variance of one query's score; listed: how many queries there are; ours: how many
    of them we have; published: how many the authors had. Both parts are assumed to be drawn
    independently.
    """
    missing = (listed - ours) / (listed * ours) + (listed - published) / (listed * published)
    return of_query * missing


def holm(p: Sequence[float], level: float = 1 - LEVEL) -> list[bool]:
    """Return which of several hypotheses Holm's procedure rejects; NaN is never rejected.

    The probability of any wrong rejection is at most `level`, under any dependence.
    """
    found, left = [False] * len(p), len(p)
    for place in sorted(range(len(p)), key=lambda place: (np.isnan(p[place]), p[place])):
        if not p[place] <= level / left:
            break
        found[place], left = True, left - 1
    return found


class Trainings:
    """The numbers of a run by seed, and the spreads between them.

    Seeds of a cell with identical scores are copies of one training, which counts once. A public
    checkpoint is one model under all seeds: it is in no pool and has no spread.
    """

    def __init__(self, frame: pd.DataFrame, config: dict):
        """frame: as `modc.report.frame.results_frame` returns it."""
        self._configured = config["report"]["training_sd"]
        self._rows: dict[tuple, dict[int, dict]] = {}
        self._trained: dict[tuple, dict[int, dict]] = {}
        for row in frame.to_dict("records"):
            self._rows.setdefault(_key(row), {})[row["seed"]] = row
            if row["test_data"]:
                self._trained.setdefault(_training(row), {})[row["seed"]] = row
        self._pool = lru_cache(maxsize=None)(self._pooled)

    def rows(self, place: Place) -> list[dict]:
        """Return the rows of the frame that fill a place, one per seed."""
        return list(self._rows.get(_key(place._asdict()), {}).values())

    def values(self, place: Place) -> dict[int, float]:
        """Return a place's number by seed, as fractions; copies are left out."""
        return {row["seed"]: row["value"] for row in self._numbers(place)}

    def copies(self, place: Place) -> dict[int, int]:
        """Return the seeds whose training is a copy, each with the seed that counts instead."""
        found = {seed: row["copy_of"] for seed, row in self._trainings(place).items()}
        return {seed: int(first) for seed, first in found.items() if pd.notna(first)}

    def is_public(self, place: Place) -> bool:
        """Return whether the place's number is that of public weights."""
        own = self._trainings(place)
        return bool(own) and all(row["is_public"] for row in own.values())

    def are_alike(self, *places: Place) -> bool:
        """Return whether all trainings of these places were scored on the same queries."""
        trained = (row for place in places for row in self._trainings(place).values())
        return len({row["test_data"] for row in trained}) < 2

    def spread(self, place: Place) -> Spread | None:
        """Return the spread of the place's number between trainings; None if unknown."""
        return self._pool(*self._kind(place), _row(place), None) or self._from_configuration(place)

    def difference(self, first: Place, second: Place) -> MeanDifference:
        """Return the mean of the first minus the second, with its interval between trainings.

        Two rows of one cell are paired by seed: the spread is that of their difference, pooled over
        the cells that have several seeds. Two cells share no training: their errors add. Numbers
        from different queries get no interval, since it would not come from the trainings alone.
        """
        values = [self.values(place) for place in (first, second)]
        if not all(values):
            return MeanDifference(nan)
        is_paired = _cell(first) == _cell(second)
        only: tuple[int, ...] = ()
        if is_paired:
            seeds = sorted(values[0].keys() & values[1].keys())
            if not seeds:
                return MeanDifference(nan, reason=NO_COMMON_SEED)
            if any(len(own) > len(seeds) for own in values):
                only = tuple(seeds)
            values = [{seed: own[seed] for seed in seeds} for own in values]
        means = [float(np.mean(list(own.values()))) for own in values]
        mean = means[0] - means[1]
        if not self.are_alike(first, second):
            return MeanDifference(mean, reason=OTHER_QUERIES, seeds=only)
        counts = [len(own) for own in values]
        is_public = any(map(self.is_public, (first, second)))
        if is_paired and not is_public:
            spread = self._pool(*self._kind(first), _row(first), _row(second))
            found = spread and difference(mean, spread.sd / sqrt(counts[0]), spread.dof)
        else:
            found = self._apart(mean, (first, second), counts)
        return replace(found or MeanDifference(mean), seeds=only)

    def _apart(
        self, mean: float, places: tuple[Place, Place], counts: list[int]
    ) -> MeanDifference | None:
        """Return a mean difference of rows whose errors add; None if a spread is unknown."""
        parts = [
            (self.spread(place), count)
            for place, count in zip(places, counts, strict=True)
            if not self.is_public(place)
        ]
        if not parts or any(spread is None for spread, _ in parts):
            return None
        variances = [spread.sd**2 / count for spread, count in parts]
        dofs = [spread.dof for spread, _ in parts]
        if len({spread for spread, _ in parts}) == 1:  # one pool
            dof = dofs[0]
        else:  # Welch and Satterthwaite's
            dof = sum(variances) ** 2 / sum(v**2 / d for v, d in zip(variances, dofs, strict=True))
        return difference(mean, sqrt(sum(variances)), dof)

    def _trainings(self, place: Place) -> dict[int, dict]:
        """Return one row of each scored training of a place's table row, by seed."""
        return self._trained.get(_training(place._asdict()), {})

    def _numbers(self, place: Place) -> list[dict]:
        """Return the rows of a place that have a number, copies left out."""
        return [
            row for row in self.rows(place) if row["status"] != MISSING and pd.isna(row["copy_of"])
        ]

    def _usable(self, place: Place) -> list[dict]:
        """Return the rows of a place with a number under the configuration's settings."""
        return [row for row in self._numbers(place) if row["status"] != OTHER_SETTINGS]

    def _kind(self, place: Place) -> tuple[str, str, str, str, str]:
        """Return what the trainings of a place's pool have in common, besides the row."""
        why = next((row["reason"] for row in self._usable(place)), "")
        labels = label_class(place.labeled_percent)
        return place.dataset, labels, place.attribute, place.metric, why

    def _pooled(
        self,
        dataset: str,
        labels: str,
        attribute: str,
        metric: str,
        why: str,
        row: tuple,
        less: tuple | None,
    ) -> Spread | None:
        """Return the spread of a row, or of its difference from another, over all networks.

        why: "" for trainings comparable to the paper's; those that are not are pooled only with
        others that have the same reason.
        """
        groups = []
        cells = dict.fromkeys(key[:3] for key in self._trained)
        for name, network, percent in cells:
            if name != dataset or label_class(percent) != labels:
                continue
            rows = [
                Place("", name, network, one[0], percent, one[1], one[2], attribute, metric)
                for one in (row, *([less] if less else []))
            ]
            if any(map(self.is_public, rows)) or not self.are_alike(*rows):
                continue
            usable = [self._usable(place) for place in rows]
            if any({row["reason"] for row in own} != {why} for own in usable):
                continue
            values = [{row["seed"]: row["value"] for row in own} for own in usable]
            seeds = sorted(set.intersection(*(set(own) for own in values)))
            signs = (1, -1)[: len(values)]
            groups.append(
                [sum(s * own[seed] for s, own in zip(signs, values, strict=True)) for seed in seeds]
            )
        return pooled(groups)

    def _from_configuration(self, place: Place) -> Spread | None:
        wanted = {
            "dataset": place.dataset,
            "labels": label_class(place.labeled_percent),
            "attribute": place.attribute,
            "metric": place.metric,
        }
        for entry in self._configured:
            if all(entry[key] == value for key, value in wanted.items()):
                return Spread(entry["sd"], entry["dof"], entry["source"])
        return None


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> MeanDifference:
    """Return Spearman's correlation of two series, with its interval by Fisher's transformation.

    The standard error is Bonett and Wright's, sqrt((1 + r^2 / 2) / (n - 3)); no interval for fewer
    than five points. NaN if a series is constant or has fewer than three points.
    """
    count = len(first)
    if count < 3:
        return MeanDifference(nan)
    ranks = [_ranks(np.asarray(series, float)) for series in (first, second)]
    if any(np.ptp(own) == 0 for own in ranks):
        return MeanDifference(nan)
    r = float(np.corrcoef(*ranks)[0, 1])
    if count < 5 or abs(r) > 1 - 1e-12:
        return MeanDifference(r)
    error = sqrt((1 + r**2 / 2) / (count - 3))
    z, half = np.arctanh(r), _normal((1 + LEVEL) / 2) * error
    low, high = np.tanh([z - half, z + half])
    return MeanDifference(r, float(low), float(high), 2 * float(stdtr(np.inf, -abs(z) / error)))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks; ties share their mean rank."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(sizes) - (sizes - 1) / 2)[group]


def _normal(share: float) -> float:
    return float(stdtrit(np.inf, share))


def _row(place: Place) -> tuple[str, str, str]:
    return place.method, place.query_label, place.top_n


def _cell(place: Place) -> tuple[str, str, int]:
    return place.dataset, place.network, place.labeled_percent


def _training(place: dict) -> tuple[str, str, int, str]:
    return place["dataset"], place["network"], place["labeled_percent"], place["method"]


def _key(place: dict) -> tuple:
    """Return the key that the rows of a place share; Acc belongs to no ranking."""
    way = ("", "") if place["metric"] == "Acc" else (place["query_label"], place["top_n"])
    return *_training(place), *way, place["attribute"], place["metric"]
