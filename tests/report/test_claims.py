from dataclasses import replace
from itertools import combinations
from math import isnan

import numpy as np
import pytest
from made_claims import BY_KEY, DRAWN, THIN, counts, made_frames, ours

from modc.published import numbers
from modc.report.claim_cells import CELL_VERDICTS
from modc.report.claims import Evidence, check_published, claims
from modc.report.results import NOT_IN_GRID, NOT_RUN


@pytest.mark.parametrize(
    ("key", "verdict", "expected"),
    [
        ("gain_on_every_attribute", "holds", (51, 0, 0, 0)),
        ("asen_pp_best", "holds", (10, 0, 0, 0)),
        ("gain_at_every_share", "holds", (54, 0, 0, 0)),
        ("top1_beats_top2", "holds", (27, 0, 0, 0)),
        ("known_beats_unknown", "holds", (36, 0, 0, 0)),
        ("unknown_beats_baseline", "holds partly", (34, 2, 0, 0)),
        ("accuracy_goes_with_gain", "holds partly", (18, 12, 0, 0)),
    ],
)
def test_what_the_papers_own_numbers_say(key, verdict, expected):
    evidence = check_published(BY_KEY[key])
    assert (evidence.verdict, counts(evidence)) == (verdict, expected)
    assert evidence.not_comparable == 0
    assert {cell.judged_by for cell in evidence.cells} == {"sign"}


def test_unknown_fails_twice_against_the_baseline():
    against = check_published(BY_KEY["unknown_beats_baseline"]).having("opposes")
    assert [
        (cell.where, cell.better.labeled_percent, cell.better.metric, cell.better_name)
        for cell in against
    ] == [
        ("Table 5, DARN", 100, "MAP@100", "MODC(ASENv2)_top1, unknown"),
        ("Table 5, DARN", 100, "MAP@100", "MODC(ASEN++)_top1, unknown"),
    ]
    values = [(cell.better_value, cell.worse_value, cell.difference) for cell in against]
    assert values == [(0.5953, 0.5966, -0.0013), (0.6088, 0.6109, -0.0021)]


def test_accuracy_goes_with_gain_between_the_datasets_and_not_within_them():
    parts = check_published(BY_KEY["accuracy_goes_with_gain"]).parts()
    assert {where: (part.verdict, counts(part)[:2]) for where, part in parts.items()} == {
        "Table 4, FashionAI": ("fails", (0, 6)),
        "Table 5, DARN": ("fails", (0, 6)),
        "Table 4 against Table 5": ("holds", (18, 0)),
    }


def test_concordant_pairs_counted_naively():
    frame = numbers.load()[lambda row: row["table"].isin([4, 5])]
    concordant = discordant = 0
    for _, share in frame.groupby("labeled_percent"):
        points = []
        for _, part in share.groupby(["dataset", "network"]):
            at_100 = part[part["metric"] == "MAP@100"].set_index("query_label")["value"]
            gain = at_100["unknown"] - at_100[""]
            points.append((part[part["metric"] == "Acc"]["value"].iloc[0], gain))
        for (acc, gain), (other_acc, other_gain) in combinations(points, 2):
            if (acc - other_acc) * (gain - other_gain) > 0:
                concordant += 1
            else:
                discordant += 1
    assert counts(check_published(BY_KEY["accuracy_goes_with_gain"]))[:2] == (
        concordant,
        discordant,
    )


def test_ours_that_are_the_papers_say_the_same(config):
    for claim in claims(made_frames(), config):
        # By their text, in which NaN is equal to NaN.
        assert repr(claim.ours) == repr(claim.published)


def test_what_is_missing_is_named_with_its_reason(config):
    def is_absent(frame):
        return (frame["network"] == "ASEN") & (frame["method"] == "modc")

    frames = made_frames(
        ours=lambda f: f["published"].mask(is_absent(f)),
        status=lambda f: np.where(is_absent(f), "not run", ""),
    )
    evidence = ours(config, "known_beats_unknown", frames)
    assert (evidence.verdict, counts(evidence)) == ("holds partly", (24, 0, 0, 12))
    assert {cell.status for cell in evidence.having("missing")} == {
        f"{dataset} MODC(ASEN) {percent} %: not run"
        for dataset in ("FashionAI", "DARN")
        for percent in (10, 100)
    }
    assert {cell.status for cell in evidence.having("supports")} == {""}
    assert all(isnan(cell.difference) for cell in evidence.having("missing"))
    assert not any(cell.judged_by for cell in evidence.having("missing"))
    # Without the other network nothing is the best of all.
    best = ours(config, "asen_pp_best", frames)
    assert (best.verdict, counts(best)) == ("holds partly", (8, 0, 0, 2))


def test_a_run_without_anything(config):
    for frames in ({}, made_frames(ours=np.nan, status=NOT_RUN)):
        for claim in claims(frames, config):
            assert claim.ours.verdict == "missing"
            assert claim.ours.count("missing") == len(claim.published.cells)
            assert all(cell.status.endswith(": not run") for cell in claim.ours.cells)


def test_a_gain_without_acc_is_missing(config):
    frames = made_frames(ours=lambda f: f["published"].mask(f["metric"] == "Acc"))
    assert ours(config, "accuracy_goes_with_gain", frames).verdict == "missing"
    assert ours(config, "unknown_beats_baseline", frames).verdict == "holds partly"


def test_drawn_data_are_shown_and_marked(config):
    for claim in claims(made_frames(status=DRAWN), config):
        assert claim.ours.verdict == "not comparable"
        assert counts(claim.ours) == (0, 0, 0, 0)
        said = [cell.verdict for cell in claim.published.cells]
        assert [cell.verdict for cell in claim.ours.cells] == said
        assert claim.ours.over == ""
        assert claim.ours.not_comparable == len(claim.ours.cells)
        assert {cell.status for cell in claim.ours.cells} == {DRAWN}


