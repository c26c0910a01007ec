"""From the record of a download to the manifest that everything else reads."""

import logging
from pathlib import Path

import pandas as pd

from modc.atomic import write_text
from modc.data import manifest
from modc.data.manifest import OK
from modc.fetch import placeholders
from modc.fetch.record import Record
from modc.fetch.states import BAD_NAME, DUPLICATE, PLACEHOLDER
from modc.fetch.store import PICTURES

log = logging.getLogger(__name__)

DROPPED = "placeholders.csv"


def judged(record: Record, thresholds: dict[str, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the record with placeholders found out, and the list of these.

    The record itself keeps them as ok: whether a picture is a placeholder depends on all others and
    on the configured thresholds.
    """
    table = record.table()
    dropped = placeholders.find(table, thresholds)
    table.loc[table["name"].isin(dropped["name"]), "state"] = PLACEHOLDER
    return table, dropped


def rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return the manifest's rows for a judged record: one a usable name."""
    table = table[~table["state"].isin([BAD_NAME, DUPLICATE])]
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


def freeze(record: Record, folder: Path, thresholds: dict[str, int]) -> str:
    """Write the manifest, and placeholders.csv with what was dropped; return the hash."""
    table, dropped = judged(record, thresholds)
    write_text(folder / DROPPED, dropped.to_csv(index=False, lineterminator="\n"))
    sources = {"list_sha256": record.list_sha256, "placeholders": thresholds}
    return manifest.write(folder, rows(table), sources)


def newer(record: Record, folder: Path, thresholds: dict[str, int]) -> tuple[int, int]:
    """Return how many pictures a new manifest would add to the frozen one, how many take out."""
    frozen = manifest.read(folder).pictures
    now = rows(judged(record, thresholds)[0])
    now = now[now["status"] == OK]
    before, after = (set(zip(t["path"], t["sha256"], strict=True)) for t in (frozen, now))
    return len(after - before), len(before - after)
