"""The spaces in which cluster centres live: the whole embedding, or each branch of ASEN++ (A14)."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Space:
    """Columns start to stop of the embedding, in which a centre has a fixed length of its own.

    weight: of the cluster-level loss within this space.
    """

    start: int
    stop: int
    length: float = 1.0
    weight: float = 1.0

    def part(self, vectors: Tensor) -> Tensor:
        """Return these columns of `vectors` (..., D), of length one; NaN stays NaN."""
        return functional.normalize(vectors[..., self.start : self.stop], dim=-1)


def concatenation(dim: int) -> tuple[Space, ...]:
    """Return the one space that is the whole embedding of `dim` columns."""
    return (Space(0, dim),)


def branches(dim: int, global_weight: float, local_weight: float) -> tuple[Space, ...]:
    """Return a space for each half of ASEN++'s embedding of `dim` columns.

    The halves are as long as the network makes them, so that the cosine to a centre is the
    network's own weighted similarity. The local space's loss has the weight of the local triplet
    loss.
    """
    return (
        Space(0, dim // 2, global_weight**0.5),
        Space(dim // 2, dim, (1 - global_weight) ** 0.5, local_weight),
    )


def unit(vectors: Tensor, spaces: tuple[Space, ...]) -> Tensor:
    """Return `vectors` (N, D) with each space's part brought to its length: unit vectors."""
    return torch.cat([space.length * space.part(vectors) for space in spaces], dim=-1)
