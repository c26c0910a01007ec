"""Candidates in the order in which a query finds them: by cosine, ties by candidate order."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

# Similarities of one product. A product of few rows is slow: of 6 rows, by 160,000 candidates, it
# takes nine times as long a row as one of 450. 2**25 take 128 MiB, in each thread.
SIMILARITIES_AT_ONCE = 2**25
# Of these, so many are sorted at once: the keys and what is made of them stay in the cache.
KEYS_AT_ONCE = 2**17
# Embedding entries that are made unit vectors at once, for the same reason.
ENTRIES_AT_ONCE = 2**17

# What a similarity of one is in a sort key, and the largest that has a key of its own.
ONE = 2**28
LARGEST = 1.5
# A table of these many slots finds the similarities that are equal; rows are told apart by SALT.
SLOTS = 2**18
SALT = 40_503
# Where more than this share of the keys is equal to a neighbor's, all are sorted exactly instead.
MANY = 1 / 16


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

    def of(self, queries: slice) -> "Priority":
        """Return the same for some of the queries."""
        return Priority(self.wanted[queries], self.assigned, self.own_similarity)


def first_not_finite(embedding: np.ndarray) -> int | None:
    """Return the first row of `embedding` (N, D) that holds a NaN or an infinity, if any does."""
    bad = np.flatnonzero(~np.isfinite(_largest(embedding)))
    return int(bad[0]) if len(bad) else None


def unit(embedding: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Return the rows of `embedding` (N, D) as float32 vectors of length one.

    rows: int64 (M,), to return only these. A zero vector stays zero: its cosine with everything is
    0. The rows are scaled by their largest entry first, so that no square overflows or vanishes.
    """
    count, dim = len(embedding) if rows is None else len(rows), embedding.shape[1]
    units = np.empty((count, dim), np.float32)
    step = max(1, ENTRIES_AT_ONCE // max(1, dim))
    for start in range(0, count, step):
        part = slice(start, start + step)
        some = embedding[part] if rows is None else embedding[rows[part]]
        some = some.astype(np.result_type(some, np.float32), copy=False)
        largest = _largest(some)[:, None]
        scaled = units[part]
        np.divide(some, np.where(largest > 0, largest, 1), out=scaled, casting="same_kind")
        length = np.sqrt(np.square(scaled).sum(axis=1, keepdims=True))
        scaled /= np.where(length > 0, length, 1)
    return units


def query_blocks(queries: int, candidates: int) -> list[slice]:
    """Return the queries in blocks of about equal size whose similarities are held at once.

    They depend on these two numbers alone, so that no rounding depends on the number of threads.
    """
    most = max(1, SIMILARITIES_AT_ONCE // max(1, candidates))
    bounds = np.linspace(0, queries, -(-queries // most) + 1).astype(int).tolist()
    return [slice(*pair) for pair in pairwise(bounds)]


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
    for block in query_blocks(len(query), len(candidate)):
        values, asked = query_value[block], priority and priority.of(block)
        rankings = rank(query[block], values, candidate, candidate_value, [asked])
        for part, (relevance,) in rankings:
            yield slice(block.start + part.start, block.start + part.stop), relevance


def rank(
    query: np.ndarray,
    query_value: np.ndarray,
    candidate: np.ndarray,
    candidate_value: np.ndarray,
    priorities: list[Priority | None],
) -> Iterator[tuple[slice, Iterator[np.ndarray]]]:
    """Yield what `ranked_relevance` does for several priorities, whose similarities are the same.

    All queries are one block; the second of what is yielded gives one bool (q, C) a priority.
    """
    similarity = query @ candidate.T  # (Q, C)
    step = max(1, KEYS_AT_ONCE // max(1, len(candidate)))
    for start in range(0, len(query), step):
        part = slice(start, min(start + step, len(query)))
        relevant = query_value[part, None] == candidate_value
        yield part, _rank_by(similarity[part], relevant, [p and p.of(part) for p in priorities])


def _rank_by(similarity, relevant, priorities) -> Iterator[np.ndarray]:
    for priority in priorities:
        if priority is None:
            yield _in_order(similarity, relevant)
            continue
        wanted = priority.wanted[:, None]
        first = np.zeros(similarity.shape, bool)
        for assigned in np.ascontiguousarray(priority.assigned.T):
            first |= wanted == assigned
        first &= wanted >= 0
        by = similarity
        if priority.own_similarity is not None and len(priority.own_similarity):
            # A value without a row has no center and so nothing that comes first.
            own = priority.own_similarity[priority.wanted % len(priority.own_similarity)]
            by = np.where(first, own, similarity)
        yield _in_order(by, relevant, first)


def _in_order(
    similarity: np.ndarray, relevant: np.ndarray, first: np.ndarray | None = None
) -> np.ndarray:
    """Return `relevant` (q, C) with each row in descending order of `similarity`, ties by column.

    Columns where `first` is true stand before the others.

    One sort of 32-bit keys does nearly all, in half the time of 64-bit ones that hold the column.
    """
    key = _keys(similarity, relevant, first)
    key.sort(axis=1)
    ranked = (key & 1).astype(bool)
    # Equal neighbors, one of them relevant: their order counts, and the keys do not tell it.
    flat = key.ravel()
    mixed = np.flatnonzero((flat[1:] ^ flat[:-1]) == 1)
    if len(mixed) > key.size * MANY:
        exact = _exact_keys(similarity, first) | np.arange(key.shape[1]) << 1 | relevant
        exact.sort(axis=1)
        ranked = (exact & 1).astype(bool)
    elif len(mixed):
        row, column = np.divmod(mixed, key.shape[1])
        rows, row = np.unique(row, return_inverse=True)
        sides = similarity[rows], relevant[rows], None if first is None else first[rows]
        ranked[rows] = _mended(ranked[rows], key[rows], (row, column), *sides)
    return ranked


def _keys(
    similarity: np.ndarray, relevant: np.ndarray, first: np.ndarray | None = None
) -> np.ndarray:
    """Return int32 (q, C) that rise where similarity falls, with the relevance in the last bit.

    Near zero, and beyond LARGEST, some different similarities have equal keys.
    """
    scaled = np.clip(similarity, np.float32(-LARGEST), np.float32(LARGEST))
    scaled *= np.float32(-ONE)
    key = scaled.astype(np.int32)
    key += key
    key |= relevant
    if first is not None:
        key += np.where(first, np.int32(-(2**30)), np.int32(2**30))
    return key


def _mended(ranked, key, mixed, similarity, relevant, first) -> np.ndarray:
    """Return `ranked` (q, C) with those of equal keys in their exact order.

    key: sorted int32 (q, C); mixed: where (rows, columns) a key equals the next one. All that fall
    into one slot of a table with these are taken out of the row, sorted exactly, and put back.
    """
    salt = (np.arange(len(key), dtype=np.int32) * SALT)[:, None]
    marked = np.zeros(SLOTS, bool)
    slot = (key >> 1) + salt & SLOTS - 1
    marked[slot[mixed]] = True
    places = np.flatnonzero(marked[slot])
    members = np.flatnonzero(marked[(_keys(similarity, relevant, first) >> 1) + salt & SLOTS - 1])
    first = None if first is None else first.ravel()[members]
    exact = _exact_keys(similarity.ravel()[members], first)
    exact |= np.arange(len(members))
    exact.sort()
    members = members[exact & 0xFFFFFFFF]
    members = members[np.argsort(members // key.shape[1], kind="stable")]
    ranked.ravel()[places] = relevant.ravel()[members]
    return ranked


def _exact_keys(similarity: np.ndarray, first: np.ndarray | None) -> np.ndarray:
    """Return int64 keys in whose high half, alone, is what rises where `similarity` falls."""
    # Adding 0 turns -0 into 0, which is equal to it but has other bits.
    bits = (0 - similarity + 0).view(np.int32)
    # The bits of negative floats count backwards; flipping them gives integers in float order.
    bits ^= (bits >> 31) & np.int32(0x7FFFFFFF)
    if first is not None:
        # A cosine's bits lie within 2**30 of 0, so this parts the two and overflows nothing.
        bits += np.where(first, np.int32(-(2**30)), np.int32(2**30))
    return bits.astype(np.int64) << 32


def _largest(embedding: np.ndarray) -> np.ndarray:
    """Return each row's largest absolute entry (N,); NaN or infinite if one of its entries is."""
    highest, lowest = embedding.max(axis=1, initial=0), embedding.min(axis=1, initial=0)
    return np.maximum(highest, -lowest)
