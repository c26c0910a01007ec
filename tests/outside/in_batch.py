"""In-batch negatives: contrasts each anchor with all negatives of its batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from modc.cell import Cell
from modc.methods.method import Method
from modc.methods.objective import Losses, Objective, Start
from modc.networks.network import Embedded
from modc.stage import Recipe
from modc.training.batches import Batch


@dataclass(frozen=True)
class Options:
    """The settings that the objective reads."""

    temperature: float


class InBatch(Method):
    """One stage, which starts from the baseline's model."""

    title = "InBatch"
    compared_with = "baseline"
    own_settings = {
        "epochs": {"type": "integer", "minimum": 1, "description": "a whole number from 1"},
        "temperature": {"type": "number", "exclusiveMinimum": 0, "description": "above 0"},
    }

    def starts_from(self, cell: Cell) -> str:
        return "baseline"

    def stages(self, cell: Cell) -> tuple[str, ...]:
        return ("in_batch",)

    def recipe(self, cell: Cell, stage: str) -> Recipe:
        """Return the recipe of the warm-up's last stage, with its own number of epochs."""
        last = self.warm_up(cell.network)[-1]
        options = Options(self.settings["temperature"])
        return self.warm_up_recipe(
            cell.network, last, epochs=self.settings["epochs"], options=options
        )

    @staticmethod
    def objective(start: Start) -> Objective:
        return InBatchObjective(start)


class InBatchObjective(Objective):
    """The cross-entropy of the positive against all negatives of the anchor's attribute."""

    def forward(self, batch: Batch) -> Losses:
        """Return the mean over the batch's views."""
        attribute = batch.labeled[0][0].attribute
        views = [self.contrast(*roles, attribute) for roles in self.embed(batch).labeled]
        return Losses({"in_batch": sum(views) / len(views)})

    def contrast(
        self, anchor: Embedded, positive: Embedded, negative: Embedded, attribute: torch.Tensor
    ) -> torch.Tensor:
        """Return the loss of one view; attribute: int64 (B,), that of each triplet."""
        own = (anchor.embedding * positive.embedding).sum(dim=1, keepdim=True)
        others = anchor.embedding @ negative.embedding.T
        others = others.masked_fill(attribute[:, None] != attribute, -torch.inf)
        cosines = torch.cat([own, others], dim=1) / self.start.spec.options.temperature
        return functional.cross_entropy(cosines, torch.zeros_like(attribute))
