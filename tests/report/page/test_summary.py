import re

import pandas as pd
import pytest

from modc.report.page.summary import claims_sentence, scope, sentence, verdict_counts, yardsticks

EMPTY = "This run says nothing about the paper yet: it has no numbers."
NOTHING = "This run says nothing about the paper: "


def frames(*verdicts, status=""):
    """Two tables, each with the verdicts."""
    frame = pd.DataFrame({"verdict": verdicts, "status": status})
    return {1: frame, 2: frame}


def test_counts_are_of_all_tables_and_of_each():
    counted = verdict_counts(frames("consistent", "below", "below", "missing"))
    assert [(e["verdict"], e["count"]) for e in counted] == [
        ("consistent", 2),
        ("reproduced", 0),
        ("below", 4),
        ("above", 0),
        ("undecided", 0),
        ("undecided (one training)", 0),
        ("not comparable", 0),
        ("missing", 2),
    ]
    assert counted[2]["by_table"] == {1: 2, 2: 2}
    assert counted[2]["share"] == 0.5
    assert len({entry["mark"] for entry in counted}) == 8


@pytest.mark.parametrize(
    ("verdicts", "status", "expected"),
    [
        (
            ["missing"] * 3,
            "not run",
            EMPTY,
        ),
        (
            ["not comparable"] * 3,
            "not comparable: drawn pictures; 1 of 2 seeds, the others: not run",
            NOTHING + "drawn pictures.",
        ),
        (
            ["not comparable", "missing"],
            "not comparable: drawn pictures",
            NOTHING + "drawn pictures. 2 of the paper's 4 numbers are missing.",
        ),
        (
            ["missing", "not in grid"],
            "not run",
            EMPTY,
        ),
        (["not in grid"], "not in this run's grid", ""),
    ],
)
def test_nothing_can_be_said(verdicts, status, expected):
    assert sentence(frames(*verdicts, status=status)) == expected


@pytest.mark.parametrize(
    ("verdicts", "numbers"),
    [
        # How many there are, decided, consistent, (reproduced,) below, above; then the others.
        (["undecided"] * 2, [4, 0, 0, 0, 0, 4]),
        (
            ["consistent", "below", "above", "undecided", "missing", "not comparable"],
            [12, 6, 2, 2, 2, 2, 2, 2],
        ),
        (["consistent", "missing", "not in grid"], [4, 6, 2, 2, 0, 0, 2]),
        (["reproduced", "undecided (one training)"], [4, 2, 0, 2, 0, 0, 2]),
        (["consistent"], [2, 2, 2, 0, 0]),
    ],
)
def test_one_sentence_of_counts(verdicts, numbers):
    found = re.findall(r"\d+", sentence(frames(*verdicts)))
    assert [int(number) for number in found] == numbers


def test_what_is_not_in_the_grid_is_counted_apart():
    counted = {e["verdict"]: e["count"] for e in verdict_counts(frames("missing", "not in grid"))}
    assert counted["missing"] == 2 and counted["not in grid"] == 2
    assert "not in grid" not in {e["verdict"] for e in verdict_counts(frames("missing"))}


def test_what_the_run_has(config):
    text = scope(config)
    assert "FashionAI with 1, 5, 10, 50 and 100 % of the labels and DARN with 10 and 100 %" in text
    assert "; ASEN, ASENv2 and ASEN++, " in text and text.endswith("; seed 0.")


@pytest.mark.parametrize(
    ("counts", "numbers", "words"),
    [
        ((0, 0, 0, 0), ["7"], ["none of the paper's"]),
        ((7, 0, 0, 0), ["7", "7"], ["claims hold."]),
        ((1, 2, 1, 0), ["1", "7", "2", "1", "3"], ["holds,", "hold partly", "1 fails", "judged"]),
        ((7, 0, 0, 2), ["7", "7", "2"], ["2 were", "not in this run's grid or not comparable."]),
    ],
)
def test_how_many_claims_hold(counts, numbers, words):
    hold, partly, fail, narrowed = counts
    held = {"hold": hold, "partly": partly, "fail": fail, "judged": hold + partly + fail}
    held |= {"by_sign": 0, "unopposed": 0}
    held |= {"narrowed": narrowed, "rest": ["not in this run's grid", "not comparable"]}
    text = claims_sentence(held, 7, "On X")
    assert text.startswith("On X, ") and re.findall(r"\d+", text) == numbers
    assert all(word in text for word in words)


def test_claims_by_sign_are_said_to_be_so():
    held = dict.fromkeys(("hold", "partly", "fail", "judged", "narrowed"), 0)
    text = claims_sentence(held | {"by_sign": 7, "unopposed": 5, "rest": []}, 8, "On X")
    assert text.startswith("On X, none of the paper's 8 claims can be judged. By the sign of")
    assert text.endswith(" 5 of 7.")


def test_further_seeds_outside_the_grid_are_not_claimed(config):
    extra = {"dataset": "FashionAI", "network": "ASENv2", "labeled_percent": [100], "seeds": [1]}
    config["grid"]["extra_seeds"] = [extra]
    assert "further seeds" in scope(config)
    config["grid"]["networks"] = ["ASEN"]
    assert "further seeds" not in scope(config)


def test_a_preview_is_measured_by_the_course_of_public_logs(config):
    assert yardsticks(config) == []
    config["report"]["not_comparable"] = "a preview"
    for stages in config["training"]["stages"].values():
        for recipe in stages.values():
            recipe["epochs"] = 4
    fashionai, darn = yardsticks(config)
    # 60.9 of 67.9 after four epochs; 49.8 of 59.6 after three.
    assert re.findall(r"\d+ %", fashionai) == ["90 %"]
    assert re.findall(r"\d+ %", darn) == ["84 %"]


def test_the_scope_names_the_methods_of_the_grid(config):
    config["grid"]["methods"] = ["baseline"]
    assert "as baseline" in scope(config) and "MODC" not in scope(config)
