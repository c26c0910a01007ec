import json

import numpy as np
import pytest

from modc.data import darn, fashionai
from modc.published.numbers import load

PLACE = [
    "dataset",
    "network",
    "method",
    "labeled_percent",
    "query_label",
    "top_n",
    "attribute",
    "metric",
]
ROW = ["network", "method"]
# Test queries of each attribute in the real split files (spec of the evaluation).
QUERIES = {
    1: [422, 623, 535, 422, 341, 289, 703, 265],
    2: [476, 448, 491, 448, 463, 533, 509, 483, 442],
}


def test_327_numbers_each_in_a_place_of_its_own():
    published = load()
    assert len(published) == 327
    assert not published.duplicated(["table", *PLACE]).any()
    assert published.groupby("table").size().tolist() == [54, 60, 81, 66, 66]
    assert published["value"].between(0, 100).all()
    assert not published.isna().any(axis=None)


@pytest.mark.parametrize(("table", "whole"), [(1, 4), (2, 5)])
def test_overall_is_the_same_in_two_tables(table, whole):
    published = load()[lambda row: (row["attribute"] == "overall") & (row["metric"] == "MAP@100")]
    own = published[published["table"] == table].set_index(PLACE)["value"]
    other = published[published["table"] == whole].set_index(PLACE)["value"]
    assert len(own) == 6
    assert own.tolist() == other[own.index].tolist()


@pytest.mark.parametrize(("table", "tolerance"), [(1, 0.03), (2, 0.1)])
def test_overall_is_the_query_weighted_mean(table, tolerance):
    published = load()[lambda row: row["table"] == table]
    rows = published.groupby(ROW)
    assert len(rows) == 6
    for _, row in rows:
        attributes = row[row["attribute"] != "overall"]["value"]
        overall = row[row["attribute"] == "overall"]["value"].item()
        assert np.average(attributes, weights=QUERIES[table]) == pytest.approx(
            overall, abs=tolerance
        )
        if table == 1:  # the plain mean of the attributes is not what the paper prints
            assert abs(attributes.mean() - overall) > 0.3


def test_baselines_have_no_query_label_and_no_top_n():
    published = load()
    baseline = published["method"] == "baseline"
    assert (published[baseline][["query_label", "top_n"]] == "").all(axis=None)
    assert set(published[~baseline]["query_label"]) == {"known", "unknown"}
    assert set(published[~baseline]["top_n"]) == {"1", "2"}


def test_accuracy_belongs_to_modc_alone():
    published = load()
    accuracy = published[published["metric"] == "Acc"]
    assert len(accuracy) == 24
    assert set(accuracy["method"]) == {"modc"}


def attribute_names(table):
    own = load()[lambda row: row["table"] == table]
    return own["attribute"].unique().tolist()


@pytest.mark.parametrize(("table", "dataset"), [(1, fashionai), (2, darn)])
def test_attributes_have_the_names_of_the_readers(table, dataset):
    assert attribute_names(table) == [*dataset.ATTRIBUTES, "overall"]


@pytest.mark.parametrize(("table", "dataset"), [(1, "FashionAI"), (2, "DARN")])
def test_attributes_have_the_names_of_the_split_files(shared, table, dataset):
    meta = json.loads((shared / "annotations" / "meta.json").read_text())
    assert attribute_names(table) == [*meta[dataset]["ATTRIBUTES"], "overall"]
