"""Centers recomputed from a memory of all embeddings: the alternative of A3.

Source: online deep clustering (ODC, CVPR 2020): each sample's embedding is kept and moves half-way
to its newest one, and every ten iterations the centers are recomputed from all of them.
"""

import torch
from torch import Tensor, nn

from modc.clustering.centers import grouped_means, initial_centers
from modc.clustering.members import Members
from modc.networks.network import Space, unit

UNSEEN = -1


class Memory(nn.Module):
    """What is remembered of N pairs: embedding (N, D), value (N,); and how many batches it saw."""

    def __init__(self, embedding: Tensor, value: Tensor):
        super().__init__()
        self.register_buffer("embedding", embedding)
        self.register_buffer("value", value)
        self.batches = 0

    def get_extra_state(self) -> int:
        """Return the batches; a tensor would make a GPU wait when it is compared."""
        return self.batches

    def set_extra_state(self, state: int) -> None:
        """Take over what `get_extra_state` returned."""
        self.batches = state


class MemoryBank(nn.Module):
    """The memory of N (image, attribute) pairs, and the centers made from it.

    Takes N x D x 4 bytes: 0.6 GB for FashionAI's training images, one attribute each, at 1024
    dimensions.
    """

    def __init__(
        self,
        centers: Tensor,
        pairs: Tensor,
        momentum: float,
        every: int,
        spaces: tuple[Space, ...],
    ):
        """Start from a copy of `centers` (A, V, D), with an empty memory.

        pairs: int64 (N, 2) on the CPU, image and attribute of all that may become a member, each
        once; momentum: the share of a new embedding; every: iterations between two recomputations.
        """
        super().__init__()
        self.register_buffer("centers", centers.clone())
        self.momentum, self.every, self.spaces = momentum, every, spaces
        self._keys, order = torch.sort(self._key(pairs[:, 0], pairs[:, 1]))
        self._attribute = pairs[order, 1].to(centers.device)
        unseen = torch.full((len(pairs),), UNSEEN, device=centers.device)
        self.memory = Memory(centers.new_zeros(len(pairs), centers.shape[2]), unseen)

    def update(self, members: Members) -> None:
        """Remember the members of one batch; every so many batches recompute the centers."""
        self.remember(members)
        self.memory.batches += 1
        if self.memory.batches % self.every == 0:
            self._recompute()

    def remember(self, members: Members) -> None:
        """Move what is remembered of each member towards its embedding.

        Several embeddings of one pair, such as its two views, count as their mean. What was never
        seen becomes the embedding itself. Its value is that of its first member here.
        """
        key = self._key(members.image, members.attribute.cpu())
        place = torch.searchsorted(self._keys, key).to(self.centers.device)
        rows, means, first = grouped_means(members.embedding, place)
        seen = (self.memory.value[rows] != UNSEEN)[:, None]
        moved = (1 - self.momentum) * self.memory.embedding[rows] + self.momentum * means
        self.memory.embedding[rows] = unit(torch.where(seen, moved, means), self.spaces)
        self.memory.value[rows] = members.value[first]

    def _recompute(self) -> None:
        seen = self.memory.value != UNSEEN
        attributes, width, _ = self.centers.shape
        found = initial_centers(
            self.memory.embedding[seen],
            self._attribute[seen],
            self.memory.value[seen],
            (width,) * attributes,
            self.spaces,
        )
        # A value without a center never gets one; one whose members are all gone keeps its own.
        kept = self.centers.isnan() | found.isnan()
        self.centers = torch.where(kept, self.centers, found)

    def _key(self, image: Tensor, attribute: Tensor) -> Tensor:
        return image * len(self.centers) + attribute
