"""What the paper says of its numbers: each sentence, and the pairs of places that bear on it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from modc.published import numbers

# The paper's two methods, by their keys in the configuration.
BASELINE_METHOD, PAPERS_METHOD = "baseline", "modc"
BASELINE = {"method": BASELINE_METHOD, "query_label": "", "top_n": ""}
KNOWN = {"method": PAPERS_METHOD, "query_label": "known", "top_n": "1"}
UNKNOWN = {"method": PAPERS_METHOD, "query_label": "unknown", "top_n": "1"}
# With what is retrieved; Acc is no retrieval.
RETRIEVAL = ("MAP@100", "MAP@all", "Recall@100")
ALL_LABELS = 100


class Place(NamedTuple):
    """Where a number stands, in the columns of `modc.published.numbers.load`.

    table is "" for a dataset that the paper does not have.
    """

    table: int | str
    dataset: str
    network: str
    method: str
    labeled_percent: int
    query_label: str
    top_n: str
    attribute: str
    metric: str

    @property
    def row(self) -> str:
        """What the row is called, with its query label: MODC(ASEN)_top1, unknown."""
        ranked = f"_top{self.top_n}, {self.query_label}" if self.top_n else ""
        return self.trained + ranked

    @property
    def trained(self) -> str:
        """What the training is called: ASEN or MODC(ASEN)."""
        return self.network if self.method == BASELINE_METHOD else f"MODC({self.network})"

    @property
    def baseline(self) -> "Place":
        """The same place of the baseline."""
        return self._replace(**BASELINE)

    @property
    def accuracy(self) -> "Place":
        """The Acc that stands in the same row."""
        return self._replace(metric="Acc")


class Pair(NamedTuple):
    """Two places, of which the sentence says that the first has the larger number."""

    better: Place
    worse: Place


@dataclass(frozen=True)
class Statement:
    """A sentence of the paper.

    cell: what is compared, in words. tables: where. better: column -> the value, or values, of the
    places that are said to be better, and worse: what to replace in them for each place that is
    said to be worse. of_attributes: of each attribute, not overall. by_accuracy: no pair of numbers
    is compared, but over the places in `better` that have the same share of the labels, Acc is said
    to rise with the gain over the baseline.
    """

    key: str
    sentence: str
    source: str
    cell: str
    tables: tuple[int, ...]
    better: dict[str, object]
    worse: tuple[dict[str, object], ...] = ()
    of_attributes: bool = False
    by_accuracy: bool = False


STATEMENTS = (
    Statement(
        "gain_on_every_attribute",
        "MODC (top1, query label known) beats its baseline on every attribute.",
        "Tables 1 and 2",
        "MAP@100 of one attribute with all labels: MODC and its baseline.",
        (1, 2),
        KNOWN | {"metric": "MAP@100", "labeled_percent": ALL_LABELS},
        (BASELINE,),
        of_attributes=True,
    ),
    Statement(
        "asen_pp_best",
        "MODC(ASEN++) is the best of all overall with 100 % of the labels.",
        "Tables 1 and 2",
        "Overall MAP@100 with all labels: MODC(ASEN++), top1 and query label known, and one of the "
        "other five rows.",
        (1, 2),
        KNOWN | {"network": "ASEN++", "metric": "MAP@100", "labeled_percent": ALL_LABELS},
        (
            {"network": "ASEN"},
            {"network": "ASENv2"},
            BASELINE | {"network": "ASEN"},
            BASELINE | {"network": "ASENv2"},
            BASELINE,
        ),
    ),
    Statement(
        "asen_pp_not_best_with_few_labels",
        "MODC(ASEN++) is not the best with few labels.",
        "Tables 3 and 4; section 2.2 of the supplement",
        "An overall metric on FashionAI below 100 % of the labels, top1 and query label known: "
        "MODC(ASENv2) and MODC(ASEN++). Another network than ASENv2 would do as well; it is the "
        "one that is above at every share on the paper's MAP@100.",
        (3, 4),
        KNOWN | {"network": "ASENv2", "metric": RETRIEVAL, "labeled_percent": (1, 5, 10, 50)},
        ({"network": "ASEN++"},),
    ),
    Statement(
        "gain_at_every_share",
        "The gain holds at every share of the labels, for top1 and top2.",
        "Table 3 (1, 5 and 50 %)",
        "An overall metric at one share of the labels: MODC, query label known, and its baseline.",
        (3,),
        {"method": "modc", "query_label": "known", "metric": RETRIEVAL},
        (BASELINE,),
    ),
    Statement(
        "top1_beats_top2",
        "top1 beats top2.",
        "Table 3",
        "An overall metric: MODC, query label known, with top1 and with top2.",
        (3,),
        KNOWN | {"metric": RETRIEVAL},
        ({"top_n": "2"},),
    ),
    Statement(
        "known_beats_unknown",
        "Prioritized retrieval is better where the query's label is known than where it is not.",
        "Tables 4 and 5",
        "An overall metric: MODC_top1 with the query's label known and with its pseudo label.",
        (4, 5),
        KNOWN | {"metric": RETRIEVAL},
        (UNKNOWN,),
    ),
    Statement(
        "unknown_beats_baseline",
        "MODC beats its baseline even where the query's label is unknown.",
        "Tables 4 and 5",
        "An overall metric: MODC_top1 with the query's pseudo label, and its baseline.",
        (4, 5),
        UNKNOWN | {"metric": RETRIEVAL},
        (BASELINE,),
    ),
    Statement(
        "accuracy_goes_with_gain",
        "A higher Acc goes with a larger gain.",
        "Tables 4 and 5; section 2.3 of the supplement",
        "The rank correlation of Acc and the gain (MODC_top1 with the query's pseudo label minus "
        "its baseline, overall MAP@100) over the places that have the same share of the labels, as "
        "fewer labels alone lower Acc and leave more to gain. It describes few places, and shows "
        "no cause. This reading is ours.",
        (4, 5),
        UNKNOWN | {"metric": "MAP@100"},
        by_accuracy=True,
    ),
)


def places(frame: pd.DataFrame) -> list[Place]:
    """Return the places of a frame that has Place's columns, in its order."""
    return [Place(*row) for row in frame[list(Place._fields)].itertuples(index=False, name=None)]


@cache
def published() -> Mapping[Place, float]:
    """Return every number of the paper as a fraction, in the paper's order."""
    frame = numbers.load()
    # Printed in percent with two decimals.
    values = [round(value / 100, 4) for value in frame["value"]]
    return MappingProxyType(dict(zip(places(frame), values, strict=True)))


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
    if (place.attribute == "overall") == statement.of_attributes:
        return False
    return all(
        getattr(place, column) in (wanted if isinstance(wanted, tuple) else (wanted,))
        for column, wanted in statement.better.items()
    )
