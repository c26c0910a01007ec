"""The public code's way of training and embedding, as a plain rendering.

Pillow decodes each image in four worker processes every time it is drawn; three passes of 16 images
in float32; Adam; the loss is read after each step. ASEN++ prepares and crops one image at a time,
in the process that trains. `public_clones.py` runs the public code itself instead; `training.py`
measures ours beside either.
"""

import copy
import random
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from modc.networks.build import build, find
from modc.networks.normalize import DEVIATION, MEAN
from modc.networks.region import crop_original, region_of_interest
from modc.training.groups import Images

# Of the public code: its defaults, and those of ASEN++'s second stage.
WORKERS = 4
BATCH = 16
TRIPLETS = 100_000
MARGIN = 0.2
RATE, GLOBAL_RATE = 1e-4, 1e-5  # ASEN++'s global branch has the second one
LOCAL_WEIGHT = ALIGNMENT_WEIGHT = 0.1
ASEN_PP_TEST_BATCH = 64


class PublicWay(Protocol):
    """One network with its optimizer. A batch is what its workers yield, on the CPU."""

    cudnn_benchmark: bool  # what the public code sets torch.backends.cudnn.benchmark to
    test_batch: int  # images of a batch of `singles`

    def batches(self) -> Iterator[tuple]:
        """Yield batches of 16 triplets without end."""

    def step(self, batch: tuple) -> float:
        """Train on a batch of triplets; return its loss."""

    def singles(self) -> Iterator[tuple]:
        """Yield batches of single images without end."""

    def embed(self, batch: tuple) -> np.ndarray:
        """Return the unit embeddings, float32 (B, D), of a batch of single images."""

    def triplets_of(self, roles: list[Images]) -> tuple:
        """Return our anchors, positives and negatives as a batch for `step`."""

    def singles_of(self, images: Images) -> tuple:
        """Return our images as a batch for `embed`."""

    def ours(self) -> nn.Module:
        """Return our network with a copy of this one's weights."""


class ImageFiles(Dataset):
    """Images drawn from files, `roles` of them with one attribute an item: 3 for a triplet."""

    def __init__(
        self,
        files: list[Path],
        attributes: int,
        roles: int,
        prepare: Callable[[Image.Image], object] | None = None,
    ):
        self.files, self.attributes, self.roles, self.prepare = files, attributes, roles, prepare

    def __len__(self) -> int:
        """Return the triplets of an epoch."""
        return TRIPLETS

    def __getitem__(self, number: int) -> tuple:
        """Return the images, RGB and prepared, and the attribute: the same for the same number."""
        drawn = random.Random(number)
        images = []
        for _ in range(self.roles):
            with Image.open(drawn.choice(self.files)) as image:
                images.append(image.convert("RGB"))
        if self.prepare:
            images = [self.prepare(image) for image in images]
        return *images, drawn.randrange(self.attributes)


def prepared(size: int, flip: bool = False) -> Callable[[Image.Image], Tensor]:
    """Return what makes an image the float32 (3, size, size) that a network sees."""
    return transforms.Compose(
        [
            transforms.Resize(size),
            transforms.CenterCrop(size),
            *([transforms.RandomHorizontalFlip()] if flip else []),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, DEVIATION),
        ]
    )


def endless(dataset: Dataset, device: torch.device, **how: object) -> Iterator[tuple]:
    """Yield batches again and again from four worker processes; how: DataLoader's own options."""
    loader = DataLoader(
        dataset,
        num_workers=WORKERS,
        persistent_workers=True,
        pin_memory=device.type == "cuda",
        **how,
    )
    return chain.from_iterable(repeat(loader))


def unprepared(items: list[tuple]) -> tuple:
    """Return items as one batch whose images stay Pillow's: a tuple for each role."""
    *roles, attributes = zip(*items, strict=True)
    return *roles, torch.tensor(attributes)


def as_pillow(pixels: Tensor) -> list[Image.Image]:
    """Return uint8 (B, 3, H, W) as Pillow's images."""
    return [Image.fromarray(image) for image in pixels.permute(0, 2, 3, 1).cpu().numpy()]


def update(adam: torch.optim.Adam, loss: Tensor) -> float:
    """Make a step of the optimizer; return the loss, which is read first, as in the public code."""
    value = loss.item()
    adam.zero_grad()
    loss.backward()
    adam.step()
    return value


