"""What a method is to everything else: its stages, their recipes, how its rows are called.

No torch here: the workflow, plan and status ask for stages and recipes. What is minimized is an
`Objective` (`modc.methods.objective`), which a method makes when a stage is trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from modc.cell import Cell
from modc.stage import Recipe, StageSpec, Views

if TYPE_CHECKING:
    from modc.methods.objective import Objective, Start

WARM_UP = "warm-up"
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Method:
    """One method of the configuration; a subclass a kind of method.

    A subclass defines `stages`, `recipe` and `objective`, and what else does not fit.
    """

    # What a row is called: MODC(ASEN). "" for the network's name alone.
    title: ClassVar[str] = ""
    # The method over which a gain is measured, by its key in the configuration; "" for none.
    compared_with: ClassVar[str] = ""
    # Whether its objective keeps cluster centers: then prioritized retrieval and Acc are scored
    # instead of the plain ranking.
    has_centers: ClassVar[bool] = False
    # Further keys that its entry in the configuration has, all of them: a JSON schema of each.
    own_settings: ClassVar[Mapping[str, Any]] = NOTHING

    def __init__(self, name: str, config: dict):
        """Describe the method that the configuration calls `name`."""
        self.name = name
        self.config = config
        self.settings = config["methods"][name]

    def mistakes(self) -> Iterator[str]:
        """Yield a line for each mistake in the configuration that the schema cannot see."""
        return iter(())

    def row_name(self, network: str) -> str:
        """Return what a network under this method is called."""
        return f"{self.title}({network})" if self.title else network

    def starts_from(self, cell: Cell) -> str | None:
        """Return the method whose model the first stage goes on from, None for none."""
        return None

    def stages(self, cell: Cell) -> tuple[str, ...]:
        """Return the names of the stages that the method trains itself, in order.

        Draws are named by the stage, so a stage of another method's name has the same ones.
        """
        raise NotImplementedError

    def recipe(self, cell: Cell, stage: str) -> Recipe:
        """Return what a stage is trained by."""
        raise NotImplementedError

    def public_checkpoint(self, cell: Cell, stage: str) -> str | None:
        """Return the file of public weights that are a stage's model (A15); None to train one."""
        return None

    def kind(self, stage: str) -> str:
        """Return with which stages `modc plan` counts a stage together."""
        return WARM_UP if stage.startswith("warm_up") else self.title or self.name

    def stage_label(self, cell: Cell, stage: str) -> str:
        """Return what a figure writes above a stage: 1 for the warm-up, with its part."""
        named = self.warm_up_stage(cell, stage)
        if named is None:
            return stage.replace("_", " ")
        part = named.removeprefix("warm_up").strip("_")
        return f"1, {part}" if part else "1"

    def epochs_in_words(self, network: str) -> str:
        """Return how long it trains a network beyond the warm-up, for the notes below a table."""
        return ""

    def embedded(self, spec: StageSpec, labeled: int, unlabeled: int) -> int:
        """Return how many images a stage embeds beside validation and test; for `modc plan`.

        labeled, unlabeled: how many training images there are of each.
        """
        return 0

    @staticmethod
    def objective(start: Start) -> Objective:
        """Return what a stage minimizes. Imports torch, so do it inside."""
        raise NotImplementedError

    def public_weights(self, cell: Cell, use: str) -> str | None:
        """Return the file of public weights for a cell, None where there is none to be used.

        use: the key of networks.<network> that says whether to "use" them.
        """
        wanted = self.config["networks"][cell.network].get(use, "use") == "use"
        return public_weights(self.config, cell) if wanted else None

    def warm_up(self, network: str) -> tuple[str, ...]:
        """Return the stages in which a network warms up, as its recipes stand in the configuration.

        ASEN++ has two, the global branch alone and then both. The last one's model is the baseline.
        """
        return tuple(self.config["training"]["stages"][network])

    def warm_up_stage(self, cell: Cell, stage: str) -> str | None:
        """Return which stage of the network's warm-up a stage is, None for a later one."""
        return stage if stage in self.warm_up(cell.network) else None

    def warm_up_recipe(self, network: str, stage: str, **changes: object) -> Recipe:
        """Return the baseline's recipe of a stage of the warm-up, with some of it changed."""
        return replace(Recipe(**self.config["training"]["stages"][network][stage]), **changes)

    def random_views(self, dataset: str, whole: bool = False) -> Views:
        """Return random views of a dataset's images; its color attributes keep their colors."""
        return Views(tuple(self.config["datasets"][dataset]["color_attributes"]), whole)


def public_weights(config: dict, cell: Cell) -> str | None:
    """Return the file of public weights that the configuration names for a cell; None if none.

    They were trained with all labels (A15).
    """
    files = config["networks"][cell.network].get("public_checkpoints", {})
    path = files.get(cell.dataset, "none") if cell.labeled_percent == 100 else "none"
    return None if path == "none" else path
