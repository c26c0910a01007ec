"""Drawn garments in FashionAI's and in DARN's own files, so that they take the real ones' way.

Three fifths of the images are for training, a fifth each for validation and test, where one in
four is a query. The same seed gives the same bytes.
"""

import zipfile
from hashlib import md5
from pathlib import Path

import numpy as np

from modc.atomic import atomic_path, write_bytes, write_json, write_text
from modc.data.folder_files import GENERATED
from modc.data.index import SPLITS
from modc.datasets import darn, fashionai
from modc.drawn import canvas, drawing_darn, drawing_fashionai
from modc.drawn.dataset import SHARES
from modc.errors import UserError
from modc.progress_bar import progress_bar
from modc.seeds import generator

QUERIES = 0.25
# Share of annotations with a neighboring value marked "maybe" (FashionAI, 5 %).
MAYBE = 0.05
# DARN: share of the listed images that cannot be had, and the ways in which they fail, in turn
# (modc/drawn/server.py). "nowhere" is a host that does not exist.
MISSING = 0.04
FAILURES = (
    *("placeholder", "gone", "page", "placeholder", "truncated", "empty", "placeholder"),
    *("refused", "reset", "placeholder", "loop", "private", "placeholder", "nowhere", "silent"),
)
# One in so many of the other images is had at the second try alone.
FLAKY_EVERY = 50
# What the web server on this machine serves. The top-level domain is reserved for addresses that
# must not exist.
SERVED, HOST = "served", "garments.invalid"
# DARN is skewed: one sleeve length holds four fifths, values of other attributes fall off steeply.
COMMONEST_SLEEVE_LENGTH = 0.8
SKEW = 2.0
CLAIM = ".drawn"
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip archive can say


def write_fashionai(folder: Path, images: int, seed: int) -> None:
    """Write two archives with `images` images, one attribute each, and the split files.

    Raises UserError if the folder holds anything that was not drawn.
    """
    _claim(folder)
    rng = generator(seed, use="FashionAI garments")
    attributes = list(fashionai.ATTRIBUTES.items())
    pictures: dict[str, list] = {split: [] for split in SPLITS}  # (archive, name, attribute, value)
    archives: list[list[tuple[str, bytes]]] = [[], []]
    annotations: list[list[str]] = [[], []]
    plan = [
        (split, number % len(attributes))
        for split, share in SHARES.items()
        for number in range(round(share * images))
    ]
    turn = dict.fromkeys(plan, 0)
    for split, number in progress_bar(plan, "drawing FashionAI", len(plan)):
        attribute, count = attributes[number]
        value = turn[split, number] % count  # all values alike often
        turn[split, number] += 1
        picture = drawing_fashionai.draw(attribute, value, rng)
        name = f"Images/{attribute}_labels/{md5(picture, usedforsecurity=False).hexdigest()}.jpg"
        archive = int(rng.integers(2))
        archives[archive].append((name, picture))
        annotations[archive].append(f"{name},{attribute}_labels,{_marks(value, count, rng)}\n")
        pictures[split].append((f"{_archive_name(archive)}/{name}", [(number, value)]))
    for number, members in enumerate(archives):
        name = _archive_name(number)
        label = (f"{name}/Annotations/label.csv", "".join(sorted(annotations[number])).encode())
        _write_zip(
            folder / f"{name}.zip",
            [label, *((f"{name}/{path}", picture) for path, picture in members)],
        )
    _write_splits(folder / "splits", pictures, rng)
    write_json(folder / GENERATED, {"format": "fashionai", "images": images, "seed": seed})


