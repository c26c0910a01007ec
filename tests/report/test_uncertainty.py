"""What a run's numbers rest on: the bootstrap over queries, and the spread between trainings."""

import json

import numpy as np
import pytest
from made_queries import TWO_SEEDS
from made_tables import paper_table

from modc import paths
from modc.evaluation.bootstrap import intervals
from modc.report.results import SCORED_OTHERWISE, collect
from modc.report.uncertainty import Measure, query_intervals


def test_intervals_are_those_of_the_means_over_the_seeds(made, tmp_path, config):
    written = made()
    found = query_intervals(collect(tmp_path, config), "zero")
    mean = (written["baseline", 0]["MAP@all"] + written["baseline", 1]["MAP@all"]) / 2
    own = found["baseline"][Measure("overall", "MAP@all")]
    assert (own.low, own.high) == pytest.approx(intervals(mean.to_numpy()[:, None])[:, 0])
    assert own.variance == pytest.approx(mean.var())
    of_neck = mean[written["baseline", 0]["attribute"] == 0].to_numpy()
    own = found["baseline"][Measure("neck_design", "MAP@all")]
    assert (own.low, own.high) == pytest.approx(intervals(of_neck[:, None])[:, 0])


def test_queries_without_an_answer_may_be_left_out(made, tmp_path, config):
    written = made()
    found = query_intervals(collect(tmp_path, config), "exclude")
    mean = (written["modc", 0]["Acc"] + written["modc", 1]["Acc"])[1:] / 2
    own = found["modc"][Measure("overall", "Acc")]
    assert (own.low, own.high) == pytest.approx(intervals(mean.to_numpy()[:, None])[:, 0])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_text("attribute,value\n"),
        lambda path: path.write_bytes(path.read_bytes()[:400]),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: path.write_text(path.read_text().replace("0,0,0,", "1,0,0,", 1)),
        lambda path: path.write_text(path.read_text().replace(",0.", ",nan,", 1)),
        # Another run's: of the same queries, with other scores.
        lambda path: path.write_text(path.read_text().replace(",0.", ",0.0", 1)),
        lambda path: path.write_text(path.read_text().replace(",0.", ",7.", 1)),
    ],
)
def test_spoilt_queries_give_no_interval(made, tmp_path, config, spoil):
    made()
    spoil(tmp_path / paths.queries(TWO_SEEDS[1], "modc"))
    found = query_intervals(collect(tmp_path, config), "zero")
    assert found["modc"] == {} and found["baseline"]


def values_of(folder, method, seed):
    scores = json.loads((folder / paths.scores(TWO_SEEDS[seed], method)).read_text())
    overall = scores["overall"]
    if method == "modc":
        overall = overall["prioritized"]["top1"]["known"]
    return overall["MAP@100/hits"]


def test_tables_have_the_spread_between_trainings(made, tmp_path, config):
    made()
    row = one_row(paper_table(1, collect(tmp_path, config), config), "modc")
    own = [
        [values_of(tmp_path, method, seed) for seed in (0, 1)] for method in ("modc", "baseline")
    ]
    spread = np.std(own[0], ddof=1)
    assert row["ours"] == pytest.approx(np.mean(own[0]))
    assert (row["training_sd"], row["training_dof"]) == (pytest.approx(spread), 1)
    # Student's t for one degree of freedom: 12.7062, and 1.3764 for four times in five.
    assert row["half_width"] == pytest.approx(12.7062 * spread * np.sqrt(1.5), rel=1e-5)
    assert row["noticeable"] == pytest.approx(14.0826 * spread * np.sqrt(1.5), rel=1e-4)
    gains = np.subtract(*own)
    assert row["gain"] == pytest.approx(gains.mean())
    half = 12.7062 * np.std(gains, ddof=1) / np.sqrt(2)
    assert row["gain_high"] - row["gain"] == pytest.approx(half, rel=1e-5)
    # Sixty queries are another test than the paper's.
    assert row["verdict"] == "not comparable"


def test_a_gain_is_over_the_seeds_that_both_have(made, tmp_path, config):
    made()
    (tmp_path / paths.scores(TWO_SEEDS[0], "baseline")).unlink()
    row = one_row(paper_table(1, collect(tmp_path, config), config), "modc")
    after, before = (values_of(tmp_path, method, 1) for method in ("modc", "baseline"))
    assert row["seeds"] == 2 and row["gain"] == pytest.approx(after - before)
    # One pair of trainings has no spread of its own.
    assert np.isnan(row["gain_low"])


def test_copies_under_several_seeds_are_said_and_not_used(made, tmp_path, config):
    made()
    for method in ("baseline", "modc"):
        first, second = (tmp_path / paths.method_folder(cell, method) for cell in TWO_SEEDS)
        scores = json.loads((first / "scores.json").read_text())
        (second / "scores.json").write_text(json.dumps(scores | {"seed": 1}))
        (second / "queries.csv").write_bytes((first / "queries.csv").read_bytes())
    row = one_row(paper_table(1, collect(tmp_path, config), config), "modc")
    assert "identical runs, counted once: seeds 0, 1" in row["status"]
    assert np.isnan(row["half_width"]) and np.isnan(row["gain_low"]) and row["seeds"] == 1


