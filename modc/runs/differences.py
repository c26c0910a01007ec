"""Where two versions of a table or of a score differ."""

import csv
import io
import math
import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

# Another machine may add the same numbers up in another order.
TOLERANCE = 1e-9
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
# Of a text that is told, such as a hash.
LONGEST = 36
# The columns that say which place of a table a row is.
PLACE = (
    "dataset",
    "network",
    "method",
    "labeled_percent",
    "seed",
    "stage",
    "query_label",
    "top_n",
    "attribute",
    "metric",
)


class Difference(NamedTuple):
    """A place, and what stands there in the first and in the second version."""

    place: str
    first: object
    second: object

    def told(self, first: str, second: str) -> str:
        """Return it in words; first and second: what the versions are called, as "stored"."""
        return f"{self.place}: {_brief(self.first)} {first}, {_brief(self.second)} {second}"


def of_files(first: bytes, second: bytes, suffix: str) -> Iterator[Difference]:
    """Yield where two versions of a text file differ; suffix: ".csv", or any other.

    Numbers of a CSV file that agree to TOLERANCE and line ends do not count.
    """
    if b"\0" in first or b"\0" in second:
        if first != second:
            yield Difference("content", f"{len(first)} bytes", f"other {len(second)} bytes")
        return
    texts = [content.decode(errors="replace") for content in (first, second)]
    yield from of_csv(*texts) if suffix == ".csv" else of_text(*texts)


def of_csv(first: str, second: str) -> Iterator[Difference]:
    """Yield where two CSV files differ: columns, number of rows, or single entries by line."""
    try:
        tables = [list(csv.reader(io.StringIO(text))) for text in (first, second)]
    except csv.Error:
        yield from of_text(first, second)
        return
    header, *rows = tables[0] or [[]]
    other_header, *other_rows = tables[1] or [[]]
    if header != other_header:
        names = [name for name in header if name not in other_header]
        others = [name for name in other_header if name not in header]
        yield Difference("columns", " ".join(names) or "no more", " ".join(others) or "no more")
        return
    yield from _of_rows(header, rows, other_rows)


def _of_rows(
    header: list[str], rows: list[list[str]], other_rows: list[list[str]]
) -> Iterator[Difference]:
    for number, (row, other) in enumerate(zip(rows, other_rows, strict=False), start=2):
        named = dict(zip(header, row, strict=False))
        where = " ".join(named[name] for name in PLACE if named.get(name))
        for column, one, another in zip_longest(header, row, other, fillvalue=""):
            if one != another and not _close(one, another):
                yield Difference(f"line {number} ({where}), {column}", one, another)
    if len(rows) != len(other_rows):
        yield Difference("number of rows", len(rows), len(other_rows))


def of_text(first: str, second: str) -> Iterator[Difference]:
    """Yield the lines that differ, each with its first word that does."""
    lines = zip_longest(first.splitlines(), second.splitlines(), fillvalue="")
    for number, (line, other) in enumerate(lines, start=1):
        if line == other:
            continue
        words = zip_longest(line.split(), other.split(), fillvalue="nothing")
        pair = next((pair for pair in words if pair[0] != pair[1]), ("spaces", "other spaces"))
        yield Difference(f"line {number}", *pair)


def of_other_layouts(first: bytes, second: bytes, suffix: str) -> Iterator[Difference]:
    """Yield what counts where two versions of the code laid the same table out.

    Of CSV files every entry of the columns that both have; of other texts numbers alone: those of
    the one must all stand in the other, in their order.
    """
    texts = [content.decode(errors="replace") for content in (first, second)]
    if suffix == ".csv":
        yield from _of_shared_columns(*texts)
        return
    one, another = (NUMBER.findall(text) for text in texts)
    shorter, longer = sorted((one, another), key=len)
    waiting = iter(longer)
    lost = [number for number in shorter if number not in waiting]
    if lost and len(one) <= len(another):
        yield Difference("numbers", lost[0], "")
    elif lost:
        yield Difference("numbers", "", lost[0])
    elif not one or not another:
        yield Difference("numbers", f"{len(one)} numbers", f"{len(another)}")


def _of_shared_columns(first: str, second: str) -> Iterator[Difference]:
    try:
        tables = [list(csv.reader(io.StringIO(text))) for text in (first, second)]
    except csv.Error:
        yield from of_text(first, second)
        return
    headers = [table[0] if table else [] for table in tables]
    shared = [name for name in headers[0] if name in headers[1]]
    if not shared:
        yield Difference("columns", " ".join(headers[0]), " ".join(headers[1]))
        return
    rows = []
    for header, table in zip(headers, tables, strict=True):
        places = [header.index(name) for name in shared]
        rows.append([[row[p] if p < len(row) else "" for p in places] for row in table[1:]])
    yield from _of_rows(shared, *rows)


def of_values(first: object, second: object, place: str = "") -> Iterator[Difference]:
    """Yield where nested mappings and lists of numbers differ by more than TOLERANCE."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in dict.fromkeys([*first, *second]):
            inside = f"{place} {key}".strip()
            yield from of_values(first.get(key), second.get(key), inside)
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for number, pair in enumerate(zip(first, second, strict=True)):
            yield from of_values(*pair, f"{place}[{number}]")
    elif first != second and not _close(first, second):
        yield Difference(place, first, second)


def _brief(value: object) -> str:
    text = str(value)
    return (text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}...") or "nothing"


def _close(first: object, second: object) -> bool:
    try:
        return math.isclose(float(first), float(second), rel_tol=0, abs_tol=TOLERANCE)
    except (TypeError, ValueError):
        return False
