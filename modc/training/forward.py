"""Batches passed through a network while it trains."""

from dataclasses import dataclass

from modc.networks.batch_norm import in_groups
from modc.networks.network import Embedded, Network
from modc.networks.normalize import normalize
from modc.networks.region import look_at_details
from modc.training.batches import Batch
from modc.training.groups import Images, joined


@dataclass(frozen=True)
class EmbeddedBatch:
    """What a network makes of a batch.

    labeled: by view the anchors, positives and negatives; unlabeled: by view its groups.
    """

    labeled: list[list[Embedded]]
    unlabeled: list[list[Embedded]]


def embed_batch(network: Network, batch: Batch) -> EmbeddedBatch:
    """Pass all groups of all views through the network, batch statistics over each group.

    Triplets pass in the public code's order, and then the unlabeled images.
    """
    views = [*(in_pass_order(network, view) for view in batch.labeled), *batch.unlabeled]
    parts = iter(embedded_groups(network, [images for view in views for images in view]))
    found = [[next(parts) for _ in view] for view in views]
    triplets, others = found[: len(batch.labeled)], found[len(batch.labeled) :]
    return EmbeddedBatch([in_pass_order(network, view) for view in triplets], others)


def embedded_groups(network: Network, groups: list[Images]) -> list[Embedded]:
    """Pass groups of equal size through the network, batch statistics over each group.

    A GPU gets them as one batch, as it is fast with large ones; a CPU one after the other, as they
    fit its caches so. Both give the same (`modc.networks.batch_norm`).
    """
    if groups[0].pixels.device.type == "cpu":
        return [embedded(network, images) for images in groups]
    with in_groups(network, len(groups)):
        return embedded(network, joined(groups)).split(len(groups[0].numbers))


def embedded(network: Network, images: Images) -> Embedded:
    """Pass the images through the network: one forward, one set of batch statistics."""
    features = network.features(normalize(images.pixels))
    look = None
    if images.details is not None:
        look = look_at_details(images.details, images.pixels.shape[2])
    return network.embed(features, images.attribute, look)


def in_pass_order(network: Network, roles: list) -> list:
    """Return a triplet's anchor, positive and negative in the order in which they pass, or back.

    The public ASEN and ASENv2 pass the negative before the positive, the public ASEN++ after it.
    """
    anchor, one, other = roles
    return [anchor, other, one] if network.negative_first else roles
