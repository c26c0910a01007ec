"""FashionAI's listed images: out of its archives to Images/, with a manifest of them."""

import logging
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from modc.atomic import write_bytes
from modc.data import manifest
from modc.data.folder_files import GENERATED
from modc.data.index import SPLITS
from modc.data.names import shown
from modc.data.split_files import read_filenames
from modc.datasets.fashionai import ARCHIVES, IMAGES, PAGE, FashionAI
from modc.datasets.fashionai_sources import Sources, find, picture_path
from modc.errors import UserError
from modc.fetch import split_check, split_release
from modc.fetch.extraction import ManifestRow, can_be_had, extract
from modc.lock import alone

log = logging.getLogger(__name__)

ABSENT = "missing.csv"
# What a file takes on disk is a multiple of this.
BLOCK = 4096
SHOWN = 3


def fetch(
    folder: Path, archives: Path, refreeze: bool, may_miss: bool = False, name: str = "FashionAI"
) -> str:
    """Hold the folder for this process and do `_fetch`."""
    with alone(folder / manifest.MANIFEST, "extracting images from archives"):
        return _fetch(folder, archives, refreeze, may_miss, name)


def _fetch(folder: Path, archives: Path, refreeze: bool, may_miss: bool, name: str) -> str:
    """Put what the split files in `folder`/splits list to `folder`/Images, and freeze it.

    archives: where the two archives lie, as they are or unpacked. name: the dataset's in the
    configuration. A manifest that is there stays
    unless `refreeze`: then only what it has and what is gone is put in place again. Returns a line
    that says what there is; images that are missing are a warning and stand in missing.csv.
    Raises UserError if an archive is absent or does not open, or the disk has too little room.
    """
    if archives.is_file():
        raise UserError(f"{archives}: a file; expected the folder that holds both archives")
    listed = _listed(folder, name)
    fingerprint = split_check.fingerprint(folder / "splits")
    frozen = None if refreeze else _frozen(folder, fingerprint)
    if frozen is not None:
        return _restore(folder, archives, listed, frozen, name)
    names = _names(listed)
    sources = find(archives, names, folder)
    pictures = _extract(folder, archives, sources, list(names), name)
    table = pd.DataFrame([row[:-1] for row in pictures], columns=manifest.COLUMNS)
    _report(folder, listed, pictures)
    absent = int((table["status"] != manifest.OK).sum())
    if absent and not (may_miss or refreeze):
        raise UserError(
            f"{folder}: {absent:,} of {len(table):,} listed images are missing, all listed in "
            f"{folder / ABSENT}, so nothing is frozen{_most_frequent(pictures)}; put complete "
            f"archives into {archives} and run the same command again, or set "
            f"datasets.{name}.missing_images to leave_out"
        )
    _forget_other_splits(folder, fingerprint)
    manifest.write(folder, table, {"archives": sources.facts, "splits": fingerprint})
    counts = table["status"].value_counts()
    kinds = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    return f"{folder}: {len(table):,} images listed: {kinds}; {manifest.MANIFEST} is frozen"


def _listed(folder: Path, dataset: str) -> pd.DataFrame:
    """Return the columns split, name (the split files'), path (below `folder`) of all images."""
    splits = folder / "splits"
    absent = split_release.missing(splits)
    if absent:
        raise UserError(
            f"{splits}: {len(absent)} split files are missing, the first is {absent[0]}; run "
            f"`modc fetch {dataset}` with {' and '.join(ARCHIVES.values())} of {PAGE}"
        )
    if not (folder / GENERATED).exists():
        split_check.check(splits, FashionAI.release)
    rows = []
    for split in SPLITS:
        for name in read_filenames(splits / f"filenames_{split}.txt"):
            path = picture_path(name)
            if path is None:
                raise UserError(
                    f"{splits}/filenames_{split}.txt: {shown(name)}; expected "
                    f".../<attribute>_labels/<name>.jpg of one of FashionAI's attributes"
                )
            rows.append((split, name, path))
    return pd.DataFrame(rows, columns=["split", "name", "path"])


def _names(listed: pd.DataFrame) -> dict[str, str]:
    return dict(zip(listed["path"], listed["name"], strict=True))


def _extract(
    folder: Path, archives: Path, sources: Sources, wanted: list[str], dataset: str
) -> list[ManifestRow]:
    """Put the `wanted` images in place, once it is sure that this can work."""
    there = _sizes(folder)
    absent = [name for number, name in ARCHIVES.items() if number not in sources.numbers]
    unknown = [path for path in wanted if path not in there and path not in sources.copies]
    if absent and unknown:
        raise UserError(_instructions(archives, absent, len(unknown), sources.others, dataset))
    if sources.outside:
        log.warning(
            "%d members of the archives point outside their folder; they are skipped",
            sources.outside,
        )
    new = [
        copies[0].bytes
        for path in wanted
        if (copies := [copy for copy in sources.copies.get(path, []) if not copy.unreadable])
        and there.get(path) not in {copy.bytes for copy in copies}
    ]
    _check_space(folder, new)
    copies = [(path, sources.copies.get(path, [])) for path in wanted]
    pictures = extract(folder, copies, len(wanted))
    if new:
        os.sync()  # the manifest must not be on disk before the images that it names
    return pictures


def _most_frequent(pictures: list[ManifestRow]) -> str:
    """Return the most frequent reason of those that are not there, in brackets."""
    reasons = Counter(picture.reason for picture in pictures if picture.reason)
    return f" ({reasons.most_common(1)[0][0]})" if reasons else ""