def write_darn(folder: Path, images: int, seed: int) -> None:
    """Write a list of URLs of `images` images, the images, and the split files.

    The images are for `modc fetch` to serve on this machine, some of them in ways that fail. A
    training image carries several attributes, one for validation or test exactly one. An image's
    folder stands for its category, as in DARN. Raises UserError if the folder holds anything that
    was not drawn.
    """
    _claim(folder)
    rng = generator(seed, use="DARN garments")
    attributes = list(darn.ATTRIBUTES)
    folders = rng.choice(90_000_000, darn.ATTRIBUTES["clothes category"], replace=False) + 10**7
    pictures: dict[str, list] = {split: [] for split in SPLITS}
    drawn = []
    for split, share in SHARES.items():
        count = round(share * images)
        for number in progress_bar(range(count), f"drawing DARN {split}", count):
            values = {name: _skewed(name, rng) for name in attributes}
            annotated = [number % len(attributes)]
            if split == "train":
                others = np.flatnonzero(rng.random(len(attributes)) < 0.5)
                annotated = sorted({*annotated, *map(int, others)})
            stem = f"{len(drawn):04d}_{rng.integers(100):02d}_{rng.integers(1, 100)}"
            name = f"{folders[values['clothes category']]}/{stem}.jpg"
            drawn.append((name, drawing_darn.draw(values, rng)))
            labels = [(attribute, values[attributes[attribute]]) for attribute in annotated]
            pictures[split].append((f"pic/{name}", labels))
    _write_splits(folder / "splits", pictures, rng)
    # The first rows of valid and test stay, so that no attribute is left without its only image.
    may_miss = [name for split in SPLITS for name, _ in pictures[split][len(drawn) // 10 :]]
    missing = rng.choice(may_miss, round(MISSING * len(drawn)), replace=False).tolist()
    ways = {name: FAILURES[turn % len(FAILURES)] for turn, name in enumerate(missing)}
    lines = []
    for number, (name, picture) in enumerate(drawn):
        write_bytes(folder / SERVED / name, picture)
        way = ways.get(f"pic/{name}", "ok" if number % FLAKY_EVERY else "flaky")
        host = f"nowhere.{HOST}" if way == "nowhere" else HOST
        lines.append(f"{name.removesuffix('.jpg')} http://{host}/{way}/{name}\n")
    write_bytes(folder / SERVED / "placeholder.jpg", canvas.placeholder())
    write_text(folder / "urls.txt", "".join(lines))
    write_json(folder / GENERATED, {"format": "darn", "images": images, "seed": seed})


def _claim(folder: Path) -> None:
    """Refuse a folder of other things; mark this one, so that an interrupted run may go on."""
    if not (folder / CLAIM).exists():
        if folder.is_dir() and any(folder.iterdir()):
            raise UserError(
                f"{folder}: holds files that were not drawn; expected a new or empty folder (or "
                f"remove `generate` to use what is there)"
            )
        write_text(folder / CLAIM, "What lies here is drawn by `modc garments`.\n")
    # Written again at the end: what is half drawn anew is neither.
    (folder / GENERATED).unlink(missing_ok=True)


def _skewed(attribute: str, rng: np.random.Generator) -> int:
    count = darn.ATTRIBUTES[attribute]
    if attribute == "sleeve length":
        weights = np.full(count, (1 - COMMONEST_SLEEVE_LENGTH) / (count - 1))
        weights[-1] = COMMONEST_SLEEVE_LENGTH
    else:
        weights = 1 / np.arange(1, count + 1) ** SKEW
    return int(rng.choice(count, p=weights / weights.sum()))


def _marks(value: int, count: int, rng: np.random.Generator) -> str:
    """Return FashionAI's annotation: n for no, y for yes, m for a "maybe" beside it."""
    marks = ["n"] * count
    marks[value] = "y"
    if rng.random() < MAYBE:
        marks[value - 1 if value else 1] = "m"
    return "".join(marks)


def _archive_name(number: int) -> str:
    return f"fashionAI_attributes_train{number + 1}"


def _write_zip(path: Path, members: list[tuple[str, bytes]]) -> None:
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), data)


def _write_splits(folder: Path, images: dict[str, list], rng: np.random.Generator) -> None:
    """Write the public split files; images: by split, (path, [(attribute, value), ...])."""
    for split, listed in images.items():
        write_text(folder / f"filenames_{split}.txt", "".join(f"{path}\n" for path, _ in listed))
        lines = [
            " ".join(map(str, [number, *(part for label in labels for part in label)])) + "\n"
            for number, (_, labels) in enumerate(listed)
        ]
        if split == "train":
            write_text(folder / "label_train.txt", "".join(lines))
            continue
        # The rows take turns among the attributes, so this draws an equal share of each.
        attributes = len({labels[0][0] for _, labels in listed})
        query = np.zeros(len(lines), bool)
        for first in range(attributes):
            rows = np.arange(first, len(lines), attributes)
            query[rng.choice(rows, max(1, round(QUERIES * len(rows))), replace=False)] = True
        for role, chosen in (("query", query), ("candidate", ~query)):
            write_text(
                folder / f"{role}_{split}.txt",
                "".join(line for line, taken in zip(lines, chosen, strict=True) if taken),
            )
