"""The ablation: one cell trained under each alternative of an assumption, one at a time."""

from collections.abc import Iterable
from dataclasses import dataclass

from modc.cell import Cell
from modc.data.square import Form
from modc.errors import UserError
from modc.grid import (
    forms_of_cell,
    forms_of_dataset,
    last_stage,
    methods,
    settings_chain,
    stages,
    trained_by,
)
from modc.papers.assumptions import assume, find
from modc.papers.paper import assumptions


@dataclass(frozen=True)
class Variant:
    """The configuration under one alternative."""

    assumption: str
    alternative: str
    config: dict

    @property
    def name(self) -> str:
        """What its folder in results/<run>/ablation/ is called."""
        return f"{self.assumption}-{self.alternative}"


def variants(config: dict) -> list[Variant]:
    """Return the variants that `ablation.assumptions` asks for.

    Raises UserError if it names no assumption, or one whose alternatives cannot be tried.
    """
    ledger, wanted = assumptions(config), config["ablation"]["assumptions"]
    if wanted == "all":
        wanted = [assumption.id for assumption in ledger if not assumption.not_ablated]
    found = []
    for name in wanted:
        assumption = find(ledger, name, where="ablation.assumptions: ")
        if assumption.not_ablated:
            raise UserError(
                f"ablation.assumptions: {name} cannot be ablated: {assumption.not_ablated}"
            )
        found += [
            Variant(name, alternative, assume(config, assumption, alternative))
            for alternative in assumption.alternatives
        ]
    return found


def variant(config: dict, assumed: str) -> Variant:
    """Return the variant of an assumption and its alternative, named as in "A4=margin".

    Raises UserError if there is no such alternative.
    """
    name, equals, alternative = assumed.partition("=")
    if not equals:
        raise UserError(f"{assumed}: expected an assumption and an alternative, as A4=margin")
    assumption = find(assumptions(config), name)
    return Variant(name, alternative, assume(config, assumption, alternative))


def ablation_cells(config: dict) -> list[Cell]:
    """Return the cell of the ablation, once a seed."""
    return [Cell(**config["ablation"]["cell"], seed=seed) for seed in config["grid"]["seeds"]]


def other_forms(config: dict, tried: Iterable[Variant], dataset: str) -> list[Form]:
    """Return the forms of packed images that variants read and the run itself does not."""
    cell = ablation_cells(config)[0]
    if cell.dataset != dataset:
        return []
    found = {
        form
        for variant in tried
        for method in methods(config)
        for form in forms_of_cell(variant.config, cell, method)
    }
    return sorted(found - {*forms_of_dataset(config, dataset)})


def same_model(config: dict, variant: Variant, cell: Cell, method: str, stage: str) -> bool:
    """Return whether a stage's model is the same under the variant, so that one training serves.

    The stage is one of the chain that leads to the variant's model of a method.
    """
    where = (cell, trained_by(variant.config, cell, method, stage), stage)
    if stage not in stages(config, *where[:2]):
        return False
    return settings_chain(config, *where) == settings_chain(variant.config, *where)


def same_result(config: dict, variant: Variant, cell: Cell, method: str) -> bool:
    """Return whether a method's last model is the same under the variant."""
    return same_model(config, variant, cell, method, last_stage(variant.config, cell, method))
