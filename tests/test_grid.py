"""The grid: its cells, and what of the configuration each training may read."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest

from modc import config, grid
from modc.cell import Cell
from modc.errors import UserError
from modc.methods.modc import STAGES
from modc.stage import Convergence, StageSpec

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def paper():
    return config.load([REPOSITORY / "config.yaml"])


def spec(settings: dict, cell: Cell, stage: str) -> StageSpec:
    """The spec of a stage of either method."""
    having = (m for m in grid.methods(settings) if stage in grid.stages(settings, cell, m))
    return grid.stage_spec(settings, cell, next(having), stage)


def test_the_paper_has_21_cells_a_seed_and_further_seeds_of_five(paper):
    cells = grid.cells(paper)
    assert len(cells) == len(set(cells)) == 21 + 5 * 2
    further = {(c.network, c.seed) for c in cells if c.seed}
    assert further == {("ASENv2", 1), ("ASENv2", 2)}
    assert grid.seeds_without_cell(paper) == []
    paper["grid"]["seeds"] = [0, 1, 2]
    assert len(grid.cells(paper)) == 63
    assert len(set(grid.cells(paper))) == 63


def test_single_cells_may_have_further_seeds(paper):
    extra = {"dataset": "DARN", "network": "ASENv2", "labeled_percent": [10, 20], "seeds": [0, 1]}
    paper["grid"]["extra_seeds"] = [extra]
    assert len(grid.cells(paper)) == 22
    assert grid.seeds(paper, "DARN", "ASENv2", 10) == [0, 1]
    assert grid.seeds(paper, "DARN", "ASENv2", 100) == [0]
    (line,) = grid.seeds_without_cell(paper)
    assert "DARN ASENv2 20 % is not in the grid" in line
    paper["grid"]["datasets"] = ["FashionAI"]
    assert len(grid.seeds_without_cell(paper)) == 2


def test_asenpp_warms_up_in_two_parts_and_needs_details_for_the_second(paper):
    cell = Cell("DARN", "ASEN++", 10, 0)
    assert grid.stages(paper, cell, "baseline") == ("warm_up_global", "warm_up")
    assert grid.previous_stage(paper, cell, "baseline", "warm_up") == ("baseline", "warm_up_global")
    assert grid.previous_stage(paper, cell, "baseline", "warm_up_global") is None
    assert grid.previous_stage(paper, Cell("DARN", "ASEN", 10, 0), "baseline", "warm_up") is None
    assert spec(paper, Cell("DARN", "ASEN++", 10, 0), "warm_up_global").sizes == {"image": 224}
    assert spec(paper, Cell("DARN", "ASEN++", 10, 0), "warm_up").sizes == {
        "image": 224,
        "detail": 448,
    }
    assert spec(paper, Cell("DARN", "ASEN", 10, 0), "warm_up").sizes == {"image": 224}


def test_one_job_trains_the_baseline_and_another_all_of_modcs_own_stages(paper):
    cell = Cell("DARN", "ASEN++", 10, 0)
    warm_up = ("warm_up_global", "warm_up")
    own = ("warm_up_global_apart", "warm_up_apart")
    whole = Cell("DARN", "ASEN", 100, 0)

    def jobs(settings: dict, cell: Cell) -> list[tuple[str, ...]]:
        return [grid.own_stages(settings, cell, method) for method in grid.methods(settings)]

    assert jobs(paper, cell) == [warm_up, own + STAGES]
    assert jobs(paper, whole) == [("warm_up",), ("warm_up_apart", "supervised")]
    assert grid.trained_by(paper, cell, "modc", "warm_up_global_apart") == "modc"
    assert grid.trained_by(paper, cell, "baseline", "warm_up") == "baseline"
    shared = changed(paper, ("methods", "modc", "warm_up", "ASEN++"), "shared")
    assert jobs(shared, cell) == [warm_up, STAGES]
    assert jobs(shared, whole) == jobs(paper, whole)
    assert grid.trained_by(shared, cell, "modc", "warm_up") == "baseline"
    with pytest.raises(
        UserError, match="stage warm_up_apart: modc of ASEN\\+\\+ at 10 % has warm_up_global"
    ):
        grid.trained_by(shared, cell, "modc", "warm_up_apart")


def test_a_dataset_is_packed_in_the_forms_that_any_network_reads(paper):
    def packed(dataset):
        return [form.name for form in grid.forms_of_dataset(paper, dataset)]

    assert packed("DARN") == ["224", "448"]
    assert packed("FashionMNIST") == ["64"]
    paper["grid"]["networks"] = ["ASEN", "ASENv2"]
    assert packed("FashionAI") == ["224"]
    paper["ablation"]["cell"]["network"] = "ASEN++"
    assert packed("FashionAI") == ["224", "448"]
    assert packed("DARN") == ["224"]
    paper["methods"]["modc"]["view_source"] = "whole"
    assert packed("DARN") == ["224", "224-whole"]
    assert packed("FashionAI") == ["224", "224-whole", "448", "448-whole"]
    paper["methods"]["modc"]["view_source"] = "square"
    paper["datasets"]["DARN"]["orientation"] = "ignored"
    assert packed("DARN") == ["224-unturned"]


def test_views_are_cut_from_whole_pictures_where_there_are_views(paper):
    paper["methods"]["modc"]["view_source"] = "whole"
    square = {"image": 224, "detail": 448}
    whole = square | {"whole": 224, "whole_detail": 448}
    for stage in ("warm_up", "warm_up_apart", "supervised"):
        assert spec(paper, Cell("DARN", "ASEN++", 10, 0), stage).sizes == square
    for stage in STAGES[1:]:
        assert spec(paper, Cell("DARN", "ASEN++", 10, 0), stage).sizes == whole
    paper["methods"]["modc"]["views_from"] = "warm_up"
    assert spec(paper, Cell("DARN", "ASEN++", 10, 0), "warm_up").sizes == square
    assert spec(paper, Cell("DARN", "ASEN++", 10, 0), "warm_up_apart").sizes == whole
    forms = grid.packed_forms(spec(paper, Cell("DARN", "ASEN", 10, 0), "supervised"))
    assert {name: form.name for name, form in forms.items()} == {
        "image": "224",
        "whole": "224-whole",
    }


def test_unturned_images_give_another_model(paper):
    cell = Cell("FashionAI", "ASENv2", 100, 0)
    before = grid.settings_chain(paper, cell, "modc", "supervised")
    paper["datasets"]["FashionAI"]["orientation"] = "ignored"
    assert not set(before) & set(grid.settings_chain(paper, cell, "modc", "supervised"))


def test_with_all_labels_modc_ends_where_the_assumption_says(paper):
    cell = Cell("DARN", "ASEN", 100, 0)
    assert grid.last_stage(paper, cell, "modc") == "supervised"
    assert grid.last_stage(paper, cell, "baseline") == "warm_up"
    other = changed(paper, ("methods", "modc", "full_labels_end"), "self_supervised")
    assert grid.last_stage(other, cell, "modc") == "self_supervised"
    part = Cell("DARN", "ASEN", 10, 0)
    assert grid.last_stage(other, part, "modc") == grid.last_stage(paper, part, "modc")
    with pytest.raises(
        UserError, match="stage unlabeled: modc of ASEN at 100 % has warm_up_apart, supervised"
    ):
        grid.previous_stage(paper, cell, "modc", "unlabeled")


def test_a_warm_up_apart_is_modcs_alone_and_drawn_anew(paper):
    cell = Cell("DARN", "ASEN++", 10, 0)
    shared = changed(paper, ("methods", "modc", "warm_up", "ASEN++"), "shared")
    assert grid.stages(shared, cell, "baseline") == grid.stages(paper, cell, "baseline")
    assert grid.stages(shared, cell, "modc")[:2] == grid.stages(paper, cell, "baseline")
    assert grid.stages(paper, cell, "modc")[:3] == (
        "warm_up_global_apart",
        "warm_up_apart",
        "supervised",
    )
    assert grid.previous_stage(paper, cell, "modc", "supervised") == ("modc", "warm_up_apart")
    assert "detail" not in spec(paper, Cell("DARN", "ASEN++", 10, 0), "warm_up_global_apart").sizes


# The rates by A19, A25 and the supplement, epochs by A17: of the baseline, and of MODC's own.
RECIPES = {
    ("ASEN", "warm_up"): ((200, 1e-4, 0.985, 1), (200, 2e-4, 0.985, 1)),
    ("ASENv2", "warm_up"): ((50, 1e-4, 0.9, 3), (50, 2e-4, 0.985, 1)),
    ("ASEN++", "warm_up_global"): ((50, 1e-4, 0.9, 3), (50, 2e-4, 0.9, 3)),
    ("ASEN++", "warm_up"): ((20, 1e-5, 0.9, 1), (20, 1e-5, 0.9, 1)),
}


@pytest.mark.parametrize("network, stage", RECIPES)
def test_a_baseline_has_the_original_recipe_and_modcs_warm_up_the_supplements(
    paper, network, stage
):
    cell = Cell("DARN", network, 10, 0)
    keys = ("epochs", "learning_rate", "decay", "decay_every")
    baseline, own = (spec(paper, cell, name) for name in (stage, f"{stage}_apart"))
    found = tuple(tuple(getattr(one, key) for key in keys) for one in (baseline, own))
    assert found == RECIPES[network, stage]
    if (network, stage) == ("ASEN++", "warm_up"):
        rates = [one.local_learning_rate for one in (baseline, own)]
        assert rates == [1e-4, 1e-5]
    # Only MODC's ends by the plateau; all else is alike but the stage, which names the draws.
    assert baseline.convergence is None and own.convergence == Convergence(0.001, 5)
    named = ("method", "method_class", "stage", "before", "convergence", "local_learning_rate")
    alike = {key: getattr(baseline, key) for key in (*keys, *named)}
    assert replace(own, **alike) == baseline


def test_modcs_later_stages_inherit_the_rates_of_the_warm_up_before_them(paper):
    rates = ("learning_rate", "decay", "decay_every")
    for warm_up, expected in (("apart", (2e-4, 0.985, 1)), ("shared", (1e-4, 0.9, 3))):
        config = copy.deepcopy(paper)
        config["methods"]["modc"]["warm_up"]["ASENv2"] = warm_up
        settings = spec(config, CELL, "supervised")
        assert tuple(getattr(settings, key) for key in rates) == expected


def test_public_weights_are_the_baseline_with_all_labels_where_a_file_is_named(paper):
    named = changed(paper, ("networks", "ASEN++", "public_checkpoints", "DARN"), "there.pth")
    whole, part = Cell("DARN", "ASEN++", 100, 0), Cell("DARN", "ASEN++", 10, 0)
    assert grid.stages(named, whole, "modc") == ("warm_up", "supervised")
    own_start = changed(named, ("networks", "ASEN++", "public_start"), "train")
    assert grid.stages(own_start, whole, "baseline") == ("warm_up",)
    apart = ("warm_up_global_apart", "warm_up_apart", "supervised")
    assert grid.stages(own_start, whole, "modc") == apart
    settings = spec(named, whole, "warm_up")
    assert (settings.public_checkpoint, settings.epochs) == ("there.pth", 0)
    for cell in (part, Cell("FashionAI", "ASEN++", 100, 0), Cell("DARN", "ASEN", 100, 0)):
        assert grid.stages(named, cell, "modc") == grid.stages(paper, cell, "modc")
        assert spec(named, cell, "warm_up").public_checkpoint is None
    trained = changed(named, ("networks", "ASEN++", "public_baseline"), "train")
    assert grid.stages(trained, whole, "baseline") == ("warm_up_global", "warm_up")
    # MODC starts from the public weights none the less (A26), unless it shares the baseline.
    assert grid.stages(trained, whole, "modc") == ("warm_up_apart", "supervised")
    settings = spec(trained, whole, "warm_up_apart")
    assert (settings.public_checkpoint, settings.epochs) == ("there.pth", 0)
    assert spec(trained, whole, "warm_up").public_checkpoint is None
    shared = changed(trained, ("methods", "modc", "warm_up", "ASEN++"), "shared")
    assert grid.stages(shared, whole, "modc") == ("warm_up_global", "warm_up", "supervised")


@pytest.mark.parametrize(
    ("key", "value", "first"),
    [
        ("temperature", 0.2, "supervised"),
        ("centers", "memory_bank", "supervised"),
        ("predictor", False, "self_supervised"),
        ("unlabeled_ratio", 2.0, "unlabeled"),
        ("hidden_labels", "value_and_attribute", "unlabeled"),
        ("pseudo_labels", "each_epoch", "pseudo_triplets"),
        ("pseudo_label_confidence", 0.5, "pseudo_triplets"),
        ("predictor_rate", "initial", "self_supervised"),
        ("selection", "acc", "supervised"),
        ("warm_up", dict.fromkeys(("ASEN", "ASENv2", "ASEN++"), "shared"), None),
    ],
)
def test_a_setting_of_modc_is_read_from_its_stage_on(paper, key, value, first):
    other = changed(paper, ("methods", "modc", key), value)
    for stage in STAGES:
        before = spec(paper, CELL, stage)
        same = spec(other, CELL, stage) == before
        is_read = first is not None and STAGES.index(stage) >= STAGES.index(first)
        if key == "warm_up":  # another model to start from, and its rates
            is_read = True
        assert same is not is_read


def test_where_the_centers_live_is_read_by_a_network_with_branches_alone(paper):
    cell = Cell("FashionAI", "ASEN++", 10, 0)
    other = changed(paper, ("networks", "ASEN++", "center_space"), "branches")
    for stage in ("warm_up_global", "warm_up", *STAGES):
        before = spec(paper, cell, stage)
        same = spec(other, cell, stage) == before
        assert same is (stage not in STAGES)


def changed(settings, path, value):
    settings = copy.deepcopy(settings)
    *parents, last = path
    place = settings
    for key in parents:
        place = place[key]
    assert place[last] != value
    place[last] = value
    return settings


CELL = Cell("FashionAI", "ASENv2", 10, 0)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("evaluation", "map_at_100"), "R"),
        (("run",), "other"),
        (("threads",), 1),
        (("networks", "ASEN", "backbone"), "resnet18"),
        (("networks", "weights", "resnet34"), "none"),
        (("training", "stages", "ASEN", "warm_up", "epochs"), 1),
        (("training", "local_weight"), 0.5),
        (("training", "checkpoint"), "last"),
        (("datasets", "DARN", "image_size"), 256),
        (("datasets", "FashionAI", "detail_size"), 512),
        (("datasets", "FashionAI", "comparable_coverage"), 0.5),
        (("grid", "seeds"), [0, 1]),
    ],
)
def test_what_does_not_make_this_model_does_not_change_its_settings(paper, path, value):
    before = spec(paper, CELL, "warm_up")
    assert spec(changed(paper, path, value), CELL, "warm_up") == before


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("networks", "ASENv2", "backbone"), "resnet18"),
        (("networks", "weights", "resnet50"), "none"),
        (("training", "stages", "ASENv2", "warm_up", "epochs"), 1),
        (("training", "margin"), 0.1),
        (("training", "batch"), 8),
        (("training", "precision"), "float32"),
        (("datasets", "FashionAI", "image_size"), 256),
        (("labeled_part", "seed"), 1),
    ],
)
def test_what_makes_this_model_changes_its_settings_and_their_fingerprint(paper, path, value):
    before = spec(paper, CELL, "warm_up")
    after = spec(changed(paper, path, value), CELL, "warm_up")
    assert after.fingerprint != before.fingerprint


def test_each_seed_draws_its_labeled_part_unless_one_is_named(paper):
    cells = [Cell("FashionAI", "ASENv2", 10, seed) for seed in (0, 1)]
    assert [grid.labeled_part(paper, cell)["seed"] for cell in cells] == [0, 1]
    one = changed(paper, ("labeled_part", "seed"), 7)
    assert [grid.labeled_part(one, cell)["seed"] for cell in cells] == [7, 7]
    whole = [replace(cell, labeled_percent=100) for cell in cells]
    assert grid.labeled_part(paper, whole[0]) == grid.labeled_part(one, whole[1])
    assert spec(paper, whole[0], "warm_up").labeled_part is None


def test_the_checkpoint_choice_matters_only_to_a_stage_that_starts_from_one(paper):
    cell = Cell("FashionAI", "ASEN++", 10, 0)
    other = changed(paper, ("training", "checkpoint"), "last")
    for stage, same in (("warm_up_global", True), ("warm_up", False)):
        before = spec(paper, cell, stage)
        assert (spec(other, cell, stage) == before) is same
