"""The public ASEN code's way of training and embedding, as a plain rendering or from a clone.

Pictures are decoded by Pillow in four worker processes, each time they are drawn; three passes of
16 images in float32; Adam. `training.py` measures ours beside it.
"""

import json
import random
import sys
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from modc.errors import UserError
from modc.networks.build import PUBLISHED, build
from modc.networks.normalise import DEVIATION, MEAN

WORKERS = 4
BATCH = 16
MARGIN = 0.2


class Pictures(Dataset):
    """Triplets of JPEG files with an attribute, or single files: one item each."""

    def __init__(self, files: list[Path], attributes: int, size: int, count: int, flip: bool):
        """`count` items are drawn; three pictures each with `flip`, for training, else one."""
        drawn = random.Random(0)
        roles = 3 if flip else 1
        self.items = [
            ([drawn.choice(files) for _ in range(roles)], drawn.randrange(attributes))
            for _ in range(count)
        ]
        steps = [transforms.Resize(size), transforms.CenterCrop(size)]
        if flip:
            steps.append(transforms.RandomHorizontalFlip())
        self.transform = transforms.Compose(
            [*steps, transforms.ToTensor(), transforms.Normalize(MEAN, DEVIATION)]
        )

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.items)

    def __getitem__(self, number: int) -> tuple:
        """Return the pictures as float tensors and the attribute."""
        files, attribute = self.items[number]
        pictures = []
        for file in files:
            with Image.open(file) as picture:
                pictures.append(self.transform(picture.convert("RGB")))
        return *pictures, attribute


def endless(dataset: Dataset, device: torch.device) -> Iterator:
    """Yield batches of 16 again and again, from four worker processes."""
    loader = DataLoader(
        dataset,
        BATCH,
        shuffle=True,
        drop_last=True,
        num_workers=WORKERS,
        persistent_workers=True,
        pin_memory=device.type == "cuda",
    )
    return chain.from_iterable(repeat(loader))


def rendered(network: str, files: list[Path], attributes: int, size: int, count: int) -> tuple:
    """Return the network and the training set of the plain rendering."""
    model = build(network, PUBLISHED[network], attributes)
    return Embedding(model), Pictures(files, attributes, size, count, flip=True)


class Embedding(nn.Module):
    """Our network, called as the public ones are: an embedding is all that comes out."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, attribute: Tensor) -> Tensor:
        """Return unit embeddings (B, D)."""
        return self.network(images, attribute)[0]


def cloned(
    repository: Path, network: str, files: list[Path], attributes: int, size: int, count: int
) -> tuple:
    """Return the network and the training set of a clone of github.com/Maryeon/asen.

    Raises UserError if it has not the names that are called here.
    """
    names = {"ASEN": "ASENet", "ASENv2": "ASENet_V2"}
    sys.path.insert(0, str(repository))
    try:
        import image_loader
        import model
        import resnet

        backbone = resnet.resnet50_feature(pretrained=False)
        made = model.get_model(names[network])(
            backbone, embedding_size=1024, n_attributes=attributes
        )
        folder = files[0].parent
        _describe(folder, files, attributes)
        like_ours = Pictures(files, attributes, size, 0, flip=True).transform
        dataset = image_loader.TripletImageLoader(
            str(folder.parent), folder.name, count, transform=like_ours
        )
    except (ImportError, AttributeError, TypeError, KeyError, OSError) as error:
        raise UserError(
            f"--public-repo {repository}: {type(error).__name__}: {error}; expected a clone of "
            f"github.com/Maryeon/asen, with model.py, resnet.py and image_loader.py at its top"
        ) from None
    return made, dataset


def _describe(folder: Path, files: list[Path], attributes: int) -> None:
    """Write the lists by which the public code finds pictures and labels: two values each."""
    names = [f"attribute {number}" for number in range(attributes)]
    meta = {folder.name: {"ATTRIBUTES": names, "ATTRIBUTES_NUM": dict.fromkeys(names, 2)}}
    (folder.parent / "meta.json").write_text(json.dumps(meta))
    (folder / "filenames_train.txt").write_text("".join(f"{file.name}\n" for file in files))
    lines = [
        f"{number} " + " ".join(f"{attribute} {number % 2}" for attribute in range(attributes))
        for number in range(len(files))
    ]
    (folder / "label_train.txt").write_text("\n".join(lines) + "\n")


def train_step(
    network: nn.Module, adam: torch.optim.Adam, batch: list[Tensor], device: torch.device
) -> Tensor:
    """Make one step on three batches of images and their attributes; return the loss.

    The order of the second and third differs in a clone (negative, positive); the work is the same.
    """
    anchor, positive, negative, attribute = (part.to(device) for part in batch)
    a, p, n = (network(images, attribute) for images in (anchor, positive, negative))
    loss = ((a * n).sum(1) - (a * p).sum(1) + MARGIN).clamp_min(0).mean()
    adam.zero_grad()
    loss.backward()
    adam.step()
    return loss.detach()
