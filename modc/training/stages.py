"""What a stage trains: its losses, its optimizer, its learning rate (supplement of the paper)."""

import torch
from torch import Tensor, nn

from modc.evaluation.embed import attribute_embedding
from modc.losses.alignment import alignment_loss
from modc.losses.triplet import triplet_loss
from modc.networks.asen_pp import ASENpp
from modc.networks.normalise import normalise
from modc.networks.region import crop_detail, region_of_interest
from modc.training.batches import TripletBatch


def instance_losses(network: nn.Module, batch: TripletBatch, settings: dict) -> dict[str, Tensor]:
    """Return the terms of the instance-level loss, each a scalar already weighted.

    Anchors, positives and negatives pass the network one after the other, as in the public code:
    batch normalisation takes its statistics over each of the three.
    """
    if batch.details is None:
        vectors = [
            attribute_embedding(
                network, network.features(normalise(images)), None, batch.attribute, images.shape[2]
            )
            for images in batch.images
        ]
        return {"triplet": triplet_loss(*_float(vectors), settings["margin"])}
    global_vectors, local_vectors = [], []
    for images, details in zip(batch.images, batch.details, strict=True):
        size = images.shape[2]
        features = network.features(normalise(images))
        vector, attention = network.global_head(features, batch.attribute)
        crops = crop_detail(details, region_of_interest(attention, size), size)
        global_vectors.append(vector)
        local_vectors.append(network.local_head(normalise(crops), batch.attribute))
    global_vectors, local_vectors = _float(global_vectors), _float(local_vectors)
    return {
        "triplet": triplet_loss(*global_vectors, settings["margin"]),
        "local_triplet": settings["local_weight"]
        * triplet_loss(*local_vectors, settings["margin"]),
        "alignment": settings["alignment_weight"]
        * sum(alignment_loss(g, v) for g, v in zip(global_vectors, local_vectors, strict=True)),
    }


def optimizer(network: nn.Module, settings: dict) -> torch.optim.Adam:
    """Return Adam over the parameters that this stage trains.

    ASEN++'s first part trains its global branch; its second part both branches, each with its own
    learning rate (the shared attribute embedding goes with the global branch).
    """
    rate = settings["learning_rate"]
    local = network.local_parameters() if isinstance(network, ASENpp) else []
    of_local = {id(parameter) for parameter in local}
    rest = [parameter for parameter in network.parameters() if id(parameter) not in of_local]
    groups = [{"params": rest, "initial_rate": rate}]
    if "local_learning_rate" in settings:
        groups.append({"params": local, "initial_rate": settings["local_learning_rate"]})
    return torch.optim.Adam(groups, lr=rate)


def set_learning_rate(adam: torch.optim.Adam, settings: dict, epoch: int) -> float:
    """Set the rates of `epoch` (from 0), initial x decay^(epoch // decay_every); return one."""
    factor = settings["decay"] ** (epoch // settings["decay_every"])
    for group in adam.param_groups:
        group["lr"] = group["initial_rate"] * factor
    return adam.param_groups[0]["lr"]


def _float(vectors: list[Tensor]) -> list[Tensor]:
    return [vector.float() for vector in vectors]
