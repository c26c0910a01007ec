"""Where a number stands in a table, which is also the filter of the results that fills it."""

from typing import NamedTuple

OVERALL = "overall"


class Place(NamedTuple):
    """A place of a table; all but `table` are columns of the results frame.

    table: its name, such as table1; "" for a table that no paper has. query_label ("known",
    "unknown") and top_n ("1", "2"): of prioritized retrieval, "" for the plain ranking. attribute:
    a name, or OVERALL. metric: "MAP@100", "MAP@all", "Recall@100" or "Acc".
    """

    table: str
    dataset: str
    network: str
    method: str
    labeled_percent: int
    query_label: str
    top_n: str
    attribute: str
    metric: str
