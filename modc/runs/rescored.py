"""The scores of a run made again from those of its queries."""

import io
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from modc import paths
from modc.errors import UserError
from modc.evaluation.scores import summarize
from modc.grid import cells, methods
from modc.report.results import NOT_RUN, Result
from modc.runs.checked import CHANGED, MISSING, UNCHANGED, Checked
from modc.runs.differences import Difference, of_values


def name_of(result: Result) -> str:
    """Return what a result is called."""
    return paths.method_name(result.cell, result.method)


def facts(scores: dict, name: str) -> dict:
    """Return what scores.json says of its "provenance" or "scoring", {} if it says nothing."""
    value = scores.get(name)
    return value if isinstance(value, dict) else {}


def check_scores(config: dict, result: Result) -> Checked | None:
    """Return whether scores.json holds the means of queries.csv; None for a result that never ran.

    Without the candidates' embeddings their number is taken as it stands. Options of scoring that
    scores.json does not name are the configuration's.
    """
    name, path = name_of(result), result.folder / paths.QUERIES
    if result.status == NOT_RUN:
        is_left = path.exists()
        return Checked(name, MISSING, ["scores.json; queries.csv is there"]) if is_left else None
    if result.scores is None:
        return Checked(name, CHANGED, [result.status])
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Checked(name, MISSING, ["queries.csv"])
    except OSError as error:
        return Checked(name, CHANGED, [f"queries.csv cannot be read: {error.strerror}"])
    details = []
    expected = facts(result.scores, "scoring").get("queries_sha256")
    if expected and expected != sha256(content).hexdigest():
        details.append("queries.csv is not the file that was scored: its SHA-256 is another")
    try:
        means = recompute(content, result.scores, config)
    except (UserError, ValueError, KeyError, TypeError):
        details.append("queries.csv is damaged: no means can be made of it")
    else:
        found = differences_of(result.scores, {**result.scores, **means})
        details += [difference.told("stored", "by queries.csv") for difference in found]
    return Checked(name, CHANGED if details else UNCHANGED, details)


def recompute(queries: bytes, scores: dict, config: dict) -> dict:
    """Return the means ("attributes", "overall") of the queries of a queries.csv.

    Raises UserError, ValueError, KeyError or TypeError if it is not what `modc score` writes.
    """
    table = pd.read_csv(io.BytesIO(queries))
    if table["attribute"].dtype.kind != "i" or table.isna().any(axis=None):
        raise ValueError("an attribute that is no number, or an empty entry")
    options = {**config["evaluation"], **facts(scores, "scoring")}
    parts = scores["attributes"]
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


def outside_grid(run: Path, config: dict) -> list[str]:
    """Return the names of the results in a run's folder that the configuration's grid lacks."""
    own = {paths.method_name(cell, method) for cell in cells(config) for method in methods(config)}
    found = run.glob(str(paths.scores(paths.EVERY, "*")))
    names = (path.parent.relative_to(run / paths.CELLS).as_posix() for path in found)
    return sorted(name for name in names if name not in own)


def differences_of(first: dict, second: dict) -> list[Difference]:
    """Return where the numbers of two scores differ, overall first, then by attribute."""
    return list(of_values(_by_attribute(first), _by_attribute(second)))


def _by_attribute(scores: dict) -> dict:
    parts = zip(scores["attribute_names"], scores["attributes"], strict=True)
    return {"overall": scores["overall"], **dict(parts)}
