"""The index of a dataset: its images, their labels, splits, queries and candidates."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import pandas as pd

from modc import paths
from modc.atomic import write_bytes, write_json
from modc.data.label_counts import COLUMNS as COVERAGE_COLUMNS
from modc.data.label_counts import KEYS, count
from modc.errors import UserError

SPLITS = ("train", "valid", "test")
ROLES = ("train", "query", "candidate")
IMAGE_COLUMNS = ["split", "path", "width", "height"]
LABEL_COLUMNS = ["split", "role", "image", "attribute", "value"]


@dataclass(frozen=True)
class Index:
    """What a dataset holds.

    dataset: its name in the tables. attributes: their names, in the order of the tables.
    values: how many values each has. images: one row an image, whose number is the image's; columns
    split, path (below the dataset's folder), width, height. labels: one row a label; columns split,
    role (train, query or candidate), image, attribute, value. coverage: how many labels of each
    split, role, attribute and value are listed and how many have their image
    (`modc.data.label_counts.count`). missing: listed images that were left out, a split (A18).
    generated: drawn images that say nothing about the paper. manifest_sha256: of the frozen
    manifest that says which images there are, "" for a dataset that has none.
    """

    dataset: str
    attributes: tuple[str, ...]
    values: tuple[int, ...]
    images: pd.DataFrame
    labels: pd.DataFrame
    coverage: pd.DataFrame
    missing: dict[str, int] = field(default_factory=dict)
    generated: bool = False
    manifest_sha256: str = ""

    def rows(self, split: str, role: str) -> pd.DataFrame:
        """Return the labels (image, attribute, value) of one split and role, in their order."""
        chosen = (self.labels["split"] == split) & (self.labels["role"] == role)
        return self.labels.loc[chosen, ["image", "attribute", "value"]].reset_index(drop=True)

    @cached_property
    def sha256(self) -> str:
        """The hash that names the data: of the images and the labels as CSV, and the manifest."""
        tables = _csv(self.images) + _csv(self.labels)
        return sha256(tables + self.manifest_sha256.encode()).hexdigest()

    @property
    def training_images(self) -> tuple[int, int]:
        """How many training images are listed, and how many of them are there."""
        obtained = int((self.images["split"] == "train").sum())
        return obtained + self.missing.get("train", 0), obtained

    @property
    def second_values(self) -> int:
        """How many labels of training images are a further value of an attribute they have."""
        return int(self.rows("train", "train").duplicated(["image", "attribute"]).sum())


def check(index: Index) -> None:
    """Raise UserError if the index contradicts itself or cannot be trained and evaluated on."""
    name, images, labels = index.dataset, index.images, index.labels
    repeated = images["path"][images["path"].duplicated()]
    if len(repeated):
        raise UserError(
            f"{name}: the image {repeated.iloc[0]} is listed twice; expected each path once"
        )
    outside = labels[(labels["image"] < 0) | (labels["image"] >= len(images))]
    if len(outside):
        raise UserError(
            f"{name}: a label names image {outside['image'].iloc[0]}; expected 0 to "
            f"{len(images) - 1}"
        )
    outside = labels[(labels["attribute"] < 0) | (labels["attribute"] >= len(index.attributes))]
    if len(outside):
        raise UserError(
            f"{name}: image {images['path'][outside['image'].iloc[0]]} has attribute "
            f"{outside['attribute'].iloc[0]}; expected 0 to {len(index.attributes) - 1}"
        )
    values = labels["attribute"].map(dict(enumerate(index.values)))
    outside = labels[(labels["value"] < 0) | (labels["value"] >= values)]
    if len(outside):
        row = outside.iloc[0]
        raise UserError(
            f"{name}: image {images['path'][row['image']]} has value {row['value']} of "
            f"{index.attributes[row['attribute']]}; expected 0 to "
            f"{index.values[row['attribute']] - 1}"
        )
    # A training image may have several values of an attribute, as the public code lets it.
    is_train = labels["role"] == "train"
    asked, trained = labels[~is_train], labels[is_train]
    for repeated in (
        asked[asked.duplicated(["image", "attribute"])],
        trained[trained.duplicated(["image", "attribute", "value"])],
    ):
        if len(repeated):
            row = repeated.iloc[0]
            raise UserError(
                f"{name}: image {images['path'][row['image']]} has two labels of "
                f"{index.attributes[row['attribute']]} in {row['split']}; expected one, as query "
                f"or candidate, and different values, as train"
            )
    for split, role in (
        ("train", "train"),
        *((split, role) for split in ("valid", "test") for role in ("query", "candidate")),
    ):
        present = set(index.rows(split, role)["attribute"])
        for number, attribute in enumerate(index.attributes):
            if number not in present:
                raise UserError(
                    f"{name}: the attribute {attribute} has no {role} image in {split}; expected "
                    f"at least one"
                )
    _check_coverage(index)


def _check_coverage(index: Index) -> None:
    """Raise UserError if the coverage does not count the labels that there are."""
    coverage = index.coverage
    there, counted = coverage[coverage["obtained"] > 0], count(index.labels)
    keys = [*KEYS, "obtained"]
    rows = [set(frame[keys].itertuples(index=False, name=None)) for frame in (there, counted)]
    if rows[0] != rows[1] or (coverage["obtained"] > coverage["expected"]).any():
        raise UserError(
            f"{index.dataset}: the coverage does not match the labels of the index; run "
            f"`modc index` again"
        )


def write(index: Index, folder: Path) -> None:
    """Check `index` and write images.csv, labels.csv, coverage.csv and, last, index.json."""
    check(index)
    write_bytes(folder / paths.IMAGES, _csv(index.images))
    write_bytes(folder / paths.LABELS, _csv(index.labels))
    write_bytes(folder / paths.COUNTS, _csv(index.coverage))
    summary = {
        "dataset": index.dataset,
        "attributes": dict(zip(index.attributes, index.values, strict=True)),
        "images": {split: int((index.images["split"] == split).sum()) for split in SPLITS},
        "missing": index.missing,
        "generated": index.generated,
        "second_values": index.second_values,
        "manifest_sha256": index.manifest_sha256,
        "sha256": index.sha256,
    }
    write_json(folder / paths.INDEX, summary)


def read(folder: Path) -> Index:
    """Return the index in `folder`. Raises UserError if it is absent or was altered."""
    again = "run `modc index` again"
    try:
        summary = json.loads((folder / paths.INDEX).read_bytes())
        images = pd.read_csv(folder / paths.IMAGES, keep_default_na=False)
        labels = pd.read_csv(folder / paths.LABELS, keep_default_na=False)
        coverage = pd.read_csv(folder / paths.COUNTS, keep_default_na=False)
        index = Index(
            dataset=summary["dataset"],
            attributes=tuple(summary["attributes"]),
            values=tuple(summary["attributes"].values()),
            images=images[IMAGE_COLUMNS],
            labels=labels[LABEL_COLUMNS],
            coverage=coverage[COVERAGE_COLUMNS],
            missing=summary["missing"],
            generated=summary["generated"],
            manifest_sha256=summary["manifest_sha256"],
        )
    except FileNotFoundError as error:
        raise UserError(f"{error.filename}: no such file of the index; {again}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{folder}: not an index of this version; {again}") from None
    if index.sha256 != summary["sha256"]:
        raise UserError(
            f"{folder}: {paths.IMAGES} or {paths.LABELS} does not fit the SHA-256 in "
            f"{paths.INDEX}; {again}"
        )
    _check_coverage(index)
    return index


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, lineterminator="\n").encode()
