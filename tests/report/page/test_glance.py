"""The image beside the answer: its rows, where they lie, and what is missing."""

import math

import numpy as np
import pytest
from made_claims import THIN, made_frames
from parsed_page import Parsed

from modc.report.html import environment
from modc.report.page.glance import LEFT, MOST_ROWS, RIGHT, glance
from modc.report.results import NOT_IN_GRID


@pytest.fixture
def drawn(config):
    def make(**columns):
        made = made_frames(**{"half_width": np.nan, "verdict": "consistent", **columns})
        return glance(made, config), made

    return make


def rows_of(own):
    return [row for group in own["groups"] for row in group["rows"]]


def shown(own):
    return Parsed(environment().get_template("glance.html.j2").render(glance=own))


def test_its_rows_are_those_of_the_tables(drawn):
    own, frames = drawn()
    assert [group["title"] for group in own["groups"]] == [
        "FashionAI, 100 % of the labels",
        "DARN, 100 % of the labels",
        "FashionAI, 10 % of the labels",
        "DARN, 10 % of the labels",
    ]
    assert len(rows_of(own)) <= MOST_ROWS
    for number, group in ((1, own["groups"][0]), (2, own["groups"][1])):
        frame = frames[f"table{number}"]
        frame = frame[(frame["attribute"] == "overall") & (frame["metric"] == "MAP@100")]
        texts = [f"{100 * value:.2f}" for value in frame["published"]]
        assert [row["published_text"] for row in group["rows"]] == texts
        assert [row["ours_text"] for row in group["rows"]] == texts
        assert [row["is_baseline"] for row in group["rows"]] == [True, False] * 3
    # Of those with 10 % the label is known, and rows of a network stand together as with 100 %.
    names = [[row["full"] for row in group["rows"]] for group in own["groups"]]
    assert names == [names[0]] * 4


def test_values_lie_on_a_line(drawn):
    own, _ = drawn(ours=lambda frame: frame["published"] - 0.1)
    (x0, low), *_, (x1, high) = own["ticks"]
    slope = (x1 - x0) / (high - low)
    for row in rows_of(own):
        for x, text in ((row["ours"], row["ours_text"]), (row["published"], row["published_text"])):
            assert x == pytest.approx(x0 + slope * (float(text) - low), abs=0.11)
            assert LEFT <= x <= RIGHT
    ys = [row["y"] for row in rows_of(own)]
    assert ys == sorted(set(ys)) and ys[-1] < own["height"]


def test_intervals_are_those_of_the_difference_around_ours(drawn):
    own, _ = drawn(half_width=0.05)
    (x0, low), *_, (x1, high) = own["ticks"]
    width = 5 * (x1 - x0) / (high - low)
    for row in rows_of(own):
        assert row["ours"] - row["low"] == pytest.approx(width, abs=0.11)
        assert row["high"] - row["ours"] == pytest.approx(width, abs=0.11)
    assert own["has_intervals"]
    paths = [
        tag for tag, attributes in shown(own).tags if "interval" in attributes.get("class", "")
    ]
    assert len(paths) == len(rows_of(own))
    assert not drawn(half_width=np.nan)[0]["has_intervals"]


@pytest.mark.parametrize(
    ("status", "word"), [("not run", "missing"), ("failed in warm_up", "failed")]
)
def test_what_is_missing_is_said(drawn, status, word):
    own, _ = drawn(ours=np.nan, status=status)
    assert {row["ours_text"] for row in rows_of(own)} == {word}
    assert {(row["ours"], row["low"], row["mark"]) for row in rows_of(own)} == {(None, None, "")}
    page = shown(own)
    kinds = [attributes.get("class", "").split() for _, attributes in page.tags]
    count = len(rows_of(own))
    assert sum("published" in kind for kind in kinds) == count + 2  # with those of the key
    assert sum("ours" in kind for kind in kinds) == 2
    assert sum(text == word for _, text in page.texts) == count


def test_what_the_grid_has_not_leaves_room_for_the_rest(drawn):
    def status(frame):
        return np.where(frame["dataset"] == "DARN", NOT_IN_GRID, "")

    own, _ = drawn(status=status, ours=lambda f: f["published"].where(f["status"] == ""))
    percents = [group["title"].split(", ")[1].split()[0] for group in own["groups"]]
    assert percents == ["100", "50", "10", "5"]
    assert all(group["title"].startswith("FashionAI") for group in own["groups"])
    assert drawn(status=NOT_IN_GRID, ours=np.nan)[0] is None


def test_what_is_not_comparable_is_marked(drawn):
    own, _ = drawn(status=THIN)
    assert all(row["ours_text"].endswith("†") for row in rows_of(own)) and own["is_marked"]


def test_a_dataset_that_the_paper_does_not_have(config):
    frame = made_frames()["table4"].assign(table="", dataset="Mine", published=math.nan, verdict="")
    frame = frame.assign(half_width=math.nan)
    own = glance({"Mine": frame}, config)
    assert [group["title"] for group in own["groups"]] == [
        "Mine, 100 % of the labels",
        "Mine, 10 % of the labels",
    ]
    assert not own["has_published"]
    assert {row["published"] for row in rows_of(own)} == {None}


def test_it_is_read_aloud(drawn):
    own, _ = drawn()
    page = shown(own)
    (svg,) = [attributes for tag, attributes in page.tags if attributes.get("role") == "img"]
    assert set(svg["aria-labeledby"].split()) <= set(page.ids)
    (said,) = [text for tag, text in page.texts if tag == "desc"]
    assert all(f"{row['full']} {row['ours_text']}" in said for row in rows_of(own))
    for _, attributes in page.tags:
        for name, value in attributes.items():
            assert value != "None", name
