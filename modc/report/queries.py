"""The scores of every query of a result, as `modc score` wrote them."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from modc.evaluation.metrics import METRICS
from modc.evaluation.prioritized import QUERY_LABELS, TOP_N, column_name
from modc.report.results import Result


def query_scores(result: Result) -> pd.DataFrame | None:
    """Return one row a query: attribute (a number), value, relevant, and its scores as fractions.

    None if queries.csv is not there, damaged, or of other queries than the result's scores.
    """
    path = result.folder / "queries.csv"
    try:
        queries = _read(path, path.stat().st_mtime_ns)
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
    if not np.isfinite(queries.to_numpy(float)).all():
        raise ValueError("a score is not finite")
    return queries
