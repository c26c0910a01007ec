import base64
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from modc.report.figures.listing import LISTING
from modc.report.page import figures as module
from modc.report.page.figures import figures


def drawn(folder, name, size=(40, 30)):
    """Draw an image, or an SVG without any; return its entry of the listing."""
    path = folder / "figures" / name
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".svg":
        path.write_text("<svg/>")
    else:
        pixels = np.random.default_rng(0).integers(0, 255, (*size[::-1], 3), np.uint8)
        Image.fromarray(pixels).save(path)
    stem = path.stem
    return {"file": name, "data": f"{stem}.csv", "title": stem, "caption": "c", "alt": f"of {stem}"}


def listed(folder, *entries, missing=()):
    text = json.dumps({"figures": entries, "missing": missing})
    (folder / "figures" / LISTING).write_text(text)


def test_images_and_texts(tmp_path):
    missing = [{"file": "c.png", "title": "C", "reason": "nothing to draw"}]
    listed(tmp_path, *(drawn(tmp_path, name) for name in ("b.svg", "a.png")), missing=missing)
    found = figures(tmp_path)
    assert [own["file"] for own in found["drawn"]] == ["figures/b.svg", "figures/a.png"]
    b, a = found["drawn"]
    assert (b["title"], b["caption"], b["alt"]) == ("b", "c", "of b")
    assert b["source"] == f"data:image/svg+xml;base64,{base64.b64encode(b'<svg/>').decode()}"
    head, data = a["source"].split(",")
    assert head == "data:image/webp;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (40, 30)
    assert found["missing"] == missing


def test_no_figures(tmp_path):
    assert figures(tmp_path) == {"drawn": [], "beside": [], "missing": []}


def test_a_damaged_image_is_embedded_as_it_is(tmp_path):
    own = drawn(tmp_path, "a.png")
    (tmp_path / "figures" / "a.png").write_bytes(b"no image")
    listed(tmp_path, own)
    assert figures(tmp_path)["drawn"][0]["source"].startswith("data:image/png;")


def test_a_file_that_cannot_be_read_stays_beside_the_page(tmp_path, monkeypatch):
    listed(tmp_path, drawn(tmp_path, "a.png"))
    read = Path.read_bytes

    def refused(path):
        if path.suffix == ".png":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    found = figures(tmp_path)
    assert found["drawn"] == [] and found["beside"][0]["file"] == "figures/a.png"


def test_what_is_too_much_is_left_beside_the_page(tmp_path, monkeypatch):
    folder = tmp_path / "figures"
    few = [drawn(tmp_path, name) for name in ("a-1.png", "a-2.png", "b.png")]
    listed(tmp_path, *few, drawn(tmp_path, "large.png", (400, 300)))
    size = len(module._data_uri(folder / "b.png"))
    monkeypatch.setattr(module, "LARGEST", 2 * size)
    names = {key: [own["file"] for own in figures(tmp_path)[key]] for key in ("drawn", "beside")}
    assert names["drawn"] == ["figures/a-1.png", "figures/a-2.png", "figures/b.png"]
    assert names["beside"] == ["figures/large.png"]
    # With room for two, the first of each kind.
    monkeypatch.setattr(module, "MOST", 2 * size)
    assert [own["title"] for own in figures(tmp_path)["drawn"]] == ["a-1", "b"]
