"""Prioritized retrieval, against a plain rendering of its definition."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from modc.cli import cli
from modc.errors import UserError
from modc.evaluation.prioritized import NO_VALUE, nearest_values, right
from modc.evaluation.ranking import unit
from modc.evaluation.scores import read_embeddings, score, summarize

# More than 100 of one attribute are ranked, so that a list is cut at 100.
QUERIES, CANDIDATES = 16, 240
AXES = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], np.float32)


def case(seed: int, ties: bool = False, values: int = 5, absent: int = 1) -> dict:
    """Return random arrays of two attributes; with ties, embeddings have few directions."""
    rng = np.random.default_rng(seed)

    def embeddings(rows):
        if ties:
            # Along the axes, so that equal cosines are equal to the last bit.
            return AXES[rng.integers(4, size=rows)]
        return rng.standard_normal((rows, 4)).astype(np.float32)

    centers = np.stack([embeddings(values) for _ in range(2)])
    centers[:, rng.permutation(values)[:absent]] = np.nan
    return {
        "query_embedding": embeddings(QUERIES),
        "query_attribute": rng.integers(0, 2, QUERIES),
        "query_value": rng.integers(0, values, QUERIES),
        "candidate_embedding": embeddings(CANDIDATES),
        "candidate_attribute": rng.integers(0, 2, CANDIDATES),
        "candidate_value": rng.integers(0, values, CANDIDATES),
        "centers": centers,
    }


def naive_nearest(arrays: dict, role: str) -> list[list[int]]:
    """Return the values of each row's attribute by falling cosine to their centers, in loops."""
    found = []
    rows = zip(arrays[f"{role}_embedding"], arrays[f"{role}_attribute"], strict=True)
    for embedding, attribute in rows:
        centers = arrays["centers"][attribute]
        present = [v for v in range(len(centers)) if not np.isnan(centers[v]).any()]
        cosines = unit(embedding[None]) @ unit(centers[present]).T
        found.append([present[i] for i in np.argsort(-cosines[0], kind="stable")])
    return found


def naive(
    arrays: dict, nearest: dict, query: int, n: int, label: str, order: str = "query"
) -> tuple[float, float, float, float]:
    """Return (Acc, MAP@all, MAP@100/hits, Recall@100) of one query, in loops.

    nearest: by role, what `naive_nearest` returns.
    """
    attribute = arrays["query_attribute"][query]
    centers = arrays["centers"][attribute]
    embedding, value = arrays["query_embedding"][query], arrays["query_value"][query]
    own = nearest["query"][query]
    pseudo = own[0] if own else None
    wanted = value if label == "known" else pseudo
    rows = np.flatnonzero(arrays["candidate_attribute"] == attribute)
    units = unit(arrays["candidate_embedding"][rows])
    cosines = (unit(embedding[None]) @ units.T)[0]
    keys = []
    for position, row in enumerate(rows):
        others = wanted not in nearest["candidate"][row][:n]
        similarity = cosines[position]
        if order == "center" and not others:
            similarity = (unit(centers[[wanted]]) @ units.T)[0, position]
        keys.append((others, -similarity, position))
    order = [rows[key[2]] for key in sorted(keys)]
    relevant = [arrays["candidate_value"][row] == value for row in order]
    precisions, found = [], 0
    for rank, hit in enumerate(relevant, 1):
        found += hit
        if hit:
            precisions.append((rank, found / rank))
    first = [p for rank, p in precisions if rank <= 100]
    return (
        float(pseudo == value),
        sum(p for _, p in precisions) / max(1, len(precisions)),
        sum(first) / max(1, len(first)),
        len(first) / max(1, len(precisions)),
    )


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("values", "absent"), [(5, 0), (5, 2), (2, 0), (2, 1), (3, 3)])
def test_it_equals_the_definition(ties, values, absent):
    arrays = case(0, ties, values, absent)
    scored = score(**arrays)
    nearest = {role: naive_nearest(arrays, role) for role in ("query", "candidate")}
    for query in range(QUERIES):
        for n in (1, 2):
            for label in ("known", "unknown"):
                row = scored.iloc[query]
                metrics = ("MAP@all", "MAP@100/hits", "Recall@100")
                ours = [row["Acc"], *(row[f"top{n}/{label}/{m}"] for m in metrics)]
                assert ours == pytest.approx(naive(arrays, nearest, query, n, label))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("values", "absent"), [(5, 2), (2, 0), (3, 3)])
def test_sorted_by_the_center_it_equals_the_definition_too(ties, values, absent):
    arrays = case(7, ties, values, absent)
    scored = score(**arrays, prioritized_order="center")
    nearest = {role: naive_nearest(arrays, role) for role in ("query", "candidate")}
    differs = False
    for query in range(QUERIES):
        for n in (1, 2):
            for label in ("known", "unknown"):
                row = scored.iloc[query]
                ours = [row[f"top{n}/{label}/{m}"] for m in ("MAP@all", "MAP@100/hits")]
                expected = naive(arrays, nearest, query, n, label, "center")[1:3]
                assert ours == pytest.approx(expected)
                differs |= expected != naive(arrays, nearest, query, n, label)[1:3]
    assert differs == (absent < values)


