import json

import pandas as pd
import pytest

from modc.cell import Cell
from modc.report.results import result_of
from modc.runs.rescore import check_scores, outside_grid

NAME = "FashionAI/ASEN/10/seed-0/modc"


@pytest.fixture
def check(make_run, config):
    """Return a run's folder of one result, and a function that checks it."""
    run = make_run()

    def checked():
        result = result_of(run, config, Cell("FashionAI", "ASEN", 10, 0), "modc")
        return check_scores(result, config)

    return run / "cells" / NAME, checked


def test_scores_that_are_the_means_of_their_queries(check):
    assert check[1]().state == "unchanged"


def test_an_altered_query_is_found_by_hash_and_means(check):
    folder, checked = check
    queries = pd.read_csv(folder / "queries.csv")
    queries.loc[0, "MAP@all"] += 0.12
    queries.to_csv(folder / "queries.csv", index=False)
    found = checked()
    assert (found.name, found.state) == (NAME, "changed")
    by_hash, *by_mean = found.details
    assert "SHA-256" in by_hash
    # One of 12 queries, and one of the 4 of its attribute.
    stored = json.loads((folder / "scores.json").read_text())
    for line, part, count in zip(
        by_mean, (stored["overall"], stored["attributes"][0]), (12, 4), strict=True
    ):
        assert f"MAP@all: {part['MAP@all']} stored" in line
        mean = float(line.split(" by queries.csv")[0].split()[-1])
        assert mean == pytest.approx(part["MAP@all"] + 0.12 / count)


def test_queries_of_the_same_means_in_another_order_are_found(check):
    folder, checked = check
    header, *rows = (folder / "queries.csv").read_text().splitlines(keepends=True)
    (folder / "queries.csv").write_text(header + "".join(rows[::-1]))
    (detail,) = checked().details
    assert "SHA-256" in detail


def test_an_altered_mean_is_found(check, edit):
    folder, checked = check
    overall = json.loads((folder / "scores.json").read_text())["overall"]
    edit(folder / "scores.json", overall={**overall, "Recall@100": 0.125})
    (detail,) = checked().details
    assert detail.startswith("overall Recall@100: 0.125 stored")


@pytest.mark.parametrize(
    ("last", "expected"), [(0.5, []), (0.75, ["last MAP@all: 0.5 stored, 0.75"])]
)
def test_the_ends_of_stages_are_those_of_their_curves(check, last, expected):
    folder, checked = check
    stages = json.loads((folder / "scores.json").read_text())["stages"]
    curve = folder / stages[-1]["stage"] / "curve.csv"
    curve.write_text(
        f"epoch,loss,valid_MAP@all,valid_Acc\n1,2,0.5,0.25\n2,2,0.5,\n3,2,{last},0.25\n"
    )
    stages[-1]["best"]["Acc"] = None
    (folder / "scores.json").write_text(
        json.dumps({**json.loads((folder / "scores.json").read_text()), "stages": stages})
    )
    found = checked().details
    assert len(found) == len(expected)
    assert all(part in one for part, one in zip(expected, found, strict=True))


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"\xff\xfe", b"attribute,value\n", b"attribute,relevant\n9,1\n", b"a\n" + b'"'],
)
def test_damaged_queries_are_named(check, content):
    folder, checked = check
    (folder / "queries.csv").write_bytes(content)
    assert checked().state == "changed" and "queries.csv is damaged" in checked().details


@pytest.mark.parametrize("content", [b"", b'{"dataset": ', b"[]", b"\xff"])
def test_damaged_scores_are_named(check, content):
    folder, checked = check
    (folder / "scores.json").write_bytes(content)
    (detail,) = checked().details
    assert checked().state == "changed" and detail.startswith("scores.json")


@pytest.mark.parametrize("file", ["scores.json", "queries.csv"])
def test_either_file_may_be_missing(check, file):
    folder, checked = check
    (folder / file).unlink()
    (detail,) = checked().details
    assert checked().state == "missing" and detail.startswith(file)


def test_a_result_that_never_ran_is_none(make_run, config):
    result = result_of(make_run(), config, Cell("FashionAI", "ASEN", 10, 7), "modc")
    assert check_scores(result, config) is None


def test_results_outside_the_grid(make_run, config):
    run = make_run()
    assert not outside_grid(run, config)
    config["grid"]["labeled_percent"]["FashionAI"] = [100]
    assert outside_grid(run, config) == [NAME.replace("modc", "baseline"), NAME]
