"""The figures of a run, embedded in the page so that it stays a single file."""

import base64
import io
from collections import Counter
from pathlib import Path

from PIL import Image

from modc import paths
from modc.report.figures.listing import MEDIA, read_figures

# Most characters of one image in the page, and of all: small enough to send by mail.
LARGEST, MOST = 250_000, 900_000
MOST_PIXELS = 50_000_000
QUALITY = 75


def figures(run_folder: Path) -> dict:
    """Return the figures of a run: drawn, beside and missing.

    drawn: those in the page, with file (inside the run's folder), title, caption, alt, source (a
    data URI); beside: those too large for it, or damaged, with file and title; missing: title and
    reason.
    """
    listed, missing = read_figures(run_folder)
    folder = Path(run_folder) / paths.FIGURES
    sources = _sources([folder / own["file"] for own in listed])
    files = [own | {"file": f"{paths.FIGURES}/{own['file']}"} for own in listed]
    return {
        "drawn": [
            figure | {"source": sources[own["file"]]}
            for own, figure in zip(listed, files, strict=True)
            if own["file"] in sources
        ],
        "beside": [
            figure for own, figure in zip(listed, files, strict=True) if own["file"] not in sources
        ],
        "missing": missing,
    }


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
