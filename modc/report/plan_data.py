"""How many pictures a dataset has and takes, as far as that is known before it is there."""

import json
from dataclasses import dataclass
from pathlib import Path

from modc.cost import Counts
from modc.data import darn, fashion_mnist, fashionai
from modc.data.garments import SHARES
from modc.data.index import SPLITS
from modc.data.index import SUMMARY as INDEX_SUMMARY

LISTED = {
    "fashionai": Counts(*(fashionai.COUNTS[split]["filenames"] for split in SPLITS)),
    "darn": Counts(*(darn.COUNTS[split]["filenames"] for split in SPLITS)),
    "fashion_mnist": Counts(60_000 - fashion_mnist.VALID, fashion_mnist.VALID, 10_000),
}
# What lies on disk: FashionAI's two archives (Tianchi) and what is taken out of them;
# Fashion-MNIST's four files; of DARN's pictures, at a short side of 512 pixels, about so many bytes
# each, an assumption.
DOWNLOADED = {"fashionai": 2 * 13_000_000_000, "fashion_mnist": 30_000_000}
STATED = {
    "fashionai": "stated: two archives of 13 GB, and as much taken out of them",
    "fashion_mnist": "stated: four files",
}
DARN_PICTURE_BYTES = 100_000


@dataclass(frozen=True)
class DatasetSize:
    """One dataset; source: where `counts` comes from; labels_an_image: of an evaluated one.

    downloaded: bytes, 0 for drawn pictures; downloaded_source: where that number comes from.
    """

    counts: Counts
    source: str
    labels_an_image: int
    downloaded: int
    downloaded_source: str


def dataset_size(config: dict, dataset: str) -> DatasetSize:
    """Return the size of a dataset: by its index if there is one, else by what is listed."""
    settings = config["datasets"][dataset]
    layout = settings["format"]
    counts, source = _counts(config, dataset)
    several = len(fashion_mnist.ATTRIBUTES) if layout == "fashion_mnist" else 1
    if "generate" in settings:
        return DatasetSize(counts, source, several, 0, "drawn")
    if layout == "darn":
        taken = counts.all * DARN_PICTURE_BYTES
        why = f"assumed: {DARN_PICTURE_BYTES // 1000} KB a picture, if all were there"
        return DatasetSize(counts, source, several, taken, why)
    return DatasetSize(counts, source, several, DOWNLOADED[layout], STATED[layout])


def _counts(config: dict, dataset: str) -> tuple[Counts, str]:
    settings = config["datasets"][dataset]
    path = Path(config["data"]) / dataset / "prepared" / "index" / INDEX_SUMMARY
    try:
        found = json.loads(path.read_bytes())["images"]
        return Counts(*(int(found[split]) for split in SPLITS)), "its index"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    if "generate" in settings:
        images = settings["generate"]["images"]
        return Counts(*(round(SHARES[split] * images) for split in SPLITS)), "what will be drawn"
    return LISTED[settings["format"]], "its split files, as if no picture were missing"
