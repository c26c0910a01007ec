"""The scores of a result, recomputed from its per-query scores."""

import csv
import io
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from modc import paths
from modc.errors import UserError
from modc.evaluation.scores import summarize
from modc.grid import cells, chain, methods
from modc.report.results import NOT_RUN, Result
from modc.runs import compare
from modc.runs.compare import TOLERANCE

UNCHANGED, CHANGED, MISSING = "unchanged", "changed", "missing"
# Of the columns of a curve.
VALIDATION = "valid_"


@dataclass(frozen=True)
class Check:
    """name: of a file inside the run's folder, or of a result; details: what differs.

    is_rendered_again: it is compared with what the scores here give, so it follows from them.
    """

    name: str
    state: str
    details: tuple[str, ...] = ()
    is_rendered_again: bool = False


def check_scores(result: Result, config: dict) -> Check | None:
    """Return whether scores.json has the means of queries.csv; None for a result that never ran.

    The number of candidates is not checked, since only the embeddings tell it.
    """
    name, path = name_of(result), result.folder / paths.QUERIES
    if result.status == NOT_RUN:
        is_left = path.exists()
        return Check(name, MISSING, (f"{paths.SCORES}, but not its queries",)) if is_left else None
    if result.scores is None:
        return Check(name, CHANGED, (result.status,))
    try:
        content = path.read_bytes()
    except OSError as error:
        state = MISSING if isinstance(error, FileNotFoundError) else CHANGED
        return Check(name, state, (f"{paths.QUERIES}: {error.strerror}",))
    details = []
    expected = facts(result, "scoring").get("queries_sha256")
    if expected and expected != sha256(content).hexdigest():
        details.append(f"{paths.QUERIES} has a different SHA-256 than the scored file")
    try:
        means = _means(content, result, config)
    except (UserError, ValueError, KeyError, TypeError):
        details.append(f"{paths.QUERIES} is damaged")
    else:
        found = differences(result.scores, result.scores | means)
        details += [one.between("stored", f"by {paths.QUERIES}") for one in found]
    details += _of_curves(result, config)
    return Check(name, CHANGED if details else UNCHANGED, tuple(details))


def differences(first: dict, second: dict) -> list[compare.Difference]:
    """Return the differences in the metrics of two scores, overall first, then by attribute."""
    return list(compare.values(*map(_metrics, (first, second)), tolerance=TOLERANCE))


def facts(result: Result, name: str) -> dict:
    """Return "provenance" or "scoring" of scores.json, {} if absent."""
    value = result.scores.get(name)
    return value if isinstance(value, dict) else {}


def name_of(result: Result) -> str:
    """Return the name of a result: its folder below cells/."""
    return paths.method_name(result.cell, result.method)


def outside_grid(run: Path, config: dict) -> list[str]:
    """Return the names of the results in a run's folder that are not in the grid."""
    own = {paths.method_name(cell, method) for cell in cells(config) for method in methods(config)}
    found = run.glob(str(paths.scores(paths.EVERY, "*")))
    names = {path.parent.relative_to(run / paths.CELLS).as_posix() for path in found}
    return sorted(names - own)


def _of_curves(result: Result, config: dict) -> list[str]:
    """Return how the stages' first, best and last scores differ from those of their curves.

    A stage without a readable curve is not checked.
    """
    details = []
    of_method = chain(config, result.cell, result.method)
    own = [stage for owner, stage in of_method if owner == result.method]
    for stage in result.stages:
        # Another method's stage is checked with that one's scores.
        if stage["stage"] not in own:
            continue
        folder = paths.stage_folder(result.cell, result.method, stage["stage"])
        rows = _curve(result.run_folder / folder / paths.CURVE)
        numbers = {"first": min(rows, default=0), "best": stage["best_epoch"]}
        for at, epoch in {**numbers, "last": stage["epochs"]}.items():
            known = rows.get(epoch, {})
            stored = {key: value for key, value in stage[at].items() if key in known}
            found = compare.values(stored, {key: known[key] for key in stored}, "", TOLERANCE)
            place = f"{stage['stage']} {at}"
            details += [f"{place} {one.between('stored', f'in {paths.CURVE}')}" for one in found]
    return details


def _curve(path: Path) -> dict[int, dict[str, float | None]]:
    """Return the validation scores of each epoch, {} if the curve cannot be read."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return {
                int(row["epoch"]): {
                    key.removeprefix(VALIDATION): float(value) if value else None
                    for key, value in row.items()
                    if key.startswith(VALIDATION)
                }
                for row in csv.DictReader(file)
            }
    except (OSError, csv.Error, AttributeError, KeyError, TypeError, ValueError):
        return {}


def _means(queries: bytes, result: Result, config: dict) -> dict:
    """Return "attributes" and "overall" as `modc score` computes them from these queries.

    Raises UserError, ValueError, KeyError or TypeError if the queries are malformed.
    """
    table = pd.read_csv(io.BytesIO(queries))
    if table["attribute"].dtype.kind != "i" or table.isna().any(axis=None):
        raise ValueError("an attribute is not a number, or an entry is empty")
    options = config["evaluation"] | facts(result, "scoring")
    parts = result.scores["attributes"]
    right = [part.get("candidate_right") for part in parts]
    return summarize(
        table,
        np.repeat(np.arange(len(parts)), [part["candidates"] for part in parts]),
        len(parts),
        options["map_at_100"],
        options["unanswerable"],
        None if None in right else np.array(right, np.int64),
        options["acc_over"],
    )


def _metrics(scores: dict) -> dict:
    parts = zip(scores["attribute_names"], scores["attributes"], strict=True)
    return {"overall": scores["overall"], **dict(parts)}
