"""Fashion-MNIST: 70,000 photographs of 28 x 28 pixels under the MIT licence, five attributes each.

Category is the data's own label and body part follows from it; tone, width and texture are measured
from the pixels and cut into quintiles of the training images. The paper does not use this dataset:
it answers on real photographs that anyone can have whether the paper's claims hold in kind.
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from modc.data.coverage import count
from modc.data.images import read_idx, read_idx_images
from modc.data.index import IMAGE_COLUMNS, LABEL_COLUMNS, SPLITS, Index
from modc.errors import UserError

ATTRIBUTES = {"category": 10, "body part": 5, "tone": 5, "width": 5, "texture": 5}
# T-shirt, trousers, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot, in the label's
# order: upper body 0, legs 1, whole body 2, feet 3, hand 4.
BODY_PART = np.array([0, 1, 0, 2, 0, 3, 0, 3, 4, 3])
# The last images of the training file are for validation.
VALID = 10_000
# Every fifth image of valid and test is a query, as in FashionAI and DARN (3,600 of 18,000).
QUERY_EVERY = 5
# Brighter pixels belong to the garment; the background is 0.
GARMENT = 16
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
_IDX_LABELS = 0x00000801  # unsigned bytes, one dimension

INSTRUCTIONS = (
    "Fashion-MNIST is not there: run `modc fetch fashion-mnist --folder {folder}`, which takes it "
    "from Debian's package dataset-fashion-mnist or downloads 30 MB, or put the four files, such "
    "as train-images-idx3-ubyte.gz, into {folder}"
)


def read(folder: Path, missing_images: str) -> Index:
    """Return the index of the Fashion-MNIST copy in `folder`.

    folder: the four idx files, compressed or not, or torchvision's root, which has them in
    FashionMNIST/raw. missing_images makes no difference: the files hold all images or are damaged.
    Raises UserError with instructions if nothing is there.
    """
    paths, pictures, categories = [], [], []
    for part in ("train", "t10k"):
        images, labels = _find(folder, f"{part}-images-idx3"), _find(folder, f"{part}-labels-idx1")
        rows, names = read_idx_images(images), read_idx(labels, _IDX_LABELS, dimensions=1)
        if len(rows) != len(names):
            raise UserError(f"{labels}: {len(names)} labels; expected {len(rows)}, as {images} has")
        if len(names) and names.max() >= ATTRIBUTES["category"]:
            raise UserError(
                f"{labels}: label {names.max()}; expected 0 to {ATTRIBUTES['category'] - 1}"
            )
        place = images.relative_to(folder).as_posix()
        paths += [f"{place}/{row:05d}" for row in range(len(rows))]
        pictures.append(rows)
        categories.append(names)
    if len(pictures[0]) <= VALID:
        raise UserError(
            f"{folder}: {len(pictures[0])} training images; expected more than the {VALID} that "
            f"are set aside for validation"
        )
    counts = (len(pictures[0]) - VALID, VALID, len(pictures[1]))
    values = _values(np.concatenate(pictures), np.concatenate(categories), training=counts[0])
    number = np.arange(sum(counts))
    split = np.repeat(SPLITS, counts)
    role = np.where(number % QUERY_EVERY == 0, "query", "candidate")
    role[split == "train"] = "train"
    height, width = pictures[0].shape[1:]
    images = pd.DataFrame({"split": split, "path": paths, "width": width, "height": height})
    labels = [
        pd.DataFrame(
            {"split": split, "role": role, "image": number, "attribute": attribute, "value": column}
        )
        for attribute, column in enumerate(values)
    ]
    labels = pd.concat(labels, ignore_index=True)[LABEL_COLUMNS]
    return Index(
        dataset="FashionMNIST",
        attributes=tuple(ATTRIBUTES),
        values=tuple(ATTRIBUTES.values()),
        images=images[IMAGE_COLUMNS],
        labels=labels,
        coverage=count(labels),
        missing=dict.fromkeys(SPLITS, 0),
    )


def tone(pictures: np.ndarray) -> np.ndarray:
    """Return the mean brightness 0..255 of each garment; pictures: uint8 (N, height, width)."""
    return _garment_mean(pictures, pictures)


def width(pictures: np.ndarray) -> np.ndarray:
    """Return width over height of the box around each garment; pictures: uint8 (N, h, w)."""
    garment = pictures >= GARMENT
    return _span(garment.any(axis=1)) / np.maximum(1, _span(garment.any(axis=2)))


def texture(pictures: np.ndarray) -> np.ndarray:
    """Return the mean gradient within each garment; pictures: uint8 (N, height, width)."""
    down, across = np.gradient(pictures.astype(np.float32), axis=(1, 2))
    return _garment_mean(np.hypot(down, across), pictures)


def fetch(folder: Path, source: Path = DEBIAN) -> None:
    """Put the four files into `folder`: copied from `source` if it is there, else downloaded.

    Raises UserError if the download fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        found = source if source.is_dir() else _download(Path(temporary))
        for file in sorted(found.glob("*-ubyte.gz")):
            # Within one file system, so that a file is in place whole or not at all.
            shutil.copyfile(file, Path(temporary) / "copy")
            (Path(temporary) / "copy").replace(folder / file.name)


def _download(root: Path) -> Path:
    # Starting torch takes seconds, and only a download needs it.
    from torchvision.datasets import FashionMNIST

    try:
        FashionMNIST(root, download=True)
    except (OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{FashionMNIST.mirrors[0]}: download failed ({reason}); try again, or install "
            f"Debian's package dataset-fashion-mnist"
        ) from None
    return root / "FashionMNIST" / "raw"


def _find(folder: Path, stem: str) -> Path:
    for place in (folder, folder / "FashionMNIST" / "raw"):
        for name in (f"{stem}-ubyte.gz", f"{stem}-ubyte"):
            if (place / name).is_file():
                return place / name
    raise UserError(INSTRUCTIONS.format(folder=folder))


def _values(pictures: np.ndarray, category: np.ndarray, training: int) -> np.ndarray:
    """Return int64 (5, N): the value of each attribute, in their order, of each picture."""
    measured = [measure(pictures) for measure in (tone, width, texture)]
    quintiles = [
        np.searchsorted(np.quantile(column[:training], (0.2, 0.4, 0.6, 0.8)), column, side="right")
        for column in measured
    ]
    return np.stack([category, BODY_PART[category], *quintiles]).astype(np.int64)


def _garment_mean(quantity: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    garment = pictures >= GARMENT
    total = np.where(garment, quantity, 0).sum(axis=(1, 2), dtype=np.float64)
    return total / np.maximum(1, garment.sum(axis=(1, 2)))


def _span(occupied: np.ndarray) -> np.ndarray:
    """Return the length from the first to the last true place of each row of (N, length)."""
    first = occupied.argmax(axis=1)
    last = occupied.shape[1] - 1 - occupied[:, ::-1].argmax(axis=1)
    return np.where(occupied.any(axis=1), last - first + 1, 0)
