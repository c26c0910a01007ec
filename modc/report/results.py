"""The results of a run: the scores of each cell and method, or why there are none."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from modc import datasets, paths
from modc.cell import Cell
from modc.evaluation.metrics import METRICS
from modc.evaluation.prioritized import QUERY_LABELS, TOP_N
from modc.grid import cells, last_stage, method_of, methods, settings_chain

NOT_RUN = "not run"
# Status of a place that no cell of the grid fills.
NOT_IN_GRID = "not in this run's grid"
# A larger count or time cannot be real.
MOST = 2**40
STALE = "trained with settings other than the configuration's"
SCORED_OTHERWISE = "scored with a different evaluation."


@dataclass(frozen=True)
class Result:
    """One method of one cell.

    scores: what `modc score` wrote, None if unusable. status: "", or why there are none.
    not_comparable: "", or why no number is comparable to the paper; coverage is checked for each
    number (`modc.report.comparable`). run_folder: results/<run>, or a folder in its place.
    """

    cell: Cell
    method: str
    scores: dict | None
    status: str
    not_comparable: str = ""
    run_folder: Path = Path()

    @property
    def folder(self) -> Path:
        """The folder of the scores."""
        return self.run_folder / paths.method_folder(self.cell, self.method)

    @property
    def is_foreign(self) -> bool:
        """Whether it was trained or scored with settings other than the configuration's."""
        return self.not_comparable.startswith((STALE, SCORED_OTHERWISE))

    @property
    def stages(self) -> list[dict]:
        """How each stage that led to the model ended, in order."""
        return self.scores["stages"] if self.scores else []

    @property
    def absent_values(self) -> list[list]:
        """Attribute and value pairs without a labeled image, which are never predicted."""
        return self.scores["absent_values"] if self.scores else []

    @property
    def labeled_images(self) -> int | None:
        """How many training images had labels, None if the scores do not say."""
        provenance = (self.scores or {}).get("provenance")
        count = provenance.get("labeled_images") if isinstance(provenance, dict) else None
        return count if _is_count(count) else None

    def coverage(self, attribute: str) -> dict[str, list[int]]:
        """Return [listed, obtained] training images, queries and candidates of the test split.

        By role (train, query, candidate), for an attribute by name or "overall". Raises ValueError
        if the scores have no such attribute.
        """
        found = self.scores["coverage"]
        if attribute == "overall":
            return found["overall"]
        return found["attributes"][self.scores["attribute_names"].index(attribute)]

    def value(
        self, attribute: str, metric: str, query_label: str = "", top_n: str = ""
    ) -> float | None:
        """Return a metric as a fraction, for an attribute by name or "overall"; None if absent.

        query_label ("known", "unknown") and top_n ("1", "2"): for prioritized retrieval, "" for the
        plain ranking; Acc ignores both.
        """
        if self.scores is None:
            return None
        part = self.scores["overall"]
        if attribute != "overall":
            names = self.scores["attribute_names"]
            if attribute not in names:
                return None
            part = self.scores["attributes"][names.index(attribute)]
        if top_n and metric != "Acc":
            part = part["prioritized"][f"top{top_n}"][query_label]
        return part.get(metric)


def collect(run_folder: Path, config: dict) -> list[Result]:
    """Return the result of each cell of the grid and each method, in the grid's order.

    A scores file that is absent, unreadable or malformed yields a status, not an error.
    """
    return [
        result_of(run_folder, config, cell, method)
        for cell in cells(config)
        for method in methods(config)
    ]


def result_of(run_folder: Path, config: dict, cell: Cell, method: str) -> Result:
    """Return the result of one cell and method, as `collect` does."""
    result = Result(cell, method, None, "", run_folder=Path(run_folder))
    path = result.folder / paths.SCORES
    try:
        scores = json.loads(path.read_bytes())
    except FileNotFoundError:
        return replace(result, status=NOT_RUN)
    except OSError as error:
        return replace(result, status=f"scores.json cannot be read: {error.strerror}")
    except (ValueError, RecursionError):
        return replace(result, status="scores.json is not JSON")
    wrong = _what_is_wrong(scores, cell, method, method_of(config, method).has_centers)
    if wrong:
        return replace(result, status=f"scores.json is altered: {wrong}")
    settings = settings_chain(config, cell, method, last_stage(config, cell, method))
    return replace(
        result,
        scores=scores,
        not_comparable=_why_not_comparable(scores, settings, config),
    )


