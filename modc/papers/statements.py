"""What a paper says of its numbers: each sentence, and the pairs of places that bear on it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from modc.papers.places import OVERALL, Place


class Pair(NamedTuple):
    """Two places, of which the sentence says that the first has the larger number."""

    better: Place
    worse: Place


@dataclass(frozen=True)
class Statement:
    """A sentence of a paper.

    cell: what is compared, in words. tables: their names. better: column -> the value, or list of
    values, of the places that are said to be better, and worse: what to replace in them for each
    place that is said to be worse. of_attributes: of each attribute, not overall. by_accuracy: no
    pair of numbers is compared, but over the places in `better` that have the same share of the
    labels, Acc is said to rise with the gain over the worse one.
    """

    key: str
    sentence: str
    source: str
    cell: str
    tables: list[str]
    better: Mapping[str, object]
    worse: list[Mapping[str, object]]
    of_attributes: bool = False
    by_accuracy: bool = False


def pairs(statement: Statement, among: Iterable[Place]) -> list[Pair]:
    """Return the pairs that bear on the statement, in the order of `among`.

    Of a dataset that the paper does not have, they are those that correspond.
    """
    there = dict.fromkeys(among)
    better = places_of(statement, there)
    found = [Pair(place, place._replace(**other)) for place in better for other in statement.worse]
    return [pair for pair in found if pair.worse in there]


def places_of(statement: Statement, among: Iterable[Place]) -> list[Place]:
    """Return the places that the statement says to be better, in the order of `among`."""
    return [place for place in dict.fromkeys(among) if _is_better(statement, place)]


def _is_better(statement: Statement, place: Place) -> bool:
    if place.table not in (*statement.tables, ""):
        return False
    if (place.attribute == OVERALL) == statement.of_attributes:
        return False
    return all(
        getattr(place, column) in (wanted if isinstance(wanted, list) else [wanted])
        for column, wanted in statement.better.items()
    )
