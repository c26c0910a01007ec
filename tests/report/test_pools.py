"""Which trainings judge which numbers, from scores on disk to the verdicts of tables and claims."""

import json

import numpy as np
import pytest
from made_tables import BASELINE, KNOWN, paper_table, trainings
from made_trainings import change, drawn_numbers, small_grid, with_number, write_trainings
from scipy import stats

from modc import paths
from modc.cell import Cell
from modc.grid import cells
from modc.papers.places import Place
from modc.report.claims import claims
from modc.report.results import collect
from modc.report.trainings import pooled
from modc.report.verdicts import COMMON_SEEDS, NO_SPREAD


@pytest.fixture
def run(config, scores_of, write_cell):
    """Write trainings of FashionAI with all labels: two networks, three seeds."""
    small_grid(config)

    def write(number):
        write_trainings(config, number, scores_of, write_cell)

    return write


@pytest.fixture
def row_of(config, tmp_path):
    """The row of overall MAP@100 in Table 1."""

    def find(network, method="modc"):
        frame = paper_table(1, collect(tmp_path, config), config)
        is_it = (frame["attribute"] == "overall") & (frame["network"] == network)
        return frame[is_it & (frame["method"] == method)].iloc[0]

    return find


@pytest.fixture
def gains_of(config, tmp_path):
    """The cells of the first claim, MODC and its baseline on each attribute, of a network."""

    def find(network):
        results = collect(tmp_path, config)
        frames = {f"table{n}": paper_table(n, results, config) for n in (1, 2)}
        ours = claims(frames, config, trainings(results, config).difference)[0].ours
        return [cell for cell in ours.cells if cell.better[1:3] == ("FashionAI", network)]

    return find


def seed(network, number):
    return Cell("FashionAI", network, 100, number)


def by_hand(number, network_seeds, method="modc"):
    """The pooled standard deviation of a method's trainings."""
    groups = [[number(seed(n, one), method) for one in seeds] for n, seeds in network_seeds.items()]
    squares = sum((len(group) - 1) * np.var(group, ddof=1) for group in groups)
    return np.sqrt(squares / sum(len(group) - 1 for group in groups))


# Not exactly the mean of three of it.
ODD = 0.1


def test_equal_values_have_no_spread():
    assert np.std([ODD] * 3, ddof=1) > 0
    assert pooled([[ODD] * 3]) is None
    both = pooled([[ODD] * 3, [0.2, 0.3]])
    assert (both.dof, both.sd) == (3, pytest.approx(np.std([0.2, 0.3], ddof=1) / np.sqrt(3)))


def test_a_training_that_was_copied_to_other_seeds_is_one_training(run, row_of, gains_of):
    run(lambda cell, method: ODD + 0.1 * (method == "modc"))
    row = row_of("ASENv2")
    assert "identical runs, counted once: seeds 0, 1, 2" in row["status"]
    assert (row["seeds"], row["verdict"]) == (1, "undecided (one training)")
    assert row[["training_sd", "half_width", "gain_low", "spread"]].isna().all()
    assert row["gain"] == pytest.approx(0.1)
    assert {cell.judged_by for cell in gains_of("ASENv2")} == {"sign"}


def test_a_configured_spread_serves_where_all_seeds_are_copies(run, row_of, config):
    entry = {"dataset": "FashionAI", "labels": "100", "attribute": "overall", "metric": "MAP@100"}
    config["report"]["training_sd"] = [entry | {"sd": 0.003, "dof": 6, "source": "elsewhere"}]
    run(lambda cell, method: ODD)
    row = row_of("ASENv2")
    assert (row["training_sd"], row["training_source"]) == (0.003, "elsewhere")
    assert row["half_width"] == pytest.approx(stats.t.ppf(0.975, 6) * 0.003 * np.sqrt(2))


