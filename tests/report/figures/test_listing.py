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


@pytest.mark.parametrize("is_link", [False, True])
def test_a_figure_that_is_gone_or_a_link_is_missing(tmp_path, is_link):
    (tmp_path / "figures").mkdir()
    if is_link:
        (tmp_path / "secret.svg").write_text("<svg/>")
        (tmp_path / "figures" / "gain.svg").symlink_to(tmp_path / "secret.svg")
    (tmp_path / "figures" / LISTING).write_text(json.dumps({"figures": [DRAWN], "missing": []}))
    drawn, missing = read_figures(tmp_path)
    assert drawn == []
    assert missing == [{"file": "gain.svg", "title": "t", "reason": "gain.svg: no such file"}]


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "[]", "{}", '{"figures": [1], "missing": []}', '{"figures": [{}]}', "\xff"),
        *(
            json.dumps({"figures": [DRAWN | {"file": name}], "missing": []})
            for name in ("../gain.svg", "/gain.svg", "gain.txt", 3)
        ),
    ],
)
def test_no_listing_or_a_damaged_one_has_nothing(tmp_path, text):
    (tmp_path / "figures").mkdir()
    if text is not None:
        (tmp_path / "figures" / LISTING).write_text(text, encoding="latin-1")
    assert read_figures(tmp_path) == ([], [])
