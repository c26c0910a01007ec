"""The chart beside the answer: overall MAP@100, ours and published, one line per table row."""

import math

import pandas as pd

from modc.grid import method_of
from modc.report.failures import FAILED
from modc.report.html import VERDICT_MARKS
from modc.report.layout import NOT_COMPARABLE_MARK
from modc.report.results import NOT_IN_GRID
from modc.report.row_names import row_name
from modc.report.verdicts import NOT_COMPARABLE

# Query label and top_n: the plain ranking, and the prioritized retrieval of Tables 1 and 2.
WAYS = (("", ""), ("known", "1"))
# As many groups as fit a screen.
MOST_ROWS = 26
# In units of the drawing: the plot lies between labels and numbers.
LEFT, RIGHT, OURS, PUBLISHED, WIDTH = 128, 340, 396, 466, 482
TOP, ROW, HEADING, AXIS = 20, 17, 28, 24
LONGEST = 19


def glance(frames: dict[str, pd.DataFrame], config: dict) -> dict | None:
    """Return the drawing of as many rows as fit a screen; None if the grid has no such rows.

    frames: the long form of each table. Keys: width, height, numbers (x of both columns), ticks (x,
    percent), groups (title, y, rows), methods (other than baselines), has_published, has_intervals,
    has_marks, is_marked (something is not comparable).
    A row: label, full (its whole name), is_baseline, y, ours and published (x, None if absent), low
    and high (x of the interval of the difference around ours, None if unknown), ours_text (or why
    it is absent), published_text, verdict and its mark.
    """
    groups = _groups(frames)
    if not groups:
        return None
    places = [place for _, own in groups for place in own]
    ends = [end for place in places for end in _ends(place) if math.isfinite(end)]
    low, high = _axis(ends)
    y, drawn = TOP, []
    for (dataset, percent), own in groups:
        first = y + HEADING
        rows = [_row(p, first + i * ROW, low, high, config) for i, p in enumerate(own)]
        title = f"{dataset}, {percent} % of the labels"
        drawn.append({"title": title, "y": y + HEADING - 12, "rows": rows})
        y = first + len(own) * ROW
    rows = [row for group in drawn for row in group["rows"]]
    return {
        "width": WIDTH,
        "height": y + AXIS,
        "numbers": (OURS, PUBLISHED),
        "ticks": [(_x(tick / 100, low, high), tick) for tick in _ticks(low, high)],
        "groups": drawn,
        "methods": list(dict.fromkeys(_method(p, config) for p in places if _method(p, config))),
        "has_published": any(row["published"] is not None for row in rows),
        "has_intervals": any(row["low"] is not None for row in rows),
        "has_marks": any(row["mark"] for row in rows),
        "is_marked": any(NOT_COMPARABLE_MARK in row["ours_text"] for row in rows),
    }


def _groups(frames: dict) -> list[tuple[tuple[str, int], list[dict]]]:
    """Return the rows of each dataset and percentage, the most informative first.

    Those outside the grid are left out; percentages shared by most datasets come first, and among
    these the highest.
    """
    found: dict[tuple, dict[tuple, dict]] = {}
    for frame in frames.values():
        is_shown = (frame["attribute"] == "overall") & (frame["metric"] == "MAP@100")
        for place in frame[is_shown].to_dict("records"):
            if (place["query_label"], place["top_n"]) in WAYS:
                rows = found.setdefault((place["dataset"], place["labeled_percent"]), {})
                rows.setdefault((place["network"], place["method"]), place)
    asked = {
        key: _in_order(list(rows.values()))
        for key, rows in found.items()
        if any(place["status"] != NOT_IN_GRID for place in rows.values())
    }
    datasets = list(dict.fromkeys(dataset for dataset, _ in asked))
    having = {percent: sum(own == percent for _, own in asked) for _, percent in asked}
    order = sorted(asked, key=lambda key: (-having[key[1]], -key[1], datasets.index(key[0])))
    chosen, count = [], 0
    for key in order:
        count += len(asked[key])
        if chosen and count > MOST_ROWS:
            break
        chosen.append((key, asked[key]))
    return chosen


def _in_order(places: list[dict]) -> list[dict]:
    """Return the rows grouped by network, as in Tables 1 and 2."""
    networks = list(dict.fromkeys(place["network"] for place in places))
    return sorted(places, key=lambda place: networks.index(place["network"]))


def _ends(place: dict) -> tuple[float, ...]:
    """Return the values that the axis must cover, NaN where absent."""
    ours, width = place["ours"], place["half_width"]
    return (ours, place["published"], ours - width, ours + width)


def _axis(fractions: list[float]) -> tuple[float, float]:
    """Return both ends of the axis, multiples of 10 %; 0 to 1 if there are no values."""
    if not fractions:
        return 0.0, 1.0
    low = max(0, math.floor(10 * min(fractions)))
    high = min(10, math.ceil(10 * max(fractions)))
    return (low / 10, high / 10) if low < high else (max(0, low - 1) / 10, max(high, 1) / 10)


def _ticks(low: float, high: float) -> range:
    first, last = round(100 * low), round(100 * high)
    return range(first, last + 1, 10 if last - first <= 50 else 20)


def _x(fraction: float, low: float, high: float) -> float:
    """Return the x of a fraction, clipped to the axis."""
    share = min(max((fraction - low) / (high - low), 0.0), 1.0)
    return round(LEFT + share * (RIGHT - LEFT), 1)


def _row(place: dict, y: int, low: float, high: float, config: dict) -> dict:
    def x(fraction: float) -> float | None:
        return None if math.isnan(fraction) else _x(fraction, low, high)

    ours, published, width = place["ours"], place["published"], place["half_width"]
    name = row_name(config, place["network"], place["method"], place["top_n"])
    is_marked = place["status"].startswith(NOT_COMPARABLE)
    there = f"{100 * ours:.2f}{NOT_COMPARABLE_MARK if is_marked else ''}"
    mark = VERDICT_MARKS.get(place["verdict"], "")
    return {
        "label": name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…",
        "full": name,
        "is_baseline": not _method(place, config),
        "y": y,
        "ours": x(ours),
        "published": x(published),
        "low": x(ours - width),
        "high": x(ours + width),
        "ours_text": _why(place["status"]) if math.isnan(ours) else there,
        "published_text": "–" if math.isnan(published) else f"{100 * published:.2f}",
        "mark": "" if math.isnan(ours) or is_marked else mark,
        "verdict": place["verdict"],
    }


def _method(place: dict, config: dict) -> str:
    """Return the title of a method, "" for a baseline."""
    method = method_of(config, place["method"])
    return method.title if method.compared_with else ""


def _why(status: str) -> str:
    """Return in a word why our number is missing."""
    if status == NOT_IN_GRID:
        return "not in grid"
    return FAILED if status.startswith(FAILED) else "missing"
