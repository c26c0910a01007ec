"""Whether split files are those of the public release: their counts, ranges and attributes."""

import json
from hashlib import sha1, sha256
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
META = "meta.json"
# The git blobs of these files in the public repository (`modc.fetch.split_mirror`).
BLOBS = {
    "FashionAI": {
        "candidate_test.txt": "4a201e4a6dbece086dcdf94482a4414d92f4933f",
        "candidate_valid.txt": "857d73a8cb7967faae2257d8e3dceefdf84b5ac6",
        "filenames_test.txt": "87fb84fb367863d6c015b2c8ec058e4c7e10a125",
        "filenames_valid.txt": "e69821820cd3ea8b0d19c7c600ee5ddde10b15e5",
        "label_train.txt": "a08ffc636a7056ea4227714712147d7f0be8fb8a",
        "query_test.txt": "f836fb219e9d32492c4fb45db941bb8ec6d98f4d",
        "query_valid.txt": "5c9ba4126b87fb37c72c90a24dac1081b90eb7ed",
        "filenames_train.txt": "c99e23bc5e144817adf08b5b8cae2a23da852e5e",
    },
    "DARN": {
        "candidate_test.txt": "6bdaeea65fdbeead1a9190e15b1d39a93314c777",
        "candidate_valid.txt": "c80b81be6f9440d4c67300c70114e817a89a9fdd",
        "filenames_test.txt": "bbdf156d84a18f8e4e3333469ade3c9d223611fc",
        "filenames_valid.txt": "61a0eaff7944831a1d941f1c80630d8a95f24abf",
        "label_train.txt": "6034ae84ddedfcc27fa6687ae1768ffdf2fd7b98",
        "query_test.txt": "bf8095e12a1adfca2239cf630c9c60d6d7f7e464",
        "query_valid.txt": "606a8d1d0274627f3719ee2ff7ec4d4ee058fc76",
        "filenames_train.txt": "862377e86da5986e82050d12c378c86424453cfd",
    },
}


def missing(folder: Path) -> list[str]:
    """Return the split files that are not in `folder`."""
    return [name for name in FILES if not (folder / name).is_file()]


def check(folder: Path, dataset: str) -> None:
    """Check the eight split files in `folder` against the public release's.

    Their counts and ranges, and their content by its git blob; the ends of lines may be either
    kind. Raises UserError naming the file, what it has and what was expected.
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
    for name, blob in BLOBS[dataset].items():
        if blob not in _blobs((folder / name).read_bytes()):
            raise UserError(
                f"{folder}/{name}: its content is not the public release's (git blob {blob}); "
                f"fetch the split files again"
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


def _blobs(data: bytes) -> set[str]:
    """Return the names that git gives to a file as it is, and with either kind of ends of lines."""
    lines = data.replace(b"\r\n", b"\n")
    return {
        sha1(b"blob %d\0" % len(content) + content).hexdigest()
        for content in (data, lines, lines.replace(b"\n", b"\r\n"))
    }


def fingerprint(folder: Path) -> str:
    """Return the SHA-256 that names the eight split files in `folder`."""
    digest = sha256()
    for name in sorted(FILES):
        digest.update(sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()


def _listed(attributes: dict) -> str:
    return ", ".join(f"{name} {values}" for name, values in attributes.items())
