"""The batches of an epoch, as images on the device: labelled triplets, and unlabelled images."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from modc.data.triplets import Triplets
from modc.evaluation.embed import to_device
from modc.seeds import derive, generator

ROLES = ("anchor", "positive", "negative")
# What names a draw beside the seed itself.
SEED_AXES = ("dataset", "network", "labeled_percent", "stage")


@dataclass(frozen=True)
class Images:
    """B images on the device, each with the attribute that is looked at."""

    numbers: np.ndarray  # int64 (B,), rows of the packed arrays
    pixels: Tensor  # uint8 (B, 3, S, S)
    details: Tensor | None  # uint8 (B, 3, D, D), for ASEN++'s local view
    attribute: Tensor  # int64 (B,)


def axes(settings: dict) -> dict:
    """Return what names a draw of this stage beside the seed."""
    return {axis: settings[axis] for axis in SEED_AXES}


def epoch_generator(settings: dict, use: str, epoch: int) -> np.random.Generator:
    """Return the generator of one use in one epoch, so that a resumed epoch draws the same."""
    return generator(settings["seed"], **axes(settings), use=use, epoch=epoch)


def torch_generator(settings: dict, use: str, epoch: int) -> torch.Generator:
    """Return the same as a generator of torch's, on the CPU."""
    seed = derive(settings["seed"], **axes(settings), use=use, epoch=epoch)
    return torch.Generator().manual_seed(seed)


def triplet_batches(
    triplets: Triplets,
    packed: dict[str, np.ndarray],
    settings: dict,
    epoch: int,
    device: torch.device,
) -> Iterator[tuple[Images, Images, Images]]:
    """Yield the batches of `epoch` (from 0): anchors, positives and negatives, as they are packed.

    The draw depends on the settings' seed and the epoch alone. A remainder smaller than a batch is
    left out, as batch normalisation wants full ones.
    """
    drawn = triplets.draw(
        settings["triplets_per_epoch"], epoch_generator(settings, "triplets", epoch)
    )
    size = batch_size(settings)
    for step in range(steps(settings)):
        part = drawn[step * size : (step + 1) * size]
        yield tuple(
            load(packed, part[:, role], part[:, len(ROLES)], device) for role in range(len(ROLES))
        )


def unlabeled_batches(
    rows: np.ndarray,
    packed: dict[str, np.ndarray],
    settings: dict,
    epoch: int,
    device: torch.device,
) -> Iterator[list[Images]]:
    """Yield, for each triplet batch, as many groups of unlabelled images of a batch's size each.

    rows: int64 (N, 2), image and attribute of the unlabelled part; the values are hidden (A9). For
    each group an attribute is drawn uniformly and as many of its images, so that pseudo-triplets
    can be mined; then the groups are mixed, since batch normalisation takes its statistics over
    each. Their number follows unlabeled_ratio (A7).
    """
    rng = epoch_generator(settings, "unlabeled", epoch)
    size = batch_size(settings)
    groups = unlabeled_groups(settings)
    of_attribute = [rows[rows[:, 1] == attribute] for attribute in np.unique(rows[:, 1])]
    for _ in range(steps(settings)):
        chosen = rng.integers(len(of_attribute), size=groups)
        drawn = np.concatenate(
            [of_attribute[a][rng.integers(len(of_attribute[a]), size=size)] for a in chosen]
        )
        drawn = drawn[rng.permutation(len(drawn))]
        yield [load(packed, part[:, 0], part[:, 1], device) for part in np.split(drawn, groups)]


def unlabeled_groups(settings: dict) -> int:
    """Return how many groups of unlabelled images go with a batch of triplets (A7)."""
    return max(1, round(settings["modc"]["unlabeled_ratio"] * len(ROLES)))


def load(
    packed: dict[str, np.ndarray], numbers: np.ndarray, attribute: np.ndarray, device: torch.device
) -> Images:
    """Bring packed images to the device."""
    pixels = {name: to_device(array[numbers], device) for name, array in packed.items()}
    attributes = torch.from_numpy(np.ascontiguousarray(attribute)).to(device)
    return Images(numbers, pixels["image"], pixels.get("detail"), attributes)


def batch_size(settings: dict) -> int:
    """Return the triplets of one batch: the setting, or all of an epoch if it has fewer."""
    return min(settings["batch"], settings["triplets_per_epoch"])


def steps(settings: dict) -> int:
    """Return the batches of one epoch."""
    return settings["triplets_per_epoch"] // batch_size(settings)
