"""A cell of the grid: what is trained from which labels under which seed."""

from __future__ import annotations

from dataclasses import dataclass

from modc.errors import UserError


@dataclass(frozen=True, order=True)
class Cell:
    """One place of the grid."""

    dataset: str
    network: str
    labeled_percent: int
    seed: int

    @classmethod
    def named(cls, name: str) -> Cell:
        """Return the cell that is called so: DATASET/NETWORK/PERCENT/SEED. Raises UserError."""
        parts = name.split("/")
        is_named = len(parts) == 4 and all(part.isdecimal() for part in parts[2:])
        if not is_named or not 1 <= int(parts[2]) <= 100:
            raise UserError(
                f"cell {name}: expected DATASET/NETWORK/PERCENT/SEED, the percentage from 1 to 100"
            )
        dataset, network, percent, seed = parts
        return cls(dataset, network, int(percent), int(seed))

    @property
    def name(self) -> str:
        """What `named` takes."""
        return f"{self.dataset}/{self.network}/{self.labeled_percent}/{self.seed}"
