"""DARN: photographs known by a list of URLs, many of them dead; several attributes an image."""

from pathlib import Path, PurePosixPath

from modc.data import manifest
from modc.data.index import Index
from modc.data.listed_images import build_index, not_frozen
from modc.data.split_files import find
from modc.errors import UserError

# In the order of Table 2; the counts are those of the public split files' meta.json.
ATTRIBUTES = {
    "clothes category": 20,
    "clothes button": 13,
    "clothes color": 55,
    "clothes length": 7,
    "clothes pattern": 28,
    "clothes shape": 11,
    "collar shape": 26,
    "sleeve length": 8,
    "sleeve shape": 17,
}

# The public split files: pictures, queries and candidates a split (DARN's part of data.zip). A
# training picture has several labels, so these are not counted.
COUNTS = {
    "train": {"filenames": 171_697},
    "valid": {"filenames": 21_461, "query": 4_293, "candidate": 17_168},
    "test": {"filenames": 21_461, "query": 4_293, "candidate": 17_168},
}

INSTRUCTIONS = (
    "DARN is not there: run `modc fetch splits` and `modc fetch darn`, which download its split "
    "files to {folder}/splits and the pictures of its list of URLs to {folder}/pic"
)


def read(folder: Path, missing_images: str) -> Index:
    """Return the index of the DARN copy in `folder`.

    folder: the pictures (`pic/51586095/3660_47_1.jpg`), their frozen manifest and the split files.
    Raises UserError with instructions if nothing is there.
    """
    splits = find(folder) if folder.is_dir() else None
    if splits is None:
        raise UserError(INSTRUCTIONS.format(folder=folder))
    if not manifest.exists(folder):
        raise UserError(f"{not_frozen('DARN', folder)}. {INSTRUCTIONS.format(folder=folder)}")
    return build_index("DARN", ATTRIBUTES, folder, splits, bare_name, missing_images)


def bare_name(path: str) -> str:
    """Return `<8 digits>/<name>` without extension and leading folders, as lists differ in both."""
    return "/".join(PurePosixPath(path).with_suffix("").parts[-2:])
