"""The interval of the difference between two places of the tables, query by query."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd

from modc.evaluation.bootstrap import interval
from modc.report.queries import usable_queries
from modc.report.results import Result
from modc.report.uncertainty import (
    are_of_the_same_queries,
    mean_queries,
    rows_of,
    scores_by_place,
    spread,
    widened,
)


def paired_interval(
    results: list[Result], config: dict
) -> Callable[[tuple, tuple], tuple[float, float] | None]:
    """Return a function of two places: the paired interval of the first minus the second.

    A place has the columns of `modc.published.numbers.load` as attributes; both are of one dataset.
    The interval is a bootstrap over the queries, as a fraction, of means over the seeds that both
    have, joined with that over the seeds (`modc.report.uncertainty.widened`). The function returns
    None where they have no seed or no queries in common.
    """
    unanswerable = config["evaluation"]["unanswerable"]
    divisor = config["evaluation"]["map_at_100"]
    own: dict[tuple, dict[int, Result]] = {}
    for result in results:
        if result.scores is not None:
            cell = result.cell
            key = (cell.dataset, cell.network, cell.labeled_percent, result.method)
            own.setdefault(key, {})[cell.seed] = result

    def seeds_of(place) -> dict[int, Result]:
        key = (place.dataset, place.network, place.labeled_percent, place.method)
        return own.get(key, {})

    @cache
    def mean(key: tuple, seeds: tuple[int, ...]) -> pd.DataFrame | None:
        frames = [usable_queries(own[key][seed], unanswerable)[0] for seed in seeds]
        return mean_queries(frames, unanswerable)

    def scores(queries: pd.DataFrame, place):
        metric = f"MAP@100/{divisor}" if place.metric == "MAP@100" else place.metric
        ways = ("", "") if metric == "Acc" else (place.query_label, place.top_n)
        return scores_by_place(queries, place.method)[metric, *ways]

    def of_seed(place, seed: int):
        key = (place.dataset, place.network, place.labeled_percent, place.method)
        return scores(mean(key, (seed,)), place)

    def of(first, second) -> tuple[float, float] | None:
        seeds = tuple(sorted(seeds_of(first).keys() & seeds_of(second).keys()))
        if not seeds:
            return None
        means = [
            mean((place.dataset, place.network, place.labeled_percent, place.method), seeds)
            for place in (first, second)
        ]
        if any(queries is None for queries in means) or not are_of_the_same_queries(means):
            return None
        names = next(iter(seeds_of(first).values())).scores["attribute_names"]
        rows = rows_of(means[0], first.attribute, names)
        values = [scores(*pair)[rows] for pair in zip(means, (first, second), strict=True)]
        difference = values[0] - values[1]
        by_seed = [
            float(np.mean(np.subtract(*(of_seed(place, seed)[rows] for place in (first, second)))))
            for seed in seeds
        ]
        whole = float(difference.mean())
        return widened(whole, *interval(difference), spread(by_seed), len(seeds))

    return of
