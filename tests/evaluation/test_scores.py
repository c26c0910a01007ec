import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import recipe
from sklearn.metrics import average_precision_score

from modc.errors import UserError
from modc.evaluation import ranking
from modc.evaluation.metrics import METRICS
from modc.evaluation.scores import ARRAYS, pairs, read_embeddings, read_facts, score, summarize

GOLDEN = Path(__file__).parents[1] / "golden"
GOLDEN_NAMES = {"map_all": "MAP@all", "map_100": "MAP@100", "recall_100": "Recall@100"}


def listed(shared, dataset, role):
    path = shared / "annotations" / dataset / f"{role}_test.txt"
    return np.loadtxt(path, dtype=np.int64)[:, 1:].T


def small(seed=0, queries=40, candidates=300, attributes=3, values=4):
    rng = np.random.default_rng(seed)
    return {
        "query_embedding": rng.standard_normal((queries, 5)).astype(np.float32),
        "query_attribute": rng.integers(0, attributes, queries),
        "query_value": rng.integers(0, values, queries),
        "candidate_embedding": rng.standard_normal((candidates, 5)).astype(np.float32),
        "candidate_attribute": rng.integers(0, attributes, candidates),
        "candidate_value": rng.integers(0, values, candidates),
    }


@pytest.mark.parametrize("golden", json.loads((GOLDEN / "metrics.json").read_text()))
def test_golden(shared, golden):
    arrays = {}
    for role in ("query", "candidate"):
        attribute, value = listed(shared, golden["dataset"], role)
        arrays[f"{role}_attribute"], arrays[f"{role}_value"] = attribute, value
        arrays[f"{role}_embedding"] = recipe.embeddings(golden["salt"], role, attribute, value)
    summary = summarize(score(**arrays), arrays["candidate_attribute"])
    assert len(summary["attributes"]) == len(golden["attributes"])
    for ours, theirs in zip(summary["attributes"], golden["attributes"], strict=True):
        for name in ("queries", "candidates", "unanswerable"):
            assert ours[name] == theirs[name]
        for name, ours_name in GOLDEN_NAMES.items():
            assert ours[ours_name] == pytest.approx(theirs[name], abs=1e-6)
    for name, ours_name in GOLDEN_NAMES.items():
        assert summary["overall"][ours_name] == pytest.approx(golden["overall"][name], abs=1e-6)


def test_most_that_recall_can_be_on_fashionai(shared):
    # A perfect ranking: the published MAP@100 of up to 80.29 rules the divisor R out.
    lists = {role: listed(shared, "FashionAI", role) for role in ("query", "candidate")}
    arrays = {}
    for role, (attribute, value) in lists.items():
        arrays[f"{role}_attribute"], arrays[f"{role}_value"] = attribute, value
        arrays[f"{role}_embedding"] = np.eye(10, dtype=np.float32)[value]
    overall = summarize(score(**arrays), arrays["candidate_attribute"])["overall"]
    assert round(100 * overall["Recall@100"], 2) == 37.36
    assert round(100 * overall["MAP@100/R"], 2) == 37.36
    assert overall["MAP@100/hits"] == overall["MAP@all"] == 1


def test_map_at_all_is_scikit_learns_average_precision():
    arrays = small()
    scored = score(**arrays)
    for query, row in scored.iterrows():
        embedding = arrays["query_embedding"][query].astype(np.float64)
        own = arrays["candidate_attribute"] == row["attribute"]
        candidates = arrays["candidate_embedding"][own].astype(np.float64)
        cosine = candidates @ embedding / np.linalg.norm(candidates, axis=1)
        relevant = arrays["candidate_value"][own] == row["value"]
        assert row["MAP@all"] == pytest.approx(average_precision_score(relevant, cosine))
        assert row["relevant"] == relevant.sum()


def test_rows_stand_in_the_order_of_the_queries():
    arrays = small()
    scored = score(**arrays)
    assert scored["attribute"].tolist() == arrays["query_attribute"].tolist()
    assert scored["value"].tolist() == arrays["query_value"].tolist()
    last = {name: a[-1:] if name.startswith("query") else a for name, a in arrays.items()}
    assert score(**last).iloc[0].tolist() == scored.iloc[-1].tolist()


