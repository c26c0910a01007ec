"""The places of each table, filled with what a run has, in long form."""

import numpy as np
import pandas as pd

from modc.published import numbers
from modc.report.results import NOT_RUN, Result

COLUMNS = [
    "table",
    "dataset",
    "network",
    "method",
    "labeled_percent",
    "query_label",
    "top_n",
    "attribute",
    "metric",
    "ours",
    "spread",
    "seeds",
    "published",
    "difference",
    "status",
]
NO_MODC = "MODC is not part of this version"
NOT_COMPARABLE = "not comparable"


def paper_table(number: int, results: list[Result], config: dict) -> pd.DataFrame:
    """Return Table 1 to 5 of the paper: one row a published place, in the paper's order.

    Columns: COLUMNS. ours (mean over seeds), spread (their standard deviation, when there are
    several), published and difference (ours minus published) are fractions, NaN where absent.
    status: "" for a number that may be compared, else why it may not be, or why there is none.
    """
    published = numbers.load()
    places = published[published["table"] == number].to_dict("records")
    rows = []
    for place in places:
        value = round(place.pop("value") / 100, 4)  # printed in percent with two decimals
        if place["method"] == "baseline":
            filled = _baseline(place, results, config)
        else:
            filled = {"ours": np.nan, "spread": np.nan, "seeds": 0, "status": NO_MODC}
        rows.append({**place, **filled, "published": value, "difference": filled["ours"] - value})
    return pd.DataFrame(rows, columns=COLUMNS)


def attribute_table(dataset: str, results: list[Result], config: dict) -> pd.DataFrame:
    """Return a table like Table 1 for a dataset that the paper does not have.

    One row of each network and percentage for MAP@100 of each attribute and overall, and for
    MAP@all and Recall@100 overall. Columns as in `paper_table`, nothing published.
    """
    own = [result for result in results if result.cell.dataset == dataset]
    names = next((result.scores["attribute_names"] for result in own if result.scores), [])
    wanted = [(name, "MAP@100") for name in [*names, "overall"]]
    wanted += [("overall", "MAP@all"), ("overall", "Recall@100")]
    rows = []
    for network, percent in dict.fromkeys((r.cell.network, r.cell.labeled_percent) for r in own):
        for attribute, metric in wanted:
            place = {
                "table": "",
                "dataset": dataset,
                "network": network,
                "method": "baseline",
                "labeled_percent": percent,
                "query_label": "",
                "top_n": "",
                "attribute": attribute,
                "metric": metric,
            }
            filled = _baseline(place, results, config)
            rows.append({**place, **filled, "published": np.nan, "difference": np.nan})
    return pd.DataFrame(rows, columns=COLUMNS)


def _baseline(place: dict, results: list[Result], config: dict) -> dict:
    """Return ours, spread, seeds and status of one place, from all seeds that have a number."""
    key = (place["dataset"], place["network"], place["labeled_percent"])
    own = [r for r in results if (r.cell.dataset, r.cell.network, r.cell.labeled_percent) == key]
    metric = place["metric"]
    if metric == "MAP@100":
        metric += f"/{config['evaluation']['map_at_100']}"
    found = [(result, result.value(place["attribute"], metric)) for result in own]
    values = [value for _, value in found if value is not None]
    return {
        "ours": np.mean(values) if values else np.nan,
        "spread": np.std(values, ddof=1) if len(values) > 1 else np.nan,
        "seeds": len(values),
        "status": _status(place, found),
    }


def _status(place: dict, found: list[tuple[Result, float | None]]) -> str:
    if not found:
        return NOT_RUN
    absent = dict.fromkeys(
        result.status or f"the scores have no {place['attribute']}"
        for result, value in found
        if value is None
    )
    counted = [result for result, value in found if value is not None]
    if not counted:
        return "; ".join(absent)
    reasons = [f"{NOT_COMPARABLE}: {why}" for why in _distinct(r.not_comparable for r in counted)]
    if absent:
        reasons.append(f"{len(counted)} of {len(found)} seeds, the others: {', '.join(absent)}")
    return "; ".join(reasons)


def _distinct(texts) -> list[str]:
    return [text for text in dict.fromkeys(texts) if text]
