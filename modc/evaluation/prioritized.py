"""Prioritized retrieval: candidates whose nearest centers include the query's value come first.

Source: the paper's top1 and top2 rows, in the reading of A13: the centers are the candidates' side.
"""

import numpy as np

from modc.evaluation.ranking import Priority, unit

TOP_N = (1, 2)
# Whose value a query is taken to have: its own, or that of its nearest center.
QUERY_LABELS = ("known", "unknown")
NO_VALUE = -1


def nearest_values(embedding: np.ndarray, centers: np.ndarray, n: int) -> np.ndarray:
    """Return int64 (N, n): the values of each embedding's n nearest centers, the nearest first.

    embedding: unit float32 (N, D); centers: (V, D), of any length, rows of NaN where a value has no
    center. Ties go to the smaller value. NO_VALUE fills up where there are fewer than n centers.
    """
    present = np.flatnonzero(np.isfinite(centers).all(axis=1))
    similarity = embedding @ unit(centers[present]).T  # (N, P)
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :n]
    nearest = np.full((len(embedding), n), NO_VALUE, np.int64)
    nearest[:, : order.shape[1]] = present[order]
    return nearest


def priorities(
    query: np.ndarray,
    query_value: np.ndarray,
    candidate: np.ndarray,
    centers: np.ndarray,
    order: str = "query",
) -> tuple[np.ndarray, dict[str, Priority]]:
    """Return Acc, float64 (Q,), and what comes first by `column_name` without a metric.

    query and candidate: unit float32 (Q, D) and (C, D), of one attribute; values int64; centers:
    (V, D), see `nearest_values`. A query of value y is answered first with the candidates that have
    y among the values of their n nearest centers, then with the others, each part by similarity to
    the query, or the first part by similarity to the center of y if `order` says so. Acc is 1 where
    the query's nearest center is that of its own value.
    """
    pseudo = nearest_values(query, centers, 1)[:, 0]
    own_similarity = unit(centers) @ candidate.T if order == "center" else None  # (V, C)
    found = {}
    for n in TOP_N:
        assigned = nearest_values(candidate, centers, n)  # (C, n)
        for label, wanted in zip(QUERY_LABELS, (query_value, pseudo), strict=True):
            found[column_name(n, label, "")] = Priority(wanted, assigned, own_similarity)
    return (pseudo == query_value).astype(float), found


def right(arrays: dict[str, np.ndarray], role: str, centers: np.ndarray) -> np.ndarray:
    """Return by attribute, int64 (A,), how many embeddings are nearest to their own value's center.

    arrays: as `modc.evaluation.scores.score` takes them; role: "query" or "candidate"; centers: (A,
    V, D), rows of NaN where a value has none.
    """
    found = np.zeros(len(centers), np.int64)
    for attribute in np.unique(arrays[f"{role}_attribute"]):
        rows = np.flatnonzero(arrays[f"{role}_attribute"] == attribute)
        embedding = unit(arrays[f"{role}_embedding"], rows)
        nearest = nearest_values(embedding, centers[attribute], 1)[:, 0]
        found[attribute] = np.count_nonzero(nearest == arrays[f"{role}_value"][rows])
    return found


def accuracy(arrays: dict[str, np.ndarray], centers: np.ndarray) -> float:
    """Return the mean Acc of the queries in `arrays`, taken as in `right`."""
    return int(right(arrays, "query", centers).sum()) / len(arrays["query_value"])


def column_name(n: int, label: str, metric: str) -> str:
    """Return what a column of scores is called, such as top1/known/MAP@all."""
    return f"top{n}/{label}/{metric}"
