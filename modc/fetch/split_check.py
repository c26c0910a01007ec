"""Whether split files are those of the public release: their counts, ranges and attributes."""

import json
from hashlib import sha256
from pathlib import Path

from modc.data import darn, fashionai
from modc.data.index import SPLITS
from modc.data.split_files import read_split
from modc.errors import UserError

ATTRIBUTES = {"FashionAI": fashionai.ATTRIBUTES, "DARN": darn.ATTRIBUTES}
COUNTS = {"FashionAI": fashionai.COUNTS, "DARN": darn.COUNTS}
# The last one is what shows that the files are there, so it comes last.
FILES = (
    "candidate_test.txt",
    "candidate_valid.txt",
    "filenames_test.txt",
    "filenames_valid.txt",
    "label_train.txt",
    "query_test.txt",
    "query_valid.txt",
    "filenames_train.txt",
)


def missing(folder: Path) -> list[str]:
    """Return the split files that are not in `folder`."""
    return [name for name in FILES if not (folder / name).is_file()]


def check(folder: Path, dataset: str) -> None:
    """Check the eight split files in `folder` against the public release's counts and ranges.

    Raises UserError naming the file, what it has and what was expected.
    """
    values = tuple(ATTRIBUTES[dataset].values())
    for split in SPLITS:
        names, roles = read_split(folder, split, values)
        found = {"filenames": len(names), **{role: len(rows) for role, rows in roles.items()}}
        for what, expected in COUNTS[dataset][split].items():
            if found[what] != expected:
                name = {"train": "label"}.get(what, what)
                raise UserError(
                    f"{folder}/{name}_{split}.txt: {found[what]:,} entries; expected "
                    f"{expected:,} as in the public release of {dataset}; these are the split "
                    f"files of another one"
                )


def check_attributes(path: Path, data: bytes) -> None:
    """Check what meta.json says of the attributes and their values; `path` names it.

    Raises UserError where it is not what this version knows.
    """
    try:
        meta = json.loads(data)
        found = {
            dataset: {name: meta[dataset]["ATTRIBUTES_NUM"][name] for name in order}
            for dataset in ATTRIBUTES
            for order in [meta[dataset]["ATTRIBUTES"]]
        }
    except (ValueError, LookupError, TypeError, RecursionError):
        raise UserError(
            f"{path}: damaged; expected the attributes of {' and '.join(ATTRIBUTES)} and the "
            f"number of their values"
        ) from None
    for dataset, attributes in ATTRIBUTES.items():
        if list(found[dataset].items()) != list(attributes.items()):
            raise UserError(
                f"{path}: the attributes of {dataset} are {_listed(found[dataset])}; expected "
                f"{_listed(attributes)}; these are the split files of another release"
            )


def fingerprint(folder: Path) -> str:
    """Return the SHA-256 that names the eight split files in `folder`."""
    digest = sha256()
    for name in sorted(FILES):
        digest.update(sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()


def _listed(attributes: dict) -> str:
    return ", ".join(f"{name} {values}" for name, values in attributes.items())
