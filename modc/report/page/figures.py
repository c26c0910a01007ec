"""The figures of a run, embedded in the page so that it stays a single file."""

import base64
import io
import json
from collections import Counter
from pathlib import Path

from PIL import Image

from modc import paths

MEDIA = {".svg": "image/svg+xml", ".png": "image/png"}
# Most characters of one image in the page, and of all: small enough to send by mail.
LARGEST, MOST = 250_000, 900_000
MOST_PIXELS = 50_000_000
QUALITY = 75


def figures(run_folder: Path) -> dict:
    """Return the figures in figures/: drawn, beside and missing.

    drawn: those in the page, with file (inside the run's folder), title, caption, alt, source (a
    data URI); beside: those too large for it, with file and title; missing: title and reason.
    Texts and order come from figures.json; an image that it does not list comes last, titled with
    its file name.
    """
    folder = Path(run_folder) / paths.FIGURES
    listed = _listed(folder / "figures.json")
    drawings = [path for path in sorted(folder.glob("*")) if path.suffix in MEDIA]
    there = {path.name: path for path in drawings if path.is_file() and not path.is_symlink()}
    words = {own["file"]: own for own in listed["figures"] if own["file"] in there}
    words |= {name: {} for name in there if name not in words}
    sources = _sources([there[name] for name in words])
    drawn, beside = [], []
    for name, own in words.items():
        title = str(own.get("title", Path(name).stem))
        figure = {"file": f"{paths.FIGURES}/{name}", "title": title}
        if name not in sources:
            beside.append(figure)
            continue
        said = {"caption": str(own.get("caption", "")), "alt": str(own.get("alt", title))}
        drawn.append({**figure, **said, "source": sources[name]})
    missing = [
        {"title": str(own.get("title", own["file"])), "reason": str(own.get("reason", ""))}
        for own in listed["missing"]
    ]
    return {"drawn": drawn, "beside": beside, "missing": missing}


def _sources(drawings: list[Path]) -> dict[str, str]:
    """Return, by name, the data URIs of those that fit into the page.

    The first of each kind takes precedence, then the second, and so on; the kind is the name up to
    the first hyphen: figure2-collar-design is a figure2.
    """
    turn: Counter[str] = Counter()
    order = []
    for position, path in enumerate(drawings):
        kind = path.stem.partition("-")[0]
        order.append((turn[kind], position, path))
        turn[kind] += 1
    found, left = {}, MOST
    for _, _, path in sorted(order):
        try:
            uri = _data_uri(path)
        except OSError:  # not readable
            continue
        if len(uri) <= min(LARGEST, left):
            found[path.name] = uri
            left -= len(uri)
    return found


def _listed(path: Path) -> dict:
    """Return the two lists of figures.json, empty if it is absent or damaged."""
    try:
        listed = json.loads(path.read_bytes())
        found = {key: listed.get(key, []) for key in ("figures", "missing")}
        return {
            key: [own for own in entries if isinstance(own.get("file"), str)]
            for key, entries in found.items()
        }
    except (OSError, ValueError, AttributeError, TypeError):  # absent, no JSON, or another shape
        return {"figures": [], "missing": []}


def _data_uri(path: Path) -> str:
    data, media = path.read_bytes(), MEDIA[path.suffix]
    smaller = _as_webp(data) if path.suffix == ".png" else None
    if smaller is not None and len(smaller) < len(data):
        data, media = smaller, "image/webp"
    return f"data:{media};base64,{base64.b64encode(data).decode()}"


def _as_webp(data: bytes) -> bytes | None:
    """Return an image as WebP, None if it is damaged or too large to decode."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MOST_PIXELS:
                return None
            written = io.BytesIO()
            image.convert("RGB").save(written, "WEBP", quality=QUALITY)
            return written.getvalue()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
