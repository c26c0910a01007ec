"""How much a number differs from one training to the next, and what a difference of two tells.

A seed draws the training and, below 100 %, the labelled part (A8). Standard deviations between
trainings are pooled over the cells of a run that have several seeds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import hypot, nan, sqrt

import numpy as np
from scipy.special import stdtr, stdtrit

from modc.evaluation.bootstrap import LEVEL
from modc.published.claims import Place
from modc.report.results import Result

# How often a difference shall be noticed that is called noticeable.
POWER = 0.80
# Percentages of labels whose trainings are taken to differ alike: all; from 5; fewer.
CLASSES = ("100", "from 5", "below 5")
THIS_RUN, CONFIGURED, IDENTICAL = "this run", "report.training_sd", "identical runs"


def label_class(percent: int) -> str:
    """Return which of CLASSES a percentage of labels is of."""
    return CLASSES[0] if percent == 100 else CLASSES[1] if percent >= 5 else CLASSES[2]


@dataclass(frozen=True)
class Spread:
    """A standard deviation between trainings, as a fraction, and the degrees of freedom it has.

    source: THIS_RUN, or what the configuration names. One of 0 is of runs that are copies of each
    other: it is said, and never used.
    """

    sd: float
    dof: float
    source: str = THIS_RUN

    @property
    def is_usable(self) -> bool:
        """Whether it says anything about another training."""
        return self.sd > 0

    def reach(self, share: float = (1 + LEVEL) / 2) -> float:
        """Return t x sd: with the default, what holds LEVEL of a normal distribution's middle."""
        return float(stdtrit(self.dof, share)) * self.sd


@dataclass(frozen=True)
class MeanDifference:
    """A mean difference between trainings, with its interval, and p against no difference.

    Fractions; low, high and p are NaN where no spread between trainings is known.
    """

    value: float
    low: float = nan
    high: float = nan
    p: float = nan

    @property
    def has_interval(self) -> bool:
        """Whether a spread between trainings is known."""
        return not np.isnan(self.p)


def difference(value: float, error: float, dof: float) -> MeanDifference:
    """Return a mean with its interval and p, by its standard error and degrees of freedom."""
    half = float(stdtrit(dof, (1 + LEVEL) / 2)) * error
    p = 2 * float(stdtr(dof, -abs(value) / error))
    return MeanDifference(value, value - half, value + half, p)


def pooled(groups: Iterable[Sequence[float]]) -> Spread | None:
    """Return the pooled standard deviation of groups of values; None without two in any of them.

    s^2 = sum (n - 1) s_n^2 / sum (n - 1), with sum (n - 1) degrees of freedom.
    """
    several = [values for values in groups if len(values) > 1]
    dof = sum(len(values) - 1 for values in several)
    if not dof:
        return None
    squares = sum((len(values) - 1) * np.var(values, ddof=1) for values in several)
    return Spread(float(sqrt(squares / dof)), dof)


def half_width(spread: Spread, seeds: int, of_queries: float = 0.0) -> float:
    """Return how far a published number may lie from our mean, at LEVEL, if nothing else differs.

    The published number is one training, ours the mean of `seeds`. of_queries: the standard
    deviation of the difference from other queries (`queries_variance`), as a fraction.
    """
    return hypot(spread.reach() * sqrt(1 + 1 / seeds), _normal((1 + LEVEL) / 2) * of_queries)


def noticeable(spread: Spread, seeds: int, of_queries: float = 0.0) -> float:
    """Return the smallest true difference that would be noticed with a probability of POWER."""
    trainings = (spread.reach() + spread.reach(POWER)) * sqrt(1 + 1 / seeds)
    queries = (_normal((1 + LEVEL) / 2) + _normal(POWER)) * of_queries
    return hypot(trainings, queries)


def queries_variance(of_query: float, listed: int, ours: int, published: float) -> float:
    """Return the variance of a difference of two means over parts of the same queries.

    of_query: the variance of one query's score; listed: how many queries there are; ours: how many
    of them we have; published: how many the authors had. Both parts are taken to be drawn apart.
    """
    missing = (listed - ours) / (listed * ours) + (listed - published) / (listed * published)
    return of_query * missing


def holm(p: Sequence[float], level: float = 1 - LEVEL) -> list[bool]:
    """Return which of several hypotheses Holm's procedure rejects; NaN is never rejected.

    Whatever the dependence between them, one is rejected wrongly with a probability of `level` at
    most.
    """
    found, left = [False] * len(p), len(p)
    for place in sorted(range(len(p)), key=lambda place: (np.isnan(p[place]), p[place])):
        if not p[place] <= level / left:
            break
        found[place], left = True, left - 1
    return found


