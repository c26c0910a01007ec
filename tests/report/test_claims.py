from dataclasses import replace
from math import isnan, nan

import numpy as np
import pytest
from made_claims import BY_KEY, DRAWN, THIN, by_trainings, counts, made_frames, ours
from made_tables import MODC

from modc.report.claim_cells import MISSING, OPPOSES, SUPPORTS, UNDECIDED
from modc.report.claims import Evidence, check_published, claims
from modc.report.results import NOT_IN_GRID, NOT_RUN
from modc.report.trainings import MeanDifference

SIGN = "by sign, one training"
FOR = {"by_trainings": by_trainings(0.01, 0.02)}


@pytest.mark.parametrize(
    ("key", "verdict", "expected"),
    [
        ("gain_on_every_attribute", SIGN, (51, 0, 0, 0)),
        ("asen_pp_best", SIGN, (10, 0, 0, 0)),
        ("asen_pp_not_best_with_few_labels", SIGN, (11, 1, 0, 0)),
        ("gain_at_every_share", SIGN, (54, 0, 0, 0)),
        ("top1_beats_top2", SIGN, (27, 0, 0, 0)),
        ("known_beats_unknown", SIGN, (36, 0, 0, 0)),
        ("unknown_beats_baseline", SIGN, (34, 2, 0, 0)),
    ],
)
def test_what_the_papers_own_numbers_say(key, verdict, expected, config):
    evidence = check_published(MODC, BY_KEY[key], config)
    assert (evidence.verdict, counts(evidence)) == (verdict, expected)
    assert evidence.not_comparable == 0
    assert {cell.judged_by for cell in evidence.cells} == {"sign"}


def test_recall_at_half_of_the_labels_speaks_against_the_missing_claim(config):
    (cell,) = check_published(MODC, BY_KEY["asen_pp_not_best_with_few_labels"], config).having(
        "opposes"
    )
    assert (cell.better.labeled_percent, cell.better.metric) == (50, "Recall@100")
    assert (cell.worse_value, cell.better_value) == (0.2877, 0.2838)


def test_unknown_fails_twice_against_the_baseline(config):
    against = check_published(MODC, BY_KEY["unknown_beats_baseline"], config).having("opposes")
    assert [
        (cell.where, cell.better.labeled_percent, cell.better.metric, cell.better_name)
        for cell in against
    ] == [
        ("Table 5, DARN", 100, "MAP@100", "MODC(ASENv2)_top1, unknown"),
        ("Table 5, DARN", 100, "MAP@100", "MODC(ASEN++)_top1, unknown"),
    ]
    values = [(cell.better_value, cell.worse_value, cell.difference) for cell in against]
    assert values == [(0.5953, 0.5966, -0.0013), (0.6088, 0.6109, -0.0021)]


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
    evidence = ours(config, "known_beats_unknown", frames, **FOR)
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
    best = ours(config, "asen_pp_best", frames, **FOR)
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
    assert ours(config, "unknown_beats_baseline", frames, **FOR).verdict == "holds"


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
    def difference(first, second):  # what is of FashionAI opposes
        sign = 1 if first.dataset == "DARN" else -1
        return MeanDifference(0.02 * sign, *sorted((0.01 * sign, 0.03 * sign)), 1e-6)

    frames = made_frames(status=lambda f: np.where(f["dataset"] == "FashionAI", DRAWN, ""))
    evidence = ours(config, "known_beats_unknown", frames, by_trainings=difference)
    assert counts(evidence) == (18, 0, 0, 0)
    assert evidence.verdict == "holds"  # the 18 that oppose are not comparable
    assert evidence.not_comparable == 18
    assert evidence.parts()["Table 4, FashionAI"].verdict == "not comparable"
    assert evidence.parts()["Table 5, DARN"].verdict == "holds"
    both = ours(config, "known_beats_unknown", made_frames(), by_trainings=difference)
    assert both.verdict == "fails"


