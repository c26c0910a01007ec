import copy

import pytest

from modc.errors import UserError
from modc.grid import cells
from modc.runs.union import contradictions, union


def changed(config: dict, key: str, value: object) -> dict:
    """Return a copy with another value under a dotted key; None removes it."""
    made = copy.deepcopy(config)
    *sections, last = key.split(".")
    inside = made
    for section in sections:
        inside = inside[section]
    if value is None:
        del inside[last]
    else:
        inside[last] = value
    return made


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("training.batch", 7),
        ("training.weight_decay", 1e-10),
        ("methods.modc.temperature", 0.5),
        ("datasets.FashionAI.image_size", 32),
        ("datasets.FashionAI.generate", {"images": 400, "seed": 0}),
        ("networks.weights.resnet50", "elsewhere.pt"),
        ("labeled_part.seed", 9),
        ("evaluation.map_at_100", "R"),
        ("datasets.DARN.color_attributes", []),
    ],
)
def test_a_key_that_differs_is_named_with_both_values(config, key, value):
    (found,) = contradictions(config, changed(config, key, value))
    assert found.place == key and found.second == value and found.first != value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("run", "two"),
        ("grid.seeds", [5]),
        ("data", "/elsewhere"),
        ("threads", 64),
        ("training.jobs_per_gpu", 3),
        ("download.attempts", 9),
        ("ablation.assumptions", ["A3"]),
        ("datasets.FashionAI.archives", "/downloads"),
    ],
)
def test_what_changes_no_number_may_differ(config, key, value):
    assert not contradictions(config, changed(config, key, value))


def test_a_dataset_that_only_one_describes_is_no_contradiction(config):
    other = changed(config, "datasets.DARN", None)
    assert not contradictions(config, other) and not contradictions(other, config)
    assert "DARN" in union([other, config], "all")["datasets"]


EXTRA = {"dataset": "DARN", "network": "ASEN++", "labeled_percent": [100], "seeds": [9]}


def test_the_grid_is_that_of_all_together(config):
    grids = [
        {
            "datasets": ["DARN"],
            "networks": ["ASEN++"],
            "methods": ["modc"],
            # 50 % of FashionAI is not this run's, but 5 % the other's.
            "labeled_percent": {"DARN": [100], "FashionAI": [50]},
            "seeds": [4, 0],
            "extra_seeds": [EXTRA],
        },
        {
            "datasets": ["FashionAI"],
            "networks": ["ASEN", "ASENv2"],
            "methods": ["baseline"],
            "labeled_percent": {"FashionAI": [5, 1], "DARN": [50]},
            "seeds": [2],
            "extra_seeds": [EXTRA | {"dataset": "FashionAI"}, EXTRA],
        },
    ]
    configs = [{**config, "grid": grid} for grid in grids]
    merged = union(configs, "all")
    assert merged["run"] == "all"
    assert merged["grid"] == {
        "datasets": ["DARN", "FashionAI"],
        "networks": ["ASEN++", "ASEN", "ASENv2"],
        "methods": ["modc", "baseline"],
        "labeled_percent": {"DARN": [100], "FashionAI": [1, 5]},
        "seeds": [0, 2, 4],
        "extra_seeds": [EXTRA, EXTRA | {"dataset": "FashionAI"}],
    }
    assert {cell for one in configs for cell in cells(one)} <= set(cells(merged))


def test_a_union_with_itself_is_itself(config):
    assert union([config, config], "made") == config


def test_a_name_that_no_run_may_have(config):
    with pytest.raises(UserError, match="run: 'a b' does not match"):
        union([config], "a b")
