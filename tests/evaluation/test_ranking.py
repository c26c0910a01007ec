import numpy as np
import pytest

from modc.evaluation import ranking
from modc.evaluation.ranking import first_not_finite, ranked_relevance, unit


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


def test_neighbouring_floats_are_told_apart():
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