@pytest.mark.parametrize(
    ("key", "expected", "over"),
    [
        ("gain_on_every_attribute", (24, 0, 0, 0), "24 of 51"),
        ("known_beats_unknown", (18, 0, 0, 0), "18 of 36"),
        ("unknown_beats_baseline", (18, 0, 0, 0), "18 of 36"),
    ],
)
def test_fashionai_alone_comparable_is_judged_alone(config, key, expected, over):
    frames = made_frames(status=lambda f: np.where(f["dataset"] == "DARN", THIN, ""))
    evidence = ours(config, key, frames, **FOR)
    assert (evidence.verdict, counts(evidence)) == ("holds", expected)
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
        if ours_thin.statement.by_accuracy:  # over what places there are
            continue
        assert ours_thin.ours.verdict == ours_narrow.ours.verdict
        assert counts(ours_thin.ours) == counts(ours_narrow.ours)


def test_what_is_missing_is_told_from_what_is_not_comparable(config):
    def is_absent(frame):
        return (frame["dataset"] == "FashionAI") & (frame["network"] == "ASEN")

    frames = made_frames(
        ours=lambda f: f["published"].mask(is_absent(f)),
        status=lambda f: np.where(f["dataset"] == "DARN", THIN, ""),
    )
    evidence = ours(config, "known_beats_unknown", frames, **FOR)
    assert (evidence.verdict, counts(evidence)) == ("holds partly", (12, 0, 0, 6))
    assert evidence.over == "over the 18 of 36 cells that are comparable or missing"


def test_numbers_of_some_seeds_alone_are_comparable(config):
    frames = made_frames(status="1 of 2 seeds, the others: not run")
    assert ours(config, "known_beats_unknown", frames, **FOR).verdict == "holds"


SURE, UNSURE, OPEN = 0.001, 0.04, 0.5


@pytest.mark.parametrize(
    ("cells", "verdict"),
    [
        # Each for at 5 % is enough to hold; one that is not leaves what Holm's procedure finds.
        ([(SUPPORTS, UNSURE)] * 4, "holds"),
        ([(SUPPORTS, SURE)] * 3 + [(MISSING, nan)], "holds partly"),
        ([(SUPPORTS, SURE), (UNDECIDED, OPEN)], "holds partly"),
        ([(SUPPORTS, UNSURE), (UNDECIDED, OPEN)], "undecided"),
        # One that is against makes it fail, if it is surely so among all.
        ([(SUPPORTS, SURE)] * 9 + [(OPPOSES, SURE)], "fails"),
        ([(SUPPORTS, SURE)] * 9 + [(OPPOSES, UNSURE)], "fails"),
        ([(SUPPORTS, OPEN)] * 9 + [(OPPOSES, UNSURE)], "undecided"),
        ([(UNDECIDED, OPEN)] * 4, "undecided"),
        ([(UNDECIDED, OPEN), (MISSING, nan)], "undecided"),
        ([(MISSING, nan)] * 4, "missing"),
        ([], "not in grid"),
    ],
)
def test_the_rule(cells, verdict, config):
    cell = check_published(MODC, BY_KEY["top1_beats_top2"], config).cells[0]
    sign = {SUPPORTS: 1, OPPOSES: -1, UNDECIDED: 1, MISSING: nan}
    made = [
        replace(cell, verdict=word, p=p, difference=0.01 * sign[word], judged_by="interval")
        for word, p in cells
    ]
    assert Evidence(tuple(made)).verdict == verdict


@pytest.mark.parametrize("word", [SUPPORTS, OPPOSES, UNDECIDED])
def test_one_training_without_a_spread_makes_no_claim_hold_or_fail(word, config):
    cell = check_published(MODC, BY_KEY["top1_beats_top2"], config).cells[0]
    made = replace(cell, verdict=word, p=nan, judged_by="sign")
    assert Evidence((made,) * 5).verdict == "by sign, one training"


def test_another_dataset_is_checked_in_kind(config):
    config["grid"]["datasets"] = ["FashionMNIST"]
    table = made_frames()["table4"].assign(table="", dataset="FashionMNIST")
    found = {c.statement.key: c for c in claims({"FashionMNIST": table}, config)}
    claim = found["unknown_beats_baseline"]
    assert list(claim.evidence) == ["published", "ours", "FashionMNIST"]
    assert claim.ours.verdict == "missing"
    assert counts(claim.evidence["FashionMNIST"]) == (18, 0, 0, 0)
    assert set(claim.evidence["FashionMNIST"].parts()) == {"FashionMNIST"}
    # Nothing in it bears on this one.
    assert found["top1_beats_top2"].evidence["FashionMNIST"].verdict == "not in grid"
