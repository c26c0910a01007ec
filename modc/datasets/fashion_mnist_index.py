"""Fashion-MNIST's index: its files read, its attributes measured, its splits."""

from pathlib import Path

import numpy as np
import pandas as pd

from modc.data.images import read_idx, read_idx_images
from modc.data.index import SPLITS, Index
from modc.datasets.fashion_mnist import ATTRIBUTES, PARTS, VALID
from modc.datasets.fully_labeled import build_index
from modc.errors import UserError

# T-shirt, trousers, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot, in the label's
# order: upper body 0, legs 1, whole body 2, feet 3, hand 4.
BODY_PART = np.array([0, 1, 0, 2, 0, 3, 0, 3, 4, 3])
# Brighter pixels belong to the garment; the background is 0.
GARMENT = 16
_IDX_LABELS = 0x00000801  # unsigned bytes, one dimension


def read(folder: Path, name: str) -> Index:
    """Return the index, under `name`, of the copy of Fashion-MNIST in `folder`.

    folder: the four idx files, compressed or not, or torchvision's root, which has them in
    FashionMNIST/raw. They hold all images or are damaged, so there are no missing ones. Raises
    UserError with instructions if nothing is there.
    """
    paths, pictures, categories = [], [], []
    for part in PARTS:
        images, labels = (
            _find(folder, f"{part}-{kind}", name) for kind in ("images-idx3", "labels-idx1")
        )
        rows, own = read_idx_images(images), read_idx(labels, _IDX_LABELS, dimensions=1)
        if len(rows) != len(own):
            raise UserError(f"{labels}: {len(own)} labels; expected {len(rows)}, as {images} has")
        if len(own) and own.max() >= ATTRIBUTES["category"]:
            raise UserError(
                f"{labels}: label {own.max()}; expected 0 to {ATTRIBUTES['category'] - 1}"
            )
        place = images.relative_to(folder).as_posix()
        paths += [f"{place}/{row:05d}" for row in range(len(rows))]
        pictures.append(rows)
        categories.append(own)
    if len(pictures[0]) <= VALID:
        raise UserError(
            f"{folder}: {len(pictures[0])} training images; expected more than the "
            f"{VALID} that are set aside for validation"
        )
    counts = (len(pictures[0]) - VALID, VALID, len(pictures[1]))
    values = _values(np.concatenate(pictures), np.concatenate(categories), training=counts[0])
    height, width = pictures[0].shape[1:]
    split = np.repeat(SPLITS, counts)
    images = pd.DataFrame({"split": split, "path": paths, "width": width, "height": height})
    return build_index(name, ATTRIBUTES, images, values)


def tone(images: np.ndarray) -> np.ndarray:
    """Return the mean brightness 0..255 of each garment; images: uint8 (N, height, width)."""
    return _garment_mean(images, images)


def width(images: np.ndarray) -> np.ndarray:
    """Return width over height of the box around each garment; images: uint8 (N, h, w)."""
    garment = images >= GARMENT
    return _span(garment.any(axis=1)) / np.maximum(1, _span(garment.any(axis=2)))


def texture(images: np.ndarray) -> np.ndarray:
    """Return the mean gradient within each garment; images: uint8 (N, height, width)."""
    down, across = np.gradient(images.astype(np.float32), axis=(1, 2))
    return _garment_mean(np.hypot(down, across), images)


def _find(folder: Path, stem: str, name: str) -> Path:
    for place in (folder, folder / "FashionMNIST" / "raw"):
        for file in (f"{stem}-ubyte.gz", f"{stem}-ubyte"):
            if (place / file).is_file():
                return place / file
    raise UserError(
        f"Fashion-MNIST is not there: run `modc fetch {name}`, which takes it from Debian's "
        f"package dataset-fashion-mnist or downloads 30 MB, or put the four files, such as "
        f"train-images-idx3-ubyte.gz, into {folder}"
    )


def _values(images: np.ndarray, category: np.ndarray, training: int) -> np.ndarray:
    """Return int64 (5, N): the value of each attribute, in their order, of each image."""
    measured = [measure(images) for measure in (tone, width, texture)]
    quintiles = [
        np.searchsorted(np.quantile(column[:training], (0.2, 0.4, 0.6, 0.8)), column, side="right")
        for column in measured
    ]
    return np.stack([category, BODY_PART[category], *quintiles]).astype(np.int64)


def _garment_mean(quantity: np.ndarray, images: np.ndarray) -> np.ndarray:
    garment = images >= GARMENT
    total = np.where(garment, quantity, 0).sum(axis=(1, 2), dtype=np.float64)
    return total / np.maximum(1, garment.sum(axis=(1, 2)))


def _span(occupied: np.ndarray) -> np.ndarray:
    """Return the length from the first to the last true place of each row of (N, length)."""
    first = occupied.argmax(axis=1)
    last = occupied.shape[1] - 1 - occupied[:, ::-1].argmax(axis=1)
    return np.where(occupied.any(axis=1), last - first + 1, 0)
