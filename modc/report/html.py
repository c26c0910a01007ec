"""Tables as HTML: a fragment for use in pages, and a page of its own for each table."""

from collections.abc import Iterator
from functools import cache
from itertools import groupby

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from modc.report.anchors import place_id
from modc.report.layout import ABSENT, NOT_COMPARABLE_MARK, OUTSIDE_MARK, Entry, Page, Row
from modc.report.verdicts import (
    ABOVE,
    BELOW,
    CONSISTENT,
    MISSING,
    NOT_COMPARABLE,
    ONE_TRAINING,
    OUTSIDE,
    REPRODUCED,
    UNDECIDED,
)

# A mark beside the number, so that color is never the only cue; those of not comparable, missing
# and not in the grid come from the layout.
VERDICT_MARKS = {
    CONSISTENT: "=",
    REPRODUCED: "≡",
    BELOW: "▼",
    ABOVE: "▲",
    UNDECIDED: "?",
    ONE_TRAINING: "1",
    NOT_COMPARABLE: NOT_COMPARABLE_MARK,
    MISSING: ABSENT,
    OUTSIDE: OUTSIDE_MARK,
}
# Points at which a difference takes the next tone.
TONES = (0.5, 2.0, 5.0)


def fragment(page: Page, target: str | None = None) -> Markup:
    """Return the page's tables, one per part, and its notes, as an HTML fragment.

    target: the file with the details of each place, "" for the page that contains the fragment;
    None: nothing is linked.
    """
    return Markup(environment().get_template("table.html.j2").render(page=page, target=target))


def standalone(page: Page) -> str:
    """Return the page as a complete file; its numbers link to the report beside its folder."""
    return environment().get_template("standalone.html.j2").render(page=page)


@cache
def environment() -> Environment:
    """Return Jinja2's environment: everything is escaped, and an undefined name is an error.

    By Jinja2's own rule only Markup is not escaped; it is made here and in the templates only.
    """
    made = Environment(
        loader=PackageLoader("modc.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"breakable": _breakable, "slug": _slug, "without": str.removeprefix}
    made.globals |= {
        "place_id": place_id,
        "tone": tone,
        "verdict_mark": verdict_mark,
        "verdict_marks": VERDICT_MARKS,
        "groups": _groups,
        "headings": _headings,
    }
    return made


def tone(entry: Entry) -> str:
    """Return the class of a difference: "below-1" to "below-3", "above-1" to "above-3", or "".

    A difference that is not comparable has none.
    """
    place = entry.place
    if place is None or place["verdict"] == NOT_COMPARABLE or pd.isna(place["difference"]):
        return ""
    points = round(100 * place["difference"], 2)
    step = sum(abs(points) >= limit for limit in TONES)
    return f"{'above' if points > 0 else 'below'}-{step}" if step else ""


def verdict_mark(entry: Entry) -> str:
    """Return the mark of the verdict, "" if there is none or the entry's text already has it."""
    mark = VERDICT_MARKS.get(entry.place["verdict"], "") if entry.place else ""
    return "" if mark in entry.text else mark


def _groups(rows: list[Row]) -> Iterator[list[Row]]:
    """Yield the groups of rows, as in the paper."""
    for _, own in groupby(rows, key=lambda row: row.group):
        yield list(own)


def _headings(page: Page) -> list[tuple[str, int]]:
    """Return the group headings, each with the number of columns that it spans."""
    spans = [(name, len(list(own))) for name, own in groupby(name for name, _ in page.columns)]
    return spans if len(spans) > 1 else []


def _breakable(label: str) -> Markup:
    """Allow a line break after a closing bracket: MODC(ASEN++)_top1, unknown."""
    text = escape(label)
    return Markup(str(text).replace(")", ")<wbr>"))


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text.lower())
