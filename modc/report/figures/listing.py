"""The listing beside the figures: what was drawn, with its texts, and what was not."""

import json
from pathlib import Path

from modc import paths

LISTING = "figures.json"
# The formats of figures.
MEDIA = {".svg": "image/svg+xml", ".png": "image/png"}
_DRAWN = {"file", "data", "title", "caption", "alt"}
_MISSING = {"file", "title", "reason"}


def read_figures(run_folder: Path) -> tuple[list[dict], list[dict]]:
    """Return the figures of a run that were drawn, and those that were not.

    A drawn one has file and data (names inside results/<run>/figures/), title, caption and alt; the
    others have file, title and reason. Both lists are empty if `modc figures` wrote nothing or
    figures.json is damaged; a figure whose file is gone, or a link, counts as missing.
    """
    folder = Path(run_folder) / paths.FIGURES
    try:
        listing = json.loads((folder / LISTING).read_bytes())
        drawn, missing = (list(listing[name]) for name in ("figures", "missing"))
        is_whole = all({*one} >= _DRAWN and _is_figure(one["file"]) for one in drawn)
        is_whole = is_whole and all({*one} >= _MISSING for one in missing)
    except (OSError, ValueError, KeyError, TypeError):
        is_whole = False
    if not is_whole:
        return [], []
    files = {path.name for path in folder.iterdir() if path.is_file() and not path.is_symlink()}
    missing += [
        {"file": one["file"], "title": one["title"], "reason": f"{one['file']}: no such file"}
        for one in drawn
        if one["file"] not in files
    ]
    return [one for one in drawn if one["file"] in files], missing


def _is_figure(name: str) -> bool:
    return Path(name).name == name and Path(name).suffix in MEDIA