def test_length_of_an_embedding_does_not_matter():
    arrays = small()
    longer = dict(arrays, query_embedding=arrays["query_embedding"] * 8)
    pd.testing.assert_frame_equal(score(**arrays), score(**longer))


@pytest.mark.parametrize("at_once", [200, 2**25])
def test_threads_change_no_bit(monkeypatch, at_once):
    monkeypatch.setattr(ranking, "SIMILARITIES_AT_ONCE", at_once)
    arrays = small(queries=200)
    centers = np.random.default_rng(1).standard_normal((3, 4, 5)).astype(np.float32)
    alone = score(**arrays, centers=centers)
    assert score(**arrays, centers=centers, threads=3).equals(alone)


def test_blocks_of_queries_change_nothing(monkeypatch):
    whole = score(**small())
    monkeypatch.setattr(ranking, "SIMILARITIES_AT_ONCE", 500)
    monkeypatch.setattr(ranking, "KEYS_AT_ONCE", 250)
    assert np.allclose(score(**small()), whole)


def test_pairs_are_the_similarities_of_each_attribute():
    query, candidate = np.array([0, 0, 2, 3]), np.array([2, 2, 2, 0, 0, 1])
    assert pairs(query, candidate) == 2 * 2 + 1 * 3


def test_zero_vectors_leave_candidate_order():
    arrays = small(attributes=1)
    arrays["query_embedding"][:] = 0
    ranked = score(**arrays)
    for _, row in ranked.iterrows():
        relevant = arrays["candidate_value"] == row["value"]
        falling = -np.arange(len(relevant))
        assert row["MAP@all"] == pytest.approx(average_precision_score(relevant, falling))


def test_overall_weighs_attributes_by_their_queries():
    scored = score(**small())
    summary = summarize(scored, small()["candidate_attribute"])
    assert list(summary) == ["attributes", "overall"]
    counts = [part["queries"] for part in summary["attributes"]]
    assert sum(counts) == summary["overall"]["queries"] == 40
    assert sum(part["candidates"] for part in summary["attributes"]) == 300
    for name in METRICS:
        means = [part[name] for part in summary["attributes"]]
        assert summary["overall"][name] == pytest.approx(np.average(means, weights=counts))
        assert 0 < summary["overall"][name] < 1


@pytest.mark.parametrize("divisor", ["hits", "min", "R"])
def test_divisor_of_map_at_100(divisor):
    summary = summarize(score(**small()), small()["candidate_attribute"], map_at_100=divisor)
    for part in [*summary["attributes"], summary["overall"]]:
        assert part["MAP@100"] == part[f"MAP@100/{divisor}"]


def test_unanswerable_queries_count_as_zero_or_not_at_all():
    arrays = small(attributes=1)
    arrays["query_value"][:10] = 99
    scored = score(**arrays)
    assert (scored[list(METRICS)][:10] == 0).all(axis=None)
    zero = summarize(scored, arrays["candidate_attribute"])["overall"]
    exclude = summarize(scored, arrays["candidate_attribute"], unanswerable="exclude")["overall"]
    assert zero["unanswerable"] == exclude["unanswerable"] == 10
    assert zero["queries"] == exclude["queries"] == 40
    assert zero["MAP@all"] == pytest.approx(exclude["MAP@all"] * 30 / 40)


def test_attribute_without_queries_or_candidates():
    arrays = small(attributes=1)
    arrays["query_attribute"][:3] = 2
    summary = summarize(score(**arrays), arrays["candidate_attribute"], attributes=4)
    empty, orphaned = summary["attributes"][1], summary["attributes"][2]
    assert (empty["queries"], empty["candidates"], empty["MAP@100"]) == (0, 0, None)
    assert (orphaned["queries"], orphaned["unanswerable"], orphaned["MAP@all"]) == (3, 3, 0)
    assert len(summary["attributes"]) == 4
    json.dumps(summary, allow_nan=False)


def test_attribute_out_of_range():
    arrays = small(attributes=3)
    with pytest.raises(UserError, match=r"attribute 2 is out of range: there are 2 attributes"):
        summarize(score(**arrays), arrays["candidate_attribute"], attributes=2)