def _what_is_wrong(scores: object, cell: Cell, method: str, has_centers: bool) -> str:
    if not isinstance(scores, dict):
        return "expected a mapping"
    own = {key: getattr(cell, key) for key in ("dataset", "network", "labeled_percent", "seed")}
    for key, value in {**own, "method": method}.items():
        if scores.get(key) != value:
            return f"{key} is not {value}"
    if not isinstance(scores.get("generated"), bool):
        return "generated is neither true nor false"
    if not isinstance(scores.get("manifest_sha256"), str):
        return "manifest_sha256 is not text"
    if not _are_stages(scores.get("stages")):
        return "stages does not say how each ended"
    absent = scores.get("absent_values")
    if not isinstance(absent, list) or not all(isinstance(pair, list) for pair in absent):
        return "absent_values is not a list of pairs"
    names, attributes = scores.get("attribute_names"), scores.get("attributes")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return "attribute_names is not a list of names"
    if not isinstance(attributes, list) or len(attributes) != len(names):
        return "attributes and attribute_names differ in length"
    parts = [*attributes, scores.get("overall")]
    if not all(_is_summary(part) for part in parts):
        return "a metric is missing or not a fraction"
    if has_centers and not all(_is_prioritized(part) for part in parts):
        return "Acc or a metric of prioritized retrieval is missing or not a fraction"
    if not _is_coverage(scores.get("coverage"), parts):
        return "coverage does not count training images, queries and candidates"
    return ""


def _is_coverage(coverage: object, parts: list[dict]) -> bool:
    """Return whether `coverage` has counts for each of `parts`, matching what was scored."""
    if not isinstance(coverage, dict) or not isinstance(coverage.get("attributes"), list):
        return False
    places = [*coverage["attributes"], coverage.get("overall")]
    return len(places) == len(parts) and all(
        isinstance(place, dict)
        and all(_is_share(place.get(role)) for role in ("train", "query", "candidate"))
        and place["query"][1] == part["queries"]
        and place["candidate"][1] == part["candidates"]
        for place, part in zip(places, parts, strict=True)
    )


def _is_share(pair: object) -> bool:
    is_pair = isinstance(pair, list) and len(pair) == 2 and all(map(_is_count, pair))
    return is_pair and pair[1] <= pair[0] and pair[0] > 0


def _are_stages(stages: object) -> bool:
    return isinstance(stages, list) and all(
        isinstance(stage, dict)
        and all(isinstance(stage.get(name), str) for name in ("stage", "stopped"))
        and all(_is_count(stage.get(name)) for name in ("epochs", "best_epoch"))
        and _is_seconds(stage.get("seconds"))
        and all(_is_validation(stage.get(name)) for name in ("first", "best", "last"))
        for stage in stages
    )


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= MOST


def _is_validation(scores: object) -> bool:
    return isinstance(scores, dict) and all(_is_fraction(value) for value in scores.values())


def _is_summary(part: object) -> bool:
    return (
        isinstance(part, dict)
        and all(_is_count(part.get(key)) for key in ("queries", "candidates", "unanswerable"))
        and _has_metrics(part)
    )


def _is_prioritized(part: dict) -> bool:
    try:
        tops = [part["prioritized"][f"top{n}"][label] for n in TOP_N for label in QUERY_LABELS]
        return _is_fraction(part["Acc"]) and all(_has_metrics(top) for top in tops)
    except (KeyError, TypeError):
        return False


def _has_metrics(part: dict) -> bool:
    return all(key in part and _is_fraction(part[key]) for key in METRICS)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST


def _is_fraction(value: object) -> bool:
    if value is None:
        return True
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= value <= 1  # a NaN is neither


def _why_not_comparable(scores: dict, settings: list[str], config: dict) -> str:
    """Return why the scores are not this configuration's, or say nothing about the paper.

    They say nothing if the configuration says so, or if they are of other data than the paper's.
    """
    if scores.get("settings_chain") != settings:
        return STALE
    scoring, evaluation = scores.get("scoring"), config["evaluation"]
    for key in ("unanswerable", "prioritized_order") if isinstance(scoring, dict) else ():
        if scoring.get(key, evaluation[key]) != evaluation[key]:
            return f"{SCORED_OTHERWISE}{key} than the configuration's"
    if reason := config["report"].get("not_comparable"):
        return reason
    if scores["generated"]:
        return f"drawn images, not {scores['dataset']}"
    overall = scores["coverage"]["overall"]
    counts = (overall["query"][0], overall["candidate"][0])
    # With a different number of queries or candidates it is a different test.
    test = datasets.of(config, scores["dataset"]).counts["test"]
    expected = (test.get("query", counts[0]), test.get("candidate", counts[1]))
    if counts != expected:
        return (
            f"a different test split: {counts[0]} queries and {counts[1]} candidates instead of "
            f"{expected[0]} and {expected[1]}"
        )
    return ""
