"""Centers that move with every batch: the default of A3."""

from torch import Tensor, nn

from modc.clustering.centers import move_centers
from modc.clustering.members import Members
from modc.networks.network import Space


class RunningMean(nn.Module):
    """center <- unit((1 - momentum) center + momentum * mean of its members in the batch)."""

    def __init__(self, centers: Tensor, momentum: float, spaces: tuple[Space, ...]):
        """Start from a copy of `centers` (A, V, D)."""
        super().__init__()
        self.register_buffer("centers", centers.clone())
        self.momentum, self.spaces = momentum, spaces

    def update(self, members: Members) -> None:
        """Move the centers by the members of one batch."""
        move_centers(
            self.centers,
            members.embedding,
            members.attribute,
            members.value,
            self.momentum,
            self.spaces,
        )
