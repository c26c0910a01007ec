import copy

import pytest

from modc import config as configuration
from modc.errors import UserError
from modc.grid import cells
from modc.runs.configurations import contradictions, free_differences, read, union


def changed(config: dict, key: str, value: object) -> dict:
    """Return a copy with another value under a dotted key; None takes it away."""
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
        ("methods.modc.temperature", 0.5),
        ("datasets.FashionAI.image_size", 32),
        ("datasets.FashionAI.comparable_coverage", 0.5),
        ("networks.weights.resnet50", "elsewhere.pt"),
        ("labeled_part.seed", 9),
        ("evaluation.map_at_100", "R"),
        ("methods.modc.cluster_weight", 3.5),
        ("datasets.DARN.color_attributes", ["tone"]),
    ],
)
def test_a_key_that_differs_is_named_with_both_values(config, key, value):
    other = changed(config, key, value)
    (found,) = contradictions(config, other)
    assert found.place == key and found.second == value and found.first != value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data", "/elsewhere"),
        ("threads", 64),
        ("training.jobs_per_gpu", 3),
        ("download.attempts", 9),
        ("ablation.assumptions", ["A3"]),
        ("datasets.FashionAI.archives", "/downloads"),
    ],
)
def test_what_changes_no_number_may_differ(config, key, value):
    other = changed(config, key, value)
    assert not contradictions(config, other) and free_differences(config, other) == [key]


def test_name_and_grid_may_differ_and_are_not_worth_a_word(config):
    other = changed(changed(config, "run", "two"), "grid.seeds", [5])
    assert not contradictions(config, other) and not free_differences(config, other)


def test_a_dataset_that_only_one_describes_is_no_contradiction(config):
    other = changed(config, "datasets.DARN", None)
    assert not contradictions(config, other) and not contradictions(other, config)
    assert "DARN" in union([other, config], "all")["datasets"]


def test_drawn_and_real_data_are_a_contradiction(config):
    other = changed(config, "datasets.FashionAI.generate", {"images": 400, "seed": 0})
    assert [found.place for found in contradictions(config, other)] == [
        "datasets.FashionAI.generate"
    ]


EXTRA = {"dataset": "DARN", "network": "ASEN++", "labeled_percent": [100], "seeds": [9]}


def test_the_grid_is_that_of_all_together(config):
    grids = [
        {
            "datasets": ["DARN"],
            "networks": ["ASEN++"],
            "methods": ["modc"],
            "seeds": [4, 0],
            "extra_seeds": [EXTRA],
        },
        {
            "datasets": ["FashionAI"],
            "networks": ["ASEN", "ASENv2"],
            "methods": ["baseline"],
            "seeds": [2],
            "extra_seeds": [EXTRA | {"dataset": "FashionAI"}, EXTRA],
        },
    ]
    percents = [{"DARN": [100], "FashionAI": [5]}, {"FashionAI": [10, 1], "DARN": [50]}]
    configs = [
        {**config, "grid": {**grid, "labeled_percent": percent}}
        for grid, percent in zip(grids, percents, strict=True)
    ]
    merged = union(configs, "all")
    assert merged["run"] == "all"
    # 5 % and 50 % belong to datasets that these runs do not train on.
    assert merged["grid"] == {
        "datasets": ["FashionAI", "DARN"],
        "networks": ["ASEN", "ASENv2", "ASEN++"],
        "methods": ["baseline", "modc"],
        "labeled_percent": {"DARN": [100], "FashionAI": [1, 10]},
        "seeds": [0, 2, 4],
        "extra_seeds": [EXTRA, EXTRA | {"dataset": "FashionAI"}],
    }
    assert {cell for one in configs for cell in cells(one)} <= set(cells(merged))


def test_a_union_with_itself_is_itself(config):
    assert union([config, config], "made") == config


def test_a_name_that_no_run_may_have(config):
    with pytest.raises(UserError, match="run: 'a b' does not match"):
        union([config], "a b")


def test_keys_that_an_older_version_lacked_come_from_the_defaults(config, tmp_path):
    old = changed(config, "download.failed_share", None)
    configuration.write(tmp_path / "old" / "config.yaml", old)
    configuration.write(tmp_path / "new.yaml", changed(config, "threads", 99))
    with pytest.raises(UserError, match="'failed_share' is missing; if an older .*--defaults"):
        read(tmp_path / "old")
    assert read(tmp_path / "old", (tmp_path / "new.yaml",)) == config
