"""Triplets of an epoch as batches of images on the device."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from modc.data.triplets import Triplets
from modc.evaluation.embed import to_device
from modc.seeds import generator

ROLES = ("anchor", "positive", "negative")


@dataclass(frozen=True)
class TripletBatch:
    """B triplets of one batch, in the order anchor, positive, negative."""

    images: tuple[Tensor, ...]  # three of uint8 (B, 3, S, S)
    details: tuple[Tensor, ...] | None  # three of uint8 (B, 3, D, D), for ASEN++'s local view
    attribute: Tensor  # int64 (B,)


def batches(
    triplets: Triplets,
    packed: dict[str, np.ndarray],
    settings: dict,
    epoch: int,
    device: torch.device,
) -> Iterator[TripletBatch]:
    """Yield the batches of `epoch` (from 0).

    The draw depends on the settings' seed and the epoch alone, so a resumed epoch sees the same
    triplets. A remainder smaller than a batch is left out, as batch normalisation wants full ones.
    """
    rng = generator(
        settings["seed"],
        **{axis: settings[axis] for axis in SEED_AXES},
        use="triplets",
        epoch=epoch,
    )
    drawn = triplets.draw(settings["triplets_per_epoch"], rng)
    flips = rng.random((len(drawn), len(ROLES))) < 0.5
    size = batch_size(settings)
    for step in range(steps(settings)):
        part = slice(step * size, (step + 1) * size)
        views = {
            name: tuple(
                _flipped(to_device(pixels[drawn[part, role]], device), flips[part, role], settings)
                for role in range(len(ROLES))
            )
            for name, pixels in packed.items()
        }
        attribute = torch.from_numpy(np.ascontiguousarray(drawn[part, len(ROLES)])).to(device)
        yield TripletBatch(views["image"], views.get("detail"), attribute)


# What names a draw beside the seed itself.
SEED_AXES = ("dataset", "network", "labeled_percent", "stage")


def batch_size(settings: dict) -> int:
    """Return the triplets of one batch: the setting, or all of an epoch if it has fewer."""
    return min(settings["batch"], settings["triplets_per_epoch"])


def steps(settings: dict) -> int:
    """Return the batches of one epoch."""
    return settings["triplets_per_epoch"] // batch_size(settings)


def _flipped(images: Tensor, chosen: np.ndarray, settings: dict) -> Tensor:
    if not settings["flip"]:
        return images
    where = torch.from_numpy(chosen).to(images.device)[:, None, None, None]
    return torch.where(where, images.flip(3), images)
