"""What the names of DARN's images give away: `<folder>/<stem>_<number>`."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from modc.data.index import SPLITS
from modc.data.split_files import read_split
from modc.datasets.darn import ATTRIBUTES, bare_name

CATEGORY = list(ATTRIBUTES).index("clothes category")


@dataclass(frozen=True)
class Folders:
    """How folders and clothes categories meet, among the images whose category is listed.

    folders, categories: how many occur; of_one_category, of_one_folder: how many of each meet a
    single one of the other.
    """

    folders: int
    of_one_category: int
    categories: int
    of_one_folder: int


@dataclass(frozen=True)
class Stems:
    """How often an image's name before its last `_`, with its folder, recurs.

    stems: how many differ; recurring: how many occur in more than one split. shared: by split, how
    many images have a stem that occurs in another split too; images: how many there are.
    """

    stems: int
    recurring: int
    shared: dict[str, int]
    images: dict[str, int]


def read_names(splits: Path) -> tuple[Folders, Stems]:
    """Return what the split files in the folder `splits` say. Raises UserError as they do."""
    names, labels = {}, []
    for split in SPLITS:
        names[split], roles = read_split(splits, split, tuple(ATTRIBUTES.values()))
        labels += [rows.assign(name=_named(names[split], rows)) for rows in roles.values()]
    return folders(pd.concat(labels)), stems(names)


def remarks(folders: Folders, stems: Stems) -> list[str]:
    """Return what the coverage page says of the names, a line each."""
    shared = ", ".join(
        f"{count:,} of {stems.images[split]:,} in {split}" for split, count in stems.shared.items()
    )
    return [
        f"Folders and clothes categories: {folders.of_one_category} of the {folders.folders} "
        f"folders hold a single clothes category, {folders.of_one_folder} of the "
        f"{folders.categories} categories that occur are in a single folder.",
        f"Names recur across splits: {stems.recurring:,} of {stems.stems:,} stems (folder and name "
        f"before the last `_`) occur in more than one split. Images whose stem also occurs in "
        f"another split: {shared}.",
    ]


def folders(labels: pd.DataFrame) -> Folders:
    """Count folders and categories; labels: columns attribute, value, name, one row a label."""
    own = labels[labels["attribute"] == CATEGORY]
    pairs = pd.DataFrame({"folder": own["name"].map(_folder), "value": own["value"]})
    pairs = pairs.drop_duplicates()
    of_folder, of_value = pairs["folder"].value_counts(), pairs["value"].value_counts()
    return Folders(
        len(of_folder), int((of_folder == 1).sum()), len(of_value), int((of_value == 1).sum())
    )


def stems(names: dict[str, list[str]]) -> Stems:
    """Count stems; names: the listed names of each split."""
    by_split = {split: pd.Series(own, dtype=str).map(_stem) for split, own in names.items()}
    unique = pd.concat([own.drop_duplicates() for own in by_split.values()])
    splits_of = unique.value_counts()
    recurring = splits_of.index[splits_of > 1]
    return Stems(
        len(splits_of),
        len(recurring),
        {split: int(own.isin(recurring).sum()) for split, own in by_split.items()},
        {split: len(own) for split, own in by_split.items()},
    )


def _named(names: list[str], rows: pd.DataFrame) -> list[str]:
    return [names[image] for image in rows["image"]]


def _folder(name: str) -> str:
    return bare_name(name).split("/")[0]


def _stem(name: str) -> str:
    return bare_name(name).rsplit("_", 1)[0]
