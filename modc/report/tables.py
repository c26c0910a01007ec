"""The places of each table, filled with what a run has, in long form."""

from collections import Counter

import numpy as np
import pandas as pd

from modc.evaluation.prioritized import QUERY_LABELS, TOP_N
from modc.grid import method_of, methods
from modc.published import numbers
from modc.published.claims import BASELINE, Place
from modc.report.comparable import COVERAGE_COLUMNS, coverage_columns, why_not_comparable
from modc.report.results import NOT_IN_GRID, Result
from modc.report.trainings import (
    OTHER_QUERIES,
    Trainings,
    half_width,
    noticeable,
    queries_variance,
)
from modc.report.uncertainty import Measure, OverQueries, query_intervals, why_no_interval
from modc.report.verdicts import (
    COMMON_SEEDS,
    COPIES,
    NO_GAIN,
    NO_GAIN_INTERVAL,
    NO_INTERVAL,
    NO_SPREAD,
    NOT_COMPARABLE,
    OUTSIDE,
    TOLERANCE,
    verdict,
)

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
    "queries_low",
    "queries_high",
    "training_sd",
    "training_dof",
    "training_source",
    "gain",
    "gain_low",
    "gain_high",
    "labeled_images",
    "absent_values",
    "published",
    "published_gain",
    "difference",
    "half_width",
    "noticeable",
    "verdict",
    "status",
    *COVERAGE_COLUMNS,
]
UNPUBLISHED = {
    **dict.fromkeys(("published", "published_gain", "difference"), np.nan),
    "verdict": "",
}
# Query label and top_n of each ranking: the plain one, and those of prioritized retrieval.
PLAIN = (("", ""),)
PRIORITIZED = tuple((label, str(n)) for label in QUERY_LABELS for n in TOP_N)


def paper_table(number: int, results: list[Result], config: dict) -> pd.DataFrame:
    """Return Table 1 to 5 of the paper: one row a published place, in the paper's order.

    Below them stand those of the grid's other networks and methods, where nothing is published.

    Columns: COLUMNS. ours (mean over seeds), spread (their standard deviation, when there are
    several), published and difference (ours minus published) are fractions, NaN where absent.
    seeds: how many there are, copies of one training counted once. queries_low, queries_high: how
    far `ours` would move on other queries, by the bootstrap. training_sd, training_dof: the
    standard deviation between trainings, pooled, and its degrees of freedom; training_source: "this
    run", or what the configuration names. gain: MODC minus its baseline, the mean over the seeds of
    both; gain_low, gain_high: the 95 % interval of that mean between trainings; published_gain: the
    paper's. half_width: of the interval of the difference, and noticeable: the smallest difference
    that would have been noticed in four of five cases (`modc.report.trainings`). verdict: see
    `modc.report.verdicts`. labeled_images: how many training images had labels; absent_values: how
    many values had none. status: "" for a number that may be compared and has its intervals, else
    why it may not be or has none, or why there is no number. COVERAGE_COLUMNS: listed and obtained
    training images, queries and candidates of the place, and the hash of the manifest that they
    come from.
    """
    published = numbers.load()
    places = published[published["table"] == number].to_dict("records")
    # Printed in percent with two decimals.
    values = {_key(place): round(place.pop("value") / 100, 4) for place in places}
    source = _Source(results, config)
    rows = []
    for place in places:
        value = values[_key(place)]
        baseline = values.get(_key(place | BASELINE), np.nan)
        filled = source.filled(place)
        is_public = source.trainings.is_public(Place(**place))
        width = filled["half_width"]
        if np.isnan(width) and (is_public or filled["training_source"] or filled["seeds"] > 1):
            width = np.inf  # not known, for another reason than that there is one training
        said = {
            "published": value,
            "published_gain": value - baseline if place["method"] != BASELINE["method"] else np.nan,
            "difference": filled["ours"] - value,
            "verdict": OUTSIDE
            if filled["status"] == NOT_IN_GRID
            else verdict(
                filled["ours"] - value,
                width,
                config["report"]["margin"],
                is_there=filled["seeds"] > 0,
                is_comparable=NOT_COMPARABLE not in filled["status"],
                is_public=is_public,
            ),
        }
        rows.append({**place, **filled, **said})
    others = _unpublished(places, config)
    return _frame(rows + [{**place, **source.filled(place), **UNPUBLISHED} for place in others])


