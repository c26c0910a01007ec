"""From the record of a download to the manifest that everything else reads."""

from pathlib import Path

import pandas as pd

from modc.atomic import write_text
from modc.data import manifest
from modc.data.states import BAD_NAME, DUPLICATE, OK, PLACEHOLDER
from modc.errors import UserError
from modc.fetch import placeholders
from modc.fetch.record import Record
from modc.fetch.store import PICTURES

DROPPED = "placeholders.csv"


def rows(record: Record, dropped: pd.Series) -> pd.DataFrame:
    """Return the manifest's rows: one a usable name of the list.

    dropped: names of the pictures that are placeholders.
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

    Returns the manifest's hash and its number of pictures. Raises UserError if it would have none.
    """
    dropped = placeholders.find(record, thresholds)
    write_text(folder / DROPPED, dropped.to_csv(index=False, lineterminator="\n"))
    table = rows(record, dropped["name"])
    pictures = int((table["status"] == OK).sum())
    if not pictures:
        raise UserError(
            f"{folder / DROPPED}: all pictures count as placeholders; raise "
            f"download.placeholders and run the same command again"
        )
    sources = {"list_sha256": record.list_sha256, "placeholders": thresholds}
    return manifest.write(folder, table, sources), pictures


def newer(record: Record, folder: Path, thresholds: dict[str, int]) -> tuple[int, int]:
    """Return how many pictures a new manifest would add to the frozen one, how many take out."""
    frozen = manifest.read(folder).pictures
    now = rows(record, placeholders.find(record, thresholds)["name"])
    now = now[now["status"] == OK]
    before, after = (set(zip(t["path"], t["sha256"], strict=True)) for t in (frozen, now))
    return len(after - before), len(before - after)
