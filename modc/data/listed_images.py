"""From the listed images of the split files to an index of those that are there (A18)."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from modc.data.images import ImageFolder
from modc.data.index import IMAGE_COLUMNS, LABEL_COLUMNS, SPLITS, Index
from modc.data.split_files import read_split
from modc.errors import UserError

log = logging.getLogger(__name__)

# Headers are read from many files at once: the disk waits, not the processor.
THREADS = 16
GENERATED = "GENERATED.json"


def build_index(
    dataset: str,
    attributes: dict[str, int],
    folder: Path,
    splits: Path,
    resolve: Callable[[ImageFolder], Callable[[str], str | None]],
    missing_images: str,
) -> Index:
    """Return the index of a dataset that the public split files describe.

    resolve: from the dataset's folder to a function from a listed name to the picture's path, None
    where there is none. missing_images: "error" stops at missing pictures, naming the first;
    "leave_out" drops them, and files that are no pictures, from all splits and roles (A18).
    """
    images_folder = ImageFolder(folder)
    path_of = resolve(images_folder)
    images, labels, missing, kept_before = [], [], {}, 0
    for split in SPLITS:
        names, roles = read_split(splits, split, tuple(attributes.values()))
        paths = [path_of(name) for name in names]
        if missing_images == "error":
            _refuse_missing(dataset, split, names, paths, folder)
        sizes = _sizes(images_folder, paths, split, strict=missing_images == "error")
        present = np.array([size is not None for size in sizes], bool)
        missing[split] = int((~present).sum())
        if missing[split]:
            log.warning(
                "%s %s: %d of %d listed images are missing or no pictures; left out",
                dataset,
                split,
                missing[split],
                len(names),
            )
        number = kept_before + np.cumsum(present) - 1
        kept_before += int(present.sum())
        images += [
            (split, path, *size)
            for path, size in zip(paths, sizes, strict=True)
            if size is not None
        ]
        for role, rows in roles.items():
            kept = rows[present[rows["image"]]]
            labels.append(
                kept.assign(split=split, role=role, image=number[kept["image"]])[LABEL_COLUMNS]
            )
    return Index(
        dataset=dataset,
        attributes=tuple(attributes),
        values=tuple(attributes.values()),
        images=pd.DataFrame(images, columns=IMAGE_COLUMNS),
        labels=pd.concat(labels, ignore_index=True),
        missing=missing,
        generated=(folder / GENERATED).exists(),
    )


def _refuse_missing(dataset, split, names, paths, folder) -> None:
    absent = [name for name, path in zip(names, paths, strict=True) if path is None]
    if absent:
        raise UserError(
            f"{folder}: {len(absent)} of the {len(names)} {split} images of {dataset} are not "
            f"there, the first is {absent[0]}; put them there, or set "
            f"datasets.{dataset}.missing_images to leave_out"
        )


def _sizes(folder: ImageFolder, paths: list[str | None], split: str, strict: bool) -> list:
    """Return (width, height) of each path, None where there is no picture."""

    def size(path: str | None) -> tuple[int, int] | None:
        if path is None:
            return None
        try:
            return folder.size(path)
        except UserError as error:
            if strict:
                raise
            log.warning("%s", error)
            return None

    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(size, paths, chunksize=64)
        return list(
            tqdm(found, f"reading headers, {split}", len(paths), mininterval=5, leave=False)
        )
