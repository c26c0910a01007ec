"""The metrics of queries of one attribute under several rankings: the work behind the scores."""

import numpy as np

from modc.evaluation.metrics import query_metrics
from modc.evaluation.ranking import Priority, rank


def metrics(
    query: np.ndarray,
    query_value: np.ndarray,
    candidate: np.ndarray,
    candidate_value: np.ndarray,
    rankings: dict[str, Priority | None],
) -> dict[str, np.ndarray]:
    """Return each ranking's `query_metrics`, (Q,), their names after the ranking's own.

    query: unit float32 (Q, D), of a block (`query_blocks`); candidate: likewise (C, D); values:
    int64; rankings: what comes first, None in the plain ranking.
    """
    columns: dict[str, list[np.ndarray]] = {}
    priorities = list(rankings.values())
    for _, ranked in rank(query, query_value, candidate, candidate_value, priorities):
        for name, relevance in zip(rankings, ranked, strict=True):
            for metric, values in query_metrics(relevance).items():
                columns.setdefault(name + metric, []).append(values)
    return {name: np.concatenate(parts) for name, parts in columns.items()}
