"""Runs of several seeds in which every number of a training is the same made-up one."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from modc import paths
from modc.cell import Cell
from modc.grid import cells, methods

# What a training's numbers are.
Number = Callable[[Cell, str], float]


def small_grid(config: dict, networks: tuple[str, ...] = ("ASEN", "ASENv2")) -> None:
    """Make the grid FashionAI with all labels, under three seeds."""
    config["grid"] |= {"datasets": ["FashionAI"], "networks": [*networks], "seeds": [0, 1, 2]}
    config["grid"]["labeled_percent"] = {"FashionAI": [100]}


def drawn_numbers(seed: int = 0, sd: float = 0.004, gain: float = 0.05) -> Number:
    """Return numbers around 0.5, of MODC higher by `gain`, the same whenever they are asked for."""
    rng, drawn = np.random.default_rng(seed), {}

    def number(cell: Cell, method: str) -> float:
        if (cell, method) not in drawn:
            drawn[cell, method] = 0.5 + rng.normal(0, sd) + gain * (method == "modc")
        return drawn[cell, method]

    return number


def write_trainings(
    config: dict, number: Number, scores_of: Callable, write_cell: Callable
) -> None:
    """Write the scores of each training of the grid, but of those without a number (None)."""
    for cell in cells(config):
        for method in methods(config):
            value = number(cell, method)
            if value is not None:
                write_cell(cell, with_number(scores_of(cell, method), value), method)


def with_number(scores: dict, value: float) -> dict:
    """Return scores all of whose metrics are a value."""
    for part in (scores["overall"], *scores["attributes"]):
        rankings = [m for way in part.get("prioritized", {}).values() for m in way.values()]
        for metrics in (part, *rankings):
            metrics |= {key: value for key in metrics if key.startswith(("MAP", "Recall", "Acc"))}
    return scores


def change(folder: Path, cell: Cell, method: str, **changed: object) -> None:
    """Change some of the scores of a training."""
    path = folder / paths.scores(cell, method)
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
