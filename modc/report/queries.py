"""The scores of every query of a result, as `modc score` wrote them."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from modc.evaluation.metrics import METRICS
from modc.evaluation.prioritized import QUERY_LABELS, TOP_N, column_name
from modc.report.results import Result

# Columns that count; all others are scores.
COUNTS = ("attribute", "value", "relevant", "hits")
# Of a mean, from adding in another order.
TOLERANCE = 1e-9


def query_scores(result: Result) -> pd.DataFrame | None:
    """Return one row a query: attribute (a number), value, relevant, and its scores as fractions.

    None if queries.csv is not there, damaged, or not what the result's scores are the means of.
    """
    path = result.folder / "queries.csv"
    try:
        queries = _read(path, path.stat().st_mtime_ns)
        if not _has_the_means(queries, result.scores["overall"]):
            return None
    except (OSError, ValueError, KeyError):  # not there, not text, cut, or of other columns
        return None
    if not _columns(result.method) <= set(queries):
        return None
    parts = result.scores["attributes"]
    counts = [part["queries"] for part in parts]
    if queries["attribute"].max() >= len(parts):
        return None
    found = np.bincount(queries["attribute"], minlength=len(parts)).tolist()
    if found != counts or len(queries) != result.scores["overall"]["queries"]:
        return None
    return queries


def _has_the_means(queries: pd.DataFrame, overall: dict) -> bool:
    """Return whether the plain metrics are the means, of all queries or of those with an answer."""
    answerable = queries[queries["relevant"] > 0]
    return any(
        all(abs(counted[metric].mean() - overall[metric]) < TOLERANCE for metric in METRICS)
        for counted in (queries, answerable)
        if len(counted)
    )


def _columns(method: str) -> set[str]:
    """Return the columns that a method's scores have."""
    if method == "baseline":
        return set(METRICS)
    ways = [(n, label) for n in TOP_N for label in QUERY_LABELS]
    return {"Acc", *(column_name(*way, metric) for way in ways for metric in METRICS)}


@lru_cache(maxsize=16)
def _read(path: Path, _modified: int) -> pd.DataFrame:
    queries = pd.read_csv(path)
    for column in ("attribute", "value", "relevant"):
        if queries[column].dtype.kind != "i" or queries[column].min() < 0:
            raise ValueError(f"{column} is not counted")
    scores = queries[[c for c in queries if not c.endswith(COUNTS)]].to_numpy(float)
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("a score is no fraction")
    return queries
