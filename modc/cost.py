"""What the grid costs at most, in images: of each stage of each cell, from the configuration alone.

Converging ends a stage earlier (A10), so these are upper bounds.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from modc.cell import Cell
from modc.grid import chain, method_of, methods, stage_spec


@dataclass(frozen=True)
class Counts:
    """The images of one dataset by split, the evaluated ones being queries or candidates."""

    train: int
    valid: int
    test: int

    @property
    def all(self) -> int:
        """The images of all splits."""
        return self.train + self.valid + self.test


@dataclass(frozen=True)
class StageCost:
    """One stage of one cell; method: which trains it; kind: with which it is counted together.

    epochs: its maximum; trained and embedded: images in all of them. embedded counts what passes
    the network without gradients: the validation split after each epoch, the test split where a
    table row comes from the stage, and what else the method embeds.
    """

    cell: Cell
    method: str
    stage: str
    kind: str
    epochs: int
    trained: int
    embedded: int


def cell_stages(config: dict, cell: Cell) -> tuple[tuple[str, str], ...]:
    """Return all stages of a cell once, each with the method that trains it, in order."""
    return tuple(dict.fromkeys(one for m in methods(config) for one in chain(config, cell, m)))


def images_left(config: dict, cell: Cell, method: str, stage: str) -> int:
    """Return how many images are trained from the beginning of `stage` to the end of its method.

    Of a stage that several methods share, to the end of the one with the most.
    """
    left = []
    for one in methods(config):
        whole = chain(config, cell, one)
        if (method, stage) in whole:
            rest = whole[whole.index((method, stage)) :]
            specs = [stage_spec(config, cell, *part) for part in rest]
            left.append(sum(spec.epochs * spec.images_an_epoch for spec in specs))
    return max(left)


def stage_costs(config: dict, cell: Cell, counts: Counts) -> list[StageCost]:
    """Return what each stage of a cell costs, in order."""
    evaluated = {chain(config, cell, method)[-1] for method in methods(config)}
    labeled = counts.train * cell.labeled_percent // 100
    costs = []
    for method, stage in cell_stages(config, cell):
        spec, own = stage_spec(config, cell, method, stage), method_of(config, method)
        # Public weights are validated once, and not trained (A15).
        embedded = max(spec.epochs, 1) * counts.valid
        embedded += counts.test if (method, stage) in evaluated else 0
        embedded += own.embedded(spec, labeled, counts.train - labeled)
        trained = spec.epochs * spec.images_an_epoch
        costs.append(
            StageCost(cell, method, stage, own.kind(stage), spec.epochs, trained, embedded)
        )
    return costs


def chains(config: dict, costs: Iterable[StageCost]) -> list[list[StageCost]]:
    """Return the costs of each cell's stages, in the order in which they must be trained.

    MODC's own warm-up does not wait for the baseline's (A1), so that a cell may have two chains.
    """
    found: dict[tuple, list[StageCost]] = {}
    for cost in costs:
        start = method_of(config, cost.method).starts_from(cost.cell)
        found.setdefault((cost.cell, start or cost.method), []).append(cost)
    return list(found.values())
