"""The cluster-level loss: an embedding close to its value's center, far from the others (A4)."""

import torch
from torch import Tensor
from torch.nn import functional

from modc.clustering.centers import similarities


def softmax_cluster_loss(
    embeddings: Tensor, attribute: Tensor, value: Tensor, centers: Tensor, temperature: float
) -> Tensor:
    """Return the mean cross-entropy of softmax(cosines / temperature) over the attribute's centers.

    embeddings: unit (B, D); attribute, value: int64 (B,), each value with a center; centers:
    (A, V, D). A scalar, at least 0; 0 for an empty batch. Gradients flow to the embeddings alone.
    """
    if not len(embeddings):
        return embeddings.sum()
    return functional.cross_entropy(
        similarities(centers, embeddings, attribute) / temperature, value
    )


def margin_cluster_loss(
    embeddings: Tensor, attribute: Tensor, value: Tensor, centers: Tensor, margin: float
) -> Tensor:
    """Return the mean of max(0, margin - cos(e, own center) + cos(e, nearest other center)).

    Arguments as in `softmax_cluster_loss`. An attribute with one center alone gives 0.
    """
    if not len(embeddings):
        return embeddings.sum()
    cosines = similarities(centers, embeddings, attribute)
    own = cosines.gather(1, value[:, None])[:, 0]
    other = cosines.scatter(1, value[:, None], -torch.inf).amax(dim=1)
    return functional.relu(margin - own + other).mean()
