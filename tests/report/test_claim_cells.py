import numpy as np
import pytest
from made_claims import BY_KEY, counts, made_frames, ours

from modc.published.claims import published
from modc.report.claims import check_published
from modc.report.results import NOT_IN_GRID


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


def test_a_cell_outside_the_grid_is_neither_missing_nor_counted(config):
    """DARN is not in the grid, and what is of FashionAI supports."""

    def status(frame):
        return np.where(frame["dataset"] == "DARN", NOT_IN_GRID, "")

    frames = made_frames(status=status, ours=lambda f: f["published"].where(f["status"] == ""))
    evidence = ours(config, "known_beats_unknown", frames)
    assert (evidence.verdict, counts(evidence)) == ("holds", (18, 0, 0, 0))
    outside = evidence.having("not in grid")
    assert len(outside) == 18 and {cell.status for cell in outside} == {NOT_IN_GRID}
    assert not any(cell.is_there or cell.is_comparable for cell in outside)
    nothing = made_frames(ours=np.nan, status=NOT_IN_GRID)
    assert ours(config, "known_beats_unknown", nothing).verdict == "not in grid"


def test_a_gain_without_an_interval_is_that_of_the_columns(config):
    evidence = ours(config, "gain_on_every_attribute", made_frames(gain=-0.02))
    assert counts(evidence) == (0, 51, 0, 0)
    assert {(cell.difference, cell.judged_by) for cell in evidence.cells} == {(-0.02, "sign")}
