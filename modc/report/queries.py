"""The scores of every query of a result, as `modc score` wrote them."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from modc.report.results import Result


def query_scores(result: Result) -> pd.DataFrame | None:
    """Return one row a query: attribute (a number), value, relevant, and its scores as fractions.

    None if queries.csv is not there, damaged, or of other queries than the result's scores.
    """
    path = result.folder / "queries.csv"
    try:
        queries = _read(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):  # not there, not text, cut, or of other columns
        return None
    parts = result.scores["attributes"]
    counts = [part["queries"] for part in parts]
    found = np.bincount(queries["attribute"], minlength=len(parts)).tolist()
    if found != counts or len(queries) != result.scores["overall"]["queries"]:
        return None
    return queries


@lru_cache(maxsize=16)
def _read(path: Path, _modified: int) -> pd.DataFrame:
    queries = pd.read_csv(path)
    for column in ("attribute", "value", "relevant"):
        if queries[column].dtype.kind != "i" or queries[column].min() < 0:
            raise ValueError(f"{column} is not counted")
    if not np.isfinite(queries.to_numpy(float)).all():
        raise ValueError("a score is not finite")
    return queries
