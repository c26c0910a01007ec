"""What the grid costs at most, in images: of each stage of each cell, from the configuration alone.

Converging ends a stage earlier (A10), so these are upper bounds.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from modc.grid import (
    METHODS,
    SEMI_SUPERVISED,
    SUPERVISED,
    Cell,
    last_stage,
    position,
    stages,
    training_settings,
)

# Anchor, positive, negative; and the views of an image under self-supervision.
ROLES, VIEWS = 3, 2
WARM_UP = "warm-up"
# The kinds of stages, as they are counted together.
KINDS = (WARM_UP, "supervised", "semi-supervised")


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
    """One stage of one cell; epochs: its maximum; trained and embedded: images in all of them.

    embedded counts what passes the network without gradients: the validation split after each
    epoch, the test split where a table row comes from the stage, and what centres and pseudo labels
    are taken from.
    """

    cell: Cell
    stage: str
    epochs: int
    trained: int
    embedded: int

    @property
    def kind(self) -> str:
        """One of KINDS."""
        return kind_of(self.stage)


def kind_of(stage: str) -> str:
    """Return which of KINDS a stage is."""
    if stage in SEMI_SUPERVISED:
        return KINDS[2]
    return KINDS[1] if stage == SUPERVISED else WARM_UP


def cell_stages(config: dict, cell: Cell) -> tuple[str, ...]:
    """Return all stages of a cell once, the baseline's first."""
    return tuple(dict.fromkeys(s for method in METHODS for s in stages(config, cell, method)))


def images_an_epoch(settings: dict) -> int:
    """Return how many images pass through training in one epoch; settings: the stage's."""
    batch = min(settings["batch"], settings["triplets_per_epoch"])
    triplets = settings["triplets_per_epoch"] // batch * batch  # the remainder is left out
    views = VIEWS if "colour_attributes" in settings else 1
    groups = 0
    if position(settings["stage"]) >= position("unlabeled"):
        groups = max(1, round(settings["modc"]["unlabeled_ratio"] * ROLES))
    return triplets * views * (ROLES + groups)


def images_left(config: dict, cell: Cell, stage: str) -> int:
    """Return how many images are trained from the beginning of `stage` to its method's end.

    A warm-up that both methods share leads to MODC's end.
    """
    own = [stages(config, cell, method) for method in METHODS]
    chain = next(chain for chain in reversed(own) if stage in chain)
    settings = [training_settings(config, cell, one) for one in chain[chain.index(stage) :]]
    return sum(one["epochs"] * images_an_epoch(one) for one in settings)


def stage_costs(config: dict, cell: Cell, counts: Counts) -> list[StageCost]:
    """Return what each stage of a cell costs, in order."""
    evaluated = {last_stage(config, cell, method) for method in METHODS}
    labeled = counts.train * cell.labeled_percent // 100
    costs = []
    for stage in cell_stages(config, cell):
        settings = training_settings(config, cell, stage)
        epochs = settings["epochs"]
        # Public weights are validated once, and not trained (A15).
        embedded = max(epochs, 1) * counts.valid
        embedded += counts.test if stage in evaluated else 0
        modc = settings.get("modc", {})
        if stage == SUPERVISED or (modc and modc["centres"] == "memory_bank"):
            embedded += labeled
        if modc.get("pseudo_labels") == "each_epoch":
            embedded += epochs * (counts.train - labeled)
        costs.append(StageCost(cell, stage, epochs, epochs * images_an_epoch(settings), embedded))
    return costs


def chains(config: dict, costs: Iterable[StageCost]) -> list[list[StageCost]]:
    """Return the costs of each cell's stages, in the order in which they must be trained.

    MODC's own warm-up does not wait for the baseline's (A1), so that a cell may have two chains.
    """
    found: dict[tuple, list[StageCost]] = {}
    for cost in costs:
        cell = cost.cell
        baseline = stages(config, cell, "baseline")
        shares = set(baseline) & set(stages(config, cell, "modc"))
        branch = "baseline" if cost.stage in baseline and not shares else "modc"
        found.setdefault((cell, branch), []).append(cost)
    return list(found.values())
