"""The places of each table, filled with what a run has, in long form."""

import numpy as np
import pandas as pd

from modc.evaluation.prioritized import QUERY_LABELS, TOP_N
from modc.published import numbers
from modc.report.comparable import COVERAGE_COLUMNS, coverage_columns, why_not_comparable
from modc.report.results import NOT_IN_GRID, Result
from modc.report.uncertainty import (
    Intervals,
    Place,
    query_intervals,
    why_no_interval,
    widened,
)
from modc.report.verdicts import NO_INTERVAL, NOT_COMPARABLE, OUTSIDE, verdict

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
    "low",
    "high",
    "gain",
    "gain_low",
    "gain_high",
    "labeled_images",
    "absent_values",
    "published",
    "published_gain",
    "difference",
    "verdict",
    "status",
    *COVERAGE_COLUMNS,
]
# Method, query label and top_n: the baseline's plain ranking, and MODC's prioritized ones.
BASELINE = {"method": "baseline", "query_label": "", "top_n": ""}
OTHER_QUERIES = "the trainings were scored on different queries"
WAYS = (("baseline", "", ""), *(("modc", label, str(n)) for label in QUERY_LABELS for n in TOP_N))


def paper_table(number: int, results: list[Result], config: dict) -> pd.DataFrame:
    """Return Table 1 to 5 of the paper: one row a published place, in the paper's order.

    Columns: COLUMNS. ours (mean over seeds), spread (their standard deviation, when there are
    several), published and difference (ours minus published) are fractions, NaN where absent.
    low, high: the 95 % interval around `ours` by the bootstrap over queries, joined with the spread
    over the seeds. gain, gain_low, gain_high: MODC minus its baseline, with the paired
    bootstrap interval; published_gain: the paper's. verdict: see `modc.report.verdicts`.
    labeled_images: how many training images had labels; absent_values: how many values had none.
    gain alone stands where there is no interval. status: "" for a number that may be compared and
    has its intervals, else why it may not be or has none, or why there is no number.
    COVERAGE_COLUMNS: listed and obtained training images, queries and candidates of the place, and
    the hash of the manifest that they come from.
    """
    published = numbers.load()
    places = published[published["table"] == number].to_dict("records")
    # Printed in percent with two decimals.
    values = {_key(place): round(place.pop("value") / 100, 4) for place in places}
    known: dict[tuple, tuple] = {}
    rows = []
    for place in places:
        value = values[_key(place)]
        baseline = values.get(_key(place | BASELINE), np.nan)
        filled = _filled(place, results, config, known)
        said = {
            "published": value,
            "published_gain": value - baseline if place["method"] == "modc" else np.nan,
            "difference": filled["ours"] - value,
            "verdict": OUTSIDE
            if filled["status"] == NOT_IN_GRID
            else verdict(
                value,
                filled["low"],
                filled["high"],
                is_there=filled["seeds"] > 0,
                is_comparable=NOT_COMPARABLE not in filled["status"],
                widest_interval=config["report"]["widest_interval"],
            ),
        }
        rows.append({**place, **filled, **said})
    return _frame(rows)


def attribute_table(dataset: str, results: list[Result], config: dict) -> pd.DataFrame:
    """Return a table like Table 1 for a dataset that the paper does not have.

    One row of each network, percentage and way to retrieve for MAP@100 of each attribute and
    overall, and for MAP@all, Recall@100 and Acc overall. Columns as in `paper_table`, nothing
    published.
    """
    own = [result for result in results if result.cell.dataset == dataset]
    names = next((result.scores["attribute_names"] for result in own if result.scores), [])
    wanted = [(name, "MAP@100") for name in [*names, "overall"]]
    wanted += [("overall", "MAP@all"), ("overall", "Recall@100"), ("overall", "Acc")]
    rows = []
    known: dict[tuple, tuple] = {}
    for network, percent in dict.fromkeys((r.cell.network, r.cell.labeled_percent) for r in own):
        for method, query_label, top_n in WAYS:
            for attribute, metric in wanted:
                if metric == "Acc" and method == "baseline":
                    continue
                place = {
                    "table": "",
                    "dataset": dataset,
                    "network": network,
                    "method": method,
                    "labeled_percent": percent,
                    "query_label": query_label,
                    "top_n": top_n,
                    "attribute": attribute,
                    "metric": metric,
                }
                filled = _filled(place, results, config, known)
                nothing = dict.fromkeys(("published", "published_gain", "difference"), np.nan)
                rows.append({**place, **filled, **nothing, "verdict": ""})
    return _frame(rows)


