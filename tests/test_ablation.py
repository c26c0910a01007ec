"""The ablation's variants: which there are, and which share the run's own models."""

from pathlib import Path

import pytest

from modc import config as configuration
from modc.ablation import ablation_cells, other_forms, same_model, same_result, variants
from modc.cell import Cell
from modc.errors import UserError
from modc.grid import last_stage

REPOSITORY = Path(__file__).resolve().parents[1]


def configured(cell: dict, assumptions: object = "all") -> dict:
    config = configuration.load([REPOSITORY / "config.yaml"])
    config["ablation"] = {"cell": cell, "assumptions": assumptions}
    return config


ASEN = {"dataset": "FashionAI", "network": "ASEN", "labeled_percent": 10}


def trained(config: dict) -> set[str]:
    cell = ablation_cells(config)[0]
    return {
        variant.name
        for variant in variants(config)
        if not same_result(config, variant, cell, "modc")
    }


def test_all_are_all_that_can_be_tried():
    names = [variant.name for variant in variants(configured(ASEN))]
    assert len(names) == len(set(names))
    assert {name.split("-")[0] for name in names} == {f"A{n}" for n in range(1, 30)} - {"A18"}
    assert "A3-memory_bank" in names and "A12-R" in names


def test_only_what_changes_the_cells_model_is_trained():
    missing = {"A11-self_supervised", "A12-min", "A12-R", "A13-center", "A14-branches", "A15-train"}
    missing |= {
        "A8-one_part",
        "A28-also_pattern",
    }  # the part of the one seed; no color of FashionAI
    missing |= {"A19-as_modc", "A25-as_modc", "A26-train", "A27-queries_and_candidates"}
    config = configured(ASEN)
    assert {variant.name for variant in variants(config)} - trained(config) == missing
    whole = trained(configured({**ASEN, "labeled_percent": 100}))
    assert "A11-self_supervised" in whole and "A3-memory_bank" in whole
    # With all labels nothing is drawn, hidden or pseudo, and no stage has views.
    assert not {"A5-no_predictor", "A6-confident", "A7-ratio_2", "A8-one_part", "A9"} & whole
    assert "A14-branches" in trained(configured({**ASEN, "network": "ASEN++"}))


def test_the_warm_up_is_shared_where_the_assumption_leaves_it_alone():
    config = configured(ASEN)
    cell = Cell(**ASEN, seed=0)
    shared = {
        v.name for v in variants(config) if same_model(config, v, cell, "baseline", "warm_up")
    }
    assert {"A3-memory_bank", "A4-margin", "A2-last", "A1-shared", "A17-cap_of_10"} <= shared
    assert "A8-uniform" not in shared and "A8-one_part" in shared
    second = Cell(**ASEN, seed=1)
    assert "A8-one_part" not in {
        v.name for v in variants(config) if same_model(config, v, second, "baseline", "warm_up")
    }
    by_name = {variant.name: variant for variant in variants(config)}
    assert not same_model(config, by_name["A1-shared"], cell, "modc", "supervised")
    assert last_stage(by_name["A1-shared"].config, cell, "modc") == "pseudo_clusters"
    # Another recipe of the baseline leaves MODC's own warm-up alone.
    assert not same_model(config, by_name["A19-as_modc"], cell, "baseline", "warm_up")
    assert same_model(config, by_name["A19-as_modc"], cell, "modc", "warm_up_apart")
    assert not same_model(config, by_name["A16-warm_up"], cell, "modc", "warm_up_apart")


def test_what_only_an_alternative_reads_is_packed_for_it():
    config = configured(ASEN)
    names = [form.name for form in other_forms(config, variants(config), "FashionAI")]
    assert names == ["224-unturned", "224-whole"]
    assert other_forms(config, variants(config), "DARN") == []
    config = configured(ASEN, ["A3"])
    assert other_forms(config, variants(config), "FashionAI") == []


def test_each_seed_of_the_grid_has_the_cell():
    config = configured(ASEN)
    config["grid"]["seeds"] = [3, 5]
    assert [cell.seed for cell in ablation_cells(config)] == [3, 5]


@pytest.mark.parametrize(
    ("assumptions", "message"),
    [
        (["A30"], "ablation.assumptions: A30 cannot be ablated: a baseline"),
        (["A18"], "ablation.assumptions: A18 cannot be ablated: the alternative stops the run"),
        (["A99"], "ablation.assumptions: A99: no such assumption; expected A1 to A30"),
    ],
)
def test_what_cannot_be_ablated_is_named(assumptions, message):
    with pytest.raises(UserError) as error:
        variants(configured(ASEN, assumptions))
    assert message in str(error.value)