def test_copies_beside_other_seeds_count_once(run, row_of):
    number = drawn_numbers()

    def copied(cell, method):  # seed 1 of ASENv2 is its seed 0
        is_copy = (cell.network, cell.seed) == ("ASENv2", 1)
        return number(seed("ASENv2", 0) if is_copy else cell, method)

    run(copied)
    row, other = row_of("ASENv2"), row_of("ASEN")
    sd = by_hand(number, {"ASEN": (0, 1, 2), "ASENv2": (0, 2)})
    for one in (row, other):
        assert (one["training_sd"], one["training_dof"]) == (pytest.approx(sd), 3)
    assert "identical runs, counted once: seeds 0, 1" in row["status"]
    assert "identical" not in other["status"]
    assert row["seeds"] == 2
    values = [number(seed("ASENv2", one), "modc") for one in (0, 2)]
    assert row["ours"] == pytest.approx(np.mean(values))
    assert row["half_width"] == pytest.approx(stats.t.ppf(0.975, 3) * sd * np.sqrt(1.5))


def test_trainings_that_differ_and_have_one_number_are_several(run, row_of, tmp_path, config):
    run(drawn_numbers())
    for cell in cells(config):
        scores = _scores(tmp_path, cell, "modc")
        alone = with_number({"overall": scores["overall"], "attributes": []}, ODD)
        change(tmp_path, cell, "modc", overall=alone["overall"])
    row = row_of("ASEN")
    assert (row["seeds"], row["verdict"]) == (3, "undecided")
    assert f"{NO_SPREAD}: all trainings gave the same number" in row["status"]


def _scores(folder, cell, method):
    return json.loads((folder / paths.scores(cell, method)).read_text())


def test_seeds_of_different_queries_judge_nothing(run, row_of, gains_of, tmp_path):
    number = drawn_numbers()
    run(number)
    for method in ("baseline", "modc"):
        change(tmp_path, seed("ASENv2", 1), method, manifest_sha256="f" * 64)
    row = row_of("ASENv2")
    why = "the trainings were scored on different queries"
    assert f"no spread between trainings: {why}" in row["status"]
    assert f"no interval of the gain: {why}" in row["status"]
    assert np.isnan(row["gain_low"]) and not np.isnan(row["gain"])
    # Three trainings are not one.
    assert (row["verdict"], row["seeds"]) == ("undecided", 3)
    for cell in gains_of("ASENv2"):
        assert (cell.verdict, cell.judged_by) == ("undecided", "")
        assert cell.status == f"no spread between trainings: {why}"
    other = row_of("ASEN")
    sd = by_hand(number, {"ASEN": (0, 1, 2)})
    assert (other["training_sd"], other["training_dof"]) == (pytest.approx(sd), 2)
    assert {cell.judged_by for cell in gains_of("ASEN")} == {"interval"}


def test_a_baseline_of_different_queries_has_no_gain_with_an_interval(
    run, row_of, gains_of, tmp_path
):
    number = drawn_numbers()
    run(number)
    for one in (0, 1, 2):
        change(tmp_path, seed("ASENv2", one), "baseline", manifest_sha256="f" * 64)
    row = row_of("ASENv2")
    assert "no interval of the gain: the trainings were scored on different" in row["status"]
    assert np.isnan(row["gain_low"])
    # Each row alone is of one kind of queries, and keeps its interval.
    assert row["training_dof"] == row_of("ASENv2", "baseline")["training_dof"] == 4
    assert {(cell.verdict, cell.judged_by) for cell in gains_of("ASENv2")} == {("undecided", "")}
    # The other network's gain is judged by its own seeds alone.
    own = [seed("ASEN", one) for one in (0, 1, 2)]
    gains = [number(cell, "modc") - number(cell, "baseline") for cell in own]
    low = stats.ttest_1samp(gains, 0).confidence_interval().low
    assert row_of("ASEN")["gain_low"] == pytest.approx(low)