def test_seeds_that_were_scored_on_other_queries_are_in_no_pool(made, tmp_path, config):
    made()
    path = tmp_path / paths.scores(TWO_SEEDS[1], "modc")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"index_sha256": "another"}))
    row = one_row(paper_table(1, collect(tmp_path, config), config), "modc")
    assert "no spread between trainings: the trainings were scored on different" in row["status"]
    assert np.isnan(row["half_width"]) and np.isnan(row["gain_low"])
    baseline = one_row(paper_table(1, collect(tmp_path, config), config), "baseline")
    assert baseline["half_width"] > 0


def test_public_weights_are_one_model_under_all_seeds(made, tmp_path, config):
    made()
    for cell in TWO_SEEDS:
        path = tmp_path / paths.scores(cell, "baseline")
        scores = json.loads(path.read_text())
        scores["stages"][-1]["stopped"] = "public weights, not trained"
        path.write_text(json.dumps(scores))
    frame = paper_table(1, collect(tmp_path, config), config)
    baseline, modc = one_row(frame, "baseline"), one_row(frame, "modc")
    assert np.isnan(baseline["training_sd"]) and baseline["half_width"] == 0.001
    # MODC's gain over it has MODC's own spread alone.
    half = 12.7062 * modc["training_sd"] / np.sqrt(2)
    assert modc["gain_high"] - modc["gain"] == pytest.approx(half, rel=1e-5)


def test_one_seed_takes_its_spread_from_a_cell_like_it_or_from_the_configuration(
    config, write_run, tmp_path
):
    extra = {"dataset": "FashionAI", "network": "ASENv2", "labeled_percent": [10], "seeds": [1]}
    config["grid"]["extra_seeds"] = [extra]
    entry = {"dataset": "FashionAI", "labels": "100", "attribute": "overall", "metric": "MAP@100"}
    named = entry | {"sd": 0.004, "dof": 6, "source": "an earlier run"}
    config["report"]["training_sd"] = [named]
    write_run(config)
    results = collect(tmp_path, config)
    frame = paper_table(3, results, config)
    known = frame[frame["training_sd"].notna()]
    # At 5 and 50 %, for all networks alike; never at 1 %.
    assert set(known["labeled_percent"]) == {5, 50} and set(known["network"]) == {
        "ASEN",
        "ASENv2",
        "ASEN++",
    }
    assert set(known["training_dof"]) == {1}
    of_all = paper_table(1, results, config)
    overall = of_all[of_all["attribute"] == "overall"]
    assert set(overall["training_sd"]) == {0.004} and set(overall["training_dof"]) == {6}
    assert of_all[of_all["attribute"] != "overall"]["training_sd"].isna().all()


def test_where_queries_are_missing_the_interval_is_wider(config, write_run, tmp_path):
    entry = {"dataset": "DARN", "labels": "100", "attribute": "overall", "metric": "MAP@100"}
    named = entry | {"sd": 0.004, "dof": 6, "source": "an earlier run"}
    config["report"]["training_sd"] = [named]
    write_run(config)
    frame = paper_table(2, collect(tmp_path, config), config)
    own = frame[frame["attribute"] == "overall"]
    # Without the scores of the queries there is no telling by how much.
    assert own["half_width"].isna().all() and own["training_sd"].notna().all()
    assert set(own["verdict"]) == {"undecided"}
    config["datasets"]["DARN"]["published_coverage"] = 1.0
    frame = paper_table(2, collect(tmp_path, config), config)
    own = frame[frame["attribute"] == "overall"]
    assert own["half_width"].tolist() == pytest.approx([2.446912 * 0.004 * np.sqrt(2)] * 6)


def one_row(frame, method, attribute="overall"):
    chosen = (frame["method"] == method) & (frame["attribute"] == attribute)
    return frame[chosen & (frame["network"] == "ASEN")].iloc[0]


ALTERED = "queries.csv is altered: "


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: path.unlink(), "queries.csv is missing"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "queries.csv is damaged"),
        (
            lambda path: path.write_text(path.read_text().replace("0,0,0,", "1,0,0,", 1)),
            ALTERED + "its queries are not",
        ),
        (
            lambda path: path.write_text(path.read_text().replace(",0.", ",0.0", 1)),
            ALTERED + "its means are not",
        ),
    ],
)
@pytest.mark.parametrize("method", ["baseline", "modc"])
def test_a_place_says_why_it_has_no_interval(made, tmp_path, config, spoil, why, method):
    made()
    spoil(tmp_path / paths.queries(TWO_SEEDS[1], method))
    frame = paper_table(1, collect(tmp_path, config), config)
    row = one_row(frame, method)
    assert f"; no interval over queries: seed 1: {why}" in row["status"]
    assert np.isnan(row["queries_low"]) and row["ours"] > 0
    # What trainings say does not depend on it.
    modc, baseline = one_row(frame, "modc"), one_row(frame, "baseline")
    assert modc["gain"] == pytest.approx(modc["ours"] - baseline["ours"])
    assert modc["gain_low"] < modc["gain"] < modc["gain_high"]


def test_scores_by_another_option_than_the_configurations_have_no_interval(made, tmp_path, config):
    made()
    config["evaluation"]["unanswerable"] = "exclude"
    for seed in (0, 1):
        path = tmp_path / paths.scores(TWO_SEEDS[seed], "modc")
        scores = json.loads(path.read_text())
        path.write_text(json.dumps(scores | {"scoring": {"unanswerable": "zero"}}))
    row = one_row(paper_table(1, collect(tmp_path, config), config), "modc")
    assert np.isnan(row["queries_low"])
    assert f"no interval over queries: seed 0: {SCORED_OTHERWISE}unanswerable" in row["status"]
