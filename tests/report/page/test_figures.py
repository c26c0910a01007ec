import base64
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from modc.report.page import figures as module
from modc.report.page.figures import figures


def picture(folder, name, size=(40, 30)):
    pixels = np.random.default_rng(0).integers(0, 255, (*size[::-1], 3), np.uint8)
    folder.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(folder / name)


def test_pictures_and_words(tmp_path):
    folder = tmp_path / "figures"
    picture(folder, "a.png")
    (folder / "b.svg").write_text("<svg/>")
    words = [
        {"file": "b.svg", "title": "B", "caption": "What b is.", "alt": "b"},
        {"file": "gone.png", "title": "gone"},
    ]
    missing = [{"file": "c.png", "title": "C", "reason": "nothing to draw"}]
    (folder / "figures.json").write_text(json.dumps({"figures": words, "missing": missing}))
    found = figures(tmp_path)
    assert [own["file"] for own in found["drawn"]] == ["figures/b.svg", "figures/a.png"]
    b, a = found["drawn"]
    assert (b["title"], b["caption"], b["alt"]) == ("B", "What b is.", "b")
    assert b["source"] == f"data:image/svg+xml;base64,{base64.b64encode(b'<svg/>').decode()}"
    assert (a["title"], a["caption"], a["alt"]) == ("a", "", "a")
    head, data = a["source"].split(",")
    assert head == "data:image/webp;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (40, 30)
    assert found["missing"] == [{"title": "C", "reason": "nothing to draw"}]


def test_no_figures(tmp_path):
    assert figures(tmp_path) == {"drawn": [], "beside": [], "missing": []}


def test_damaged_words_and_pictures(tmp_path):
    folder = tmp_path / "figures"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"no picture")
    for text in (
        "",
        "[]",
        '{"figures": 3}',
        '{"figures": [3]}',
        '{"figures": [{"file": 3}]}',
        "\0",
    ):
        (folder / "figures.json").write_text(text)
        (own,) = figures(tmp_path)["drawn"]
        assert own["title"] == "a" and own["source"].startswith("data:image/png;")


def test_a_folder_or_a_file_that_cannot_be_read_is_no_picture(tmp_path, monkeypatch):
    picture(tmp_path / "figures", "a.png")
    (tmp_path / "figures" / "folder.png").mkdir()
    assert [own["file"] for own in figures(tmp_path)["drawn"]] == ["figures/a.png"]

    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refused)
    found = figures(tmp_path)
    assert found["drawn"] == [] and found["beside"] == [{"file": "figures/a.png", "title": "a"}]


def test_no_file_outside_the_folder(tmp_path):
    picture(tmp_path / "figures", "a.png")
    picture(tmp_path, "secret.png")
    (tmp_path / "figures" / "link.png").symlink_to(tmp_path / "secret.png")
    words = [{"file": "../secret.png"}, {"file": str(tmp_path / "secret.png")}]
    (tmp_path / "figures" / "figures.json").write_text(json.dumps({"figures": words}))
    assert [own["file"] for own in figures(tmp_path)["drawn"]] == ["figures/a.png"]


def test_what_is_too_much_is_left_beside_the_page(tmp_path, monkeypatch):
    folder = tmp_path / "figures"
    for name in ("a-1.png", "a-2.png", "b.png"):
        picture(folder, name)
    picture(folder, "large.png", (400, 300))
    size = len(module._data_uri(folder / "b.png"))
    monkeypatch.setattr(module, "LARGEST", 2 * size)
    names = {key: [own["file"] for own in figures(tmp_path)[key]] for key in ("drawn", "beside")}
    assert names["drawn"] == ["figures/a-1.png", "figures/a-2.png", "figures/b.png"]
    assert names["beside"] == ["figures/large.png"]
    # With room for two, the first of each kind.
    monkeypatch.setattr(module, "MOST", 2 * size)
    assert [own["title"] for own in figures(tmp_path)["drawn"]] == ["a-1", "b"]
