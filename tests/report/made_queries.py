"""Made-up scores of queries, of which a cell's scores are the means."""

import numpy as np
import pandas as pd

from modc.cell import Cell
from modc.evaluation.metrics import METRICS
from modc.evaluation.prioritized import QUERY_LABELS, TOP_N, column_name

METHODS = ("baseline", "modc")

NAMES = ["neck_design", "coat_length"]
QUERIES = 60
TWO_SEEDS = [Cell("FashionAI", "ASEN", 100, seed) for seed in (0, 1)]


def queries_of(method: str, seed: int, queries: int) -> pd.DataFrame:
    rng = np.random.default_rng([seed, METHODS.index(method)])
    columns = list(METRICS)
    if method == "modc":
        columns += ["Acc", *(column_name(*w) for w in ways())]
    rows = pd.DataFrame({"attribute": np.arange(queries) % 2, "value": 0, "relevant": 1})
    rows.loc[0, "relevant"] = 0
    return rows.assign(**{column: rng.random(queries) for column in columns})


def ways():
    return [(n, label, metric) for n in TOP_N for label in QUERY_LABELS for metric in METRICS]


def scores_of_queries(scores: dict, rows: pd.DataFrame) -> dict:
    """The made-up scores with the queries' counts, and two attributes."""
    template = scores["attributes"][0]
    counts = [int((rows["attribute"] == number).sum()) for number in range(2)]
    covered = [{"train": [9, 9], "query": [n, n], "candidate": [40, 40]} for n in counts]
    own = [template | {"queries": n} for n in counts]
    whole = {"train": [9, 9], "query": [sum(counts)] * 2, "candidate": [40, 40]}
    return scores | {
        "attribute_names": NAMES,
        "attributes": own,
        "overall": template
        | {"queries": sum(counts)}
        | {metric: float(rows[metric].mean()) for metric in METRICS},
        "coverage": {"attributes": covered, "overall": whole},
    }