class Rendered:
    """ASEN and ASENv2: our network, trained and embedded with in the public way."""

    cudnn_benchmark = True
    test_batch = BATCH

    def __init__(
        self, network: str, attributes: int, size: int, device: torch.device, files: list[Path]
    ):
        self.attributes, self.size, self.device, self.files = attributes, size, device, files
        self.network = build(network, find(network).published, attributes).to(device)
        self.adam = torch.optim.Adam(self.network.parameters(), lr=RATE)

    def batches(self) -> Iterator[tuple]:
        """Yield three times 16 images, float32, and their attributes."""
        files = ImageFiles(self.files, self.attributes, 3, prepared(self.size, flip=True))
        return endless(files, self.device, batch_size=BATCH, shuffle=True, drop_last=True)

    def step(self, batch: tuple) -> float:
        """Train on anchors, positives, negatives and attributes."""
        self.network.train()
        *roles, attribute = (part.to(self.device) for part in batch)
        return update(
            self.adam,
            triplet_loss(*(self.network(images, attribute).embedding for images in roles)),
        )

    def singles(self) -> Iterator[tuple]:
        """Yield images and attributes."""
        files = ImageFiles(self.files, self.attributes, 1, prepared(self.size))
        return endless(files, self.device, batch_size=BATCH, shuffle=True, drop_last=True)

    @torch.no_grad()
    def embed(self, batch: tuple) -> np.ndarray:
        """Return the embeddings of images and attributes."""
        self.network.eval()
        images, attribute = (part.to(self.device) for part in batch)
        return self.network(images, attribute).embedding.cpu().numpy()

    def triplets_of(self, roles: list[Images]) -> tuple:
        """Return the pixels as they are, normalized, and the attributes."""
        return *(normalized(images) for images in roles), roles[0].attribute

    def singles_of(self, images: Images) -> tuple:
        """Return the same of single images."""
        return normalized(images), images.attribute

    def ours(self) -> nn.Module:
        """Return a copy on the CPU."""
        return copy.deepcopy(self.network).cpu()


class RenderedPP(Rendered):
    """ASEN++ with both branches: images are prepared and cropped one by one, as the public code."""

    cudnn_benchmark = False
    test_batch = ASEN_PP_TEST_BATCH

    def __init__(
        self, network: str, attributes: int, size: int, device: torch.device, files: list[Path]
    ):
        super().__init__(network, attributes, size, device, files)
        local = self.network.local_parameters()
        of_local = {id(parameter) for parameter in local}
        rest = [p for p in self.network.parameters() if id(p) not in of_local]
        groups = [{"params": local}, {"params": rest, "lr": GLOBAL_RATE}]
        self.adam = torch.optim.Adam(groups, lr=RATE)
        self.whole, self.crop = prepared(size), prepared(size // 2)

    def batches(self) -> Iterator[tuple]:
        """Yield three times 16 decoded images, as Pillow's, and their attributes."""
        files = ImageFiles(self.files, self.attributes, 3)
        how = {"batch_size": BATCH, "shuffle": True, "drop_last": True}
        return endless(files, self.device, collate_fn=unprepared, **how)

    def step(self, batch: tuple) -> float:
        """Train on anchors, positives, negatives and attributes."""
        self.network.train()
        *roles, attribute = batch
        attribute = attribute.to(self.device)
        whole, local = zip(*(self._vectors(images, attribute) for images in roles), strict=True)
        apart = sum(
            (1 - functional.cosine_similarity(one, other)).clamp_min(0).mean()
            for one, other in zip(whole, local, strict=True)
        )
        loss = triplet_loss(*whole) + LOCAL_WEIGHT * triplet_loss(*local) + ALIGNMENT_WEIGHT * apart
        return update(self.adam, loss)

    def singles(self) -> Iterator[tuple]:
        """Yield decoded images and attributes."""
        files = ImageFiles(self.files, self.attributes, 1)
        how = {"batch_size": self.test_batch, "shuffle": True, "drop_last": True}
        return endless(files, self.device, collate_fn=unprepared, **how)

    @torch.no_grad()
    def embed(self, batch: tuple) -> np.ndarray:
        """Return the embeddings of images and attributes."""
        self.network.eval()
        images, attribute = batch
        vectors = self._vectors(images, attribute.to(self.device))
        return self.network.similarity_embedding(*vectors).cpu().numpy()

    def triplets_of(self, roles: list[Images]) -> tuple:
        """Return the detail squares, from which both views are made, and the attributes."""
        return *(as_pillow(images.details) for images in roles), roles[0].attribute

    def singles_of(self, images: Images) -> tuple:
        """Return the same of single images."""
        return as_pillow(images.details), images.attribute

    def _vectors(self, images: list[Image.Image], attribute: Tensor) -> tuple[Tensor, Tensor]:
        """Return the global and the local vectors (B, 1024)."""
        pixels = torch.stack([self.whole(image) for image in images]).to(self.device)
        vector, attention = self.network.global_head(self.network.features(pixels), attribute)
        regions = region_of_interest(attention.cpu(), self.size).tolist()
        crops = [
            self.crop(Image.fromarray(crop_original(np.asarray(image), region, self.size)))
            for image, region in zip(images, regions, strict=True)
        ]
        return vector, self.network.local_head(torch.stack(crops).to(self.device), attribute)


def triplet_loss(anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """Return the mean of max(0, cos(a, n) - cos(a, p) + MARGIN) over (B, D)."""
    similar = functional.cosine_similarity(anchor, positive)
    dissimilar = functional.cosine_similarity(anchor, negative)
    return (dissimilar - similar + MARGIN).clamp_min(0).mean()


def normalized(images: Images) -> Tensor:
    """Return the pixels as `prepared` does, float32 (B, 3, S, S), contiguous."""
    pixels = images.pixels.contiguous().float() / 255
    return transforms.functional.normalize(pixels, MEAN, DEVIATION)


def rendered(
    network: str, attributes: int, size: int, device: torch.device, files: list[Path]
) -> PublicWay:
    """Return the plain rendering of `network`, with weights drawn from torch's generator.

    files: what `batches` and `singles` draw from.
    """
    way = RenderedPP if network == "ASEN++" else Rendered
    return way(network, attributes, size, device, files)