def _unpublished(places: list[dict], config: dict) -> list[dict]:
    """Return the places that networks and methods of the grid have if the paper has none of them.

    They are those of the paper's network that has most: of a method with cluster centres those of
    prioritized retrieval, of another the plain ones.
    """
    if places[0]["dataset"] not in config["grid"]["datasets"]:
        return []
    most = Counter(place["network"] for place in places).most_common(1)[0][0]
    published = {(place["network"], place["method"]) for place in places}
    found = {}
    for network in config["grid"]["networks"]:
        for method in methods(config):
            is_prioritized = method_of(config, method).has_centres
            for place in places if (network, method) not in published else ():
                is_ranked_so = (place["method"] != BASELINE["method"]) == is_prioritized
                if place["network"] == most and is_ranked_so:
                    own = {**place, "network": network, "method": method}
                    found[_key(own)] = own
    return list(found.values())


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
    source = _Source(results, config)
    for network, percent in dict.fromkeys((r.cell.network, r.cell.labeled_percent) for r in own):
        for method, query_label, top_n in _ways(config):
            for attribute, metric in wanted:
                if metric == "Acc" and not query_label:
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
                filled = source.filled(place)
                rows.append({**place, **filled, **UNPUBLISHED})
    return _frame(rows)


def _ways(config: dict) -> list[tuple[str, str, str]]:
    """Return each method of the grid with each query label and top_n by which it is ranked."""
    return [
        (method, *way)
        for method in methods(config)
        for way in (PRIORITIZED if method_of(config, method).has_centres else PLAIN)
    ]


def _frame(rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(COVERAGE_COLUMNS[:-1], "Int64"))


def _key(place: dict) -> tuple:
    return tuple(value for name, value in place.items() if name != "value")


