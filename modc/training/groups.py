"""Groups of images on the device, each with the attribute that is looked at."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from modc.ahead import ahead
from modc.data.device_images import DeviceImages


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


def loaded(
    batches: Iterable[list[np.ndarray]], packed: Mapping[str, DeviceImages], device: torch.device
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