@pytest.mark.parametrize("order", ["query", "center"])
@pytest.mark.parametrize("values", [0, 1, 3])
def test_a_value_beyond_the_centers_has_none(order, values):
    arrays = case(8)
    missing = arrays["query_value"] >= values
    arrays["centers"] = arrays["centers"][:, :values]
    scored = score(**arrays, prioritized_order=order)
    assert missing.any() and (scored["Acc"][missing] == 0).all()
    known = scored["top1/known/MAP@all"][missing]
    assert np.array_equal(known, scored["MAP@all"][missing])


def test_plain_scores_do_not_change():
    arrays = case(0)
    plain = score(**{name: array for name, array in arrays.items() if name != "centers"})
    assert plain.equals(score(**arrays)[plain.columns])


def test_as_many_centers_as_values_change_nothing():
    arrays = case(1, values=2, absent=0)
    scored = score(**arrays)
    assert np.array_equal(scored["top2/known/MAP@all"], scored["MAP@all"])


def test_a_value_no_candidate_is_assigned_to_gives_the_plain_ranking():
    arrays = case(2)
    arrays["centers"][:, 3] = np.nan
    scored = score(**arrays)
    rows = scored[scored["value"] == 3]
    assert len(rows) and np.array_equal(rows["top1/known/MAP@all"], rows["MAP@all"])
    assert (rows["Acc"] == 0).all()


def test_perfect_centers_make_perfect_retrieval():
    arrays = case(3, absent=0)
    directions = np.eye(5, dtype=np.float32)
    arrays["centers"] = np.stack([directions, directions])
    for role in ("query", "candidate"):
        arrays[f"{role}_embedding"] = directions[arrays[f"{role}_value"]]
    summary = summarize(score(**arrays), arrays["candidate_attribute"])["overall"]
    assert summary["Acc"] == summary["prioritized"]["top1"]["unknown"]["MAP@100"] == 1


def test_fewer_centers_than_asked_for():
    embedding = unit(np.ones((2, 3), np.float32))
    centers = np.full((4, 3), np.nan, np.float32)
    assert nearest_values(embedding, centers, 2).tolist() == [[NO_VALUE, NO_VALUE]] * 2
    centers[2] = 1
    assert nearest_values(embedding, centers, 2).tolist() == [[2, NO_VALUE]] * 2


def scored_by_command(folder: Path, *options: str) -> dict:
    call = ["score", "--embeddings", folder / "e.npz", "--output", folder / "s.json", *options]
    done = CliRunner().invoke(cli, list(map(str, call)))
    assert done.exit_code == 0, done.output
    return json.loads((folder / "s.json").read_text())


def test_the_command_line_takes_centers(tmp_path):
    arrays = case(4)
    np.savez(tmp_path / "e.npz", **arrays)
    content = scored_by_command(tmp_path)
    of_candidates = right(arrays, "candidate", arrays["centers"])
    expected = summarize(
        score(**arrays), arrays["candidate_attribute"], candidate_right=of_candidates
    )
    assert {key: content[key] for key in expected} == expected
    for part in [content["overall"], *content["attributes"]]:
        assert set(part["prioritized"]) == {"top1", "top2"}
        for labels in part["prioritized"].values():
            assert set(labels) == {"known", "unknown"}
            for metrics in labels.values():
                assert set(metrics) == {
                    *("MAP@all", "MAP@100", "MAP@100/hits", "MAP@100/min", "MAP@100/R"),
                    "Recall@100",
                }


def test_acc_may_count_the_candidates_too(tmp_path):
    arrays = case(4)
    np.savez(tmp_path / "e.npz", **arrays)
    content = scored_by_command(tmp_path, "--acc-over", "queries_and_candidates")
    for attribute, part in enumerate(content["attributes"]):
        hits, count = 0, 0
        for role in ("query", "candidate"):
            for row in np.flatnonzero(arrays[f"{role}_attribute"] == attribute):
                cosines = [
                    -2 if np.isnan(center).any() else embedding @ center / np.linalg.norm(center)
                    for embedding in [arrays[f"{role}_embedding"][row]]
                    for center in arrays["centers"][attribute]
                ]
                hits += int(np.argmax(cosines) == arrays[f"{role}_value"][row])
                count += 1
        assert part["Acc"] == pytest.approx(hits / count)
    overall = [arrays[f"{role}_value"] for role in ("query", "candidate")]
    parts = [part["candidate_right"] for part in content["attributes"]]
    assert content["overall"]["candidate_right"] == sum(parts)
    assert 0 < content["overall"]["Acc"] < 1 and sum(map(len, overall)) > sum(parts)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: c[0], "expected (2 or more attributes, values, 4)"),
        (lambda c: c[:1], "expected (2 or more attributes, values, 4)"),
        (lambda c: c[:, :, :3], "expected (2 or more attributes, values, 4)"),
        (lambda c: np.nan_to_num(c).astype(int), "int64; expected floating-point"),
        (lambda c: np.where(np.arange(4) == 1, np.nan, c), "row 0, 0 is partly NaN"),
        (lambda c: np.where(np.isnan(c), np.inf, c), "is partly NaN or infinite"),
    ],
)
def test_bad_centers_are_named(tmp_path, spoil, message):
    arrays = case(5)
    arrays["centers"][0, 0] = 1
    np.savez(tmp_path / "e.npz", **{**arrays, "centers": spoil(arrays["centers"])})
    with pytest.raises(UserError) as error:
        read_embeddings(tmp_path / "e.npz")
    assert message in str(error.value) and "e.npz: centers" in str(error.value)
