"""The ledger: complete, true of config.yaml, and every alternative another run."""

import re
from pathlib import Path

import pytest

from modc import config as configuration
from modc import grid
from modc.errors import UserError
from modc.papers.assumptions import assume, find, name_of_setting, setting
from modc.papers.paper import FOLDER, read

REPOSITORY = Path(__file__).resolve().parents[2]
LEDGER = read(FOLDER / "modc").assumptions
ALTERNATIVES = [(a.id, name) for a in LEDGER for name in a.alternatives]


@pytest.fixture(scope="module")
def paper():
    config = configuration.load([REPOSITORY / "config.yaml"])
    # So that the alternative of A15 has something to leave out.
    config["networks"]["ASEN++"]["public_checkpoints"]["DARN"] = "public.pth"
    return config


# What has no setting, as it cannot be otherwise.
WITHOUT = ("A30",)


def test_all_thirty_are_there_each_with_its_parts():
    assert [a.id for a in LEDGER] == [f"A{number}" for number in range(1, 31)]
    for assumption in LEDGER:
        assert assumption.name and assumption.statement and assumption.source and assumption.effect
        has_setting = assumption.id not in WITHOUT
        assert bool(assumption.default) == bool(assumption.alternatives) == has_setting


@pytest.mark.parametrize("assumption", LEDGER, ids=lambda a: a.id)
def test_the_default_is_what_config_yaml_sets(paper, assumption):
    assert setting(paper, assumption) == assumption.default
    assert name_of_setting(paper, assumption) == "default"


@pytest.mark.parametrize(("name", "alternative"), ALTERNATIVES)
def test_an_alternative_passes_the_schema_and_is_known_by_its_name(paper, name, alternative):
    other = assume(paper, find(LEDGER, name), alternative)
    assert name_of_setting(other, find(LEDGER, name)) == alternative
    for assumption in LEDGER:
        if assumption.id != name:
            assert setting(other, assumption) == assumption.default


def made(config: dict) -> list:
    """What names the models, scores and indexes of two seeds with all labels and with few."""
    percents = {"FashionAI": [10, 100], "DARN": [10, 100]}
    config = configuration.merge(config, {"grid": {"seeds": [0, 1], "labeled_percent": percents}})
    chains = [
        grid.settings_chain(config, cell, method, grid.last_stage(config, cell, method))
        for cell in grid.cells(config)
        for method in ("baseline", "modc")
    ]
    return [chains, config["evaluation"], config["datasets"]]


@pytest.fixture(scope="module")
def made_by_default(paper):
    return made(paper)


@pytest.mark.parametrize(("name", "alternative"), ALTERNATIVES)
def test_an_alternative_changes_a_model_a_score_or_the_index(
    paper, made_by_default, name, alternative
):
    assert made(assume(paper, find(LEDGER, name), alternative)) != made_by_default


def test_a_setting_that_is_neither_is_other(paper):
    changed = configuration.merge(paper, {"methods": {"modc": {"temperature": 0.3}}})
    assert name_of_setting(changed, find(LEDGER, "A4")) == "other"


@pytest.mark.parametrize(
    ("name", "alternative", "message"),
    [
        ("A31", "x", "A31: no such assumption; expected A1 to A30"),
        ("A3", "bank", "A3=bank: no such alternative; expected one of memory_bank, momentum_0.5"),
        ("A3", "", "A3=: no such alternative"),
    ],
)
def test_what_is_not_there_is_named(paper, name, alternative, message):
    with pytest.raises(UserError) as error:
        assume(paper, find(LEDGER, name), alternative)
    assert message in str(error.value)


def test_config_yaml_says_at_its_keys_which_assumption_they_are():
    named = set(re.findall(r"\bA\d+\b", (REPOSITORY / "config.yaml").read_text()))
    assert {assumption.id for assumption in LEDGER if assumption.default} <= named


@pytest.mark.parametrize(
    ("name", "network"), [("A19", "ASEN"), ("A19", "ASENv2"), ("A25", "ASEN++")]
)
def test_a_baselines_whole_recipe_is_watched(paper, name, network):
    for stage, recipe in paper["training"]["stages"][network].items():
        for key in recipe.keys() - {"epochs"}:  # of A17
            assert f"training.stages.{network}.{stage}.{key}" in find(LEDGER, name).default
    change = {"training": {"stages": {network: {"warm_up": {"decay": 0.5}}}}}
    assert name_of_setting(configuration.merge(paper, change), find(LEDGER, name)) == "other"
