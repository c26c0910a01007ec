"""The size of a dataset in images and bytes, as far as known before it is fetched."""

import json
from dataclasses import dataclass

from modc import datasets, paths
from modc.cost import Counts
from modc.data.index import SPLITS
from modc.datasets.dataset import Dataset


@dataclass(frozen=True)
class DatasetSize:
    """One dataset; source: where `counts` comes from; labels_an_image: of an evaluated image.

    downloaded: bytes, 0 for drawn images; downloaded_source: where that number comes from.
    """

    counts: Counts
    source: str
    labels_an_image: int
    downloaded: int
    downloaded_source: str


def dataset_size(config: dict, dataset: str) -> DatasetSize:
    """Return the size of a dataset: from its index if there is one, else from what is listed."""
    own = datasets.of(config, dataset)
    counts, source = _counts(own)
    return DatasetSize(counts, source, own.labels_an_image, *own.download_size(counts.all))


def _counts(dataset: Dataset) -> tuple[Counts, str]:
    path = paths.index_folder(dataset.folder) / paths.INDEX
    try:
        found = json.loads(path.read_bytes())["images"]
        return Counts(*(int(found[split]) for split in SPLITS)), "its index"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return Counts(*(dataset.counts[split]["images"] for split in SPLITS)), dataset.counts_source
