"""Differences between two versions of a file, or of nested values."""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import NamedTuple

# Another machine may sum the same numbers in another order.
TOLERANCE = 1e-9
# How many differences of one thing are printed, and how many characters of a value.
SHOWN, LONGEST = 3, 36


class Difference(NamedTuple):
    """A place, and its values in the first and the second version."""

    place: str
    first: object
    second: object

    def between(self, first: str, second: str) -> str:
        """Return the difference in words; first and second name the versions, such as "stored"."""
        values = f"{_brief(self.first)} {first}, {_brief(self.second)} {second}"
        return f"{self.place}: {values}" if self.place else values


def files(first: bytes, second: bytes, is_csv: bool) -> Iterator[Difference]:
    """Yield the differences of two text files: entries of a CSV file, of any other the first line.

    Line endings are ignored, and so are numbers that agree to TOLERANCE.
    """
    if first == second:
        return
    texts = [content.decode(errors="backslashreplace") for content in (first, second)]
    try:
        tables = [list(csv.reader(io.StringIO(text))) if is_csv else None for text in texts]
    except csv.Error:
        tables = [None, None]
    if None in tables:
        yield from _lines(*(text.splitlines() for text in texts))
    elif tables[0][:1] != tables[1][:1]:
        yield Difference("columns", *(",".join(table[0]) if table else "" for table in tables))
    elif tables[0]:
        yield from _rows(tables[0][0], *tables)


def values(
    first: object, second: object, place: str = "", tolerance: float = 0.0
) -> Iterator[Difference]:
    """Yield the differences of nested mappings and lists, of numbers if above `tolerance`."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in dict.fromkeys([*first, *second]):
            inside = f"{place} {key}".strip()
            yield from values(first.get(key), second.get(key), inside, tolerance)
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for number, pair in enumerate(zip(first, second, strict=True)):
            yield from values(*pair, f"{place}[{number}]", tolerance)
    elif first != second:
        is_text = isinstance(first, str) or isinstance(second, str)  # such as a hash
        if is_text or not _are_close(first, second, tolerance):
            yield Difference(place, first, second)


def first_few(texts: Iterable[str], between: str = "; ") -> str:
    """Return the first few of `texts`, and the number of the others."""
    texts = list(texts)
    more = [f"and {len(texts) - SHOWN} more"] if len(texts) > SHOWN else []
    return between.join(texts[:SHOWN] + more)


def _rows(columns: Iterable[str], first: list, second: list) -> Iterator[Difference]:
    for number, (row, other) in enumerate(zip(first, second, strict=False), start=1):
        for column, one, another in zip_longest(columns, row, other, fillvalue=""):
            if one != another and not _are_close(one, another):
                yield Difference(f"line {number} {column}".strip(), one, another)
    if len(first) != len(second):
        yield Difference("number of lines", len(first), len(second))


def _lines(first: list[str], second: list[str]) -> Iterator[Difference]:
    """Yield the first of the lines that differ, from its first other word on, and their number."""
    found = []
    for number, pair in enumerate(zip(first, second, strict=False), start=1):
        words = [line.split(" ") for line in pair]
        for at, (one, another) in enumerate(zip_longest(*words, fillvalue="")):
            if one != another and not _are_close(one, another):
                found.append((number, [" ".join(own[at:]) for own in words]))
                break
    if found:
        number, rest = found[0]
        more = f"{len(found)} lines differ, first " if len(found) > 1 else ""
        yield Difference(f"{more}line {number}", *rest)
    if len(first) != len(second):
        yield Difference("number of lines", len(first), len(second))


def _are_close(first: object, second: object, tolerance: float = TOLERANCE) -> bool:
    try:
        return abs(float(first) - float(second)) <= tolerance  # not of two infinities
    except (TypeError, ValueError):
        return False


def _brief(value: object) -> str:
    text = str(value)
    return (text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}...") or "nothing"
