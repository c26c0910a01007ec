"""The public split files, as the ASEN++ repository distributes them for FashionAI and DARN.

For each split: `filenames_<split>.txt`, one path a line; `label_train.txt`, lines of `index
attribute value [attribute value ...]`; `query_<split>.txt` and `candidate_<split>.txt`, lines of
`index attribute value`. An index counts the lines of the same split's filenames from 0.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from modc.data.names import shown, why_unsafe
from modc.errors import UserError

MARKER = "filenames_train.txt"


def find(folder: Path) -> Path | None:
    """Return where the split files are: `folder`/splits, `folder`, or a folder below; else None."""
    for candidate in (folder / "splits", folder):
        if (candidate / MARKER).is_file():
            return candidate
    return next((path.parent for path in sorted(folder.rglob(MARKER))), None)


def read_filenames(path: Path) -> list[str]:
    """Return the paths of a filenames file.

    Raises UserError naming the line of one that stands twice or leaves the dataset's folder.
    """
    first: dict[str, int] = {}
    for number, name in _lines(path):
        wrong = why_unsafe(name)
        if wrong:
            raise UserError(
                f"{path}, line {number}: {shown(name)}: {wrong}; expected a path below the "
                f"dataset's folder; fetch the split files again"
            )
        if name in first:
            raise UserError(f"{path}, line {number}: {name} is already in line {first[name]}")
        first[name] = number
    if not first:
        raise UserError(f"{path}: empty; expected one image path per line")
    return list(first)


def read_labels(path: Path, values: tuple[int, ...], images: int) -> pd.DataFrame:
    """Return the columns image, attribute, value of a label, query or candidate file.

    values: how many values each attribute has; images: how many filenames the split has. Raises
    UserError naming the line where something else than whole numbers in these ranges stands.
    """
    rows = []
    for number, line in _lines(path):
        words = line.split()
        if len(words) < 3 or len(words) % 2 == 0 or not "".join(words).isdecimal():
            raise UserError(
                f"{path}, line {number}: {line[:60]!r}; expected `index attribute value` in whole "
                f"numbers from 0"
            )
        image, *pairs = map(int, words)
        if image >= images:
            raise UserError(
                f"{path}, line {number}: image {image}; the split has {images} filenames, so "
                f"expected 0 to {images - 1}"
            )
        for attribute, value in zip(pairs[::2], pairs[1::2], strict=True):
            if attribute >= len(values):
                raise UserError(
                    f"{path}, line {number}: attribute {attribute}; expected 0 to {len(values) - 1}"
                )
            if value >= values[attribute]:
                raise UserError(
                    f"{path}, line {number}: value {value} of attribute {attribute}; expected 0 to "
                    f"{values[attribute] - 1}"
                )
            rows.append((image, attribute, value))
    if not rows:
        raise UserError(f"{path}: empty; expected lines of `index attribute value`")
    return pd.DataFrame(np.array(rows, np.int64), columns=["image", "attribute", "value"])


def read_split(
    folder: Path, split: str, values: tuple[int, ...]
) -> tuple[list[str], dict[str, pd.DataFrame]]:
    """Return a split's filenames and its labels by role: train, or query and candidate."""
    names = read_filenames(folder / f"filenames_{split}.txt")
    files = (
        {"train": "label_train.txt"}
        if split == "train"
        else {role: f"{role}_{split}.txt" for role in ("query", "candidate")}
    )
    return names, {
        role: read_labels(folder / file, values, len(names)) for role, file in files.items()
    }


def _lines(path: Path) -> list[tuple[int, str]]:
    """Return the lines that are not blank, numbered from 1."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path}: no such split file") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file; expected a split file") from None
    return [
        (number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()
    ]