class Trainings:
    """The numbers of a run by seed, and the spreads between them.

    A public checkpoint is one model under all seeds: it is in no pool, and has no spread.
    """

    def __init__(self, results: Iterable[Result], config: dict):
        self._divisor = config["evaluation"]["map_at_100"]
        self._configured = config["report"]["training_sd"]
        self._results: dict[tuple, dict[int, Result]] = {}
        for result in results:
            if result.scores is not None:
                own = self._results.setdefault((*_cell(result.cell), result.method), {})
                own[result.cell.seed] = result
        self._pool = lru_cache(maxsize=None)(self._pooled)
        self._public = {
            key: all(map(_is_public, own.values())) for key, own in self._results.items()
        }
        self._alike = {
            key: len(set(map(_data, own.values()))) < 2 for key, own in self._results.items()
        }

    def values(self, place: Place) -> dict[int, float]:
        """Return a place's number by seed, as fractions."""
        found = {
            seed: result.value(place.attribute, *self._where(place))
            for seed, result in self._of(place).items()
        }
        return {seed: value for seed, value in found.items() if value is not None}

    def is_public(self, place: Place) -> bool:
        """Return whether the place's number is that of public weights."""
        return self._public.get((*_cell(place), place.method), False)

    def are_alike(self, place: Place) -> bool:
        """Return whether the seeds of a place's training were scored on the same queries."""
        return self._alike.get((*_cell(place), place.method), True)

    def spread(self, place: Place) -> Spread | None:
        """Return the spread of the place's number from training to training; None if unknown."""
        kind = (place.dataset, label_class(place.labeled_percent), place.attribute, place.metric)
        return self._pool(*kind, _row(place), None) or self._from_configuration(place)

    def difference(self, first: Place, second: Place) -> MeanDifference:
        """Return the mean of the first minus the second, as trainings bear on it.

        Two rows of one cell are paired by seed: the spread is that of their difference, pooled over
        the cells that have several seeds. Two cells share no training: their errors add.
        """
        values = [self.values(place) for place in (first, second)]
        is_paired = _cell(first) == _cell(second)
        if is_paired:
            seeds = sorted(values[0].keys() & values[1].keys())
            values = [{seed: own[seed] for seed in seeds} for own in values]
        if not all(values):
            return MeanDifference(nan)
        means = [float(np.mean(list(own.values()))) for own in values]
        mean = means[0] - means[1]
        publics = [self.is_public(place) for place in (first, second)]
        if is_paired and not any(publics):
            kind = (first.dataset, label_class(first.labeled_percent), first.attribute)
            spread = self._pool(*kind, first.metric, _row(first), _row(second))
            if spread is None or not spread.is_usable:
                return MeanDifference(mean)
            return difference(mean, spread.sd / sqrt(len(values[0])), spread.dof)
        parts = [
            (self.spread(place), len(own))
            for place, own, is_public in zip((first, second), values, publics, strict=True)
            if not is_public
        ]
        if not parts or any(spread is None or not spread.is_usable for spread, _ in parts):
            return MeanDifference(mean)
        variances = [spread.sd**2 / count for spread, count in parts]
        dofs = [spread.dof for spread, _ in parts]
        if len({spread for spread, _ in parts}) == 1:  # one pool
            dof = dofs[0]
        else:  # Welch and Satterthwaite's
            dof = sum(variances) ** 2 / sum(v**2 / d for v, d in zip(variances, dofs, strict=True))
        return difference(mean, sqrt(sum(variances)), dof)

    def _of(self, place: Place) -> dict[int, Result]:
        return self._results.get((*_cell(place), place.method), {})

    def _where(self, place: Place) -> tuple[str, str, str]:
        if place.metric == "Acc":
            return "Acc", "", ""
        metric = f"MAP@100/{self._divisor}" if place.metric == "MAP@100" else place.metric
        return metric, place.query_label, place.top_n

    def _pooled(
        self, dataset: str, labels: str, attribute: str, metric: str, row: tuple, less: tuple | None
    ) -> Spread | None:
        """Return the spread of a row, or of its difference to another, over all networks."""
        groups = []
        cells = dict.fromkeys(key[:3] for key in self._results)
        for name, network, percent in cells:
            if name != dataset or label_class(percent) != labels:
                continue
            rows = [
                Place("", name, network, one[0], percent, one[1], one[2], attribute, metric)
                for one in (row, *([less] if less else []))
            ]
            if any(self.is_public(place) or not self.are_alike(place) for place in rows):
                continue
            values = [self.values(place) for place in rows]
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
    than five. NaN where one of the series does not vary, or there are fewer than three.
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
    """Return ranks; equal values share the mean of theirs."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(sizes) - (sizes - 1) / 2)[group]


def _normal(share: float) -> float:
    return float(stdtrit(np.inf, share))


def _row(place: Place) -> tuple[str, str, str]:
    return place.method, place.query_label, place.top_n


def _cell(place: object) -> tuple[str, str, int]:
    return place.dataset, place.network, place.labeled_percent


def _is_public(result: Result) -> bool:
    return result.stages[-1]["stopped"].startswith("public weights")


def _data(result: Result) -> tuple:
    scores = result.scores
    parts = [scores["overall"], *scores["attributes"]]
    counts = tuple((part["queries"], part["candidates"]) for part in parts)
    return scores.get("index_sha256"), scores["manifest_sha256"], counts
