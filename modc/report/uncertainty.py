"""Bootstrap intervals of our numbers over queries."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from modc.evaluation.bootstrap import intervals
from modc.evaluation.metrics import METRICS
from modc.evaluation.prioritized import QUERY_LABELS, TOP_N, column_name
from modc.report.queries import usable_queries
from modc.report.results import Result


class Measure(NamedTuple):
    """A number of a method, as `Result.value` takes it; Acc has no query_label and no top_n."""

    attribute: str
    metric: str
    query_label: str = ""
    top_n: str = ""


class OverQueries(NamedTuple):
    """A mean over queries: its bootstrap interval, and the variance of one query's score.

    Fractions. The score of a query is its mean over the seeds.
    """

    low: float
    high: float
    variance: float


def query_intervals(results: Iterable[Result], unanswerable: str) -> dict[str, dict]:
    """Return the interval of every number of all methods: method -> Measure -> OverQueries.

    results: of one dataset, network and percentage, all methods and seeds. unanswerable: as in
    the configuration. A method has none if the per-query scores of a seed are missing, or if its
    seeds were scored on different queries.
    """
    own: dict[str, list[pd.DataFrame | None]] = {}
    names: list[str] = []
    for result in results:
        if result.scores is not None:
            own.setdefault(result.method, []).append(usable_queries(result, unanswerable)[0])
            names = result.scores["attribute_names"]
    found = {}
    for method, frames in own.items():
        mean = mean_queries(frames, unanswerable)
        scores = None if mean is None else scores_by_place(mean)
        found[method] = _intervals(mean, scores, names)
    return found


def plain_intervals(result: Result, unanswerable: str) -> dict[Measure, OverQueries]:
    """Return the intervals of the plain ranking, also of a method with cluster centers.

    unanswerable: as for `query_intervals`. Empty if the per-query scores are missing.
    """
    queries = mean_queries([usable_queries(result, unanswerable)[0]], unanswerable)
    if queries is None:
        return {}
    return _intervals(queries, _plain(queries), result.scores["attribute_names"])


def why_no_interval(results: Iterable[Result], unanswerable: str) -> dict[str, str]:
    """Return why a method has no intervals, by method; those that have them are left out.

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


def mean_queries(frames: Iterable[pd.DataFrame | None], unanswerable: str) -> pd.DataFrame | None:
    """Return the queries with their mean scores; None if any are missing or the queries differ."""
    frames = list(frames)
    if not frames or any(frame is None for frame in frames):
        return None
    if not are_of_the_same_queries(frames):
        return None
    queries = sum(frames[1:], start=frames[0]) / len(frames)
    return queries[queries["relevant"] > 0] if unanswerable == "exclude" else queries


def are_of_the_same_queries(frames: list[pd.DataFrame]) -> bool:
    """Return whether all have the same attributes, values and relevant counts, row by row."""
    columns = ["attribute", "value", "relevant"]
    first = frames[0][columns].to_numpy(float)
    return all(np.array_equal(first, frame[columns].to_numpy(float)) for frame in frames[1:])


def scores_by_place(queries: pd.DataFrame) -> dict[tuple, np.ndarray]:
    """Return a method's scores (Q,) by (metric, query_label, top_n).

    For a method with cluster centers: those of prioritized retrieval, and Acc.
    """
    if "Acc" not in queries:
        return _plain(queries)
    return {("Acc", "", ""): queries["Acc"].to_numpy(float)} | {
        (metric, label, str(n)): queries[column_name(n, label, metric)].to_numpy(float)
        for n in TOP_N
        for label in QUERY_LABELS
        for metric in METRICS
    }


def _plain(queries: pd.DataFrame) -> dict[tuple, np.ndarray]:
    return {(metric, "", ""): queries[metric].to_numpy(float) for metric in METRICS}


def rows_of(queries: pd.DataFrame, attribute: str, names: list[str]) -> np.ndarray:
    """Return the mask (Q,) of the queries of an attribute by name, or "overall"."""
    of = queries["attribute"].to_numpy(int)
    return np.ones(len(of), bool) if attribute == "overall" else of == names.index(attribute)


def _intervals(
    queries: pd.DataFrame | None, scores: dict[tuple, np.ndarray] | None, names: list[str]
) -> dict[Measure, OverQueries]:
    found = {}
    for attribute in [*names, "overall"] if scores else []:
        rows = rows_of(queries, attribute, names)
        if rows.any():
            values = np.stack([column[rows] for column in scores.values()], axis=1)
            variances = values.var(axis=0, ddof=1) if len(values) > 1 else np.zeros(len(scores))
            for key, *numbers in zip(scores, *intervals(values), variances, strict=True):
                found[Measure(attribute, *key)] = OverQueries(*map(float, numbers))
    return found
