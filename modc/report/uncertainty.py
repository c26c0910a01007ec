"""How surely a number of ours stands: over the queries, and over the seeds."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from modc.evaluation.bootstrap import LEVEL, intervals
from modc.evaluation.metrics import METRICS
from modc.evaluation.prioritized import QUERY_LABELS, TOP_N, column_name
from modc.grid import METHODS
from modc.report.queries import usable_queries
from modc.report.results import Result


class Place(NamedTuple):
    """Which number of a method, as `Result.value` takes it; Acc has no query_label and no top_n."""

    attribute: str
    metric: str
    query_label: str = ""
    top_n: str = ""


class Intervals(NamedTuple):
    """Bootstrap intervals over the queries of means over the seeds, as fractions.

    gain, gain_low, gain_high: MODC's score minus its baseline's on the same queries and seeds, the
    middle one first, its interval joined with that over the seeds (`widened`); NaN for a baseline,
    for Acc, and where one of both is missing.
    """

    low: float
    high: float
    gain: float = np.nan
    gain_low: float = np.nan
    gain_high: float = np.nan


def query_intervals(results: Iterable[Result], unanswerable: str) -> dict[str, dict]:
    """Return the intervals of every place of both methods: method -> Place -> Intervals.

    results: of one dataset, network and percentage, both methods, all seeds. unanswerable: as in
    the configuration. A method has none where the scores of the queries of one of its seeds are not
    there, or of other queries than another seed's.
    """
    own: dict[str, dict[int, pd.DataFrame | None]] = {method: {} for method in METHODS}
    names: list[str] = []
    for result in results:
        if result.scores is not None:
            own[result.method][result.cell.seed] = usable_queries(result, unanswerable)[0]
            names = result.scores["attribute_names"]
    found = {}
    for method, frames in own.items():
        mean = mean_queries(frames.values(), unanswerable)
        scores = None if mean is None else scores_by_place(mean, method)
        found[method] = _intervals(mean, scores, names)
    both = own["baseline"].keys() & own["modc"].keys()
    means = [mean_queries([own[method][seed] for seed in both], unanswerable) for method in METHODS]
    if all(mean is not None for mean in means) and are_of_the_same_queries(means):
        gains = _gains(*(scores_by_place(*pair) for pair in zip(means, METHODS, strict=True)))
        by_seed = [
            _gains(
                *(scores_by_place(mean_queries([own[m][seed]], unanswerable), m) for m in METHODS)
            )
            for seed in both
        ]
        for place, of_gain in _intervals(means[0], gains, names).items():
            if place in found["modc"]:
                rows = rows_of(means[0], place.attribute, names)
                gain = float(gains[place[1:]][rows].mean())
                seeds = [float(one[place[1:]][rows].mean()) for one in by_seed]
                bounds = widened(gain, of_gain.low, of_gain.high, spread(seeds), len(seeds))
                found["modc"][place] = Intervals(*found["modc"][place][:2], gain, *bounds)
    return found


def why_no_interval(results: Iterable[Result], unanswerable: str) -> dict[str, str]:
    """Return why the places of a method have no interval, by method; none for one that has.

    results and unanswerable: as for `query_intervals`.
    """
    found: dict[str, list[str]] = {}
    results = list(results)
    seeds = {result.cell.seed for result in results}
    for result in results:
        why = usable_queries(result, unanswerable)[1] if result.scores is not None else ""
        if why:
            name = f"seed {result.cell.seed}: " if len(seeds) > 1 else ""
            found.setdefault(result.method, []).append(name + why)
    return {method: ", ".join(reasons) for method, reasons in found.items()}


def spread(values: list[float]) -> float:
    """Return the standard deviation of the values of several seeds, NaN for fewer than two."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else np.nan


def widened(ours: float, low: float, high: float, spread: float, seeds: int) -> tuple[float, float]:
    """Return an interval (low, high) over queries, joined with that over seeds if it is known.

    With a spread (standard deviation) of `seeds` trainings, a further training lies within
    t x spread x sqrt(1 + 1 / seeds) of their mean, at the bootstrap's level, if trainings are
    normally distributed. The two are independent, so their squares add.
    """
    if seeds < 2:
        return low, high
    further = stdtrit(seeds - 1, (1 + LEVEL) / 2) * spread * np.sqrt(1 + 1 / seeds)
    return float(ours - np.hypot(ours - low, further)), float(ours + np.hypot(high - ours, further))


def mean_queries(frames: Iterable[pd.DataFrame | None], unanswerable: str) -> pd.DataFrame | None:
    """Return the queries with the means of their scores; None without them, or if they differ."""
    frames = list(frames)
    if not frames or any(frame is None for frame in frames):
        return None
    if not are_of_the_same_queries(frames):
        return None
    queries = sum(frames[1:], start=frames[0]) / len(frames)
    return queries[queries["relevant"] > 0] if unanswerable == "exclude" else queries


def are_of_the_same_queries(frames: list[pd.DataFrame]) -> bool:
    """Return whether all have the same attributes, values and relevant candidates, row by row."""
    columns = ["attribute", "value", "relevant"]
    first = frames[0][columns].to_numpy(float)
    return all(np.array_equal(first, frame[columns].to_numpy(float)) for frame in frames[1:])


def scores_by_place(queries: pd.DataFrame, method: str) -> dict[tuple, np.ndarray]:
    """Return a method's scores (Q,) by (metric, query_label, top_n)."""
    if method == "baseline":
        return {(metric, "", ""): queries[metric].to_numpy(float) for metric in METRICS}
    return {("Acc", "", ""): queries["Acc"].to_numpy(float)} | {
        (metric, label, str(n)): queries[column_name(n, label, metric)].to_numpy(float)
        for n in TOP_N
        for label in QUERY_LABELS
        for metric in METRICS
    }


def _gains(baseline: dict[tuple, np.ndarray], modc: dict[tuple, np.ndarray]) -> dict:
    return {key: own - baseline[key[0], "", ""] for key, own in modc.items() if key[0] != "Acc"}


def rows_of(queries: pd.DataFrame, attribute: str, names: list[str]) -> np.ndarray:
    """Return which queries are of an attribute by name, or "overall": a mask (Q,)."""
    of = queries["attribute"].to_numpy(int)
    return np.ones(len(of), bool) if attribute == "overall" else of == names.index(attribute)


def _intervals(
    queries: pd.DataFrame | None, scores: dict[tuple, np.ndarray] | None, names: list[str]
) -> dict[Place, Intervals]:
    found = {}
    for attribute in [*names, "overall"] if scores else []:
        rows = rows_of(queries, attribute, names)
        if rows.any():
            values = np.stack([column[rows] for column in scores.values()], axis=1)
            for key, low, high in zip(scores, *intervals(values), strict=True):
                found[Place(attribute, *key)] = Intervals(float(low), float(high))
    return found
