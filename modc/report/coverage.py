"""The coverage of a dataset: images and labels listed, obtained and missing, and the manifest."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from modc import datasets, paths
from modc.atomic import write_text
from modc.data import manifest
from modc.data.index import SPLITS, Index, read
from modc.data.label_counts import of_places
from modc.datasets.dataset import Dataset
from modc.errors import UserError
from modc.report.comparable import ROLES, percent, smallest_share
from modc.report.coverage_picture import draw
from modc.report.files import coverage_files

COLUMNS = ["split", "role", "attribute", "value", "expected", "obtained", "missing"]
# Splits and roles in the order of the files, as the tables name them.
PARTS = {
    ("train", "train"): "training",
    ("valid", "query"): "validation queries",
    ("valid", "candidate"): "validation candidates",
    ("test", "query"): "test queries",
    ("test", "candidate"): "test candidates",
}


def render(run_folder: Path, config: dict, dataset: str) -> list[Path]:
    """Write the coverage of a dataset as Markdown, CSV and PNG; return the paths.

    Reads the index in <data>/<dataset>/prepared, and the manifest and split files in
    <data>/<dataset>. Raises UserError if one is absent, or if the index is from another manifest.
    """
    own = datasets.of(config, dataset)
    folder = own.folder
    place = paths.index_folder(folder)
    index, frozen = read(place), manifest.read(folder)
    if index.manifest_sha256 != frozen.sha256:
        raise UserError(
            f"{place}: built from manifest {index.manifest_sha256[:12]}, but {folder} has "
            f"{frozen.sha256[:12]}; run `modc index` again"
        )
    threshold = config["datasets"][dataset]["comparable_coverage"]
    frame = coverage_frame(index)
    page, csv, picture = (Path(run_folder) / paths.COVERAGE / f for f in coverage_files(dataset))
    write_text(csv, frame.to_csv(index=False))
    draw(picture, frame, index, threshold)
    write_text(page, markdown(index, frozen, threshold, picture.name, own))
    return [page, csv, picture]


def coverage_frame(index: Index) -> pd.DataFrame:
    """Return one row per split, role, attribute (by name) and value; columns COLUMNS."""
    frame = index.coverage.assign(
        attribute=index.coverage["attribute"].map(dict(enumerate(index.attributes))),
        missing=index.coverage["expected"] - index.coverage["obtained"],
    )
    return frame[COLUMNS]


def markdown(
    index: Index,
    frozen: manifest.Manifest,
    threshold: float,
    picture: str,
    dataset: Dataset,
) -> str:
    """Return the page: totals, manifest, splits, attributes, values, and the dataset's remarks."""
    frame = coverage_frame(index)
    drawn = (
        [f"The images are drawn: these numbers tell nothing about {index.dataset}."]
        if index.generated
        else []
    )
    blocks = [
        f"# Coverage of {index.dataset}",
        *drawn,
        _totals(index, dataset.obtained_by_others),
        f"![Share obtained of each attribute and value]({picture})",
        "## The manifest",
        _manifest(frozen),
        "## Splits",
        _splits(index, frame),
        "## Attributes",
        f"The share obtained. A number in the tables is comparable if at least "
        f"{100 * threshold:g} % of its training images, its test queries and its test candidates "
        f"were obtained.",
        _attributes(index, frame, threshold),
        "## Values with nothing obtained",
        _nothing(frame, dataset),
        "## Values",
        "Obtained of listed; empty where nothing is listed.",
        _values(frame, dataset),
    ]
    remarks = dataset.remarks()
    if remarks:
        blocks += ["## Remarks", "\n".join(f"- {remark}" for remark in remarks)]
    return "\n\n".join(blocks) + "\n"


def _table(rows: list[list], headings: list[str], left: int) -> str:
    """Return a Markdown table whose first `left` columns are text, the others numbers."""
    align = ["left"] * left + ["right"] * (len(headings) - left)
    return tabulate(rows, headings, tablefmt="pipe", disable_numparse=True, colalign=align)


def _counts(expected: int, obtained: int) -> list[str]:
    missing = expected - obtained
    return [f"{expected:,}", f"{obtained:,}", f"{missing:,}", percent(obtained, expected)]


