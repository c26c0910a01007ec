"""The claims as the page shows them, on tables whose numbers are the paper's own."""

import numpy as np
import pytest
from made_claims import THIN, by_trainings, made_frames

from modc.report.claims import claims as check
from modc.report.page.claims import claims, held
from modc.report.results import NOT_IN_GRID
from modc.report.trainings import MeanDifference
from modc.report.verdicts import COMMON_SEEDS

SIGN = "by sign, one training"


def of(key, frames, config):
    found = {claim["id"]: claim for claim in claims(check(frames, config))}
    return found[f"claim-{key}"]


def test_cells_against_come_first_and_stand_beside_the_papers(config):
    def shifted(frame):
        is_one = (frame["network"] == "ASENv2") & (frame["top_n"] == "1")
        return frame["published"].where(~(is_one & (frame["labeled_percent"] == 5)), 0.01)

    own = of("top1-beats-top2", made_frames(ours=shifted), config)
    cells = own["cells"]["Ours"]
    assert [cell["word"] for cell in cells] == ["against"] * 3 + ["for"] * 24
    assert {cell["where"].split(":")[0] for cell in cells[:3]} == {
        "Table 3, FashionAI, 5\N{NO-BREAK SPACE}%"
    }
    assert all(cell["better"] == "MODC(ASENv2)_top1, known" for cell in cells[:3])
    assert {cell["paper"]["word"] for cell in cells} == {"for"}
    assert own["words"] == ["for", "against"]


def test_a_correlation_is_described(config):
    own = of("accuracy-goes-with-gain", made_frames(), config)
    assert own["by_accuracy"] and own["words"] == ["described"]
    assert [side["verdict"] for side in own["sides"]] == ["descriptive"] * 2
    assert own["sides"][0]["tally"].startswith("+0.54 (-0.54 to +0.95), 6 places with 100 %")
    cells = own["cells"]["Ours"]
    assert [(cell["shown"], cell["interval"]) for cell in cells] == [
        ("+0.54", "-0.54 to +0.95")
    ] * 2
    assert cells[0]["paper"] == {"shown": "+0.54", "word": "described"}


def test_why_a_cell_was_judged_by_its_sign(config):
    frames = made_frames(status="no spread between trainings: identical runs")
    own = of("gain-on-every-attribute", frames, config)
    assert {cell["reason"] for cell in own["cells"]["Ours"]} == {"identical runs"}
    assert all(cell["by_sign"] and cell["is_comparable"] for cell in own["cells"]["Ours"])
    assert own["sides"][0]["not_comparable"] == 0


def test_a_cell_with_an_interval_shows_it(config):
    found = {c["id"]: c for c in claims(check(made_frames(), config, by_trainings(0.01, 0.02)))}
    own = found["claim-top1-beats-top2"]
    assert own["sides"][0]["verdict"] == "holds"
    (cell, *_) = own["cells"]["Ours"]
    assert (cell["shown"], cell["interval"], cell["by_sign"]) == ("+1.50", "+1.00 to +2.00", False)


def test_why_a_cell_is_missing(config):
    own = of("top1-beats-top2", made_frames(ours=np.nan, status="failed in warm_up"), config)
    reasons = {cell["reason"] for cell in own["cells"]["Ours"]}
    assert "FashionAI MODC(ASEN) 1 %: failed in warm_up" in reasons


def test_cells_outside_the_grid_are_counted_and_not_listed(config):
    def status(frame):
        return np.where(frame["dataset"] == "DARN", NOT_IN_GRID, "")

    frames = made_frames(status=status, ours=lambda f: f["published"].where(f["status"] == ""))
    checked = claims(check(frames, config, by_trainings(0.01, 0.02)))
    own = checked[0]
    assert own["sides"][0]["verdict"] == "holds"
    assert own["sides"][0]["counts"] | {"not in grid": 0, "for": 0} == dict.fromkeys(
        ("for", "against", "undecided", "described", "missing", "not in grid"), 0
    )
    assert own["sides"][0]["counts"]["not in grid"] == 27
    assert own["sides"][0]["parts"]["Table 2, DARN"]["counts"]["not in grid"] == 27
    assert len(own["cells"]["Ours"]) == 24
    counted = held(checked, "ours")
    # The three of FashionAI are whole; the last claim describes.
    assert counted["hold"] == 7 and counted["narrowed"] == 4
    assert counted["rest"] == ["not in this run's grid"]
    assert held(checked, "published")["narrowed"] == 0


