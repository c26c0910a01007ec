"""A paper's claims about its numbers: each sentence, and the pairs of places that it compares."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from modc.errors import UserError
from modc.papers.places import OVERALL, Place


class Pair(NamedTuple):
    """Two places, the first of which is claimed to have the larger number."""

    better: Place
    worse: Place


@dataclass(frozen=True)
class Statement:
    """A claim of a paper.

    cell: what is compared, in words. tables: their names. better: column -> the value, or list of
    values, of the places claimed to be better; worse: what to replace in them for each place
    claimed to be worse. of_attributes: for each attribute, not overall. by_accuracy: instead of
    comparing pairs of numbers, Acc is claimed to rise with the gain over the worse place, among
    the places in `better` with the same share of the labels.
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
    """Return the pairs that the statement compares, in the order of `among`.

    For a dataset not in the paper, these are the corresponding pairs.
    """
    there = dict.fromkeys(among)
    better = places_of(statement, there)
    found = [Pair(place, place._replace(**other)) for place in better for other in statement.worse]
    return [pair for pair in found if pair.worse in there]


def places_of(statement: Statement, among: Iterable[Place]) -> list[Place]:
    """Return the places that the statement claims to be better, in the order of `among`."""
    return [place for place in dict.fromkeys(among) if _is_better(statement, place)]


def check(statement: Statement, published: Iterable[Place]) -> None:
    """Raise UserError if a part of the statement matches none of its paper's own numbers."""
    places = list(published)
    _expect("tables", statement.tables, {place.table for place in places})
    own = [place for place in places if place.table in statement.tables]
    for key, columns in [
        ("better", statement.better),
        *((f"worse[{number}]", other) for number, other in enumerate(statement.worse)),
    ]:
        for column, wanted in columns.items():
            if column not in Place._fields:
                known = ", ".join(Place._fields[1:])
                raise UserError(f"{key}: no column {column!r}; expected one of {known}")
            values = wanted if isinstance(wanted, list) and key == "better" else [wanted]
            _expect(f"{key}.{column}", values, {getattr(place, column) for place in own})
    if not statement.worse:
        raise UserError("worse: expected at least one mapping")
    if not places_of(statement, own):
        which = "an attribute" if statement.of_attributes else OVERALL
        raise UserError(f"better: no number of {which} in {', '.join(statement.tables)} matches")
    for number, other in enumerate(statement.worse):
        if all(better == worse for better, worse in pairs(replace(statement, worse=[other]), own)):
            raise UserError(f"worse[{number}]: no other number corresponds to one of the better")


def _expect(key: str, values: list, known: set) -> None:
    if not values:
        raise UserError(f"{key}: expected at least one")
    for value in values:
        if value not in list(known):
            expected = ", ".join(map(repr, sorted(known)))
            raise UserError(f"{key}: {value!r}; expected one of {expected}")


def _is_better(statement: Statement, place: Place) -> bool:
    if place.table not in (*statement.tables, ""):
        return False
    if (place.attribute == OVERALL) == statement.of_attributes:
        return False
    return all(
        getattr(place, column) in (wanted if isinstance(wanted, list) else [wanted])
        for column, wanted in statement.better.items()
    )
