"""The instance-level loss: a cosine triplet margin loss."""

from torch import Tensor
from torch.nn import functional


def triplet_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float) -> Tensor:
    """Return the mean over the batch of max(0, margin - cos(a, p) + cos(a, n)), a scalar.

    anchor, positive, negative: (B, D), of any length. The loss lies in [0, 2 + margin].
    Source: the triplet ranking loss of ASEN (AAAI 2020); margin 0.2 in the public code.
    """
    similar = functional.cosine_similarity(anchor, positive, dim=1)
    dissimilar = functional.cosine_similarity(anchor, negative, dim=1)
    return functional.relu(margin - similar + dissimilar).mean()
