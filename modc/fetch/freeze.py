"""From the record of a download to the manifest that everything else reads."""

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import chain
from pathlib import Path

import pandas as pd

from modc.atomic import write_text
from modc.data import manifest
from modc.data.states import BAD_NAME, DUPLICATE, OK, PENDING, PLACEHOLDER
from modc.errors import UserError
from modc.fetch import placeholders
from modc.fetch.outcome import Outcome
from modc.fetch.record import Record
from modc.fetch.store import PICTURES
from modc.progress_bar import progress_bar

log = logging.getLogger(__name__)

DROPPED = "placeholders.csv"
PART = 1000


def forget_altered(record: Record, folder: Path) -> int:
    """Forget images whose file is not what was recorded; return how many.

    After a power cut, or by another program's hand, a file of the right size may hold other bytes.
    """
    os.sync()
    table = record.table("name", "state", "sha256")
    table = table[table["state"] == OK]
    names = table["name"].tolist()

    def hash_of(name: str) -> str:
        try:
            return sha256((folder / PICTURES / f"{name}.jpg").read_bytes()).hexdigest()
        except (FileNotFoundError, NotADirectoryError):
            return ""

    with ThreadPoolExecutor(manifest.THREADS) as pool:
        # In parts: a pool keeps a kilobyte for each image that it is given.
        parts = (pool.map(hash_of, names[at : at + PART]) for at in range(0, len(names), PART))
        found = chain.from_iterable(parts)
        found = progress_bar(found, "hashing images", len(names))
        pairs = zip(names, table["sha256"], found, strict=True)
        altered = [name for name, recorded, now in pairs if now != recorded]
    record.write(Outcome(name, PENDING, "its file was changed") for name in altered)
    return len(altered)


def rows(record: Record, dropped: pd.Series) -> pd.DataFrame:
    """Return the manifest's rows: one a usable name of the list.

    dropped: names of the images that are placeholders.
    """
    table = record.table("name", "state", "stored", "sha256", "width", "height")
    table = table[~table["state"].isin([BAD_NAME, DUPLICATE])]
    table.loc[table["name"].isin(dropped), "state"] = PLACEHOLDER
    kept = table["state"] == OK
    return pd.DataFrame(
        {
            "path": PICTURES + "/" + table["name"] + ".jpg",
            "status": table["state"],
            "bytes": table["stored"].where(kept),
            "sha256": table["sha256"].where(kept, ""),
            "width": table["width"].where(kept),
            "height": table["height"].where(kept),
        }
    )


def freeze(record: Record, folder: Path, thresholds: dict[str, int]) -> tuple[str, int]:
    """Write the manifest, and placeholders.csv with what was dropped.

    Returns the manifest's hash and its number of images. Raises UserError if it would have none.
    """
    altered = forget_altered(record, folder)
    if altered:
        log.warning(
            "%s: %d images are not what was downloaded; the next run downloads them again",
            folder / PICTURES,
            altered,
        )
    dropped = placeholders.find(record, thresholds)
    write_text(folder / DROPPED, dropped.to_csv(index=False, lineterminator="\n"))
    table = rows(record, dropped["name"])
    pictures = int((table["status"] == OK).sum())
    if not pictures:
        raise UserError(
            f"{folder / DROPPED}: all images count as placeholders; raise "
            f"download.placeholders and run the same command again"
        )
    sources = {"list_sha256": record.list_sha256, "placeholders": thresholds}
    return manifest.write(folder, table, sources), pictures


def newer(record: Record, folder: Path, thresholds: dict[str, int]) -> tuple[int, int]:
    """Return how many images a new manifest would add to the frozen one, how many take out."""
    frozen = manifest.read(folder).pictures
    now = rows(record, placeholders.find(record, thresholds)["name"])
    now = now[now["status"] == OK]
    before, after = (set(zip(t["path"], t["sha256"], strict=True)) for t in (frozen, now))
    return len(after - before), len(before - after)