def test_networks_that_were_scored_on_different_queries_are_not_compared(run, config, tmp_path):
    run(drawn_numbers())
    for one in (0, 1, 2):
        change(tmp_path, seed("ASENv2", one), "modc", manifest_sha256="f" * 64)
    own = {"dataset": "FashionAI", "labeled_percent": 100, "attribute": "overall"}
    place = Place("table1", network="ASEN", metric="MAP@100", **own, **KNOWN)
    judged = trainings(collect(tmp_path, config), config)
    found = judged.difference(place, place._replace(network="ASENv2"))
    assert not found.has_interval and found.reason.endswith("different queries")
    assert judged.difference(place, place._replace(**BASELINE)).has_interval


def test_rows_without_a_common_seed_say_so(run, row_of, gains_of):
    number = drawn_numbers()

    def absent(cell, method):
        is_there = cell.network == "ASEN" or (cell.seed == 0) == (method == "baseline")
        return number(cell, method) if is_there else None

    run(absent)
    row = row_of("ASENv2")
    assert "no gain: the two rows have no seed in common" in row["status"]
    assert np.isnan(row["gain"]) and row["seeds"] == 2
    for cell in gains_of("ASENv2"):
        assert cell.verdict == "missing"
        assert cell.status == (
            "FashionAI MODC(ASENv2) 100 % and FashionAI ASENv2 100 %: "
            "the two rows have no seed in common"
        )


def test_rows_that_share_some_seeds_say_which(run, row_of, gains_of):
    number = drawn_numbers()
    without = {("baseline", 1), ("modc", 2)}

    def absent(cell, method):
        is_absent = cell.network == "ASENv2" and (method, cell.seed) in without
        return None if is_absent else number(cell, method)

    run(absent)
    row = row_of("ASENv2")
    assert f"gain {COMMON_SEEDS}: 0" in row["status"]
    gain = number(seed("ASENv2", 0), "modc") - number(seed("ASENv2", 0), "baseline")
    assert row["gain"] == pytest.approx(gain) and row["seeds"] == 2
    for cell in gains_of("ASENv2"):
        assert cell.status == "difference over the shared seeds only: 0"
        assert cell.difference == pytest.approx(gain)
    assert "common seeds" not in row_of("ASEN")["status"]


def test_a_training_by_other_settings_judges_no_other(run, row_of, tmp_path):
    number = drawn_numbers()

    def stale(cell, method):  # far off
        return number(cell, method) + 0.2 * ((cell.network, cell.seed) == ("ASENv2", 1))

    run(stale)
    change(tmp_path, seed("ASENv2", 1), "modc", settings_chain=["0" * 16])
    sd = by_hand(number, {"ASEN": (0, 1, 2), "ASENv2": (0, 2)})
    for network in ("ASEN", "ASENv2"):
        row = row_of(network)
        assert (row["training_sd"], row["training_dof"]) == (pytest.approx(sd), 3)
    assert row_of("ASENv2")["verdict"] == "not comparable"
    # Nor does it judge the gains of others.
    assert abs(row_of("ASEN")["gain_high"] - row_of("ASEN")["gain"]) < 0.02


def test_a_training_on_other_data_judges_only_its_like(run, row_of, tmp_path):
    number = drawn_numbers()
    run(number)
    for one in (0, 1, 2):
        for method in ("baseline", "modc"):
            change(tmp_path, seed("ASENv2", one), method, generated=True)
    for network in ("ASEN", "ASENv2"):
        row = row_of(network)
        sd = by_hand(number, {network: (0, 1, 2)})
        assert (row["training_sd"], row["training_dof"]) == (pytest.approx(sd), 2)


def test_public_weights_without_the_scores_of_their_queries_are_undecided(
    config, tmp_path, write_run
):
    config["grid"]["datasets"] = ["DARN"]
    write_run(config)
    public = Cell("DARN", "ASEN++", 100, 0)
    ended = _scores(tmp_path, public, "baseline")["stages"]
    ended[-1]["stopped"] = "public weights, not trained"
    change(tmp_path, public, "baseline", stages=ended)
    frame = paper_table(2, collect(tmp_path, config), config)
    own = frame[(frame["network"] == "ASEN++") & (frame["method"] == "baseline")]
    assert set(own["verdict"]) == {"undecided"}
    assert set(own["status"]) == {"no interval over queries: queries.csv is missing"}
