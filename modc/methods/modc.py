"""MODC: a warm-up, online clustering, self-supervision, and pseudo labels (paper, Section 3).

What each stage adds is minimized in `modc.methods.modc_objective`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import yaml

from modc.cell import Cell
from modc.methods.method import Method
from modc.stage import LAST_EPOCH, Convergence, Recipe, StageSpec, Unlabeled, Views

if TYPE_CHECKING:
    from modc.methods.objective import Objective, Start


@dataclass(frozen=True)
class Added:
    """What a stage adds to the loss of those before.

    number: the supplement's, of the stage (1.3). term: what the objective, the curves and the logs
    call it. loss: of which images.
    """

    number: str
    term: str
    loss: str


ADDS = {
    "supervised": Added("2", "cluster", "cluster-level, of labeled images"),
    "self_supervised": Added("3.1", "self_supervision", "SimSiam's, of labeled images"),
    "unlabeled": Added("3.2", "unlabeled_self_supervision", "SimSiam's, of unlabeled images"),
    "pseudo_triplets": Added(
        "3.3", "pseudo_triplet", "instance-level, of unlabeled images by their pseudo labels"
    ),
    "pseudo_clusters": Added(
        "3.4", "pseudo_cluster", "cluster-level, of unlabeled images by their pseudo labels"
    ),
}
STAGES = tuple(ADDS)
# The warm-up of MODC alone, where it does not start from the baseline (A1).
APART = "_apart"
SELECTED_BY = {
    "map": "MAP@all",
    "acc": "Acc",
    "prioritized_map": "prioritized_MAP@all",
    "last": LAST_EPOCH,
}


@dataclass(frozen=True)
class SelfSupervision:
    """SimSiam's loss (A5); initial_rate: whether the predictor starts at the schedule's (A24)."""

    predictor: bool
    weight: float
    initial_rate: bool


@dataclass(frozen=True)
class PseudoLabels:
    """When the nearest centers give the labels, and the confidence below which none (A6)."""

    each_epoch: bool
    confidence: float


@dataclass(frozen=True)
class Options:
    """What a stage of MODC has beside its recipe.

    terms: of its loss beside the instance-level one, those of ADDS up to its own. momentum: of the
    centers that move with every batch; memory_bank: momentum and every, where they are recomputed
    from a bank instead (A3). cluster_loss: "softmax", with a temperature, or "margin" (A4).
    """

    terms: tuple[str, ...]
    momentum: float | None
    memory_bank: Mapping[str, float] | None
    cluster_loss: str
    temperature: float
    cluster_margin: float | None
    cluster_weight: float
    self_supervision: SelfSupervision | None
    pseudo_labels: PseudoLabels | None


class Modc(Method):
    """MODC's stages, on a warm-up of its own or on the baseline (A1)."""

    title = "MODC"
    compared_with = "baseline"
    has_centers = True
    own_settings: ClassVar[Mapping[str, Any]] = yaml.safe_load(
        Path(__file__).with_name("modc.schema.yaml").read_text(encoding="utf-8")
    )

    def mistakes(self) -> Iterator[str]:
        """Yield what is missing for a network of the grid, and what does not go together."""
        config, where = self.config, f"methods.{self.name}"
        for dataset, settings in config["datasets"].items():
            if self.settings["view_source"] == "whole" and settings["orientation"] == "ignored":
                yield (
                    f"datasets.{dataset}.orientation: ignored does not go with "
                    f"{where}.view_source: whole, which needs the width and height of upright "
                    f"images; change one of them"
                )
        for network in config["grid"]["networks"]:
            if network not in self.settings["stages"]:
                yield (
                    f"grid.networks names {network!r}, which {where}.stages does not describe; add "
                    f"it there or remove it here"
                )
            elif self.settings["warm_up"].get(network) != "shared":
                for stage in self.warm_up(network):
                    if stage not in self.settings["stages"][network]:
                        yield (
                            f"{where}.stages.{network}: the key {stage!r} is missing, the recipe "
                            f"of MODC's own warm-up (or set {where}.warm_up.{network}: shared)"
                        )

    def starts_from(self, cell: Cell) -> str | None:
        """Return the baseline where MODC shares its warm-up, or both start from public weights."""
        if self.settings["warm_up"].get(cell.network) == "shared":
            return self.compared_with
        is_public = self.public_weights(cell, "public_baseline")
        is_start = self.public_weights(cell, "public_start")
        return self.compared_with if is_public and is_start else None

    def stages(self, cell: Cell) -> tuple[str, ...]:
        """Return the warm-up, where it is MODC's own, and stages 2 to 3.4.

        With all labels MODC ends before there is anything unlabeled (A11).
        """
        last = self.settings["full_labels_end"] if cell.labeled_percent == 100 else STAGES[-1]
        return (*self._own_warm_up(cell), *STAGES[: STAGES.index(last) + 1])

    def recipe(self, cell: Cell, stage: str) -> Recipe:
        """Return the recipe of a stage (supplement 1.3)."""
        rule = self.settings["convergence"]
        shared = {
            "convergence": Convergence(rule["rise"], rule["patience"])
            if rule["rule"] == "plateau"
            else None,
            "views": self._views(cell, stage),
        }
        settings = self.settings
        if stage not in STAGES:
            # Without centers there is neither Acc nor prioritized retrieval.
            if settings["selection"] == "last":
                shared["selected_by"] = LAST_EPOCH
            return self._warm_up_recipe(cell, stage.removesuffix(APART), **shared)
        own = settings["stages"][cell.network]
        part = "supervised" if stage == STAGES[0] else "semi_supervised"
        changes: dict[str, Any] = {
            "epochs": own["epochs"][part],
            "optimizer": "inherit",
            "selected_by": SELECTED_BY[settings["selection"]],
            "center_space": self.config["networks"][cell.network].get("center_space"),
            "options": self._options(stage),
            **shared,
        }
        if has(stage, "unlabeled"):
            changes["unlabeled"] = Unlabeled(settings["unlabeled_ratio"], settings["hidden_labels"])
        if own["optimizer"] == "new":
            rates = ("learning_rate", "local_learning_rate", "decay", "decay_every")
            changes |= {name: own[name] for name in rates if name in own}
            # The stages after it go on with its optimizer.
            changes["optimizer"] = "new" if stage == STAGES[0] else "inherit"
        last = self.warm_up(cell.network)[-1]
        if self._own_warm_up(cell):
            return self._warm_up_recipe(cell, last, **changes)
        return self.warm_up_recipe(cell.network, last, **changes)

    def public_checkpoint(self, cell: Cell, stage: str) -> str | None:
        """Return the file of public weights for a warm-up of MODC's own (A26)."""
        is_last = stage == self.warm_up(cell.network)[-1] + APART
        return self.public_weights(cell, "public_start") if is_last else None

    def kind(self, stage: str) -> str:
        """Return with which stages `modc plan` counts a stage together."""
        if stage not in STAGES:
            return super().kind(stage)
        return "supervised" if stage == STAGES[0] else "semi-supervised"

    def warm_up_stage(self, cell: Cell, stage: str) -> str | None:
        """Return which stage of the network's warm-up a stage is, None for those of STAGES."""
        return super().warm_up_stage(cell, stage.removesuffix(APART))

    def stage_label(self, cell: Cell, stage: str) -> str:
        """Return the supplement's number of a stage."""
        return ADDS[stage].number if stage in ADDS else super().stage_label(cell, stage)

    def epochs_in_words(self, network: str) -> str:
        """Return the most epochs of its stages."""
        stages = self.settings["stages"][network]
        most, own = stages["epochs"], ""
        if self.settings["warm_up"].get(network) != "shared":
            warm_up = [stages[stage]["epochs"] for stage in self.warm_up(network)]
            own = f"{' + '.join(map(str, warm_up))} warm-up epochs, then "
        steps = most["semi_supervised"]
        return f"{self.title} up to {own}{most['supervised']}, then {steps} per stage"

    def embedded(self, spec: StageSpec, labeled: int, unlabeled: int) -> int:
        """Return the images from which centers, a memory bank and pseudo labels are taken."""
        options = spec.options
        if options is None:
            return 0
        begins = spec.stage == STAGES[0] or options.memory_bank is not None
        again = options.pseudo_labels is not None and options.pseudo_labels.each_epoch
        return (labeled if begins else 0) + (spec.epochs * unlabeled if again else 0)

    @staticmethod
    def objective(start: Start) -> Objective:
        """Return the instance-level loss in a warm-up, else what ADDS names."""
        if start.spec.options is None:
            from modc.methods.objective import InstanceLevel

            return InstanceLevel(start)
        from modc.methods.modc_objective import ModcObjective

        return ModcObjective(start)

    def _own_warm_up(self, cell: Cell) -> tuple[str, ...]:
        """Return the stages of MODC's own warm-up, () where it starts from the baseline."""
        if self.starts_from(cell) is not None:
            return ()
        trained = self.warm_up(cell.network)
        if self.public_weights(cell, "public_start"):
            trained = trained[-1:]
        return tuple(stage + APART for stage in trained)

    def _warm_up_recipe(self, cell: Cell, stage: str, **changes: Any) -> Recipe:
        """Return the recipe of MODC's own warm-up, the baseline's but for what is said of it."""
        own = self.settings["stages"][cell.network][stage]
        return self.warm_up_recipe(cell.network, stage, **{**own, **changes})

    def _views(self, cell: Cell, stage: str) -> Views | None:
        """Return SimSiam's views from the stage on that the configuration names (A16)."""
        order = ("warm_up", *STAGES)
        here = stage if stage in STAGES else order[0]
        if order.index(here) < order.index(self.settings["views_from"]):
            return None
        return self.random_views(cell.dataset, self.settings["view_source"] == "whole")

    def _options(self, stage: str) -> Options:
        settings = self.settings
        uses_bank = settings["centers"] == "memory_bank"
        is_softmax = settings["cluster_loss"] == "softmax"
        return Options(
            terms=tuple(ADDS[name].term for name in STAGES[: STAGES.index(stage) + 1]),
            momentum=None if uses_bank else settings["center_momentum"],
            memory_bank=settings["memory_bank"] if uses_bank else None,
            cluster_loss=settings["cluster_loss"],
            temperature=settings["temperature"],
            cluster_margin=None if is_softmax else settings["cluster_margin"],
            cluster_weight=settings["cluster_weight"],
            self_supervision=SelfSupervision(
                settings["predictor"],
                settings["self_supervision_weight"],
                settings["predictor_rate"] == "initial",
            )
            if has(stage, "self_supervised")
            else None,
            pseudo_labels=PseudoLabels(
                settings["pseudo_labels"] == "each_epoch", settings["pseudo_label_confidence"]
            )
            if has(stage, "pseudo_triplets")
            else None,
        )


def has(stage: str, other: str) -> bool:
    """Return whether a stage of STAGES has what another one added."""
    return STAGES.index(stage) >= STAGES.index(other)
