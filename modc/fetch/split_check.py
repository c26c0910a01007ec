"""Whether split files are those of the public release: their counts, ranges and attributes."""

import json
from collections.abc import Mapping
from hashlib import sha1, sha256
from pathlib import Path

from modc.data.index import SPLITS
from modc.data.split_files import read_split
from modc.errors import UserError
from modc.fetch.split_release import FILES, Release


def check(folder: Path, release: Release) -> None:
    """Check the eight split files in `folder` against the public release's.

    Their counts and ranges, and their content by its git blob; the ends of lines may be either
    kind. Raises UserError naming the file, what it has and what was expected.
    """
    values = tuple(release.attributes.values())
    for split in SPLITS:
        names, roles = read_split(folder, split, values)
        found = {"images": len(names), **{role: len(rows) for role, rows in roles.items()}}
        for what, expected in release.counts[split].items():
            if found[what] != expected:
                name = {"train": "label", "images": "filenames"}.get(what, what)
                raise UserError(
                    f"{folder}/{name}_{split}.txt: {found[what]:,} entries; expected "
                    f"{expected:,} as in the public release of {release.name}; these are the split "
                    f"files of another one"
                )
    for name, blob in release.blobs.items():
        if blob not in _blobs((folder / name).read_bytes()):
            raise UserError(
                f"{folder}/{name}: differs from the public release (git blob {blob}); "
                f"fetch the split files again"
            )


def check_attributes(path: Path, data: bytes, release: Release) -> None:
    """Check what meta.json says of the attributes and their values; `path` names it.

    Raises UserError where it is not what this version knows.
    """
    try:
        own = json.loads(data)[release.name]
        found = {name: own["ATTRIBUTES_NUM"][name] for name in own["ATTRIBUTES"]}
    except (ValueError, LookupError, TypeError, RecursionError):
        raise UserError(
            f"{path}: damaged; expected the attributes of {release.name} and the number of their "
            f"values"
        ) from None
    if list(found.items()) != list(release.attributes.items()):
        raise UserError(
            f"{path}: the attributes of {release.name} are {_listed(found)}; expected "
            f"{_listed(release.attributes)}; these are the split files of another release"
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


def _listed(attributes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {values}" for name, values in attributes.items())
