"""The place of a number in a table, which is also the filter for the results that fill it."""

from typing import NamedTuple

from modc.evaluation.prioritized import QUERY_LABELS, TOP_N

OVERALL = "overall"
# In the paper's order (supplement, Tables 3 to 5).
METRICS = ("MAP@100", "MAP@all", "Recall@100", "Acc")
# The columns that have few values.
ALLOWED = {
    "query_label": (*QUERY_LABELS, ""),
    "top_n": (*map(str, TOP_N), ""),
    "metric": METRICS,
}


class Place(NamedTuple):
    """A place in a table; all fields but `table` are columns of the results frame.

    table: its name, such as table1; "" for a table not in any paper. query_label ("known",
    "unknown") and top_n ("1", "2"): for prioritized retrieval, "" for the plain ranking. attribute:
    a name, or OVERALL. metric: one of METRICS.
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
