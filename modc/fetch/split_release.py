"""What the public split files of a dataset are: their names, counts and contents."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Release:
    """The split files of one dataset as they were published.

    name: the dataset's folder in the archive and in the mirror. attributes: how many values each
    has. counts: by split the entries of its files (images, train, query, candidate) that are
    checked. blobs: the git blob of each file in the mirror. drive_id: of data.zip on Google Drive.
    mirror: the address below which the same files lie, at one commit of a git repository.
    """

    name: str
    attributes: Mapping[str, int]
    counts: Mapping[str, Mapping[str, int]]
    blobs: Mapping[str, str]
    drive_id: str
    mirror: str


def missing(folder: Path) -> list[str]:
    """Return the split files that are not in `folder`."""
    return [name for name in FILES if not (folder / name).is_file()]
