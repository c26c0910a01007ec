"""Batches of images passed through a network while it trains."""

from modc.networks.batch_norm import in_groups
from modc.networks.network import Embedded, Network
from modc.networks.normalise import normalise
from modc.networks.region import look_at_details
from modc.training.batches import Images, joined


def embedded(network: Network, images: Images) -> Embedded:
    """Pass the images through the network: one forward, one set of batch statistics."""
    features = network.features(normalise(images.pixels))
    look = None
    if images.details is not None:
        look = look_at_details(images.details, images.pixels.shape[2])
    return network.embed(features, images.attribute, look)


def embedded_groups(network: Network, groups: list[Images]) -> list[Embedded]:
    """Pass groups of equal size through the network, batch statistics over each group.

    A GPU gets them as one batch, as it is fast with large ones; a CPU one after the other, as they
    fit its caches so. Both give the same (`modc.networks.batch_norm`).
    """
    if groups[0].pixels.device.type == "cpu":
        return [embedded(network, images) for images in groups]
    with in_groups(network, len(groups)):
        return embedded(network, joined(groups)).split(len(groups[0].numbers))


def in_pass_order(network: Network, roles: list) -> list:
    """Return a triplet's anchor, positive and negative in the order in which they pass, or back.

    The public ASEN and ASENv2 pass the negative before the positive, the public ASEN++ after it.
    """
    anchor, one, other = roles
    return [anchor, other, one] if network.negative_first else roles
