"""What `modc.evaluation.retrieval` computes, by PyTorch: for a GPU.

The same ranks from the same similarities. Each device rounds a product differently, on a CPU numpy
and PyTorch by less than 1e-6 of a cosine (dim 1024), which exchanges candidates as close as that.
"""

import numpy as np
import torch
from torch import Tensor

from modc.evaluation.metrics import K
from modc.evaluation.ranking import Priority
from modc.tf32 import without_tf32

# Similarities at once: 2**24 take 64 MiB, and what is made of them about 1 GiB.
SIMILARITIES_AT_ONCE = 2**24


@torch.no_grad()
def metrics(
    query: np.ndarray,
    query_value: np.ndarray,
    candidate: np.ndarray,
    candidate_value: np.ndarray,
    rankings: dict[str, Priority | None],
    device: str | torch.device,
) -> dict[str, np.ndarray]:
    """Return what `modc.evaluation.retrieval.metrics` does, of any number of queries."""
    without_tf32()
    columns: dict[str, list[np.ndarray]] = {}
    candidates, candidate_values = _on(device, candidate, candidate_value)
    shared = {
        name: _on(device, priority.assigned, priority.own_similarity)
        for name, priority in rankings.items()
        if priority is not None
    }
    step = max(1, SIMILARITIES_AT_ONCE // max(1, len(candidate)))
    for start in range(0, len(query), step):
        part = slice(start, start + step)
        queries, values = _on(device, query[part], query_value[part])
        similarity = queries @ candidates.T  # (q, C)
        relevant = values[:, None] == candidate_values
        for name, priority in rankings.items():
            by, first = similarity, None
            if priority is not None:
                (wanted,) = _on(device, priority.wanted[part])
                by, first = _by_priority(similarity, wanted, *shared[name])
            order = _keys(by, first).sort(dim=1, stable=True).indices
            for metric, found in query_metrics(relevant.gather(1, order)).items():
                columns.setdefault(name + metric, []).append(found.cpu().numpy())
    return {name: np.concatenate(parts) for name, parts in columns.items()}


def query_metrics(relevance: Tensor) -> dict[str, Tensor]:
    """Return what `modc.evaluation.metrics.query_metrics` does, to 1e-12, from bool (Q, C)."""
    place = torch.arange(1, relevance.shape[1] + 1, device=relevance.device)
    precision = relevance.cumsum(1) * relevance / place.double()
    relevant, hits = relevance.sum(1), relevance[:, :K].sum(1)
    summed_first = precision[:, :K].sum(1)
    return {
        "relevant": relevant,
        "hits": hits,
        "MAP@all": precision.sum(1) / relevant.clamp(min=1),
        "MAP@100/hits": summed_first / hits.clamp(min=1),
        "MAP@100/min": summed_first / relevant.clamp(1, K),
        "MAP@100/R": summed_first / relevant.clamp(min=1),
        "Recall@100": hits.double() / relevant.clamp(min=1),
    }


def _by_priority(
    similarity: Tensor, wanted: Tensor, assigned: Tensor, own_similarity: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return by what (q, C) is sorted and, bool, what comes first; see `Priority`."""
    first = torch.zeros_like(similarity, dtype=torch.bool)
    for values in assigned.T:
        first |= wanted[:, None] == values
    first &= wanted[:, None] >= 0
    if own_similarity is not None and len(own_similarity):
        # A value without a row has no center and so nothing that comes first.
        own = own_similarity[wanted % len(own_similarity)]
        similarity = torch.where(first, own, similarity)
    return similarity, first


def _keys(similarity: Tensor, first: Tensor | None) -> Tensor:
    """Return int32 (q, C) that rise where `similarity` falls; see `ranking._exact_keys`."""
    bits = (0 - similarity + 0).view(torch.int32)
    bits = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    return bits if first is None else bits + torch.where(first, -(2**30), 2**30).int()


def _on(device: str | torch.device, *arrays: np.ndarray | None) -> list[Tensor | None]:
    return [None if array is None else torch.from_numpy(array).to(device) for array in arrays]
