import numpy as np
import pytest
from made_claims import BY_KEY, by_trainings, counts, made_frames, ours
from made_tables import BASELINE, MODC, PUBLISHED

from modc.report.claims import check_published
from modc.report.results import NOT_IN_GRID
from modc.report.trainings import MeanDifference


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
def test_the_interval_between_trainings_judges(config, low, high, expected, verdict):
    p = 1.0 if low <= 0 <= high else 1e-6
    evidence = ours(
        config, "gain_on_every_attribute", made_frames(), by_trainings=by_trainings(low, high, p)
    )
    assert (evidence.verdict, counts(evidence)) == (verdict, expected)
    cell = evidence.cells[0]
    assert (cell.low, cell.high, cell.judged_by) == (low, high, "interval")
    assert cell.difference == pytest.approx((low + high) / 2)


def test_equal_numbers_are_undecided(config):
    evidence = ours(config, "top1_beats_top2", made_frames(ours=0.5))
    assert counts(evidence) == (0, 0, 27, 0)
    assert evidence.verdict == "by sign, one training"


def test_each_pair_is_asked_for_its_own_interval(config):
    asked = []

    def difference(better, worse):
        asked.append((better, worse))
        if better.network == "ASEN":
            return MeanDifference(0.0, -0.1, 0.1, 1.0)
        return MeanDifference(PUBLISHED[better] - PUBLISHED[worse])

    evidence = ours(config, "top1_beats_top2", made_frames(), by_trainings=difference)
    assert counts(evidence) == (18, 0, 9, 0)
    assert {c.better.network for c in evidence.having("undecided")} == {"ASEN"}
    assert {(c.better.network, c.judged_by) for c in evidence.cells} == {
        ("ASEN", "interval"),
        ("ASENv2", "sign"),
        ("ASEN++", "sign"),
    }
    # What is judged by its sign makes no claim hold.
    assert evidence.verdict == "undecided"
    assert {(b.method, w.top_n) for b, w in asked if b.top_n == "1"} >= {("modc", "2")}


def test_a_correlation_is_of_the_places_with_a_share_of_the_labels(config):
    of_100, of_10 = check_published(MODC, BY_KEY["accuracy_goes_with_gain"], config).cells
    assert [c.better.labeled_percent for c in (of_100, of_10)] == [100, 10]
    assert {c.verdict for c in (of_100, of_10)} == {"described"}
    assert of_100.worse_name == "6 places with 100 % of the labels"
    # Naively: the ranks of six pairs of Acc and gain.
    values, points = PUBLISHED, []
    for place, value in values.items():
        is_one = place.table in ("table4", "table5") and place.query_label == "unknown"
        if is_one and place.metric == "MAP@100" and place.labeled_percent == 100:
            points.append(
                (values[place._replace(metric="Acc")], value - values[place._replace(**BASELINE)])
            )
    ranks = [[sorted(column).index(v) for v in column] for column in zip(*points, strict=True)]
    squares = sum((a - b) ** 2 for a, b in zip(*ranks, strict=True))
    assert of_100.difference == pytest.approx(1 - 6 * squares / (6 * 35))


def test_a_correlation_needs_three_places(config):
    def is_one(frame):
        return (frame["dataset"] == "FashionAI") & (frame["network"] != "ASEN++")

    frames = made_frames(
        ours=lambda f: f["published"].where(is_one(f)),
        status=lambda f: np.where(is_one(f), "", "not run"),
    )
    evidence = ours(config, "accuracy_goes_with_gain", frames)
    assert evidence.verdict == "missing"
    assert {cell.verdict for cell in evidence.cells} == {"missing"}


def test_a_cell_outside_the_grid_is_neither_missing_nor_counted(config):
    """DARN is not in the grid, and what is of FashionAI supports."""

    def status(frame):
        return np.where(frame["dataset"] == "DARN", NOT_IN_GRID, "")

    frames = made_frames(status=status, ours=lambda f: f["published"].where(f["status"] == ""))
    more = {"by_trainings": by_trainings(0.01, 0.02)}
    evidence = ours(config, "known_beats_unknown", frames, **more)
    assert (evidence.verdict, counts(evidence)) == ("holds", (18, 0, 0, 0))
    outside = evidence.having("not in grid")
    assert len(outside) == 18 and {cell.status for cell in outside} == {NOT_IN_GRID}
    assert not any(cell.is_there or cell.is_comparable for cell in outside)
    nothing = made_frames(ours=np.nan, status=NOT_IN_GRID)
    assert ours(config, "known_beats_unknown", nothing).verdict == "not in grid"
