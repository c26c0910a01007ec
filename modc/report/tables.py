"""The places of each table, filled with a run's numbers, in long form."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pandas as pd

from modc.grid import method_of, methods
from modc.papers.paper import Table, tables
from modc.papers.places import OVERALL, Place
from modc.report.comparable import COVERAGE_COLUMNS
from modc.report.files import other_datasets
from modc.report.frame import MISSING, PLAIN, PRIORITIZED, results_frame
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
# Of a place's first training that has a number.
OF_FIRST = ("labeled_images", "absent_values", *COVERAGE_COLUMNS)
UNPUBLISHED = {
    **dict.fromkeys(("published", "published_gain", "difference"), np.nan),
    "verdict": "",
}


def paper_table(table: Table, source: "Source") -> pd.DataFrame:
    """Return a table of a paper: one row per published place, in the paper's order.

    Rows of the grid's other networks and methods, where nothing is published, follow.

    Columns: COLUMNS. ours (mean over seeds), spread (their standard deviation, if there are
    several), published and difference (ours minus published) are fractions, NaN where absent.
    seeds: their number, copies of one training counted once. queries_low, queries_high: bootstrap
    interval of `ours` over queries. training_sd, training_dof: the pooled standard deviation
    between trainings and its degrees of freedom; training_source: "this run", or the source named
    in the configuration. gain: MODC minus its baseline, the mean over the seeds of both; gain_low,
    gain_high: its 95 % interval between trainings; published_gain: the paper's. half_width: of the
    interval of the difference; noticeable: the smallest difference detected with 80 % power
    (`modc.report.trainings`). verdict: see `modc.report.verdicts`. labeled_images: number of
    training images with labels; absent_values: number of values without one. status: "" for a
    comparable number with its intervals, else why it is not comparable, has no interval, or is
    missing. COVERAGE_COLUMNS: listed and obtained training images, queries and candidates of the
    place, and the hash of their manifest.
    """
    config, published = source.config, table.published
    rows = []
    for place, value in published.items():
        over = compared_with(place, config)
        filled = source.filled(place)
        is_public = source.trainings.is_public(place)
        width = filled["half_width"]
        if np.isnan(width) and (is_public or filled["training_source"] or filled["seeds"] > 1):
            width = np.inf  # unknown, but not because there is a single training
        said = {
            "published": value,
            "published_gain": value - published.get(over, np.nan) if over else np.nan,
            "difference": filled["ours"] - value,
            "verdict": ""
            if place.network not in config["networks"]
            else OUTSIDE
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
        rows.append({**place._asdict(), **filled, **said})
    for place in _unpublished(list(published), config):
        rows.append({**place._asdict(), **source.filled(place), **UNPUBLISHED})
    return _frame(rows)


def compared_with(place: Place, config: dict) -> Place | None:
    """Return the baseline's place that the gain of `place` refers to, None if there is none."""
    if place.method not in config["methods"]:
        return None
    over = method_of(config, place.method).compared_with
    return place._replace(method=over, query_label="", top_n="") if over else None


def _unpublished(places: list[Place], config: dict) -> list[Place]:
    """Return the places of networks and methods of the grid that are not in the paper.

    They mirror the paper's network with the most places: those of prioritized retrieval for a
    method with cluster centers, the plain ones for any other.
    """
    if places[0].dataset not in config["grid"]["datasets"]:
        return []
    most = Counter(place.network for place in places).most_common(1)[0][0]
    published = {(place.network, place.method) for place in places}
    found = {}
    for network in config["grid"]["networks"]:
        for method in methods(config):
            is_prioritized = method_of(config, method).has_centers
            for place in places if (network, method) not in published else ():
                if place.network == most and bool(place.top_n) == is_prioritized:
                    found[place._replace(network=network, method=method)] = None
    return list(found)


def attribute_table(dataset: str, source: "Source") -> pd.DataFrame:
    """Return a table like Table 1 for a dataset not in any paper.

    One row per network, percentage and retrieval mode: MAP@100 of each attribute and overall, and
    MAP@all, Recall@100 and Acc overall. Columns as in `paper_table`, nothing published.
    """
    own = source.frame[source.frame["dataset"] == dataset]
    wanted = [(name, "MAP@100") for name in own["attribute"].unique()]
    wanted += [(OVERALL, "MAP@all"), (OVERALL, "Recall@100"), (OVERALL, "Acc")]
    trained = own[["network", "labeled_percent"]].drop_duplicates()
    rows = []
    for network, percent in trained.itertuples(index=False, name=None):
        for method, query_label, top_n in _ways(source.config):
            for attribute, metric in wanted:
                if metric == "Acc" and not query_label:
                    continue
                place = Place(
                    "", dataset, network, method, percent, query_label, top_n, attribute, metric
                )
                rows.append({**place._asdict(), **source.filled(place), **UNPUBLISHED})
    return _frame(rows)


def all_frames(source: "Source") -> dict[str, pd.DataFrame]:
    """Return the long form of each table, by its name or that of a dataset that no paper has."""
    config = source.config
    found = {name: paper_table(table, source) for name, table in tables(config).items()}
    return found | {name: attribute_table(name, source) for name in other_datasets(config)}


def most_seeds(frames: dict[str, pd.DataFrame]) -> int:
    """Return the most seeds that a number of ours is the mean of."""
    return max((int(frame["seeds"].max()) for frame in frames.values() if len(frame)), default=0)


def _ways(config: dict) -> list[tuple[str, str, str]]:
    """Return each method of the grid with each query label and top_n that ranks it."""
    return [
        (method, *way)
        for method in methods(config)
        for way in (PRIORITIZED if method_of(config, method).has_centers else PLAIN)
    ]


