import numpy as np
import pytest

from modc.evaluation import ranking
from modc.evaluation.ranking import first_not_finite, query_blocks, ranked_relevance, unit


def naive_order(query, candidates):
    similarity = [float(np.dot(query, candidate)) for candidate in candidates]
    return sorted(range(len(candidates)), key=lambda c: (-similarity[c], c))


@pytest.mark.parametrize("at_once", [1, 100, 2**20])
def test_order_is_by_cosine_and_ties_by_candidate(monkeypatch, at_once):
    monkeypatch.setattr(ranking, "SIMILARITIES_AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    # Vectors of small integers: their products are exact, and many are equal, zero and -0 too.
    query = rng.integers(-2, 3, (30, 3)).astype(np.float32)
    candidate = rng.integers(-2, 3, (80, 3)).astype(np.float32)
    query_value, candidate_value = rng.integers(0, 4, 30), rng.integers(0, 4, 80)
    seen = []
    for part, relevance in ranked_relevance(query, query_value, candidate, candidate_value):
        for q, row in zip(range(30)[part], relevance, strict=True):
            order = naive_order(query[q], candidate)
            assert row.tolist() == (candidate_value[order] == query_value[q]).tolist()
            seen.append(q)
    assert seen == list(range(30))


def test_zero_and_minus_zero_are_equal_similarities():
    similarity = np.array([[0.0, -0.0, 0.0, -0.0]], np.float32)
    relevant = np.array([[False, True, False, True]])
    assert ranking._in_order(similarity, relevant).tolist() == relevant.tolist()


def test_neighboring_floats_are_told_apart():
    one = np.float32(1)
    similarity = np.array([[np.nextafter(one, 0, dtype=np.float32), one, -one, 1e-45, -1e-45]])
    relevant = np.array([[False, True, False, False, False]])
    ranked = ranking._in_order(similarity.astype(np.float32), relevant)
    assert ranked.tolist() == [[True, False, False, False, False]]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8])
def test_unit_has_length_one(dtype):
    embedding = np.array([[3, 4], [-128, 0], [0, 0]]).astype(dtype)
    assert np.allclose(unit(embedding), [[0.6, 0.8], [-1, 0], [0, 0]])
    assert unit(embedding).dtype == np.float32


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
def test_unit_neither_overflows_nor_vanishes(scale):
    assert np.allclose(unit(np.array([[3 * scale, -4 * scale]])), [[0.6, -0.8]])


def test_unit_leaves_its_argument_alone():
    embedding = np.array([[3, 4]], np.float32)
    unit(embedding)
    assert embedding.tolist() == [[3, 4]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_first_row_that_is_not_finite(bad):
    embedding = np.zeros((4, 3))
    assert first_not_finite(embedding) is None
    embedding[2, 1] = embedding[3, 0] = bad
    assert first_not_finite(embedding) == 2


def test_no_candidates():
    nothing = np.empty((0, 2), np.float32)
    ranked = list(ranked_relevance(np.eye(2, dtype=np.float32), np.zeros(2), nothing, np.empty(0)))
    assert [relevance.shape for _, relevance in ranked] == [(2, 0)]


def similarities(kind, rows, columns):
    rng = np.random.default_rng(0)
    if kind == "few":  # nearly all are equal to a neighbor
        drawn = rng.integers(-3, 4, (rows, columns)) / 4
    elif kind == "steps":  # some are equal
        drawn = rng.integers(-(2**13), 2**13, (rows, columns)) / 2**13
    elif kind == "neighbors":  # of 2**-24 and its like; their keys are equal, they are not
        drawn = rng.integers(-50 * columns, 50 * columns, (rows, columns)) * 2.0**-40
    else:
        drawn = rng.uniform(-1, 1, (rows, columns))
    return drawn.astype(np.float32)


@pytest.mark.parametrize("parted", [False, True])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (40, 1), (30, 400), (3, 40_000)])
@pytest.mark.parametrize("kind", ["few", "steps", "neighbors", "all differ"])
def test_order_is_that_of_a_stable_sort(kind, rows, columns, parted):
    rng = np.random.default_rng(1)
    similarity = similarities(kind, rows, columns)
    relevant = rng.random((rows, columns)) < 0.3
    first = rng.random((rows, columns)) < 0.4 if parted else None
    columns_of = (-similarity,) if first is None else (-similarity, ~first)
    order = np.lexsort(columns_of, axis=1)
    expected = np.take_along_axis(relevant, order, axis=1)
    assert np.array_equal(ranking._in_order(similarity, relevant, first), expected)


@pytest.mark.parametrize("shape", [(1, 10), (7, 10), (60, 3000), (1000, 0), (0, 9)])
def test_blocks_hold_each_query_once_and_are_even(monkeypatch, shape):
    monkeypatch.setattr(ranking, "SIMILARITIES_AT_ONCE", 50)
    blocks = query_blocks(*shape)
    assert [q for block in blocks for q in range(shape[0])[block]] == list(range(shape[0]))
    sizes = {block.stop - block.start for block in blocks}
    assert not sizes or max(sizes) - min(sizes) <= 1
    assert all(size == 1 or size * shape[1] <= 50 for size in sizes)


@pytest.mark.parametrize("at_once", [1, 7, 2**17])
def test_unit_of_some_rows(monkeypatch, at_once):
    embedding = np.random.default_rng(0).standard_normal((30, 5)).astype(np.float32)
    whole = unit(embedding)
    monkeypatch.setattr(ranking, "ENTRIES_AT_ONCE", at_once)
    rows = np.array([29, 3, 3, 0])
    assert np.array_equal(unit(embedding, rows), whole[rows])
    assert unit(embedding, rows[:0]).shape == (0, 5)
