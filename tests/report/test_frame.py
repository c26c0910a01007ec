"""The tidy frame of a run: a row a number, whatever the run has or has not."""

import re
from pathlib import Path

import pandas as pd
import pytest

from modc import paths
from modc.grid import cells
from modc.report.frame import COLUMNS, PLACE, STATUS, results_frame
from modc.report.render import render_all
from modc.report.results import STALE, collect

REPOSITORY = Path(__file__).resolve().parents[2]
METRICS = ("MAP@100", "MAP@100/min", "MAP@100/R", "MAP@all", "Recall@100")


@pytest.fixture
def small(config) -> dict:
    """FashionAI, one network, all labels, two seeds."""
    config["grid"] |= {"datasets": ["FashionAI"], "networks": ["ASEN"], "seeds": [0, 1]}
    config["grid"]["labeled_percent"] = {"FashionAI": [100]}
    return config


def frame_of(folder, config) -> pd.DataFrame:
    return results_frame(collect(folder, config), config)


def test_a_row_is_a_number_of_its_own(small, write_run):
    frame = frame_of(write_run(small), small)
    assert frame.columns.tolist() == COLUMNS
    assert not frame.duplicated(list(PLACE)).any()
    # Nine attributes with overall; five rankings of MODC, and its Acc.
    assert len(frame) == 2 * 9 * (5 + 5 * 5 + 1)
    assert set(frame["status"]) == {"comparable"} and set(frame["reason"]) == {""}


def test_values_are_those_of_the_scores(small, write_run, scores_of):
    frame = frame_of(write_run(small), small).set_index(list(PLACE))["value"]
    for cell in cells(small):
        own = ("FashionAI", "ASEN", "modc", 100, cell.seed)
        overall = scores_of(cell, "modc")["overall"]
        assert frame[(*own, "", "", "overall", "Acc")] == overall["Acc"]
        for metric in METRICS:
            scored = "MAP@100/hits" if metric == "MAP@100" else metric
            assert frame[(*own, "", "", "overall", metric)] == overall[scored]
            top2 = overall["prioritized"]["top2"]["unknown"]
            assert frame[(*own, "unknown", "2", "overall", metric)] == top2[scored]


def test_another_divisor_is_called_map_at_100(small, write_run, scores_of):
    small["evaluation"]["map_at_100"] = "R"
    frame = frame_of(write_run(small), small)
    assert set(frame["metric"]) == {"MAP@100", "MAP@100/hits", *METRICS[1:], "Acc"} - {METRICS[2]}
    own = frame[(frame["method"] == "baseline") & (frame["attribute"] == "overall")]
    value = own[own["metric"] == "MAP@100"]["value"].iloc[0]
    assert value == scores_of(cells(small)[0])["overall"]["MAP@100/R"]


def test_what_is_missing_has_all_its_rows_with_the_reason(small, write_run):
    folder = write_run(small)
    gone, cut = cells(small)
    (folder / paths.scores(gone, "modc")).unlink()
    (folder / paths.scores(cut, "modc")).write_text("{")
    frame = frame_of(folder, small)
    assert len(frame) == 2 * 9 * (5 + 5 * 5 + 1)
    own = frame[frame["method"] == "modc"]
    assert own["value"].isna().all() and set(own["status"]) == {"missing"}
    assert own.groupby("seed")["reason"].unique().map(list).tolist() == [
        ["not run"],
        ["scores.json is not JSON"],
    ]


def test_an_attribute_that_the_scores_lack_is_said(small, write_run):
    names = ["skirt_length", *(f"made_up_{n}" for n in range(7))]
    frame = frame_of(write_run(small, attribute_names=names), small)
    lost = frame[frame["attribute"] == "neck_design"]
    assert set(lost["reason"]) == {"the scores have no neck_design"}
    assert lost["queries_listed"].isna().all()


@pytest.mark.parametrize(
    ("changed", "status", "reason"),
    [
        ({"generated": True}, "not comparable", "drawn images, not FashionAI"),
        ({"settings_chain": []}, "other settings", STALE),
    ],
)
def test_what_says_nothing_of_the_paper_has_its_status(small, write_run, changed, status, reason):
    frame = frame_of(write_run(small, **changed), small)
    assert set(frame["status"]) == {status} and set(frame["reason"]) == {reason}
    assert status in STATUS


def test_a_preview_is_not_comparable_for_the_reason_that_it_says(small, write_run):
    small["report"]["not_comparable"] = "a preview"
    folder = write_run(small)
    frame = frame_of(folder, small)
    assert set(frame["status"]) == {"not comparable"} and set(frame["reason"]) == {"a preview"}
    small["training"]["margin"] = 0.3
    assert set(frame_of(folder, small)["status"]) == {"other settings"}


def test_identical_runs_are_copies_and_public_weights_none(small, write_run, scores_of):
    scores = scores_of(cells(small)[0])
    same = {name: scores[name] for name in ("overall", "attributes", "coverage")}
    small["grid"]["methods"] = ["baseline"]
    frame = frame_of(write_run(small, **same), small)
    assert frame.groupby("seed")["copy_of"].unique().map(list).tolist() == [[pd.NA], [0]]
    stages = [{**scores["stages"][0], "stopped": "public weights, not trained"}]
    frame = frame_of(write_run(small, **same, stages=stages), small)
    assert frame["is_public"].all() and frame["copy_of"].isna().all()


def test_other_data_settings_and_code_are_told_by_their_fingerprints(small, write_run):
    first = frame_of(write_run(small), small)
    other = frame_of(write_run(small, manifest_sha256="f" * 64), small)
    assert set(first["test_data"]).isdisjoint(other["test_data"])
    assert set(first["settings"]) == set(other["settings"])
    coded = frame_of(write_run(small, provenance={"code": "abc", "labeled_images": 7}), small)
    assert set(coded["code"]) == {"abc"} and set(coded["labeled_images"]) == {7}


def test_the_file_reads_back_with_pandas(small, write_run, tmp_path):
    folder = write_run(small)
    render_all(folder, small, tmp_path / "out")
    read = pd.read_csv(tmp_path / "out" / "results.csv")
    frame = frame_of(folder, small)
    assert read.columns.tolist() == COLUMNS
    assert read["value"].tolist() == frame["value"].tolist()
    assert not read[list(PLACE)].isna().any(axis=None)
    assert set(read["query_label"]) == {"plain", "known", "unknown"} and read["top_n"].max() == 2


def test_the_example_of_the_page_makes_table_1(small, write_run, tmp_path, monkeypatch):
    out = tmp_path / "results" / "paper"
    render_all(write_run(small), small, out)
    text = (REPOSITORY / "docs" / "results.md").read_text()
    (code,) = re.findall(r"```python\n(frame = .*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names = {"pandas": pd}
    exec(compile(code, "results.md", "exec"), names)
    made = names["table"]
    published = pd.read_csv(out / "tables" / "table1.csv")
    ours = published[published["network"] == "ASEN"]
    assert len(ours) == 2 * 9
    for row in ours.itertuples():
        found = made.loc[("ASEN", row.method), row.attribute]
        assert found == pytest.approx(row.ours)