def _frame(rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(COVERAGE_COLUMNS[:-1], "Int64"))


def _key(place: dict) -> tuple:
    return tuple(value for name, value in place.items() if name != "value")


def _filled(place: dict, results: list[Result], config: dict, known: dict[tuple, tuple]) -> dict:
    """Return what is ours of one place, from all seeds that have a number: COLUMNS from ours on.

    known: the intervals so far, and why there are none, by dataset, network and percentage.
    """
    key = (place["dataset"], place["network"], place["labeled_percent"])
    group = [r for r in results if (r.cell.dataset, r.cell.network, r.cell.labeled_percent) == key]
    own = [result for result in group if result.method == place["method"]]
    if key not in known:
        unanswerable = config["evaluation"]["unanswerable"]
        known[key] = query_intervals(group, unanswerable), why_no_interval(group, unanswerable)
    of_method, why_none = known[key]
    metric = place["metric"]
    if metric == "MAP@100":
        metric += f"/{config['evaluation']['map_at_100']}"
    where = (place["attribute"], metric, place["query_label"], place["top_n"])
    found = [(result, result.value(*where)) for result in own]
    values = [value for _, value in found if value is not None]
    first = next((result for result, value in found if value is not None), None)
    ways = (place["query_label"], place["top_n"]) if metric != "Acc" else ("", "")
    intervals = of_method.get(place["method"], {}).get(Place(place["attribute"], metric, *ways))
    low, high, gain, *gain_interval = intervals or Intervals(np.nan, np.nan)
    ours = np.mean(values) if values else np.nan
    spread = np.std(values, ddof=1) if len(values) > 1 else np.nan
    if place["method"] == "modc" and np.isnan(gain):
        gain = _gain_of_means(found, group, place["attribute"], metric)
    status = [*_status(place, found, config)]
    if values and np.isnan(low):
        status.append(f"{NO_INTERVAL}: {why_none.get(place['method'], OTHER_QUERIES)}")
    elif not np.isnan(gain) and np.isnan(gain_interval[0]):
        why = why_none.get("baseline", OTHER_QUERIES)
        status.append(f"{NO_INTERVAL} of the gain: of the baseline, {why}")
    low, high = widened(ours, low, high, spread, len(values))
    return {
        "ours": ours,
        "spread": spread,
        "seeds": len(values),
        "low": low,
        "high": high,
        "gain": gain,
        **dict(zip(("gain_low", "gain_high"), gain_interval, strict=True)),
        "labeled_images": first.labeled_images if first else None,
        "absent_values": len(first.absent_values) if first else None,
        "status": "; ".join(status),
        **coverage_columns(first, place["attribute"]),
    }


def _gain_of_means(
    found: list[tuple[Result, float | None]], group: list[Result], attribute: str, metric: str
) -> float:
    """Return MODC minus its baseline, the mean over the seeds that both have; NaN without one."""
    before = {
        result.cell.seed: result.value(attribute, metric)
        for result in group
        if result.method == "baseline"
    }
    gains = [
        value - before[result.cell.seed]
        for result, value in found
        if value is not None and before.get(result.cell.seed) is not None
    ]
    return float(np.mean(gains)) if gains else np.nan


def _status(place: dict, found: list[tuple[Result, float | None]], config: dict) -> list[str]:
    if not found:
        return [NOT_IN_GRID]
    absent = dict.fromkeys(
        result.status or f"the scores have no {place['attribute']}"
        for result, value in found
        if value is None
    )
    counted = [result for result, value in found if value is not None]
    if not counted:
        return list(absent)
    why_not = [why_not_comparable(result, place["attribute"], config) for result in counted]
    reasons = [f"{NOT_COMPARABLE}: {why}" for why in _distinct(why_not)]
    if absent:
        reasons.append(f"{len(counted)} of {len(found)} seeds, the others: {', '.join(absent)}")
    return reasons


def _distinct(texts) -> list[str]:
    return [text for text in dict.fromkeys(texts) if text]