def test_cells_that_are_not_comparable_are_counted_apart(config):
    frames = made_frames(status=lambda f: np.where(f["dataset"] == "DARN", THIN, ""))
    checked = claims(check(frames, config, by_trainings(0.01, 0.02)))
    ours = {claim["id"]: claim["sides"][0] for claim in checked}
    own = ours["claim-unknown-beats-baseline"]
    assert (own["verdict"], own["tally"]) == ("holds", "")
    assert own["over"] == "over the 18 of 36 cells that are comparable"
    assert (own["counts"]["for"], own["counts"]["against"], own["not_comparable"]) == (18, 0, 18)
    of_darn = own["parts"]["Table 5, DARN"]
    assert (of_darn["verdict"], of_darn["not_comparable"]) == ("not comparable", 18)
    assert own["parts"]["Table 4, FashionAI"]["verdict"] == "holds"
    assert set(of_darn["counts"].values()) == {0}
    counted = held(checked, "ours")
    assert counted["rest"] == ["not comparable"]


@pytest.mark.parametrize(
    ("columns", "verdict", "tally"),
    [
        ({}, SIGN, "34 for, 2 against"),
        ({"ours": 0.5}, SIGN, "0 for, 0 against, 36 undecided"),
        (
            {"ours": lambda f: f["published"].where(f["network"] != "ASEN")},
            SIGN,
            "22 for, 2 against, 12 missing",
        ),
    ],
)
def test_what_opposes_is_said(config, columns, verdict, tally):
    own = of("unknown-beats-baseline", made_frames(**columns), config)["sides"][0]
    assert (own["verdict"], own["tally"]) == (verdict, tally)
    sure = claims(check(made_frames(), config, by_trainings(0.01, 0.02)))
    assert {one["sides"][0]["tally"] for one in sure if not one["by_accuracy"]} == {""}


def test_another_dataset_alone_takes_the_place_of_ours(config):
    config["grid"]["datasets"] = ["FashionMNIST"]
    other = made_frames()["table4"].assign(table="", dataset="FashionMNIST")
    nothing = {n: f.assign(ours=np.nan, status=NOT_IN_GRID) for n, f in made_frames().items()}
    for claim in claims(check({**nothing, "FashionMNIST": other}, config)):
        assert [side["name"] for side in claim["sides"]] == ["FashionMNIST", "Published"]
        assert list(claim["cells"]) == ["FashionMNIST"]


def test_cells_judged_by_sign_are_counted_beside_the_others(config):
    def mixed(first, second):
        known = MeanDifference(0.02, 0.01, 0.03, 1e-6)
        return known if first.network == "ASEN" else MeanDifference(known.value)

    found = {c["id"]: c for c in claims(check(made_frames(), config, mixed))}
    own, published = found["claim-known-beats-unknown"]["sides"]
    assert own["tally"] == "36 for, 24 of them by sign alone, 0 against"
    # The paper's own are all by sign, as their verdict says.
    assert (own["signs"], published["signs"]) == (24, 0)


def test_a_difference_of_common_seeds_says_which(config):
    def some(first, second):
        return MeanDifference(0.02, 0.01, 0.03, 1e-6, seeds=(0, 2))

    found = {c["id"]: c for c in claims(check(made_frames(), config, some))}
    cells = found["claim-known-beats-unknown"]["cells"]["Ours"]
    assert {cell["reason"] for cell in cells} == {f"difference {COMMON_SEEDS}: 0, 2"}
