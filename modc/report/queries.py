"""The per-query scores of a result, as `modc score` wrote them."""

import logging
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from modc import paths
from modc.evaluation.metrics import METRICS
from modc.evaluation.prioritized import QUERY_LABELS, TOP_N, column_name
from modc.report.results import SCORED_OTHERWISE, Result

log = logging.getLogger(__name__)

# Columns of counts; all others are scores.
COUNTS = ("attribute", "value", "relevant", "hits")
# Of a mean summed in another order.
TOLERANCE = 1e-9


def usable_queries(result: Result, unanswerable: str) -> tuple[pd.DataFrame | None, str]:
    """Return one row per query, or None and why the queries give no interval.

    A row is attribute (a number), value, relevant, and scores as fractions. There are none where
    queries.csv is absent, damaged, or does not average to the result's scores. unanswerable: as in
    the configuration; with a different one, the interval would be around other means than the
    result's.
    """
    scoring = result.scores.get("scoring")
    scoring = scoring if isinstance(scoring, dict) else {}
    if scoring.get("unanswerable", unanswerable) != unanswerable:
        return None, f"{SCORED_OTHERWISE}unanswerable than the configuration's"
    return _checked(result)


def _checked(result: Result) -> tuple[pd.DataFrame | None, str]:
    path = result.folder / paths.QUERIES
    try:
        queries = _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None, "queries.csv is missing"
    except (OSError, ValueError, KeyError):  # not text, cut, or of other columns
        return None, "queries.csv is damaged"
    if not _columns(result.scores) <= set(queries):
        return None, "queries.csv lacks score columns"
    parts = result.scores["attributes"]
    counts = [part["queries"] for part in parts]
    is_counted = queries["attribute"].max() < len(parts)
    found = np.bincount(queries["attribute"], minlength=len(parts)).tolist() if is_counted else []
    if found != counts or len(queries) != result.scores["overall"]["queries"]:
        return None, "queries.csv is altered: its queries are not those of scores.json"
    if any(result.scores["overall"][metric] is None for metric in METRICS):
        return None, "scores.json has a metric without a value"
    if not _has_the_means(queries, result.scores["overall"]):
        why = "queries.csv is altered: its means are not those of scores.json"
        _warn(path, why)
        return None, why
    return queries, ""


@cache
def _warn(path: Path, why: str) -> None:
    """Warn once, since the numbers of such scores are shown all the same."""
    log.warning("%s: %s; modc verify says where they differ", path, why)


def _has_the_means(queries: pd.DataFrame, overall: dict) -> bool:
    """Return whether the plain metrics are the means, over all queries or the answerable ones."""
    answerable = queries[queries["relevant"] > 0]
    return any(
        all(abs(counted[metric].mean() - overall[metric]) < TOLERANCE for metric in METRICS)
        for counted in (queries, answerable)
        if len(counted)
    )


def _columns(scores: dict) -> set[str]:
    """Return the score columns that queries.csv must have, with Acc if there are centers."""
    if "Acc" not in scores["overall"]:
        return set(METRICS)
    ways = [(n, label) for n in TOP_N for label in QUERY_LABELS]
    return {"Acc", *(column_name(*way, metric) for way in ways for metric in METRICS)}


@lru_cache(maxsize=16)
def _read(path: Path, _modified: int) -> pd.DataFrame:
    queries = pd.read_csv(path)
    for column in ("attribute", "value", "relevant"):
        if queries[column].dtype.kind != "i" or queries[column].min() < 0:
            raise ValueError(f"{column} is not a count")
    scores = queries[[c for c in queries if not c.endswith(COUNTS)]].to_numpy(float)
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("a score is not a fraction")
    return queries
