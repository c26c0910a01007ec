import re

import pytest
from parsed_page import Parsed

from modc.report.html import fragment, standalone, tone
from modc.report.layout import Entry, Page, Row

PLACE = {
    "table": "table1",
    "network": "ASEN",
    "method": "baseline",
    "top_n": "",
    "query_label": "",
    "labeled_percent": 100,
    "attribute": "overall",
    "metric": "MAP@100",
    "verdict": "below",
    "difference": -0.03,
}


def page(*entries, part="Ours", label="ASEN", notes=(), columns=None):
    columns = columns or [("MAP@100", f"column {i}") for i in range(len(entries))]
    return Page("Table 1: a title", columns, {part: [Row(label, "", list(entries))]}, list(notes))


def cells_of(html):
    return re.findall(
        r"<td[^>]*>(.*?)</td>", " ".join(html.split()).replace("<tr><td></td>", "<tr>")
    )


def test_bold_and_underline_as_in_the_paper():
    html = fragment(page(Entry(""), Entry("1.00"), Entry("2.00", True), Entry("3.00", True, True)))
    assert cells_of(html) == ["", "1.00", "<b>2.00</b>", "<u><b>3.00</b></u>"]


@pytest.mark.parametrize(
    ("verdict", "mark"),
    [
        ("consistent", "="),
        ("reproduced", "≡"),
        ("undecided (one training)", "1"),
        ("below", "▼"),
        ("above", "▲"),
        ("undecided", "?"),
    ],
)
def test_a_verdict_is_a_mark_and_a_word(verdict, mark):
    place = PLACE | {"verdict": verdict}
    html = fragment(page(Entry("2.00", place=place)))
    assert f'<sup aria-hidden="true">{mark}</sup>' in html
    assert f'<span class="unseen">, {verdict}</span>' in html
    published = fragment(page(Entry("2.00", place=place), part="Published"))
    assert mark not in cells_of(published)[0] and verdict not in published


def test_a_mark_that_the_number_has_is_not_said_twice():
    html = fragment(page(Entry("1.00†", place=PLACE | {"verdict": "not comparable"})))
    assert html.count("†") == 1


def test_numbers_lead_to_their_details():
    entry = Entry("1.00", place=PLACE)
    name = "#table1-ASEN-baseline-100-overall-MAP-100"
    assert "<a" not in fragment(page(entry))
    assert f'href="{name}"' in fragment(page(entry), "")
    assert f'href="../report.html{name}"' in standalone(page(entry))


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        (0.0, ""),
        (0.0049, ""),
        (0.005, "above-1"),
        (-0.005, "below-1"),
        (-0.02, "below-2"),
        (0.0499, "above-2"),
        (0.05, "above-3"),
        (-0.7, "below-3"),
        (float("nan"), ""),
    ],
)
def test_the_tone_of_a_difference(difference, expected):
    place = PLACE | {"difference": difference}
    assert tone(Entry("", place=place)) == expected
    assert tone(Entry("", place=place | {"verdict": "not comparable"})) == ""


def test_only_differences_are_colored():
    entry = Entry("-3.00", place=PLACE)
    assert 'class="below-2"' in fragment(page(entry, part="Difference"))
    assert 'class="below-2"' not in fragment(page(entry, part="Ours"))


def test_whatever_files_say_is_text():
    nasty = '<script>alert(1)</script>"&'
    place = PLACE | {"attribute": nasty, "network": nasty}
    laid_out = page(Entry(nasty, place=place), label=nasty, notes=[nasty], columns=[(nasty, nasty)])
    laid_out = Page(nasty, laid_out.columns, laid_out.parts, laid_out.notes)
    html = standalone(laid_out)
    seen = Parsed(html)
    assert not any(tag == "script" for tag, _ in seen.tags)
    assert seen.text().count(nasty) >= 5


def test_columns_stand_under_their_group():
    columns = [("1 %", "MAP@100"), ("1 %", "MAP@all"), ("5 %", "MAP@100")]
    seen = Parsed(fragment(page(*[Entry("1.00")] * 3, columns=columns)))
    spans = [own["colspan"] for tag, own in seen.tags if own.get("scope") == "colgroup"]
    assert spans == ["2", "1"]
    assert sum(own.get("scope") == "col" for _, own in seen.tags) == 3
    assert sum(own.get("scope") == "row" for _, own in seen.tags) == 1


def test_the_page_of_a_table_needs_nothing_beside_it():
    seen = Parsed(standalone(page(Entry("1.00"), notes=["a note"])))
    assert seen.sources == [] and seen.links == []
    assert ("html", {"lang": "en"}) in seen.tags
    assert "a note" in seen.text()
