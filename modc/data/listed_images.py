"""From the listed images of the split files to an index of those that the manifest has (A18)."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from modc.data import manifest
from modc.data.folder_files import GENERATED
from modc.data.index import IMAGE_COLUMNS, LABEL_COLUMNS, SPLITS, Index
from modc.data.label_counts import count
from modc.data.split_files import read_split
from modc.errors import UserError
from modc.progress_bar import progress_bar

log = logging.getLogger(__name__)


def build_index(
    dataset: str,
    attributes: dict[str, int],
    folder: Path,
    splits: Path,
    key: Callable[[str], str],
    missing_images: str,
) -> Index:
    """Return the index of a dataset that the public split files describe.

    folder: has the frozen manifest, which alone says what images there are and how large. key:
    what a listed name and the manifest's path of the same image have in common. missing_images:
    "error" stops at missing images, naming the first; "leave_out" drops them from all splits and
    roles (A18). Raises UserError if a file is no longer as the manifest has it.
    """
    frozen = manifest.read(folder)
    pictures = _by_key(frozen.pictures, key, folder)
    images, listed, kept, missing, kept_before, repeated = [], [], [], {}, 0, 0
    for split in SPLITS:
        names, roles = read_split(splits, split, tuple(attributes.values()))
        keys = pd.Series([key(name) for name in names])
        is_there = keys.isin(pictures.index).to_numpy()
        missing[split] = int((~is_there).sum())
        if missing[split] and missing_images == "error":
            raise UserError(_refusal(dataset, split, names, is_there, folder))
        if missing[split]:
            log.warning(
                "%s %s: %d of %d listed images are missing or not images; left out",
                dataset,
                split,
                missing[split],
                len(names),
            )
        number = kept_before + np.cumsum(is_there) - 1
        kept_before += int(is_there.sum())
        images.append(pictures.loc[keys[is_there]].assign(split=split))
        for role, rows in roles.items():
            if role == "train":
                listed_rows = len(rows)
                rows = rows.drop_duplicates()
                repeated += listed_rows - len(rows)
            there = is_there[rows["image"]]
            listed.append(
                rows.assign(split=split, role=role, image=number[rows["image"]])[LABEL_COLUMNS]
            )
            kept.append(there)
    found = pd.concat(images, ignore_index=True)
    _check_files(dataset, folder, found)
    labels, there = pd.concat(listed, ignore_index=True), np.concatenate(kept)
    index = Index(
        dataset=dataset,
        attributes=tuple(attributes),
        values=tuple(attributes.values()),
        images=found[IMAGE_COLUMNS].astype({"width": np.int64, "height": np.int64}),
        labels=labels[there].reset_index(drop=True),
        coverage=count(labels, there),
        missing=missing,
        generated=(folder / GENERATED).exists(),
        manifest_sha256=frozen.sha256,
    )
    if repeated or index.second_values:
        log.warning(
            "%s: %d labels of training images are a second value of an attribute, and kept; %d "
            "are repeated, and count once",
            dataset,
            index.second_values,
            repeated,
        )
    return index


def _by_key(pictures: pd.DataFrame, key: Callable[[str], str], folder: Path) -> pd.DataFrame:
    pictures = pictures.set_index(pictures["path"].map(key))
    repeated = pictures[pictures.index.duplicated(keep=False)]
    if len(repeated):
        first = repeated.loc[[repeated.index[0]], "path"]
        raise UserError(
            f"{folder / manifest.MANIFEST}: {first.iloc[0]} and {first.iloc[1]} have the same "
            f"name, {repeated.index[0]}; remove one and freeze again"
        )
    return pictures


def not_frozen(dataset: str, folder: Path) -> str:
    """Return what to say where the split files are there and no manifest is."""
    return f"{folder}: no manifest of the images; run `{_fetch(dataset, folder)}`"


def _fetch(dataset: str, folder: Path) -> str:
    return f"modc fetch {dataset} --folder {folder}"


def _refusal(dataset: str, split: str, names: list[str], is_there: np.ndarray, folder: Path) -> str:
    absent = np.flatnonzero(~is_there)
    return (
        f"{folder}: {len(absent)} of the {len(names)} {split} images of {dataset} are not there, "
        f"the first is {names[absent[0]]}; put them there and run "
        f"`{_fetch(dataset, folder)} --refreeze`, or set datasets.{dataset}.missing_images to "
        f"leave_out"
    )


def _check_files(dataset: str, folder: Path, pictures: pd.DataFrame) -> None:
    """Raise UserError if an image's file is gone or has another size than when it was frozen."""

    def size(path: str) -> int | None:
        try:
            return (folder / path).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    paths = pictures["path"].tolist()
    with ThreadPoolExecutor(manifest.THREADS) as pool:
        found = pool.map(size, paths, chunksize=256)
        sizes = list(progress_bar(found, "looking for images", len(paths)))
    frozen = pictures["bytes"].tolist()
    changed = [row for row, size in enumerate(sizes) if size != frozen[row]]
    if changed:
        first = changed[0]
        now = "is gone" if sizes[first] is None else f"has {sizes[first]} bytes"
        raise UserError(
            f"{folder / paths[first]}: {now}, expected the {frozen[first]} bytes of the manifest "
            f"({len(changed)} of {len(paths)} images differ from the manifest); restore them, "
            f"or freeze what is there with `{_fetch(dataset, folder)} --refreeze`"
        )
