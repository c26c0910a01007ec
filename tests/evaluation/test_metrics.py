import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from modc.evaluation.metrics import query_metrics


def naive(row):
    total = sum(row)
    hits = sum(row[:100])
    found, everywhere, early = 0, 0.0, 0.0
    for position, relevant in enumerate(row, start=1):
        if relevant:
            found += 1
            everywhere += found / position
            if position <= 100:
                early += found / position
    return {
        "relevant": total,
        "hits": hits,
        "MAP@all": everywhere / total if total else 0,
        "MAP@100/hits": early / hits if hits else 0,
        "MAP@100/min": early / min(total, 100) if total else 0,
        "MAP@100/R": early / total if total else 0,
        "Recall@100": hits / total if total else 0,
    }


def relevance_of_every_kind():
    rng = np.random.default_rng(0)
    rows = rng.random((40, 300)) < rng.random((40, 1))
    rows[0] = False  # R = 0
    rows[1] = True  # R > 100, all at once
    rows[2] = np.arange(300) >= 100  # R > 100, none among the first 100
    rows[3] = np.arange(300) == 99  # the last that counts
    rows[4] = np.arange(300) == 100  # the first that does not
    return rows


def test_equal_to_loops():
    relevance = relevance_of_every_kind()
    metrics = query_metrics(relevance)
    for query, row in enumerate(relevance.tolist()):
        expected = naive(row)
        assert {name: values[query] for name, values in metrics.items()} == pytest.approx(expected)


def test_edges_by_hand():
    metrics = query_metrics(relevance_of_every_kind()[:5])
    assert metrics["relevant"].tolist() == [0, 300, 200, 1, 1]
    assert metrics["hits"].tolist() == [0, 100, 0, 1, 0]
    assert metrics["MAP@100/hits"].tolist() == [0, 1, 0, 0.01, 0]
    assert metrics["MAP@100/min"].tolist() == [0, 1, 0, 0.01, 0]
    assert metrics["MAP@100/R"] == pytest.approx([0, 1 / 3, 0, 0.01, 0])
    assert metrics["Recall@100"] == pytest.approx([0, 1 / 3, 0, 1, 0])
    assert metrics["MAP@all"][[0, 1, 3, 4]] == pytest.approx([0, 1, 0.01, 1 / 101])


def test_map_at_all_is_scikit_learns_average_precision():
    relevance = relevance_of_every_kind()
    relevance = relevance[relevance.any(axis=1)]  # it has no value for R = 0
    falling = -np.arange(relevance.shape[1])
    expected = [average_precision_score(row, falling) for row in relevance]
    assert query_metrics(relevance)["MAP@all"] == pytest.approx(expected)


def test_fewer_than_100_candidates_and_none():
    assert query_metrics(np.array([[False, True]]))["MAP@100/hits"].tolist() == [0.5]
    nothing = query_metrics(np.zeros((2, 0), bool))
    assert all(values.tolist() == [0, 0] for values in nothing.values())