def test_diverged_embedding():
    arrays = small()
    arrays["query_embedding"][7, 0] = np.nan
    with pytest.raises(UserError, match="query_embedding: row 7 holds a NaN or an infinity"):
        score(**arrays)


def test_file_read_back(tmp_path):
    path = tmp_path / "e.npz"
    facts = {"dataset": "FashionAI", "attribute_names": ["a", "b", "c"]}
    np.savez(path, **small(), facts=np.array(json.dumps(facts)))
    arrays = read_embeddings(path)
    assert tuple(arrays) == ARRAYS
    for name, array in small().items():
        assert arrays[name].tolist() == array.tolist()
    assert read_facts(path) == facts
    np.savez(path, **small())
    assert read_facts(path) == {}


class Hostile:
    def __reduce__(self):
        return (Path.touch, (Path("unpickled"),))


BAD = {
    "query_value is missing": {"query_value": None},
    "query_value: float64; expected integers": {"query_value": np.zeros(40)},
    "candidate_attribute: -1 is out of range": {"candidate_attribute": np.full(300, -1)},
    "candidate_attribute: 1000000 is no number of an attribute": {
        "candidate_attribute": np.full(300, 10**6)
    },
    r"query_attribute: shape \(39,\), but there are 40": {
        "query_attribute": np.zeros(39, np.int64)
    },
    r"query_value: shape \(40, 1\)": {"query_value": np.zeros((40, 1), np.int64)},
    r"query_embedding: float32 of shape \(40,\)": {"query_embedding": np.zeros(40, np.float32)},
    r"query_embedding: float32 of shape \(40, 0\)": {
        "query_embedding": np.zeros((40, 0), np.float32)
    },
    "candidate_embedding: complex128": {"candidate_embedding": np.zeros((300, 5), complex)},
    "candidate_embedding: rows of 4 numbers, but query_embedding has 5": {
        "candidate_embedding": np.zeros((300, 4))
    },
    "candidate_embedding: row 0 holds a NaN": {"candidate_embedding": np.full((300, 5), np.nan)},
    "query_embedding: no queries": {
        "query_embedding": np.zeros((0, 5)),
        "query_attribute": np.zeros(0, np.int64),
        "query_value": np.zeros(0, np.int64),
    },
    "query_embedding: cannot be read": {"query_embedding": np.array([Hostile()], dtype=object)},
}


@pytest.mark.parametrize("message", BAD)
def test_bad_array(tmp_path, monkeypatch, message):
    monkeypatch.chdir(tmp_path)
    arrays = {name: array for name, array in (small() | BAD[message]).items() if array is not None}
    np.savez(tmp_path / "e.npz", **arrays)
    with pytest.raises(UserError, match=message) as error:
        read_embeddings(tmp_path / "e.npz")
    assert "e.npz" in str(error.value)
    assert "\n" not in str(error.value)
    assert not Path("unpickled").exists()


def cut_short(data):
    return data[: len(data) // 2]


def byte_changed(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


@pytest.mark.parametrize(
    "spoil",
    [
        cut_short,
        byte_changed,
        lambda data: b"",
        lambda data: b"not an archive at all",
        lambda data: pickle.dumps(Hostile()),
    ],
)
def test_bad_file(tmp_path, monkeypatch, spoil):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "e.npz"
    np.savez(path, **small())
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(UserError, match=r"e\.npz: (not an \.npz file|\w+: cannot be read)"):
        read_embeddings(path)
    assert not Path("unpickled").exists()


def test_single_array_instead_of_an_npz(tmp_path):
    np.save(tmp_path / "e.npy", np.zeros(3))
    with pytest.raises(UserError, match=r"not an \.npz file"):
        read_embeddings(tmp_path / "e.npy")


@pytest.mark.parametrize("facts", ["not JSON", "[]", "{}", '{"attribute_names": [1]}'])
def test_bad_facts(tmp_path, facts):
    np.savez(tmp_path / "e.npz", **small(), facts=np.array(facts))
    with pytest.raises(UserError, match=r"facts: expected a JSON object that has attribute_names"):
        read_facts(tmp_path / "e.npz")
