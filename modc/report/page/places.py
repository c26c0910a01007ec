"""The details of each place of the tables, shown when it is opened."""

import pandas as pd

from modc.grid import method_of
from modc.papers.places import Place
from modc.report.anchors import place_id, run_id
from modc.report.failures import FAILED
from modc.report.row_names import row_name
from modc.report.tables import Source
from modc.report.trainings import THIS_RUN, Trainings
from modc.report.verdicts import MISSING

SAME_BUT_METHOD = ("dataset", "network", "labeled_percent", "attribute", "metric")
NUMBERS = (
    "ours",
    "spread",
    "queries_low",
    "queries_high",
    "training_sd",
    "training_dof",
    "published",
    "difference",
    "half_width",
    "noticeable",
    "gain",
    "gain_low",
    "gain_high",
    "published_gain",
)


def details(frame: pd.DataFrame, name: str, source: Source) -> list[dict]:
    """Return one entry per place of a table: its names, numbers (None if absent), and links.

    frame: the long form. Numbers are fractions. seeds: number and value of each seed, None without
    one; source: of the spread between trainings, "" for this run; baseline: the place of the
    baseline, "" for a baseline; run: the training, "" if the grid has none; badge: the verdict, or
    that the training failed.
    """
    config = source.config
    places = frame.to_dict("records")
    over = {method: method_of(config, method).compared_with for method in config["methods"]}
    by_method = {(place["method"], _key(place)): place for place in places}
    found = []
    for place in places:
        baseline = by_method.get((over.get(place["method"]), _key(place)))
        cell = (place["dataset"], place["network"], place["labeled_percent"], place["method"])
        seeds = _seeds(place, source.trainings)
        found.append(
            {
                "id": place_id(place),
                "table": name,
                "method": row_name(config, place["network"], place["method"], place["top_n"]),
                "where": _where(place),
                "metric": place["metric"],
                "verdict": place["verdict"],
                "badge": FAILED if place["status"].startswith(FAILED) else place["verdict"],
                "status": place["status"],
                **{key: _number(place.get(key)) for key in NUMBERS},
                "source": "" if place["training_source"] == THIS_RUN else place["training_source"],
                "seeds": seeds,
                "baseline": place_id(baseline) if baseline else "",
                "run": run_id(*cell) if seeds else "",
            }
        )
    return found


def _seeds(place: dict, trainings: Trainings) -> list[dict]:
    where = Place(*(place[name] for name in Place._fields))
    return [
        {"seed": row["seed"], "value": _number(row["value"]), "why": _why(row)}
        for row in trainings.rows(where)
    ]


def _why(row: dict) -> str:
    return row["reason"] if row["status"] == MISSING else ""


def _where(place: dict) -> str:
    label = f", query label {place['query_label']}" if place["query_label"] else ""
    attribute = place["attribute"].replace("_", " ")
    return f"{place['dataset']}, {place['labeled_percent']} % of the labels{label}, {attribute}"


def _key(place: dict) -> tuple:
    return tuple(place[name] for name in SAME_BUT_METHOD)


def _number(value: object) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