def test_one_number_of_a_pair_that_is_not_comparable_is_enough(config):
    frames = made_frames(status=lambda f: np.where(f["method"] == "baseline", DRAWN, ""))
    assert ours(config, "gain_on_every_attribute", frames).not_comparable == 51
    assert ours(config, "top1_beats_top2", frames).not_comparable == 0


def test_no_verdict_rests_on_cells_that_are_not_comparable(config):
    frames = made_frames(
        ours=lambda f: f["published"].where(f["dataset"] == "DARN", 1 - f["published"]),
        status=lambda f: np.where(f["dataset"] == "FashionAI", DRAWN, ""),
    )
    evidence = ours(config, "known_beats_unknown", frames)
    assert counts(evidence) == (18, 0, 0, 0)
    assert evidence.verdict == "holds"  # the 18 that oppose are not comparable
    assert evidence.not_comparable == 18
    assert evidence.parts()["Table 4, FashionAI"].verdict == "not comparable"
    assert evidence.parts()["Table 5, DARN"].verdict == "holds"


@pytest.mark.parametrize(
    ("key", "verdict", "expected", "over"),
    [
        ("gain_on_every_attribute", "holds", (24, 0, 0, 0), "24 of 51"),
        ("known_beats_unknown", "holds", (18, 0, 0, 0), "18 of 36"),
        ("unknown_beats_baseline", "holds", (18, 0, 0, 0), "18 of 36"),
        # What is against stays against, now by the 6 within FashionAI alone.
        ("accuracy_goes_with_gain", "fails", (0, 6, 0, 0), "6 of 30"),
    ],
)
def test_fashionai_alone_comparable_is_judged_alone(config, key, verdict, expected, over):
    frames = made_frames(status=lambda f: np.where(f["dataset"] == "DARN", THIN, ""))
    evidence = ours(config, key, frames)
    assert (evidence.verdict, counts(evidence)) == (verdict, expected)
    assert evidence.over == f"over the {over} cells that are comparable"
    assert evidence.judged + evidence.not_comparable == len(evidence.cells)
    # The three shares and FashionAI's own table are whole.
    assert ours(config, "gain_at_every_share", frames).over == ""


def test_not_comparable_says_no_more_than_not_in_the_grid(config):
    def apart(status):
        return lambda f: np.where(f["dataset"] == "DARN", status, "")

    def asked(frame):
        return frame["published"].where(frame["dataset"] != "DARN")

    thin = claims(made_frames(status=apart(THIN)), config)
    narrow = claims(made_frames(ours=asked, status=apart(NOT_IN_GRID)), config)
    for ours_thin, ours_narrow in zip(thin, narrow, strict=True):
        assert ours_thin.ours.verdict == ours_narrow.ours.verdict
        assert counts(ours_thin.ours) == counts(ours_narrow.ours)


def test_what_is_missing_is_told_from_what_is_not_comparable(config):
    def is_absent(frame):
        return (frame["dataset"] == "FashionAI") & (frame["network"] == "ASEN")

    frames = made_frames(
        ours=lambda f: f["published"].mask(is_absent(f)),
        status=lambda f: np.where(f["dataset"] == "DARN", THIN, ""),
    )
    evidence = ours(config, "known_beats_unknown", frames)
    assert (evidence.verdict, counts(evidence)) == ("holds partly", (12, 0, 0, 6))
    assert evidence.over == "over the 18 of 36 cells that are comparable or missing"


def test_numbers_of_some_seeds_alone_are_comparable(config):
    frames = made_frames(status="1 of 2 seeds, the others: not run")
    assert ours(config, "known_beats_unknown", frames).verdict == "holds"


@pytest.mark.parametrize(
    ("supports", "opposes", "undecided", "missing", "verdict"),
    [
        (4, 0, 0, 0, "holds"),
        (3, 0, 0, 1, "holds partly"),
        (3, 0, 1, 0, "holds partly"),
        (3, 1, 0, 0, "holds partly"),
        (2, 0, 2, 0, "holds partly"),
        (2, 2, 0, 0, "fails"),
        (1, 0, 3, 0, "undecided"),
        (1, 0, 0, 3, "undecided"),
        (0, 1, 2, 1, "undecided"),
        (0, 2, 2, 0, "fails"),
        (0, 0, 4, 0, "undecided"),
        (0, 0, 1, 3, "undecided"),
        (0, 0, 0, 4, "missing"),
        (0, 0, 0, 0, "not in grid"),
    ],
)
def test_the_rule(supports, opposes, undecided, missing, verdict):
    numbers_of = (supports, opposes, undecided, missing)
    cell = check_published(BY_KEY["top1_beats_top2"]).cells[0]
    cells = [
        replace(cell, verdict=own)
        for own, count in zip(CELL_VERDICTS, numbers_of, strict=True)
        for _ in range(count)
    ]
    assert Evidence(tuple(cells)).verdict == verdict


def test_another_dataset_is_checked_in_kind(config):
    config["grid"]["datasets"] = ["FashionMNIST"]
    table = made_frames()[4].assign(table="", dataset="FashionMNIST")
    found = {c.statement.key: c for c in claims({"FashionMNIST": table}, config)}
    claim = found["unknown_beats_baseline"]
    assert list(claim.evidence) == ["published", "ours", "FashionMNIST"]
    assert claim.ours.verdict == "missing"
    assert counts(claim.evidence["FashionMNIST"]) == (18, 0, 0, 0)
    assert set(claim.evidence["FashionMNIST"].parts()) == {"FashionMNIST"}
    # Nothing in it bears on this one.
    assert found["top1_beats_top2"].evidence["FashionMNIST"].verdict == "not in grid"
