"""Figure 2: example queries of each attribute and their first results, baseline beside MODC
(supplement, Figure 2).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from modc import datasets, paths
from modc.cell import Cell
from modc.errors import UserError
from modc.evaluation.prioritized import column_name, nearest_values
from modc.evaluation.ranking import unit
from modc.report.figures.examples import choose, found_first
from modc.report.figures.figure import BASELINE_METHOD, PAPERS_METHOD, Figure
from modc.report.figures.pictures import pictures
from modc.report.figures.retrieval_picture import draw_rows
from modc.report.figures.run import Run, shown_cell

NAME = "figure2"
FOUND = 8
# The average precision over all candidates, by ranking.
PRECISION = {BASELINE_METHOD: "MAP@all", PAPERS_METHOD: column_name(1, "known", "MAP@all")}
COLUMNS = [
    "case",
    "method",
    "average_precision",
    "rank",
    "image",
    "path",
    "value",
    "value_name",
    "query_value",
    "same_value",
]


@dataclass(frozen=True)
class _Side:
    """One method's unit embeddings of one attribute, and its score of every query."""

    query: np.ndarray
    candidate: np.ndarray
    precision: np.ndarray
    centers: np.ndarray | None


def draw(run: Run, attribute: str) -> Figure:
    """Draw the queries of `attribute` with MODC's largest, median and smallest gain.

    Raises UserError if embeddings, scores or images of the cell are missing.
    """
    cell = shown_cell(run.config, NAME)
    index = run.index(cell.dataset)
    number = index.attributes.index(attribute)
    rows = {role: index.rows("test", role) for role in ("query", "candidate")}
    own = {role: frame[frame["attribute"] == number] for role, frame in rows.items()}
    sides = {method: _side(run, cell, method, number, rows) for method in PRECISION}
    gain = sides[PAPERS_METHOD].precision - sides[BASELINE_METHOD].precision
    relevant = own["query"]["value"].isin(own["candidate"]["value"]).to_numpy()
    chosen = choose(gain, relevant)
    if not chosen:
        raise UserError(f"no test query of {attribute} has a relevant candidate")
    order = run.config["evaluation"]["prioritized_order"]
    frame = pd.concat(
        [
            _row(case, query, method, side, own, order)
            for case, query in chosen.items()
            for method, side in sides.items()
        ],
        ignore_index=True,
    )
    named = datasets.of(run.config, cell.dataset)
    frame["value_name"] = [named.value_name(attribute, value) for value in frame["value"]]
    frame["path"] = index.images["path"].to_numpy()[frame["image"]]
    frame = frame[COLUMNS]
    squares = pictures(run, cell.dataset, frame["image"].to_numpy())
    name = attribute.replace("_", " ")
    what = f"{cell.network}, {cell.dataset}, {cell.labeled_percent} % of the labels"
    return Figure(
        picture=draw_rows(frame, squares, f"{name}: {what}"),
        data=frame,
        title=f"Figure 2: retrieval by {name}",
        caption=_caption(name, what, cell, len(own["candidate"]))
        + run.why_not_comparable(cell, PAPERS_METHOD),
        alt=_alt(frame, name),
    )


def _caption(name: str, what: str, cell: Cell, candidates: int) -> str:
    first = f"first {min(FOUND, candidates)} of {candidates} candidates"
    return (
        f"Test queries (left) and the {first} for {name}: {what}, "
        f"seed {cell.seed}; the baseline above MODC (top1, query label known). Solid green frame "
        f"and tick: the query's value; dashed red frame and cross: another value. AP: average "
        f"precision over all candidates. The queries are not picked by hand: among those with a "
        f"relevant candidate, MODC's AP gain is largest, median and smallest (or a loss); ties go "
        f"to the first."
    )


def _alt(frame: pd.DataFrame, name: str) -> str:
    found = frame[frame["rank"] > 0]
    counts = found.groupby(["case", "method"], sort=False)["same_value"].agg(["sum", "size"])
    texts = [f"{case}, {method}: {s} of {n}" for (case, method), (s, n) in counts.iterrows()]
    return f"Images retrieved by {name}; correct among the first, {'; '.join(texts)}."


def _side(run: Run, cell: Cell, method: str, number: int, rows: dict) -> _Side:
    """Return one method's side of attribute `number`; rows: the index rows of the test split."""
    arrays, _ = run.embeddings(cell, method)
    path = run.folder / paths.queries(cell, method)
    try:
        queries = pd.read_csv(path, usecols=["attribute", "value", PRECISION[method]])
    except FileNotFoundError:
        raise UserError(f"{path}: no scores; score this cell first") from None
    except ValueError:
        raise UserError(f"{path}: no scores of this method; score this cell again") from None
    for part in ("attribute", "value"):
        wanted = rows["query"][part].to_numpy()
        if not all(
            np.array_equal(stored, wanted) for stored in (queries[part], arrays[f"query_{part}"])
        ) or not np.array_equal(arrays[f"candidate_{part}"], rows["candidate"][part]):
            raise UserError(f"{path}: scores of different queries; score this cell again")
    if method == PAPERS_METHOD and "centers" not in arrays:
        raise UserError(
            f"{run.stage_folder(cell, method) / paths.EMBEDDINGS}: no cluster centers; train again"
        )
    mine = {role: (frame["attribute"] == number).to_numpy() for role, frame in rows.items()}
    return _Side(
        query=unit(arrays["query_embedding"][mine["query"]]),
        candidate=unit(arrays["candidate_embedding"][mine["candidate"]]),
        precision=queries[PRECISION[method]].to_numpy(float)[mine["query"]],
        centers=arrays["centers"][number] if method == PAPERS_METHOD else None,
    )


def _row(case: str, query: int, method: str, side: _Side, own: dict, order: str) -> pd.DataFrame:
    """Return a query (rank 0) and its first results, one row each."""
    value = int(own["query"]["value"].iloc[query])
    first = by_center = None
    if side.centers is not None:
        first = nearest_values(side.candidate, side.centers, 1)[:, 0] == value
        if order == "center":
            by_center = side.candidate @ unit(side.centers)[value]
    found = found_first(side.query[query], side.candidate, FOUND, first, by_center)
    frame = pd.concat([own["query"].iloc[[query]], own["candidate"].iloc[found]])
    return frame[["image", "value"]].assign(
        case=case,
        method=method,
        average_precision=round(float(side.precision[query]), 4),
        rank=range(len(frame)),
        query_value=value,
        same_value=frame["value"] == value,
    )
