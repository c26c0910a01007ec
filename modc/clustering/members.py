"""What a batch gives to the cluster centers."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Members:
    """M embeddings, each a member of the cluster of its value; several may be of one image."""

    image: Tensor  # int64 (M,), on the CPU
    embedding: Tensor  # unit float32 (M, D), without gradient
    attribute: Tensor  # int64 (M,)
    value: Tensor  # int64 (M,)

    def to(self, device: torch.device) -> "Members":
        """Return them on a device, but for `image`."""
        rest = (self.embedding, self.attribute, self.value)
        return Members(self.image, *(part.to(device) for part in rest))


def joined(parts: list[Members]) -> Members:
    """Return all members of several parts of a batch."""
    return Members(
        *(
            torch.cat([getattr(part, name) for part in parts])
            for name in ("image", "embedding", "attribute", "value")
        )
    )
