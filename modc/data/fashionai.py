"""FashionAI: the archives of a Tianchi competition, one attribute an image."""

from pathlib import Path

from modc.data import manifest
from modc.data.index import Index
from modc.data.listed_images import build_index, not_frozen
from modc.data.split_files import find
from modc.errors import UserError

# In the order of Table 1; the counts are those of the public split files' meta.json.
ATTRIBUTES = {
    "skirt_length": 6,
    "sleeve_length": 9,
    "coat_length": 8,
    "pant_length": 6,
    "collar_design": 5,
    "lapel_design": 5,
    "neckline_design": 10,
    "neck_design": 5,
}

# The public split files: pictures, queries and candidates a split (FashionAI's part of data.zip).
COUNTS = {
    "train": {"filenames": 144_335, "train": 144_335},
    "valid": {"filenames": 18_000, "query": 3_600, "candidate": 14_400},
    "test": {"filenames": 18_000, "query": 3_600, "candidate": 14_400},
}

INSTRUCTIONS = (
    "FashionAI is not there: run `modc fetch splits` and `modc fetch fashionai`, which puts its "
    "pictures into {folder} out of fashionAI_attributes_train1.zip (6 GB) and "
    "fashionAI_attributes_train2.zip (7 GB) of Tianchi competition 231671 (register at "
    "https://tianchi.aliyun.com/competition/entrance/231671/introduction); the split files go "
    "into {folder}/splits"
)


def read(folder: Path, missing_images: str) -> Index:
    """Return the index of the FashionAI copy in `folder`.

    folder: the pictures, their frozen manifest and the split files. A picture is found by its last
    two path parts, `<attribute>_labels/<md5>.jpg`, since the folders before differ between
    releases. Raises UserError with instructions if nothing is there.
    """
    splits = find(folder) if folder.is_dir() else None
    if splits is None:
        raise UserError(INSTRUCTIONS.format(folder=folder))
    if not manifest.exists(folder):
        raise UserError(f"{not_frozen('FashionAI', folder)}. {INSTRUCTIONS.format(folder=folder)}")
    return build_index("FashionAI", ATTRIBUTES, folder, splits, last_two_parts, missing_images)


def last_two_parts(path: str) -> str:
    """Return `<attribute>_labels/<md5>.jpg`, which names a picture in every release."""
    return "/".join(path.replace("\\", "/").split("/")[-2:])
