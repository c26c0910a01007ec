from dataclasses import replace
from itertools import combinations
from math import isnan

import numpy as np
import pytest
from made_claims import DRAWN, made_frames

from modc.published import numbers
from modc.published.claims import STATEMENTS, published
from modc.report.claim_cells import CELL_VERDICTS
from modc.report.claims import Evidence, check_published, claims
from modc.report.results import NOT_RUN

BY_KEY = {statement.key: statement for statement in STATEMENTS}


def counts(evidence: Evidence) -> tuple[int, ...]:
    """Supporting, opposing, undecided and missing cells."""
    return tuple(evidence.count(verdict) for verdict in CELL_VERDICTS)


def ours(config, key, frames, **more) -> Evidence:
    found = {claim.statement.key: claim for claim in claims(frames, config, **more)}
    return found[key].ours


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
        assert claim.ours == claim.published


@pytest.mark.parametrize(
    ("low", "high", "expected", "verdict"),
    [
        (0.01, 0.05, (51, 0, 0, 0), "holds"),
        (-0.01, 0.05, (0, 0, 51, 0), "undecided"),
        (0.0, 0.05, (0, 0, 51, 0), "undecided"),
        (-0.05, 0.0, (0, 0, 51, 0), "undecided"),
        (-0.05, -0.01, (0, 51, 0, 0), "fails"),
    ],
)
def test_the_paired_interval_judges_a_gain(config, low, high, expected, verdict):
    frames = made_frames(gain=(low + high) / 2, gain_low=low, gain_high=high)
    evidence = ours(config, "gain_on_every_attribute", frames)
    assert (evidence.verdict, counts(evidence)) == (verdict, expected)
    cell = evidence.cells[0]
    assert (cell.low, cell.high, cell.judged_by) == (low, high, "interval")
    assert cell.difference == pytest.approx((low + high) / 2)


def test_equal_numbers_are_undecided(config):
    evidence = ours(config, "top1_beats_top2", made_frames(ours=0.5))
    assert (evidence.verdict, counts(evidence)) == ("undecided", (0, 0, 27, 0))


def test_other_pairs_are_asked_for_their_interval(config):
    asked = []

    def interval(better, worse):
        asked.append((better, worse))
        return (-0.1, 0.1) if better.network == "ASEN" else None

    evidence = ours(config, "top1_beats_top2", made_frames(), paired_interval=interval)
    assert counts(evidence) == (18, 0, 9, 0)
    assert {c.better.network for c in evidence.having("undecided")} == {"ASEN"}
    assert {(c.better.network, c.judged_by) for c in evidence.cells} == {
        ("ASEN", "interval"),
        ("ASENv2", "sign"),
        ("ASEN++", "sign"),
    }
    assert all(better.baseline != worse for better, worse in asked)


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
        assert counts(claim.ours) == counts(claim.published)
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
    assert counts(evidence) == (18, 18, 0, 0)
    assert evidence.verdict == "holds partly"  # the 18 that oppose are not comparable
    assert evidence.parts()["Table 4, FashionAI"].verdict == "not comparable"
    assert evidence.parts()["Table 5, DARN"].verdict == "holds"


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
        (0, 0, 0, 0, "missing"),
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


def is_at(frame, dataset, network, percent, **more):
    found = (frame["dataset"] == dataset) & (frame["network"] == network)
    found &= frame["labeled_percent"] == percent
    for column, value in more.items():
        found &= frame[column] == value
    return found


def between(evidence, one, other, percent=100):
    """The cell of two networks on FashionAI."""
    (cell,) = (
        cell
        for cell in evidence.parts()["Table 4, FashionAI"].cells
        if {cell.better.network, cell.worse.network} == {one, other}
        and cell.better.labeled_percent == percent
    )
    return cell


def test_which_of_two_has_the_higher_acc_is_said_by_our_own(config):
    def accuracy(frame):
        changed = is_at(frame, "FashionAI", "ASEN", 100, metric="Acc")
        return frame["published"].mask(changed, 0.9)

    frames = made_frames(ours=accuracy)
    cell = between(ours(config, "accuracy_goes_with_gain", frames), "ASEN", "ASEN++")
    assert (cell.better.network, cell.verdict) == ("ASEN", "supports")
    assert cell.better_name == "gain of MODC(ASEN)_top1, unknown, FashionAI (Acc 90.00)"
    assert cell.difference == pytest.approx((0.67 - 0.647) - (0.7183 - 0.7062))
    assert between(
        check_published(BY_KEY["accuracy_goes_with_gain"]), "ASEN", "ASEN++"
    ).verdict == ("opposes")


def test_the_same_acc_decides_nothing(config):
    same = made_frames(ours=lambda f: f["published"].mask(f["metric"] == "Acc", 0.5))
    evidence = ours(config, "accuracy_goes_with_gain", same)
    assert (evidence.verdict, counts(evidence)) == ("undecided", (0, 0, 30, 0))


def test_intervals_of_acc_that_overlap_decide_nothing(config):
    def interval(sign, half):
        return lambda f: (f["ours"] + sign * half).where(f["metric"] == "Acc")

    for half, expected in ((0.001, (18, 12, 0, 0)), (0.4, (0, 0, 30, 0))):
        frames = made_frames(low=interval(-1, half), high=interval(1, half))
        assert counts(ours(config, "accuracy_goes_with_gain", frames)) == expected


def test_intervals_of_the_gains_that_overlap_decide_nothing(config):
    values = published()

    def gain(sign, half):
        def column(frame):
            of = {
                place: value - values.get(place.baseline, np.nan) for place, value in values.items()
            }
            assert list(of) == list(values) and len(of) == len(frame)
            return np.array(list(of.values())) + sign * half

        return column

    for half, verdict in ((0.002, "opposes"), (0.02, "undecided")):
        frames = made_frames(gain=gain(0, 0), gain_low=gain(-1, half), gain_high=gain(1, half))
        evidence = ours(config, "accuracy_goes_with_gain", frames)
        cell = between(evidence, "ASEN", "ASEN++")
        assert (cell.verdict, cell.judged_by) == (verdict, "interval")
        assert cell.high - cell.low == pytest.approx(4 * half)


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
    assert found["top1_beats_top2"].evidence["FashionMNIST"].verdict == "missing"
