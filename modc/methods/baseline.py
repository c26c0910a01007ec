"""The baseline: a network trained by its own loss on labeled triplets (supplement 1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modc.cell import Cell
from modc.methods.method import Method
from modc.stage import Recipe

if TYPE_CHECKING:
    from modc.methods.objective import Objective, Start


class Baseline(Method):
    """The network's warm-up alone, or its public weights, which are not trained (A15)."""

    def stages(self, cell: Cell) -> tuple[str, ...]:
        """Return the stages of the warm-up, of public weights the last one."""
        trained = self.warm_up(cell.network)
        return trained[-1:] if self.public_checkpoint(cell, trained[-1]) else trained

    def recipe(self, cell: Cell, stage: str) -> Recipe:
        """Return the network's own recipe, the public code's (A19, A25)."""
        return self.warm_up_recipe(cell.network, stage)

    def public_checkpoint(self, cell: Cell, stage: str) -> str | None:
        """Return the file of public weights, where they are to be used."""
        is_last = stage == self.warm_up(cell.network)[-1]
        return self.public_weights(cell, "public_baseline") if is_last else None

    @staticmethod
    def objective(start: Start) -> Objective:
        """Return the instance-level loss."""
        from modc.methods.objective import InstanceLevel

        return InstanceLevel(start)
