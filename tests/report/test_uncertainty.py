"""Intervals of a run's numbers, against the bootstrap on the queries themselves."""

import json

import numpy as np
import pytest
from made_queries import TWO_SEEDS

from modc.evaluation.bootstrap import interval
from modc.evaluation.prioritized import column_name
from modc.report.results import collect
from modc.report.tables import paper_table
from modc.report.uncertainty import Place, query_intervals, widened


def test_intervals_are_those_of_the_means_over_the_seeds(made, tmp_path, config):
    written = made()
    found = query_intervals(collect(tmp_path, config), "zero")
    mean = (written["baseline", 0]["MAP@all"] + written["baseline", 1]["MAP@all"]) / 2
    own = found["baseline"][Place("overall", "MAP@all")]
    assert (own.low, own.high) == pytest.approx(interval(mean.to_numpy()))
    assert np.isnan(own.gain)
    of_neck = mean[written["baseline", 0]["attribute"] == 0].to_numpy()
    own = found["baseline"][Place("neck_design", "MAP@all")]
    assert (own.low, own.high) == pytest.approx(interval(of_neck))


def test_gains_are_paired_over_queries_and_seeds(made, tmp_path, config):
    written = made()
    found = query_intervals(collect(tmp_path, config), "zero")["modc"]
    column = column_name(1, "known", "MAP@100/hits")
    by_seed = [
        (written["modc", seed][column] - written["baseline", seed]["MAP@100/hits"]).to_numpy()
        for seed in (0, 1)
    ]
    own = found[Place("overall", "MAP@100/hits", "known", "1")]
    gains = sum(by_seed) / 2
    assert own.gain == pytest.approx(gains.mean())
    # Joined with that over the seeds, where a further training's gain would lie.
    between = np.std([one.mean() for one in by_seed], ddof=1)
    expected = widened(gains.mean(), *interval(gains), between, 2)
    assert expected != pytest.approx(interval(gains))
    assert (own.gain_low, own.gain_high) == pytest.approx(expected)
    assert np.isnan(found[Place("overall", "Acc")].gain)


def test_queries_without_an_answer_may_be_left_out(made, tmp_path, config):
    written = made()
    found = query_intervals(collect(tmp_path, config), "exclude")
    mean = (written["modc", 0]["Acc"] + written["modc", 1]["Acc"])[1:] / 2
    own = found["modc"][Place("overall", "Acc")]
    assert (own.low, own.high) == pytest.approx(interval(mean.to_numpy()))


def test_a_gain_needs_both_methods(made, tmp_path, config):
    made()
    (tmp_path / TWO_SEEDS[0].folder / "baseline" / "scores.json").unlink()
    (tmp_path / TWO_SEEDS[1].folder / "baseline" / "scores.json").unlink()
    found = query_intervals(collect(tmp_path, config), "zero")
    assert found["baseline"] == {}
    own = found["modc"][Place("overall", "MAP@all", "known", "1")]
    assert own.low < own.high and np.isnan(own.gain)


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
    spoil(tmp_path / TWO_SEEDS[1].folder / "modc" / "queries.csv")
    found = query_intervals(collect(tmp_path, config), "zero")
    assert found["modc"] == {} and found["baseline"]


def test_tables_have_intervals_gains_and_verdicts(made, tmp_path, config):
    made()
    frame = paper_table(1, collect(tmp_path, config), config).set_index(["method", "attribute"])
    own = frame[frame["network"] == "ASEN"]
    neck = own.loc[("modc", "neck_design")]
    assert neck["low"] < neck["ours"] + 1 and neck["gain_low"] < neck["gain"] < neck["gain_high"]
    baseline = own.loc[("baseline", "neck_design")]
    assert neck["published_gain"] == pytest.approx(neck["published"] - baseline["published"])
    assert np.isnan(baseline["published_gain"]) and np.isnan(baseline["gain"])
    # Sixty queries are another test than the paper's.
    assert set(own["verdict"]) == {"not comparable", "missing"}
    assert set(frame.loc[frame["network"] != "ASEN", "verdict"]) == {"not in grid"}


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
            ALTERED + "it has other queries than scores.json",
        ),
        (
            lambda path: path.write_text(path.read_text().replace(",0.", ",0.0", 1)),
            ALTERED + "scores.json has other means",
        ),
    ],
)
@pytest.mark.parametrize("method", ["baseline", "modc"])
def test_a_place_says_why_it_has_no_interval(made, tmp_path, config, spoil, why, method):
    made()
    spoil(tmp_path / TWO_SEEDS[1].folder / method / "queries.csv")
    frame = paper_table(1, collect(tmp_path, config), config)
    row = one_row(frame, method)
    assert f"; no interval: seed 1: {why}" in row["status"]
    assert np.isnan(row["low"]) and row["ours"] > 0
    # The gain is there by the means alone.
    modc, baseline = one_row(frame, "modc"), one_row(frame, "baseline")
    assert modc["gain"] == pytest.approx(modc["ours"] - baseline["ours"])
    assert np.isnan(modc["gain_low"])
    if method == "baseline":
        assert f"; no interval of the gain: of the baseline, seed 1: {why}" in modc["status"]
        assert modc["low"] < modc["high"]


def test_scores_by_another_option_than_the_configurations_have_no_interval(made, tmp_path, config):
    made()
    config["evaluation"]["unanswerable"] = "exclude"
    for seed in (0, 1):
        path = tmp_path / TWO_SEEDS[seed].folder / "modc" / "scores.json"
        scores = json.loads(path.read_text())
        path.write_text(json.dumps(scores | {"scoring": {"unanswerable": "zero"}}))
    row = one_row(paper_table(1, collect(tmp_path, config), config), "modc")
    assert np.isnan(row["low"]) and row["gain"] == pytest.approx(row["gain"])
    assert "no interval: seed 0: scored with another evaluation.unanswerable" in row["status"]


def test_a_gain_by_means_is_over_the_seeds_that_both_have(made, tmp_path, config):
    made()
    (tmp_path / TWO_SEEDS[0].folder / "baseline" / "scores.json").unlink()
    (tmp_path / TWO_SEEDS[1].folder / "baseline" / "queries.csv").unlink()
    row = one_row(paper_table(1, collect(tmp_path, config), config), "modc")
    values = [
        json.loads((tmp_path / TWO_SEEDS[1].folder / method / "scores.json").read_text())
        for method in ("baseline", "modc")
    ]
    after = values[1]["overall"]["prioritized"]["top1"]["known"]["MAP@100/hits"]
    assert row["gain"] == pytest.approx(after - values[0]["overall"]["MAP@100/hits"])


def test_seeds_widen_an_interval_to_where_a_further_training_lies():
    assert widened(0.5, 0.49, 0.51, np.nan, 1) == (0.49, 0.51)
    assert widened(0.5, 0.49, 0.51, 0.0, 3) == pytest.approx((0.49, 0.51))
    # Student's t for two degrees of freedom: 4.3027.
    low, high = widened(0.5, 0.5, 0.5, 0.01, 3)
    assert high - 0.5 == pytest.approx(4.3027 * 0.01 * np.sqrt(4 / 3), rel=1e-4)
    assert 0.5 - low == pytest.approx(high - 0.5)


def test_a_further_training_lies_within_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(2000):
        *seeds, further = rng.normal(0.5, 0.01, 4)
        ours, spread = np.mean(seeds), np.std(seeds, ddof=1)
        low, high = widened(ours, ours, ours, spread, 3)
        hits += low <= further <= high
    assert 0.935 < hits / 2000 < 0.965
