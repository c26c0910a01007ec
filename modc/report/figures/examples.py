"""The queries that Figure 2 shows, and their first results. Pure functions over arrays."""

import numpy as np

# The kinds of example queries, in the order of the rows.
CASES = ("gains most", "median", "gains least")


def choose(gain: np.ndarray, counted: np.ndarray) -> dict[str, int]:
    """Return the query of each case: with the largest, the median and the smallest gain.

    gain: (Q,), MODC's average precision minus the baseline's; counted: bool (Q,), which queries may
    be chosen. Equal gains keep the order of the queries. Two queries have no median; a single one
    gains most.
    """
    queries = np.flatnonzero(counted)
    order = queries[np.argsort(-gain[queries], kind="stable")]
    places = {0: "gains most"}
    if len(order) > 1:
        places[len(order) - 1] = "gains least"
    if len(order) > 2:
        places[len(order) // 2] = "median"
    chosen = {case: int(order[place]) for place, case in places.items() if place < len(order)}
    return {case: chosen[case] for case in CASES if case in chosen}


def found_first(
    query: np.ndarray,
    candidate: np.ndarray,
    count: int,
    first: np.ndarray | None = None,
    own_similarity: np.ndarray | None = None,
) -> np.ndarray:
    """Return the rows of a query's first `count` candidates, best match first.

    query: unit (D,); candidate: unit (C, D). Those where `first`, bool (C,), is true come before
    the others, ordered by own_similarity (C,) if given, else by similarity to the query. Ties keep
    candidate order, as in `modc.evaluation.ranking`.
    """
    similarity = candidate @ query
    if first is None:
        first = np.zeros(len(candidate), bool)
    elif own_similarity is not None:
        similarity = np.where(first, own_similarity, similarity)
    return np.lexsort((-similarity, ~first))[:count]
