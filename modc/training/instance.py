"""The instance-level loss of one batch: what each network's warm-up minimises."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from modc.losses.alignment import alignment_loss
from modc.losses.triplet import triplet_loss
from modc.networks.asen_pp import ASENpp
from modc.networks.batch_norm import in_groups
from modc.networks.normalise import normalise
from modc.networks.region import crop_detail, region_of_interest
from modc.training.batches import Images, joined

# What `instance_terms` may return.
INSTANCE_TERMS = ("triplet", "local_triplet", "alignment")


@dataclass(frozen=True)
class Embedded:
    """What a network makes of B images: float32, gradients attached."""

    vector: Tensor  # (B, D): the embedding, of ASEN++ the global branch's vector
    local: Tensor | None  # (B, D): of ASEN++ the local branch's vector
    embedding: Tensor  # (B, D'): unit, by which images are searched

    def take(self, rows: Tensor) -> "Embedded":
        """Return the given rows."""
        local = None if self.local is None else self.local[rows]
        return Embedded(self.vector[rows], local, self.embedding[rows])

    def split(self, size: int) -> list["Embedded"]:
        """Return groups of `size` rows."""
        columns = (self.vector, self.local, self.embedding)
        count = len(self.vector) // size
        parts = [[None] * count if c is None else c.split(size) for c in columns]
        return [Embedded(*group) for group in zip(*parts, strict=True)]


def embedded(network: nn.Module, images: Images) -> Embedded:
    """Pass the images through the network: one forward, one set of batch statistics."""
    size = images.pixels.shape[2]
    features = network.features(normalise(images.pixels))
    if not isinstance(network, ASENpp):
        vector = _precise(network.head(features, images.attribute)[0])
        return Embedded(vector, None, vector)
    vector, attention = network.global_head(features, images.attribute)
    vector = _precise(vector)
    if images.details is None:
        return Embedded(vector, None, functional.normalize(vector, dim=1))
    crops = crop_detail(images.details, region_of_interest(attention, size), size)
    local = _precise(network.local_head(normalise(crops), images.attribute))
    return Embedded(vector, local, network.similarity_embedding(vector, local))


def _precise(vector: Tensor) -> Tensor:
    """Return bfloat16 as float32, and what is as precise as that as it is."""
    return vector.to(torch.promote_types(vector.dtype, torch.float32))


def embedded_groups(network: nn.Module, groups: list[Images]) -> list[Embedded]:
    """Pass groups of equal size through the network, batch statistics over each group.

    A GPU gets them as one batch, as it is fast with large ones; a CPU one after the other, as they
    fit its caches so. Both give the same (`modc.networks.batch_norm`).
    """
    if groups[0].pixels.device.type == "cpu":
        return [embedded(network, images) for images in groups]
    with in_groups(network, len(groups)):
        return embedded(network, joined(groups)).split(len(groups[0].numbers))


def in_pass_order(network: nn.Module, roles: list) -> list:
    """Return a triplet's anchor, positive and negative in the order in which they pass, or back.

    The public ASEN and ASENv2 pass the negative before the positive, the public ASEN++ after it.
    Only the running statistics of batch normalization depend on it.
    """
    anchor, one, other = roles
    return roles if isinstance(network, ASENpp) else [anchor, other, one]


def concatenated(parts: list[Embedded]) -> Embedded:
    """Return several batches as one."""
    local = None if parts[0].local is None else torch.cat([part.local for part in parts])
    return Embedded(
        torch.cat([part.vector for part in parts]),
        local,
        torch.cat([part.embedding for part in parts]),
    )


def instance_terms(
    anchor: Embedded, positive: Embedded, negative: Embedded, settings: dict
) -> dict[str, Tensor]:
    """Return the terms of the instance-level loss, each a scalar already weighted.

    ASEN++ with both branches adds the local triplet loss and the alignment of the branches.
    """
    roles = (anchor, positive, negative)
    margin = settings["margin"]
    terms = {"triplet": triplet_loss(*(role.vector for role in roles), margin)}
    if anchor.local is not None:
        terms["local_triplet"] = settings["local_weight"] * triplet_loss(
            *(role.local for role in roles), margin
        )
        terms["alignment"] = settings["alignment_weight"] * sum(
            alignment_loss(role.vector, role.local) for role in roles
        )
    return terms