def _instructions(
    archives: Path, absent: list[str], unknown: int, others: list[str], dataset: str
) -> str:
    found = "".join(f" ({said})" for said in others)
    return (
        f"{archives}: no {' and no '.join(absent)} there{found}, and {unknown:,} listed images "
        f"are not in place; register at {PAGE}, download {' and '.join(ARCHIVES.values())}"
        f", put them there, as they are or unpacked, and run `modc fetch {dataset}` again; "
        f"--archives FOLDER sets another folder"
    )


def _sizes(folder: Path) -> dict[str, int]:
    """Return the bytes of the files in Images/<attribute>_labels/, by their paths."""
    return {
        f"{IMAGES}/{place.name}/{entry.name}": entry.stat().st_size
        for place in sorted((folder / IMAGES).glob("*_labels"))
        if place.is_dir()
        for entry in os.scandir(place)
        if entry.is_file()
    }


def _check_space(folder: Path, sizes: list[int]) -> None:
    needed = int((-(-np.array(sizes, np.int64) // BLOCK) * BLOCK).sum())
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"{folder}: {len(sizes):,} images need {needed / 1e9:.1f} GB, but only "
            f"{free / 1e9:.1f} GB are free; free some space, or set another `data` folder in the "
            f"configuration"
        )


def _frozen(folder: Path, fingerprint: str) -> manifest.Manifest | None:
    """Return the manifest that is there. Raises UserError if it is of other split files."""
    if not manifest.exists(folder):
        return None
    frozen = manifest.read(folder)
    if _splits_of(frozen) == fingerprint:
        return frozen
    if (folder / GENERATED).exists():  # drawn anew: their numbers say nothing about the paper
        return None
    raise UserError(
        f"{folder / manifest.MANIFEST}: frozen with other split files than those in "
        f"{folder / 'splits'}; restore them, or run with --refreeze to use these"
    )


def _splits_of(frozen: manifest.Manifest) -> str | None:
    sources = frozen.facts.get("sources")
    return sources.get("splits") if isinstance(sources, dict) else None


def _forget_other_splits(folder: Path, fingerprint: str) -> None:
    """Remove the facts of a manifest of other split files, which may list the same images."""
    try:
        same = _splits_of(manifest.read(folder)) == fingerprint
    except UserError:
        same = False
    if not same:
        (folder / manifest.FACTS).unlink(missing_ok=True)


def _restore(
    folder: Path, archives: Path, listed: pd.DataFrame, frozen: manifest.Manifest, dataset: str
) -> str:
    """Put what a frozen manifest has and what is gone in place again, and nothing else."""
    there = _sizes(folder)
    pictures = frozen.pictures.set_index("path")
    gone = [path for path, size in pictures["bytes"].items() if there.get(path) != size]
    others = frozen.table.loc[frozen.table["status"] != manifest.OK, "path"].tolist()
    sources = find(archives, _names(listed), folder) if gone or others else Sources()
    if gone:
        wrong = [
            row.path
            for row in _extract(folder, archives, sources, gone, dataset)
            if row.sha256 != pictures["sha256"][row.path]
        ]
        if wrong:
            raise UserError(
                f"{folder}: {len(wrong):,} images of the frozen manifest are gone, and "
                f"{archives} does not have them as they were, the first is {wrong[0]}; restore "
                f"them, or run with --refreeze to drop them"
            )
    more = _more(folder, others, sources)
    if more:
        log.warning(
            "%s: %d images are there that the frozen manifest does not have; run with "
            "--refreeze to include them (existing models were then trained on other data)",
            folder,
            more,
        )
    again = f", {len(gone):,} of them restored" if gone else ""
    missing = f"; {len(others):,} are missing as before" if others else ""
    return f"{folder}: {len(pictures):,} images, as in {manifest.MANIFEST}{again}{missing}"


def _more(folder: Path, others: list[str], sources: Sources) -> int:
    """Return how many of the images `others` that the manifest lacks could be had now."""
    if not others:
        return 0
    here = manifest.describe(folder, others)
    found = set(here.loc[here["status"] == manifest.OK, "path"])
    return len(found | {path for path in others if can_be_had(sources.copies.get(path, []))})


def _report(folder: Path, listed: pd.DataFrame, pictures: list[ManifestRow]) -> None:
    """Warn of what is missing, by split and attribute, and write all of it to missing.csv."""
    facts = pd.DataFrame(
        [(row.path, row.status, row.reason) for row in pictures],
        columns=["path", "status", "reason"],
    )
    absent = listed.merge(facts[facts["status"] != manifest.OK], on="path")
    absent.insert(1, "attribute", absent["path"].str.extract(r"/(\w+)_labels/", expand=False))
    if absent.empty:
        (folder / ABSENT).unlink(missing_ok=True)
        return
    write_bytes(folder / ABSENT, absent.to_csv(index=False, lineterminator="\n").encode())
    for split in SPLITS:
        counts = absent.loc[absent["split"] == split, "attribute"].value_counts()
        if len(counts):
            kinds = ", ".join(f"{attribute} {count:,}" for attribute, count in counts.items())
            log.warning("%s: %d images are missing: %s", split, counts.sum(), kinds)
    log.warning(
        "%d OF %d LISTED IMAGES ARE MISSING (%s), the first: %s; all of them: %s",
        len(absent),
        len(listed),
        ", ".join(f"{count:,} {kind}" for kind, count in absent["status"].value_counts().items()),
        ", ".join(absent["name"][:SHOWN]),
        folder / ABSENT,
    )
