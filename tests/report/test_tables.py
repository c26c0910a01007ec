import numpy as np
import pandas as pd
import pytest
from made_tables import attribute_table, paper_table, published, table_of

from modc import paths
from modc.grid import Cell
from modc.report.results import collect
from modc.report.tables import COLUMNS

TABLES = (1, 2, 3, 4, 5)
# The made runs have none.
NO_QUERIES = "no interval over queries: queries.csv is missing"


@pytest.mark.parametrize("number", TABLES)
def test_every_published_place_in_the_papers_order(whole_source, number):
    frame = table_of(number, whole_source)
    own = published(number)
    assert frame.columns.tolist() == COLUMNS
    places = [name for name in own.columns if name != "value"]
    pd.testing.assert_frame_equal(frame[places], own[places])
    assert np.allclose(100 * frame["published"], own["value"])


@pytest.mark.parametrize("number", TABLES)
def test_every_place_is_filled_with_its_own_number(whole_source, number, scores_of):
    frame = table_of(number, whole_source)
    assert set(frame["status"]) == {NO_QUERIES}
    assert set(frame["seeds"]) == {1}
    assert frame["spread"].isna().all()
    for row in frame.to_dict("records"):
        cell = Cell(row["dataset"], row["network"], row["labeled_percent"], 0)
        scores = scores_of(cell, row["method"])
        part = scores["overall"]
        if row["attribute"] != "overall":
            part = scores["attributes"][scores["attribute_names"].index(row["attribute"])]
        if row["method"] == "modc" and row["metric"] != "Acc":
            part = part["prioritized"][f"top{row['top_n']}"][row["query_label"]]
        assert row["ours"] == part[row["metric"]]
        assert row["difference"] == pytest.approx(row["ours"] - row["published"])


@pytest.mark.parametrize("divisor", ["hits", "min", "R"])
def test_divisor_is_the_configurations(config, write_run, scores_of, divisor):
    config["evaluation"]["map_at_100"] = divisor
    frame = paper_table(4, collect(write_run(config), config), config)
    expected = scores_of(Cell("FashionAI", "ASEN", 100, 0))["overall"][f"MAP@100/{divisor}"]
    assert frame["ours"].iloc[0] == expected


def test_mean_and_spread_over_seeds(config, write_run, scores_of):
    config["grid"]["seeds"] = [0, 1, 2]
    frame = paper_table(4, collect(write_run(config), config), config)
    values = [
        scores_of(Cell("FashionAI", "ASEN", 100, seed))["overall"]["MAP@100"] for seed in (0, 1, 2)
    ]
    assert frame["seeds"].iloc[0] == 3
    assert frame["ours"].iloc[0] == pytest.approx(sum(values) / 3)
    variance = sum((value - sum(values) / 3) ** 2 for value in values) / 2
    assert frame["spread"].iloc[0] == pytest.approx(variance**0.5)


def test_seed_that_was_not_run(config, write_run, scores_of):
    config["grid"]["seeds"] = [0, 1]
    folder = write_run(config)
    (folder / paths.scores(Cell("FashionAI", "ASEN", 100, 1), "baseline")).unlink()
    row = paper_table(4, collect(folder, config), config).iloc[0]
    why = NO_QUERIES.replace(": ", ": seed 0: ")
    assert row["status"] == f"1 of 2 seeds, the others: not run; {why}"
    assert row["ours"] == scores_of(Cell("FashionAI", "ASEN", 100, 0))["overall"]["MAP@100"]


@pytest.mark.parametrize("number", TABLES)
def test_empty_run(empty_source, number):
    frame = table_of(number, empty_source)
    assert frame["ours"].isna().all()
    assert frame["difference"].isna().all()
    assert set(frame["status"]) == {"not run"}


def test_dataset_outside_the_grid(config, write_run):
    config["grid"]["datasets"] = ["FashionAI"]
    frame = paper_table(5, collect(write_run(config), config), config)
    assert set(frame["status"]) == {"not in this run's grid"}
    assert set(frame["verdict"]) == {"not in grid"}


def test_drawn_images_have_marked_differences(config, write_run):
    frame = paper_table(1, collect(write_run(config, generated=True), config), config)
    assert set(frame["status"]) == {f"not comparable: drawn images, not FashionAI; {NO_QUERIES}"}
    assert frame["difference"].notna().all()


def test_attribute_that_the_scores_lack(config, write_run):
    names = list("abcdefgh")
    config["grid"]["datasets"] = ["FashionAI"]
    frame = paper_table(1, collect(write_run(config, attribute_names=names), config), config)
    row = frame.iloc[0]
    assert row["status"] == "the scores have no skirt_length"
    assert np.isnan(row["ours"])
    overall = frame[(frame["method"] == "baseline") & (frame["attribute"] == "overall")]
    assert overall["ours"].notna().all()


def test_dataset_that_the_paper_does_not_have(config, write_run, scores_of):
    config["grid"]["datasets"] = ["FashionMNIST"]
    config["grid"]["networks"] = ["ASEN", "ASENv2"]
    frame = attribute_table("FashionMNIST", collect(write_run(config), config), config)
    scores = scores_of(Cell("FashionMNIST", "ASENv2", 100, 0))
    own = frame[(frame["network"] == "ASENv2") & (frame["method"] == "baseline")]
    wanted = [["category", "MAP@100"], ["tone", "MAP@100"], ["overall", "MAP@100"]]
    wanted += [["overall", "MAP@all"], ["overall", "Recall@100"]]
    assert own[["attribute", "metric"]].to_numpy().tolist() == wanted
    assert own["ours"].tolist() == [
        scores["attributes"][0]["MAP@100"],
        scores["attributes"][1]["MAP@100"],
        *(scores["overall"][metric] for metric in ("MAP@100", "MAP@all", "Recall@100")),
    ]
    top2 = frame[(frame["network"] == "ASENv2") & (frame["top_n"] == "2")]
    known = top2[top2["query_label"] == "known"]
    overall = scores_of(Cell("FashionMNIST", "ASENv2", 100, 0), "modc")["overall"]
    assert known["metric"].tolist()[-1] == "Acc" and known["ours"].iloc[-1] == overall["Acc"]
    assert known["ours"].iloc[2] == overall["prioritized"]["top2"]["known"]["MAP@100"]
    assert frame["published"].isna().all()
    # Plain for a baseline, and four rankings of MODC.
    assert len(frame) == 2 * (5 + 4 * 6)
