"""Candidates in the order in which a query finds them: by cosine, ties by candidate order."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

# Similarities held at once, however many queries: 2**20 take 4 MiB, and their sort keys 8 MiB.
SIMILARITIES_AT_ONCE = 2**20


@dataclass(frozen=True)
class Priority:
    """Which candidates come first for Q queries among C candidates.

    wanted: int64 (Q,), the value that each query asks for; assigned: int64 (C, n), the values that
    each candidate is assigned. Negative values are nobody's. own_similarity: float32 (V, C), by
    which those that come first stand for each value, or None for the similarity to the query.
    """

    wanted: np.ndarray
    assigned: np.ndarray
    own_similarity: np.ndarray | None = None


def first_not_finite(embedding: np.ndarray) -> int | None:
    """Return the first row of `embedding` (N, D) that holds a NaN or an infinity, if any does."""
    bad = np.flatnonzero(~np.isfinite(_largest(embedding)))
    return int(bad[0]) if len(bad) else None


def unit(embedding: np.ndarray) -> np.ndarray:
    """Return the rows of `embedding` (N, D) as float32 vectors of length one.

    A zero vector stays zero: its cosine with everything is 0. The rows are scaled by their largest
    entry first, so that no square overflows or vanishes.
    """
    embedding = embedding.astype(np.result_type(embedding, np.float32), copy=False)
    largest = _largest(embedding)[:, None]
    scaled = (embedding / np.where(largest > 0, largest, 1)).astype(np.float32, copy=False)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    scaled /= np.where(length > 0, length, 1)
    return scaled


def ranked_relevance(
    query: np.ndarray,
    query_value: np.ndarray,
    candidate: np.ndarray,
    candidate_value: np.ndarray,
    priority: Priority | None = None,
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield, for a few queries at a time, which candidates are relevant, best match first.

    query: unit float32 (Q, D); candidate: likewise (C, D), all of one attribute. A candidate is
    relevant if it has the query's value. Yields the queries as a slice and bool (q, C). Candidates
    of equal similarity stand in candidate order. With `priority`, candidates assigned what is asked
    for stand before all others.
    """
    step = max(1, SIMILARITIES_AT_ONCE // max(1, len(candidate)))
    for start in range(0, len(query), step):
        part = slice(start, min(start + step, len(query)))
        similarity = query[part] @ candidate.T  # (q, C)
        relevant = query_value[part, None] == candidate_value
        first = None
        if priority is not None:
            wanted = priority.wanted[part, None]
            first = (wanted >= 0) & (wanted[:, :, None] == priority.assigned).any(axis=2)
            if priority.own_similarity is not None and len(priority.own_similarity):
                # A value without a row has no centre and so nothing that comes first.
                rows = wanted[:, 0] % len(priority.own_similarity)
                similarity = np.where(first, priority.own_similarity[rows], similarity)
        yield part, _in_order(similarity, relevant, first)


def _in_order(
    similarity: np.ndarray, relevant: np.ndarray, first: np.ndarray | None = None
) -> np.ndarray:
    """Return `relevant` (q, C) with each row in descending order of `similarity`, ties by column.

    Columns where `first` is true stand before the others.

    One sort of 64-bit keys does it, much faster than a stable argsort: the falling similarity in
    the high half, the column below it, and the relevance, which is never compared, in the last bit.
    """
    # Adding 0 turns -0 into 0, which is equal to it but has other bits.
    bits = (0 - similarity + 0).view(np.int32)
    # The bits of negative floats count backwards; flipping them gives integers in float order.
    bits ^= (bits >> 31) & np.int32(0x7FFFFFFF)
    if first is not None:
        # A cosine's bits lie within 2**30 of 0, so this parts the two and overflows nothing.
        bits += np.where(first, np.int32(-(2**30)), np.int32(2**30))
    key = bits.astype(np.int64) << 32
    key |= np.arange(similarity.shape[1], dtype=np.int64) << 1
    key |= relevant
    key.sort(axis=1)
    return (key & 1).astype(bool)


def _largest(embedding: np.ndarray) -> np.ndarray:
    """Return each row's largest absolute entry (N,); NaN or infinite if one of its entries is."""
    highest, lowest = embedding.max(axis=1, initial=0), embedding.min(axis=1, initial=0)
    return np.maximum(highest, -lowest)
