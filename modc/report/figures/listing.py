"""The listing beside the figures: what was drawn, with its texts, and what was not."""

import json
from pathlib import Path

from modc import paths

LISTING = "figures.json"
_DRAWN = {"file", "data", "title", "caption", "alt"}
_MISSING = {"file", "title", "reason"}


def read_figures(run_folder: Path) -> tuple[list[dict], list[dict]]:
    """Return the figures of a run that were drawn, and those that were not.

    A drawn one has file and data (names inside results/<run>/figures/), title, caption and alt; the
    others have file, title and reason. Both lists are empty if `modc figures` wrote nothing; a
    figure whose file is gone counts as missing.
    """
    folder = Path(run_folder) / paths.FIGURES
    try:
        listing = json.loads((folder / LISTING).read_bytes())
        drawn, missing = (list(listing[name]) for name in ("figures", "missing"))
        is_whole = all({*one} >= _DRAWN for one in drawn) and all({*o} >= _MISSING for o in missing)
    except (OSError, ValueError, KeyError, TypeError):
        is_whole = False
    if not is_whole:
        return [], []
    gone = [one for one in drawn if not (folder / one["file"]).is_file()]
    missing += [
        {"file": one["file"], "title": one["title"], "reason": f"{one['file']}: no such file"}
        for one in gone
    ]
    return [one for one in drawn if one not in gone], missing