def _frame(rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(COVERAGE_COLUMNS[:-1], "Int64"))


class Source:
    """The numbers that fill a table: a run's results, their trainings, and their queries."""

    def __init__(self, results: list[Result], config: dict):
        self.config = config
        self.frame = results_frame(results, config)
        self.trainings = Trainings(self.frame, config)
        self._results = results
        # By dataset, network and percentage: the intervals over queries, and why there are none.
        self._queries: dict[tuple, tuple[dict, dict]] = {}

    def filled(self, place: Place) -> dict:
        """Return our columns of one place, from all seeds that have a number."""
        found = self.trainings.rows(place)
        values = list(self.trainings.values(place).values())
        first = next((row for row in found if row["status"] != MISSING), None)
        queries, why_none = self._over_queries(place)
        status = _status(found)
        gain, gain_reasons = self._gain(place)
        numbers = dict.fromkeys(("training_sd", "training_dof", "half_width", "noticeable"), np.nan)
        numbers["training_source"] = ""
        if values:
            status += _copies(self.trainings.copies(place))
            if queries is None:
                status.append(f"{NO_INTERVAL} over queries: {why_none}")
            of_queries = self._of_other_queries(first, queries)
            between, why_none = self._between_trainings(place, len(values), of_queries)
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
            "status": "; ".join(status),
            **{name: first[name] if first else None for name in OF_FIRST},
        }

    def _between_trainings(
        self, place: Place, seeds: int, of_queries: float
    ) -> tuple[dict[str, object], str]:
        """Return what is known about the spread, and why nothing is despite several trainings.

        of_queries: see `_of_other_queries`.
        """
        if self.trainings.is_public(place):
            return {"half_width": float(np.maximum(TOLERANCE, 1.96 * of_queries))}, ""
        if not self.trainings.are_alike(place):
            return {}, OTHER_QUERIES
        spread = self.trainings.spread(place)
        if spread is None:
            return {}, "all trainings gave the same number" if seeds > 1 else ""
        return {
            "training_sd": spread.sd,
            "training_dof": spread.dof,
            "training_source": spread.source,
            "half_width": half_width(spread, seeds, of_queries),
            "noticeable": noticeable(spread, seeds, of_queries),
        }, ""

    def _gain(self, place: Place) -> tuple[dict[str, float], list[str]]:
        """Return the gain with its interval, and remarks on it."""
        names = ("gain", "gain_low", "gain_high")
        other = compared_with(place, self.config)
        if not other or place.metric == "Acc":
            return dict.fromkeys(names, np.nan), []
        found = self.trainings.difference(place, other)
        said = []
        if found.reason:
            said.append(f"{NO_GAIN if np.isnan(found.value) else NO_GAIN_INTERVAL}: {found.reason}")
        if found.seeds:
            said.append(f"gain {COMMON_SEEDS}: {', '.join(map(str, found.seeds))}")
        return dict(zip(names, (found.value, found.low, found.high), strict=True)), said

    def _over_queries(self, place: Place) -> tuple[OverQueries | None, str]:
        """Return a place's interval over queries, or None and why there is none."""
        key = (place.dataset, place.network, place.labeled_percent)
        evaluation = self.config["evaluation"]
        if key not in self._queries:
            group = [
                result
                for result in self._results
                if (result.cell.dataset, result.cell.network, result.cell.labeled_percent) == key
            ]
            self._queries[key] = (
                query_intervals(group, evaluation["unanswerable"]),
                why_no_interval(group, evaluation["unanswerable"]),
            )
        of_method, why_none = self._queries[key]
        metric, way = place.metric, (place.query_label, place.top_n)
        if metric == "Acc":
            way = ("", "")
            if evaluation["acc_over"] != "queries":
                return None, "Acc counts candidates too"
        if metric == "MAP@100":
            metric += f"/{evaluation['map_at_100']}"
        found = of_method.get(place.method, {}).get(Measure(place.attribute, metric, *way))
        return found, why_none.get(place.method, OTHER_QUERIES)

    def _of_other_queries(self, row: dict, queries: OverQueries | None) -> float:
        """Return the standard deviation of a difference due to queries other than the paper's.

        0 if we and the authors have all listed queries; NaN if the scores of the queries are needed
        but unknown.
        """
        listed, ours = row["queries_listed"], row["queries_obtained"]
        share = self.config["datasets"][row["dataset"]]["published_coverage"]
        if listed == ours and share == 1:
            return 0.0
        if queries is None or not ours:
            return np.nan
        return queries_variance(queries.variance, listed, ours, share * listed) ** 0.5


def _status(found: list[dict]) -> list[str]:
    """Return remarks on a place's rows, one row per seed."""
    if not found:
        return [NOT_IN_GRID]
    absent = _distinct(row["reason"] for row in found if row["status"] == MISSING)
    counted = [row for row in found if row["status"] != MISSING]
    if not counted:
        return absent
    reasons = [f"{NOT_COMPARABLE}: {why}" for why in _distinct(row["reason"] for row in counted)]
    if absent:
        reasons.append(f"{len(counted)} of {len(found)} seeds, the others: {', '.join(absent)}")
    return reasons


def _copies(copies: dict[int, int]) -> list[str]:
    """Return a remark for each training that appears under several seeds."""
    seeds: dict[int, list[int]] = {}
    for copy, first in copies.items():
        seeds.setdefault(first, [first]).append(copy)
    return [f"{COPIES}: seeds {', '.join(map(str, own))}" for own in seeds.values()]


def _distinct(texts: Iterable[str]) -> list[str]:
    return [text for text in dict.fromkeys(texts) if text]
