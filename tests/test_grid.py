"""The grid: its cells, and what of the configuration each training may read."""

import copy
from pathlib import Path

import pytest

from modc import config, grid

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def paper():
    return config.load([REPOSITORY / "config.yaml"])


def test_the_paper_has_21_cells_a_seed(paper):
    cells = grid.cells(paper)
    assert len(cells) == len(set(cells)) == 21
    paper["grid"]["seeds"] = [0, 1, 2]
    assert len(grid.cells(paper)) == 63
    assert len({cell.folder for cell in grid.cells(paper)}) == 63


def test_asenpp_warms_up_in_two_parts_and_needs_details_for_the_second(paper):
    assert grid.STAGES["ASEN++"] == ("warm_up_global", "warm_up", *grid.MODC)
    assert grid.previous_stage("ASEN++", "warm_up") == "warm_up_global"
    assert grid.previous_stage("ASEN++", "warm_up_global") is None
    assert grid.previous_stage("ASEN", "warm_up") is None
    assert grid.packed_sizes(paper, "DARN", "ASEN++", "warm_up_global") == {"image": 224}
    assert grid.packed_sizes(paper, "DARN", "ASEN++", "warm_up") == {"image": 224, "detail": 448}
    assert grid.packed_sizes(paper, "DARN", "ASEN", "warm_up") == {"image": 224}


def changed(settings, path, value):
    settings = copy.deepcopy(settings)
    *parents, last = path
    place = settings
    for key in parents:
        place = place[key]
    assert place[last] != value
    place[last] = value
    return settings


CELL = grid.Cell("FashionAI", "ASENv2", 10, 0)


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
        (("grid", "seeds"), [0, 1]),
    ],
)
def test_what_does_not_make_this_model_does_not_change_its_settings(paper, path, value):
    before = grid.training_settings(paper, CELL, "warm_up")
    assert grid.training_settings(changed(paper, path, value), CELL, "warm_up") == before


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
    ],
)
def test_what_makes_this_model_changes_its_settings_and_their_fingerprint(paper, path, value):
    before = grid.training_settings(paper, CELL, "warm_up")
    after = grid.training_settings(changed(paper, path, value), CELL, "warm_up")
    assert grid.fingerprint(after) != grid.fingerprint(before)


def test_the_checkpoint_choice_matters_only_to_a_stage_that_starts_from_one(paper):
    cell = grid.Cell("FashionAI", "ASEN++", 10, 0)
    other = changed(paper, ("training", "checkpoint"), "last")
    for stage, same in (("warm_up_global", True), ("warm_up", False)):
        before = grid.training_settings(paper, cell, stage)
        assert (grid.training_settings(other, cell, stage) == before) is same
