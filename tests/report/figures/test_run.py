"""Which cell the figures of one cell show."""

from pathlib import Path

import pytest

from modc.config import check, load
from modc.errors import UserError
from modc.grid import Cell
from modc.report.figures.run import shown_cell

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def config() -> dict:
    """The paper's configuration."""
    return load([REPOSITORY / "config.yaml"])


def test_by_default_it_is_the_papers(config):
    assert shown_cell(config, "figure1") == Cell("FashionAI", "ASENv2", 100, 0)
    assert shown_cell(config, "figure2") == Cell("FashionAI", "ASEN++", 100, 0)
    config["grid"] |= {"networks": ["ASEN"], "datasets": ["DARN"], "seeds": [3, 4]}
    assert shown_cell(config, "figure2") == Cell("DARN", "ASEN", 100, 3)


def test_the_configuration_names_another(config):
    config["report"]["figures"] |= {"dataset": "DARN", "labeled_percent": 10}
    assert shown_cell(config, "figure1") == Cell("DARN", "ASENv2", 10, 0)
    config["grid"]["seeds"] = [0, 7]
    config["report"]["figures"] |= {"network": "ASEN", "seed": 7}
    assert shown_cell(config, "figure1") == Cell("DARN", "ASEN", 10, 7)


@pytest.mark.parametrize(
    ("key", "value"),
    [("dataset", "FashionMNIST"), ("labeled_percent", 7), ("seed", 9)],
)
def test_a_cell_that_the_grid_does_not_have_is_a_mistake(config, key, value):
    config["report"]["figures"][key] = value
    with pytest.raises(
        UserError, match=rf"report\.figures: the grid has no cell of {key} {value};"
    ):
        check(config)