class _Source:
    """What fills the places of a table: the results, their queries, and their trainings."""

    def __init__(self, results: list[Result], config: dict):
        self.results, self.config = results, config
        self.trainings = Trainings(results, config)
        # By dataset, network and percentage: what the queries say, and why they do not.
        self._queries: dict[tuple, tuple[dict, dict]] = {}

    def filled(self, place: dict) -> dict:
        """Return what is ours of one place, from all seeds that have a number."""
        own = [result for result in self._group(place) if result.method == place["method"]]
        where = Place(**place)
        metric = place["metric"]
        if metric == "MAP@100":
            metric += f"/{self.config['evaluation']['map_at_100']}"
        ways = (place["query_label"], place["top_n"]) if metric != "Acc" else ("", "")
        found = [(result, result.value(place["attribute"], metric, *ways)) for result in own]
        values = list(self.trainings.values(where).values())
        first = next((result for result, value in found if value is not None), None)
        queries, why_none = self._over_queries(place, metric, ways)
        status = [*_status(place, found, self.config)]
        gain, gain_reasons = self._gain(where)
        numbers = dict.fromkeys(("training_sd", "training_dof", "half_width", "noticeable"), np.nan)
        numbers["training_source"] = ""
        if values:
            status += _copies(self.trainings.copies(where))
            if queries is None:
                status.append(f"{NO_INTERVAL} over queries: {why_none}")
            of_queries = self._of_other_queries(first, place["attribute"], queries)
            between, why_none = self._between_trainings(where, len(values), of_queries)
            numbers |= between
            status += [f"{NO_SPREAD}: {why_none}"] if why_none else []
            status += gain_reasons
        return {
            "ours": np.mean(values) if values else np.nan,
            "spread": np.std(values, ddof=1) if len(values) > 1 else np.nan,
            "seeds": len(values),
            "queries_low": queries.low if queries else np.nan,
            "queries_high": queries.high if queries else np.nan,
            **numbers,
            **gain,
            "labeled_images": first.labeled_images if first else None,
            "absent_values": len(first.absent_values) if first else None,
            "status": "; ".join(status),
            **coverage_columns(first, place["attribute"]),
        }

    def _between_trainings(
        self, place: Place, seeds: int, of_queries: float
    ) -> tuple[dict[str, object], str]:
        """Return what is known of other trainings, and why nothing is although there are several.

        of_queries: see `_of_other_queries`.
        """
        if self.trainings.is_public(place):
            return {"half_width": float(np.maximum(TOLERANCE, 1.96 * of_queries))}, ""
        if not self.trainings.are_alike(place):
            return {}, OTHER_QUERIES
        spread = self.trainings.spread(place)
        if spread is None:
            return {}, "its trainings have equal numbers" if seeds > 1 else ""
        return {
            "training_sd": spread.sd,
            "training_dof": spread.dof,
            "training_source": spread.source,
            "half_width": half_width(spread, seeds, of_queries),
            "noticeable": noticeable(spread, seeds, of_queries),
        }, ""

    def _gain(self, place: Place) -> tuple[dict[str, float], list[str]]:
        """Return the gain with its interval, and what is to be said of it."""
        names = ("gain", "gain_low", "gain_high")
        over = method_of(self.config, place.method).compared_with
        if not over or place.metric == "Acc":
            return dict.fromkeys(names, np.nan), []
        other = place._replace(method=over, query_label="", top_n="")
        found = self.trainings.difference(place, other)
        said = []
        if found.reason:
            said.append(f"{NO_GAIN if np.isnan(found.value) else NO_GAIN_INTERVAL}: {found.reason}")
        if found.seeds:
            said.append(f"gain {COMMON_SEEDS}: {', '.join(map(str, found.seeds))}")
        return dict(zip(names, (found.value, found.low, found.high), strict=True)), said

    def _group(self, place: dict) -> list[Result]:
        key = (place["dataset"], place["network"], place["labeled_percent"])
        return [
            result
            for result in self.results
            if (result.cell.dataset, result.cell.network, result.cell.labeled_percent) == key
        ]

    def _over_queries(
        self, place: dict, metric: str, ways: tuple[str, str]
    ) -> tuple[OverQueries | None, str]:
        """Return what the queries say of a place, or None and why they say nothing."""
        key = (place["dataset"], place["network"], place["labeled_percent"])
        if key not in self._queries:
            group, unanswerable = self._group(place), self.config["evaluation"]["unanswerable"]
            self._queries[key] = (
                query_intervals(group, unanswerable),
                why_no_interval(group, unanswerable),
            )
        of_method, why_none = self._queries[key]
        if metric == "Acc" and self.config["evaluation"]["acc_over"] != "queries":
            return None, "Acc counts candidates too"
        found = of_method.get(place["method"], {}).get(Measure(place["attribute"], metric, *ways))
        return found, why_none.get(place["method"], OTHER_QUERIES)

    def _of_other_queries(
        self, result: Result, attribute: str, queries: OverQueries | None
    ) -> float:
        """Return the standard deviation that a difference has from other queries than the paper's.

        0 where all that are listed are there and the authors had them all; NaN where the scores of
        the queries are needed and not known.
        """
        listed, ours = result.coverage(attribute)["query"]
        share = self.config["datasets"][result.cell.dataset]["published_coverage"]
        if listed == ours and share == 1:
            return 0.0
        if queries is None or not ours:
            return np.nan
        return queries_variance(queries.variance, listed, ours, share * listed) ** 0.5


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


def _copies(copies: dict[int, int]) -> list[str]:
    """Return a reason for each training that stands under several seeds."""
    seeds: dict[int, list[int]] = {}
    for copy, first in copies.items():
        seeds.setdefault(first, [first]).append(copy)
    return [f"{COPIES}: seeds {', '.join(map(str, own))}" for own in seeds.values()]


def _distinct(texts) -> list[str]:
    return [text for text in dict.fromkeys(texts) if text]
