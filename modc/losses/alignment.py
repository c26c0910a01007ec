"""ASEN++'s alignment of its two branches."""

from torch import Tensor
from torch.nn import functional


def alignment_loss(global_vector: Tensor, local_vector: Tensor) -> Tensor:
    """Return the mean over the batch of max(0, 1 - cos(global, local)), a scalar in [0, 2].

    Both (B, D), of any length. The loss of a triplet is the sum of this over its anchors, positives
    and negatives. Source: ASEN++ (TIP 2021, arXiv 2104.02429).
    """
    return functional.relu(
        1 - functional.cosine_similarity(global_vector, local_vector, dim=1)
    ).mean()