def _totals(index: Index, others: Mapping[str, int]) -> str:
    obtained = len(index.images)
    listed = obtained + sum(index.missing.values())
    rows = [
        [who, f"{count:,}", percent(count, max(others.values()))] for who, count in others.items()
    ]
    rows += [
        ["listed here", f"{listed:,}", ""],
        ["**obtained here**", f"**{obtained:,}**", f"**{percent(obtained, listed)}**"],
        ["missing here", f"{listed - obtained:,}", ""],
    ]
    return _table(rows, ["", "images", "of those listed"], 1)


def _manifest(frozen: manifest.Manifest) -> str:
    facts = frozen.facts
    rows = [[status, f"{count:,}"] for status, count in sorted(facts["pictures"].items())]
    sources = [f"- {name}: {value}" for name, value in facts.get("sources", {}).items()]
    said = [f"- SHA-256 of manifest.csv: `{frozen.sha256}`", f"- frozen: {facts['frozen']}"]
    return "\n".join([*said, *sources]) + "\n\n" + _table(rows, ["status", "images"], 1)


def _splits(index: Index, frame: pd.DataFrame) -> str:
    rows = []
    for split in SPLITS:
        there = int((index.images["split"] == split).sum())
        counts = _counts(there + index.missing.get(split, 0), there)
        rows.append([split, "images", *counts])
        part = frame[frame["split"] == split]
        for role, own in part.groupby("role", sort=False):
            what = "labels" if role == "train" else ROLES[role]
            rows.append(["", what, *_counts(own["expected"].sum(), own["obtained"].sum())])
    return _table(rows, ["split", "", "listed", "obtained", "missing", "share"], 2)


def _attributes(index: Index, frame: pd.DataFrame, threshold: float) -> str:
    sums = frame.groupby(["attribute", "split", "role"])[["expected", "obtained"]].sum()
    places = of_places(index.coverage, len(index.attributes), index.training_images)
    rows = []
    for name, place in zip(index.attributes, places["attributes"], strict=True):
        shares = [sums.loc[(name, *part)] for part in PARTS]
        texts = [percent(share["obtained"], share["expected"]) for share in shares]
        verdict = "yes" if smallest_share(place) >= threshold else "no"
        rows.append([name.replace("_", " "), *texts, verdict])
    listed, obtained = index.training_images
    sums = frame.groupby(["split", "role"])[["expected", "obtained"]].sum()
    shares = [sums.loc[part] for part in list(PARTS)[1:]]
    texts = [percent(share["obtained"], share["expected"]) for share in shares]
    verdict = "yes" if smallest_share(places["overall"]) >= threshold else "no"
    rows.append(["overall", percent(obtained, listed), *texts, verdict])
    return _table(rows, ["attribute", *PARTS.values(), "comparable"], 1)


def _nothing(frame: pd.DataFrame, dataset: Dataset) -> str:
    lines = []
    for part, name in PARTS.items():
        own = frame[(frame["split"] == part[0]) & (frame["role"] == part[1])]
        lost = own[own["obtained"] == 0]
        places = [
            f"{row.attribute.replace('_', ' ')} {dataset.value_name(row.attribute, row.value)} "
            f"({row.expected})"
            for row in lost.itertuples()
        ]
        if places:
            lines.append(f"- {name}: {', '.join(places)}")
    if not lines:
        return "Every listed value has an image, in every split and role."
    return "\n".join(["Attribute, value, and how many were listed:", "", *lines])


def _values(frame: pd.DataFrame, dataset: Dataset) -> str:
    texts = [f"{o:,} / {e:,}" for o, e in zip(frame["obtained"], frame["expected"], strict=True)]
    part = [PARTS[key] for key in zip(frame["split"], frame["role"], strict=True)]
    keys = ["attribute", "value"]
    order = pd.factorize(frame["attribute"])[0]
    table = frame[keys].assign(order=order, part=part, text=texts)
    wide = table.pivot(index=["order", *keys], columns="part", values="text").fillna("")
    rows = [
        [key[1].replace("_", " "), dataset.value_name(key[1], key[2]), *row]
        for key, row in zip(wide.index, wide[list(PARTS.values())].to_numpy().tolist(), strict=True)
    ]
    return _table(rows, [*keys, *PARTS.values()], 1)
