"""Centres that move with every batch: the default of A3."""

from torch import Tensor, nn

from modc.clustering.centres import move_centres
from modc.clustering.members import Members
from modc.networks.network import Space


class RunningMean(nn.Module):
    """centre <- unit((1 - momentum) centre + momentum * mean of its members in the batch)."""

    def __init__(self, centres: Tensor, momentum: float, spaces: tuple[Space, ...]):
        """Start from a copy of `centres` (A, V, D)."""
        super().__init__()
        self.register_buffer("centres", centres.clone())
        self.momentum, self.spaces = momentum, spaces

    def update(self, members: Members) -> None:
        """Move the centres by the members of one batch."""
        move_centres(
            self.centres,
            members.embedding,
            members.attribute,
            members.value,
            self.momentum,
            self.spaces,
        )
