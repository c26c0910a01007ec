"""Online cluster centres: one unit vector for each value of each attribute (A3).

Centres are a float32 tensor (A, V, D): attributes, the largest number of values, dimensions. A row
of NaN is a value without a centre: it has no labelled image, and nothing is ever assigned to it.
"""

import torch
from torch import Tensor
from torch.nn import functional


def initial_centres(
    embeddings: Tensor, attribute: Tensor, value: Tensor, values: tuple[int, ...]
) -> Tensor:
    """Return each value's mean embedding, of unit length.

    embeddings: unit (N, D) of the labelled images; attribute, value: int64 (N,); values: how many
    each attribute has. A mean of zero, as of two opposite vectors, gives the first of its members.
    """
    rows, width = attribute * max(values) + value, max(values)
    present, index = torch.unique(rows, return_inverse=True)
    total = embeddings.new_zeros(len(present), embeddings.shape[1]).index_add_(0, index, embeddings)
    first = torch.full((len(present),), len(rows), device=rows.device).scatter_reduce_(
        0, index, torch.arange(len(rows), device=rows.device), "amin"
    )
    degenerate = total.norm(dim=1, keepdim=True) < 1e-6
    means = functional.normalize(torch.where(degenerate, embeddings[first], total), dim=1)
    centres = embeddings.new_full((len(values) * width, embeddings.shape[1]), torch.nan)
    centres[present] = means
    return centres.view(len(values), width, -1)


def move_centres(
    centres: Tensor, embeddings: Tensor, attribute: Tensor, value: Tensor, momentum: float
) -> None:
    """Move the centres, in place, towards the mean of a batch's members.

    centre <- normalise((1 - momentum) centre + momentum * mean of its members in the batch).
    embeddings: unit (B, D). A value without a centre stays without one; one without members in the
    batch stays where it is, as does one that would vanish.
    """
    attributes, width, dim = centres.shape
    flat = centres.view(attributes * width, dim)
    rows = attribute * width + value
    total = torch.zeros_like(flat).index_add_(0, rows, embeddings.to(flat.dtype))
    count = torch.zeros_like(flat[:, 0]).index_add_(
        0, rows, torch.ones_like(rows, dtype=flat.dtype)
    )
    moved = (1 - momentum) * flat + momentum * total / count.clamp_min(1)[:, None]
    length = moved.norm(dim=1)
    chosen = (count > 0) & (length > 1e-6)  # false where the length is NaN
    flat[chosen] = moved[chosen] / length[chosen, None]


def similarities(centres: Tensor, embeddings: Tensor, attribute: Tensor) -> Tensor:
    """Return cosines (B, V) of each embedding to the centres of its attribute.

    embeddings: unit (B, D). Minus infinity where a value has no centre. Gradients flow to the
    embeddings alone.
    """
    own = centres.detach()[attribute]  # (B, V, D)
    absent = own[:, :, 0].isnan()
    cosines = torch.einsum("bd,bvd->bv", embeddings, own.nan_to_num())
    return cosines.masked_fill(absent, -torch.inf)
