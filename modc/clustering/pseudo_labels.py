"""Pseudo labels: the value of the nearest center (A6), and the triplets mined among them (A7)."""

import torch
from torch import Tensor

from modc.clustering.centers import similarities

UNLABELED = -1


def pseudo_labels(
    centers: Tensor,
    embeddings: Tensor,
    attribute: Tensor,
    temperature: float = 1.0,
    confidence: float = 0.0,
) -> Tensor:
    """Return int64 (B,): the value of each embedding's nearest center.

    embeddings: unit (B, D). UNLABELED where the softmax of the cosines over `temperature` stays
    below `confidence`, and where the attribute has no center at all.
    """
    cosines = similarities(centers, embeddings, attribute)
    best, value = cosines.max(dim=1)
    sure = best.isfinite()
    if confidence > 0:
        sure &= torch.softmax(cosines / temperature, dim=1).amax(dim=1) >= confidence
    return torch.where(sure, value, UNLABELED)


def mine_triplets(attribute: Tensor, label: Tensor, generator: torch.Generator) -> Tensor:
    """Return int64 (T, 3): places of anchor, positive and negative in a batch of B.

    attribute, label: int64 (B,) on the CPU. Every labeled place that has another of its label and
    one of another label within its attribute is an anchor once; the two are drawn uniformly.
    """
    same_attribute = attribute[:, None] == attribute
    labeled = label != UNLABELED
    pair = same_attribute & labeled[:, None] & labeled
    same = label[:, None] == label
    positive = pair & same & ~torch.eye(len(label), dtype=torch.bool)
    negative = pair & ~same
    anchors = torch.nonzero(positive.any(dim=1) & negative.any(dim=1))[:, 0]
    if not len(anchors):
        return torch.empty((0, 3), dtype=torch.int64)
    drawn = [
        torch.multinomial(choices[anchors].float(), 1, generator=generator)[:, 0]
        for choices in (positive, negative)
    ]
    return torch.stack([anchors, *drawn], dim=1)
