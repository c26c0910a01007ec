"""All numbers of a run in one tidy frame, which tables, claims, figures and page filter."""

from collections.abc import Iterable, Iterator

import pandas as pd

from modc import datasets
from modc.evaluation.metrics import METRICS
from modc.evaluation.prioritized import QUERY_LABELS, TOP_N
from modc.grid import method_of
from modc.papers.paper import tables
from modc.papers.places import OVERALL
from modc.report.comparable import COUNTS, why_not_comparable
from modc.report.results import Result
from modc.report.verdicts import MISSING, NOT_COMPARABLE
from modc.stage import fingerprint

COMPARABLE, OTHER_SETTINGS = "comparable", "other settings"
STATUS = (COMPARABLE, NOT_COMPARABLE, OTHER_SETTINGS, MISSING)
# The training, data, code and settings that a number comes from.
IDENTITY = (
    "labeled_images",
    "absent_values",
    "is_public",
    "copy_of",
    "test_data",
    "manifest_sha256",
    "settings",
    "code",
)
COUNTED = [name for names in COUNTS.values() for name in names]
PLACE = (
    "dataset",
    "network",
    "method",
    "labeled_percent",
    "seed",
    "query_label",
    "top_n",
    "attribute",
    "metric",
)
COLUMNS = [*PLACE, "value", "status", "reason", *COUNTED, *IDENTITY]
WHOLE = ("labeled_images", "absent_values", "copy_of", *COUNTED)
# The plain ranking, and those of prioritized retrieval: query label and top_n.
PLAIN = (("", ""),)
PRIORITIZED = tuple((label, str(n)) for label in QUERY_LABELS for n in TOP_N)


def results_frame(results: Iterable[Result], config: dict) -> pd.DataFrame:
    """Return one row per cell, method, ranking, attribute and metric of a run's grid: COLUMNS.

    query_label and top_n: for prioritized retrieval, "" for the plain ranking and for Acc, which
    belongs to neither. attribute: a name, or "overall". metric: "MAP@100" with the configured
    divisor, the other two as "MAP@100/min" and the like, "MAP@all", "Recall@100", "Acc". value: a
    fraction, NaN where missing. status: one of STATUS; reason: why it is not comparable or missing,
    else "". COUNTED: listed and obtained training images, queries and candidates. labeled_images
    and absent_values (values without a labeled image): of the training. is_public: the model is a
    public checkpoint. copy_of: the earlier seed with identical scores. test_data: a fingerprint of
    the scored test split; settings: of all stages; code: of training.
    """
    results = list(results)
    copies = _copies(results)
    rows = [row for result in results for row in _rows(result, copies.get(id(result)), config)]
    frame = pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(WHOLE, "Int64"))
    return frame.astype({"value": float, "is_public": bool})


def _rows(result: Result, copy_of: int | None, config: dict) -> Iterator[dict]:
    cell, identity = result.cell, _identity(result, copy_of)
    training = {
        "dataset": cell.dataset,
        "network": cell.network,
        "method": result.method,
        "labeled_percent": cell.labeled_percent,
        "seed": cell.seed,
    }
    divisor = f"MAP@100/{config['evaluation']['map_at_100']}"
    has_centers = method_of(config, result.method).has_centers
    ways = PLAIN + (PRIORITIZED if has_centers else ())
    numbers = [(way, metric) for way in ways for metric in METRICS]
    numbers += [(PLAIN[0], "Acc")] if has_centers else []
    for attribute in _attributes(result, config):
        counted = _counted(result, attribute)
        why = why_not_comparable(result, attribute, config) if counted else ""
        for (query_label, top_n), metric in numbers:
            value = result.value(attribute, metric, query_label, top_n)
            status, reason = NOT_COMPARABLE if why else COMPARABLE, why
            if value is None:
                status = MISSING
                what = f"{metric} of {attribute}" if counted else attribute
                reason = result.status or f"the scores have no {what}"
            elif result.is_foreign:
                status = OTHER_SETTINGS
            yield {
                **training,
                "query_label": query_label,
                "top_n": top_n,
                "attribute": attribute,
                "metric": "MAP@100" if metric == divisor else metric,
                "value": value,
                "status": status,
                "reason": reason,
                **counted,
                **identity,
            }


def _attributes(result: Result, config: dict) -> list[str]:
    """Return the attribute names: those of the scores, else the dataset's, plus the tables'."""
    dataset = result.cell.dataset
    if result.scores is None:
        names = list(dict(datasets.of(config, dataset).attributes))
    else:
        names = list(result.scores["attribute_names"])
    names += [
        place.attribute
        for table in tables(config).values()
        for place in table.published
        if place.dataset == dataset
    ]
    return [*(name for name in dict.fromkeys(names) if name != OVERALL), OVERALL]


def _counted(result: Result, attribute: str) -> dict[str, int]:
    """Return COUNTED of an attribute, empty if the scores lack it."""
    scores = result.scores
    if scores is None or attribute not in (OVERALL, *scores["attribute_names"]):
        return {}
    found = result.coverage(attribute)
    return {
        name: number
        for role, names in COUNTS.items()
        for name, number in zip(names, found[role], strict=True)
    }


def _identity(result: Result, copy_of: int | None) -> dict:
    scores = result.scores
    if scores is None:
        return {**dict.fromkeys(IDENTITY), "is_public": False, "test_data": ""}
    made = scores.get("provenance")
    counts = [[part["queries"], part["candidates"]] for part in _parts(result)]
    index, manifest = scores.get("index_sha256"), scores["manifest_sha256"]
    return {
        "labeled_images": result.labeled_images,
        "absent_values": len(result.absent_values),
        "is_public": _is_public(result),
        "copy_of": copy_of,
        "test_data": fingerprint([index, manifest, counts]),
        "manifest_sha256": manifest,
        "settings": fingerprint(scores.get("settings_chain")),
        "code": str(made.get("code", "")) if isinstance(made, dict) else "",
    }


def _copies(results: list[Result]) -> dict[int, int]:
    """Return, by id of a result, the earlier seed of its training with identical scores."""
    found: dict[int, int] = {}
    seeds: dict[tuple, list[Result]] = {}
    for result in results:
        if result.scores is None or _is_public(result):
            continue
        cell = result.cell
        key = (cell.dataset, cell.network, cell.labeled_percent, result.method)
        for first in seeds.setdefault(key, []):
            if _parts(first) == _parts(result):
                found[id(result)] = first.cell.seed
                break
        else:
            seeds[key].append(result)
    return found


def _parts(result: Result) -> list[dict]:
    return [result.scores["overall"], *result.scores["attributes"]]


def _is_public(result: Result) -> bool:
    return bool(result.stages) and result.stages[-1]["stopped"].startswith("public weights")
