"""The batches of an epoch, as images on the device: labeled triplets, and unlabeled images."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, repeat

import numpy as np
import torch

from modc.data.device_images import DeviceImages
from modc.data.triplets import Triplets
from modc.seeds import derive, generator
from modc.stage import ROLES, VIEWS, StageSpec
from modc.training.augment import random_views, randomly_flipped, skip_flips, skip_views
from modc.training.groups import Images, loaded


@dataclass(frozen=True)
class Batch:
    """One step's images.

    epoch and step, from 0: of the epoch. labeled: by view the anchors, positives and negatives;
    unlabeled: by view some groups of images, of a batch's size each; no groups where a stage reads
    none.
    """

    epoch: int
    step: int
    labeled: list[list[Images]]
    unlabeled: list[list[Images]]


@dataclass(frozen=True)
class BatchSource:
    """From what batches are drawn.

    unlabeled: int64 (N, 2), image and attribute of the unlabeled part, whose values are hidden
    (A9), None where the stage reads none; packed: the images under "image" and perhaps "detail",
    those from which views are cut; keeps_color: bool (A,), the attributes whose images keep their
    colors in random views; aspect: (N,), width over height of each image, where views are cut from
    whole images (A20).
    """

    spec: StageSpec
    triplets: Triplets
    unlabeled: np.ndarray | None
    packed: Mapping[str, DeviceImages]
    device: torch.device
    keeps_color: np.ndarray | None = None
    aspect: np.ndarray | None = None


def batches(source: BatchSource, epoch: int, first: int = 0) -> Iterator[Batch]:
    """Yield the batches of `epoch` (from 0), from step `first` on.

    The draw depends on the spec's seed and the epoch alone. A remainder smaller than a batch is
    left out, as batch normalization wants full ones.
    """
    spec = source.spec
    labeled = viewed(source, triplet_batches(source, epoch, first), "views", epoch, first)
    unlabeled = repeat([])
    if source.unlabeled is not None:
        # Draws of their own, so that the labeled stream is that of the stages before.
        groups = unlabeled_batches(source, epoch, first)
        unlabeled = viewed(source, groups, "unlabeled views", epoch, first)
    steps = range(first, spec.steps)
    for step, triplets, others in zip(steps, labeled, unlabeled, strict=False):
        yield Batch(epoch, step, triplets, others)


def viewed(
    source: BatchSource, found: Iterable[list[Images]], use: str, epoch: int, first: int
) -> Iterator[list[list[Images]]]:
    """Yield the groups once under the baseline's augmentation, or as two random views.

    What earlier steps would have drawn is drawn too, so that a resumed epoch has the same views.
    """
    spec, rng = source.spec, epoch_generator(source.spec, use, epoch)
    skipped = first * (len(ROLES) if use == "views" else spec.unlabeled_groups)
    if spec.views is not None:
        skip_views(VIEWS * skipped, spec.batch_size, rng)
    elif spec.flip:
        skip_flips(skipped, spec.batch_size, rng)
    for groups in found:
        if spec.views is not None:
            yield random_views(groups, source.keeps_color, rng, VIEWS, source.aspect)
        elif spec.flip:
            yield [[randomly_flipped(images, rng) for images in groups]]
        else:
            yield [groups]


def epoch_generator(spec: StageSpec, use: str, epoch: int) -> np.random.Generator:
    """Return the generator of one use in one epoch, so that a resumed epoch draws the same."""
    return generator(spec.cell.seed, **spec.seed_axes, use=use, epoch=epoch)


def torch_generator(spec: StageSpec, use: str, epoch: int) -> torch.Generator:
    """Return the same as a generator of torch's, on the CPU."""
    seed = derive(spec.cell.seed, **spec.seed_axes, use=use, epoch=epoch)
    return torch.Generator().manual_seed(seed)


def triplet_batches(source: BatchSource, epoch: int, first: int = 0) -> Iterator[list[Images]]:
    """Yield anchors, positives and negatives of each batch, as they are packed."""
    spec = source.spec
    drawn = source.triplets.draw(spec.triplets_per_epoch, epoch_generator(spec, "triplets", epoch))
    size = spec.batch_size
    parts = (drawn[step * size : (step + 1) * size] for step in range(first, spec.steps))
    attribute = len(ROLES)  # its column
    groups = ([part[:, [role, attribute]] for role in range(len(ROLES))] for part in parts)
    return loaded(groups, source.packed, source.device)


def unlabeled_batches(source: BatchSource, epoch: int, first: int = 0) -> Iterator[list[Images]]:
    """Yield, for each triplet batch, the groups of unlabeled images that go with it (A7).

    For each group an attribute is drawn uniformly and as many of its images as a batch has
    triplets, so that pseudo-triplets can be mined; then the groups are mixed, since batch
    normalization takes its statistics over each.
    """
    spec, rows = source.spec, source.unlabeled
    rng = epoch_generator(spec, "unlabeled", epoch)
    size, count = spec.batch_size, spec.unlabeled_groups
    of_attribute = [rows[rows[:, 1] == attribute] for attribute in np.unique(rows[:, 1])]

    def drawn() -> list[np.ndarray]:
        chosen = rng.integers(len(of_attribute), size=count)
        found = np.concatenate(
            [of_attribute[a][rng.integers(len(of_attribute[a]), size=size)] for a in chosen]
        )
        return np.split(found[rng.permutation(len(found))], count)

    # A later start draws what comes before it too, and leaves it.
    groups = islice((drawn() for _ in range(spec.steps)), first, None)
    return loaded(groups, source.packed, source.device)
