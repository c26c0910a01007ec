import json

import pytest

from modc.report.figures.listing import LISTING, read_figures

DRAWN = {"file": "gain.svg", "data": "gain.csv", "title": "t", "caption": "c", "alt": "a"}
MISSING = {"file": "figure1.png", "title": "t", "reason": "not run"}


def test_what_was_drawn_and_what_was_not(tmp_path):
    folder = tmp_path / "figures"
    folder.mkdir()
    (folder / LISTING).write_text(json.dumps({"figures": [DRAWN], "missing": [MISSING]}))
    (folder / "gain.svg").write_text("<svg/>")
    assert read_figures(tmp_path) == ([DRAWN], [MISSING])


def test_a_picture_that_is_gone_is_missing(tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / LISTING).write_text(json.dumps({"figures": [DRAWN], "missing": []}))
    drawn, missing = read_figures(tmp_path)
    assert drawn == []
    assert missing == [{"file": "gain.svg", "title": "t", "reason": "gain.svg: no such file"}]


@pytest.mark.parametrize(
    "text", [None, "", "[]", "{}", '{"figures": [1], "missing": []}', '{"figures": [{}]}', "\xff"]
)
def test_no_listing_or_a_damaged_one_has_nothing(tmp_path, text):
    (tmp_path / "figures").mkdir()
    if text is not None:
        (tmp_path / "figures" / LISTING).write_text(text, encoding="latin-1")
    assert read_figures(tmp_path) == ([], [])
