"""MAP@all, MAP@100 with its three divisors, and Recall@100, for each query."""

import numpy as np

# The k of MAP@100 and Recall@100 (paper, Tables 1 to 5).
K = 100

METRICS = ("MAP@all", "MAP@100/hits", "MAP@100/min", "MAP@100/R", "Recall@100")


def query_metrics(relevance: np.ndarray) -> dict[str, np.ndarray]:
    """Return the metrics of Q queries from their candidates' relevance (Q, C) in ranked order.

    With R relevant candidates, h of them among the first 100, and P(i) the precision of the first
    i candidates, all summed over relevant i:

    - MAP@all       sum of P(i) / R
    - MAP@100/hits  sum over i <= 100 of P(i) / h, the divisor that fits the published numbers (A12)
    - MAP@100/min   the same sum / min(R, 100)
    - MAP@100/R     the same sum / R, as trec_eval and the public code's unused scorer have it
    - Recall@100    h / R

    Each is float64 (Q,) in [0, 1], and 0 where its divisor is 0. `relevant` (R) and `hits` (h) are
    int64 (Q,).
    """
    relevant, summed = _precisions(relevance)
    hits, summed_first = _precisions(relevance[:, :K])
    return {
        "relevant": relevant,
        "hits": hits,
        "MAP@all": _divide(summed, relevant),
        "MAP@100/hits": _divide(summed_first, hits),
        "MAP@100/min": _divide(summed_first, np.minimum(relevant, K)),
        "MAP@100/R": _divide(summed_first, relevant),
        "Recall@100": _divide(hits, relevant),
    }


def _precisions(relevance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many of each row of `relevance` (Q, C) are relevant, and their summed P(i)."""
    queries, candidates = relevance.shape
    # The rows one after the other: far faster to search than an array of two dimensions.
    place = np.flatnonzero(relevance)
    bounds = np.searchsorted(place, np.arange(queries + 1) * candidates)
    relevant = np.diff(bounds)
    query = np.repeat(np.arange(queries), relevant)
    found = np.arange(1, len(place) + 1) - bounds[query]
    precision = found / (place - query * candidates + 1)
    return relevant, np.bincount(query, precision, queries)


def _divide(summed: np.ndarray, divisor: np.ndarray) -> np.ndarray:
    return summed / np.maximum(divisor, 1)
