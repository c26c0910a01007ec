"""The batches of an epoch, as images on the device: labelled triplets, and unlabelled images."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from modc.ahead import ahead
from modc.data.device_images import DeviceImages
from modc.data.triplets import Triplets
from modc.seeds import derive, generator

ROLES = ("anchor", "positive", "negative")
# What names a draw beside the seed itself.
SEED_AXES = ("dataset", "network", "labeled_percent", "stage")


@dataclass(frozen=True)
class Images:
    """B images on the device, each with the attribute that is looked at."""

    numbers: np.ndarray  # int64 (B,), rows of the packed arrays
    # int64 (B,), the same as `attribute`: to read that from a GPU would wait for its work.
    attributes: np.ndarray
    pixels: Tensor  # uint8 (B, 3, S, S)
    details: Tensor | None  # uint8 (B, 3, D, D), for ASEN++'s local view
    attribute: Tensor  # int64 (B,)


def joined(groups: list[Images]) -> Images:
    """Return several groups as one."""
    return Images(
        np.concatenate([images.numbers for images in groups]),
        np.concatenate([images.attributes for images in groups]),
        torch.cat([images.pixels for images in groups]),
        None if groups[0].details is None else torch.cat([images.details for images in groups]),
        torch.cat([images.attribute for images in groups]),
    )


def split(images: Images, size: int) -> list[Images]:
    """Return groups of `size` images, in their order: what `joined` made one."""
    details = images.details
    return [
        Images(
            images.numbers[start : start + size],
            images.attributes[start : start + size],
            images.pixels[start : start + size],
            None if details is None else details[start : start + size],
            images.attribute[start : start + size],
        )
        for start in range(0, len(images.numbers), size)
    ]


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
    packed: dict[str, DeviceImages],
    settings: dict,
    epoch: int,
    device: torch.device,
    first: int = 0,
) -> Iterator[list[Images]]:
    """Yield the batches of `epoch` (from 0) from step `first` on: anchors, positives, negatives.

    As they are packed. The draw depends on the settings' seed and the epoch alone. A remainder
    smaller than a batch is left out, as batch normalisation wants full ones.
    """
    drawn = triplets.draw(
        settings["triplets_per_epoch"], epoch_generator(settings, "triplets", epoch)
    )
    size = batch_size(settings)
    parts = (drawn[step * size : (step + 1) * size] for step in range(first, steps(settings)))
    attribute = len(ROLES)  # its column
    groups = ([part[:, [role, attribute]] for role in range(len(ROLES))] for part in parts)
    return loaded(groups, packed, device)


def unlabeled_batches(
    rows: np.ndarray,
    packed: dict[str, DeviceImages],
    settings: dict,
    epoch: int,
    device: torch.device,
    first: int = 0,
) -> Iterator[list[Images]]:
    """Yield, for each triplet batch, as many groups of unlabelled images of a batch's size each.

    rows: int64 (N, 2), image and attribute of the unlabelled part; the values are hidden (A9). For
    each group an attribute is drawn uniformly and as many of its images, so that pseudo-triplets
    can be mined; then the groups are mixed, since batch normalisation takes its statistics over
    each. Their number follows unlabeled_ratio (A7). Starts at step `first`.
    """
    rng = epoch_generator(settings, "unlabeled", epoch)
    size = batch_size(settings)
    count = unlabeled_groups(settings)
    of_attribute = [rows[rows[:, 1] == attribute] for attribute in np.unique(rows[:, 1])]

    def drawn() -> list[np.ndarray]:
        chosen = rng.integers(len(of_attribute), size=count)
        found = np.concatenate(
            [of_attribute[a][rng.integers(len(of_attribute[a]), size=size)] for a in chosen]
        )
        return np.split(found[rng.permutation(len(found))], count)

    # A later start draws what comes before it too, and leaves it.
    groups = islice((drawn() for _ in range(steps(settings))), first, None)
    return loaded(groups, packed, device)


def unlabeled_groups(settings: dict) -> int:
    """Return how many groups of unlabelled images go with a batch of triplets (A7)."""
    return max(1, round(settings["modc"]["unlabeled_ratio"] * len(ROLES)))


def loaded(
    batches: Iterable[list[np.ndarray]], packed: dict[str, DeviceImages], device: torch.device
) -> Iterator[list[Images]]:
    """Yield each batch as images on the device; a batch is groups of int64 (B, 2).

    Their columns are image and attribute. While a GPU works on one batch, a thread reads the next.
    """

    def gather(groups: list[np.ndarray]) -> tuple:
        numbers = np.concatenate(groups)[:, 0]
        return groups, {name: array.gather(numbers, device) for name, array in packed.items()}

    for groups, gathered in (
        map(gather, batches) if device.type == "cpu" else ahead(gather, batches)
    ):
        sizes = [len(group) for group in groups]
        attributes = [np.ascontiguousarray(group[:, 1]) for group in groups]
        sent = torch.from_numpy(np.concatenate(attributes)).to(device, non_blocking=True)
        pixels = {name: packed[name].send(part, device) for name, part in gathered.items()}
        details = pixels["detail"].split(sizes) if "detail" in pixels else [None] * len(groups)
        yield [
            Images(group[:, 0], attribute, *on_device)
            for group, attribute, *on_device in zip(
                groups,
                attributes,
                pixels["image"].split(sizes),
                details,
                sent.split(sizes),
                strict=True,
            )
        ]


def batch_size(settings: dict) -> int:
    """Return the triplets of one batch: the setting, or all of an epoch if it has fewer."""
    return min(settings["batch"], settings["triplets_per_epoch"])


def steps(settings: dict) -> int:
    """Return the batches of one epoch."""
    return settings["triplets_per_epoch"] // batch_size(settings)
