"""Online cluster centers: one unit vector for each value of each attribute (A3).

Centers are a float32 tensor (A, V, D): attributes, the largest number of values, dimensions. A row
of NaN is a value without a center: it has no labeled image, and nothing is ever assigned to it.
"""

import torch
from torch import Tensor

from modc.networks.network import Space, unit


def initial_centers(
    embeddings: Tensor,
    attribute: Tensor,
    value: Tensor,
    values: tuple[int, ...],
    spaces: tuple[Space, ...],
) -> Tensor:
    """Return each value's mean embedding, of unit length.

    embeddings: unit (N, D) of the labeled images; attribute, value: int64 (N,); values: how many
    each attribute has. A mean of zero, as of two opposite vectors, gives the first of its members.
    """
    rows, width = attribute * max(values) + value, max(values)
    present, means, first = grouped_means(embeddings, rows)
    degenerate = means.norm(dim=1, keepdim=True) < 1e-6
    centers = embeddings.new_full((len(values) * width, embeddings.shape[1]), torch.nan)
    centers[present] = unit(torch.where(degenerate, embeddings[first], means), spaces)
    return centers.view(len(values), width, -1)


def move_centers(
    centers: Tensor,
    embeddings: Tensor,
    attribute: Tensor,
    value: Tensor,
    momentum: float,
    spaces: tuple[Space, ...],
) -> None:
    """Move the centers, in place, towards the mean of a batch's members.

    center <- unit((1 - momentum) center + momentum * mean of its members in the batch).
    embeddings: unit (B, D). A value without a center stays without one; one without members in the
    batch stays where it is, as does one that would vanish.
    """
    flat = centers.view(-1, centers.shape[2])
    rows = attribute * centers.shape[1] + value
    # Dense sums, as looking for the values that occur would make a GPU wait; so would bincount.
    total = torch.zeros_like(flat).index_add_(0, rows, embeddings.to(flat.dtype))
    count = rows.new_zeros(len(flat)).index_add_(0, rows, torch.ones_like(rows))[:, None]
    moved = (1 - momentum) * flat + momentum * total / count.clamp_min(1)
    moves = (count > 0) & (moved.norm(dim=1, keepdim=True) > 1e-6)  # false where it is NaN
    flat.copy_(torch.where(moves, unit(moved, spaces), flat))


def grouped_means(vectors: Tensor, group: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return which groups occur (G,), the mean vector of each (G, D), and its first row (G,).

    vectors: (N, D); group: int64 (N,).
    """
    present, index, count = torch.unique(group, return_inverse=True, return_counts=True)
    total = vectors.new_zeros(len(present), vectors.shape[1]).index_add_(0, index, vectors)
    rows = torch.arange(len(group), device=group.device)
    first = rows.new_full((len(present),), len(group)).scatter_reduce_(0, index, rows, "amin")
    return present, total / count[:, None], first


def similarities(centers: Tensor, embeddings: Tensor, attribute: Tensor) -> Tensor:
    """Return cosines (B, V) of each embedding to the centers of its attribute.

    embeddings: unit (B, D). Minus infinity where a value has no center. Gradients flow to the
    embeddings alone.
    """
    own = centers.detach()[attribute]  # (B, V, D)
    absent = own[:, :, 0].isnan()
    # In float32 always: neighboring values' centers differ in digits that bfloat16 lacks.
    with torch.autocast(embeddings.device.type, enabled=False):
        cosines = torch.einsum("bd,bvd->bv", embeddings.float(), own.nan_to_num())
    return cosines.masked_fill(absent, -torch.inf)
