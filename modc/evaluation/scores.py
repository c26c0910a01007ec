"""The scores of every query, their means, and the file of embeddings that is scored."""

import json
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from modc.errors import UserError
from modc.evaluation import retrieval
from modc.evaluation.metrics import METRICS
from modc.evaluation.prioritized import QUERY_LABELS, TOP_N, column_name, priorities
from modc.evaluation.ranking import first_not_finite, query_blocks, unit

PARTS = ("embedding", "attribute", "value")
ARRAYS = tuple(f"{role}_{part}" for role in ("query", "candidate") for part in PARTS)
# Attributes are numbered from 0; a larger number is a mistake, not an attribute.
MOST_ATTRIBUTES = 10_000


def score(
    query_embedding: np.ndarray,
    query_attribute: np.ndarray,
    query_value: np.ndarray,
    candidate_embedding: np.ndarray,
    candidate_attribute: np.ndarray,
    candidate_value: np.ndarray,
    centers: np.ndarray | None = None,
    prioritized_order: str = "query",
    threads: int = 1,
    device: str | None = None,
) -> pd.DataFrame:
    """Return one row of scores for each query, in the given order.

    Embeddings are (Q, D) and (C, D), of any length; attributes and values are integers. A query is
    ranked against the candidates of its own attribute by cosine. Columns: attribute, value,
    relevant (R), hits (among the first 100), and the metrics of `query_metrics` as fractions; with
    centers (A, V, D), rows of NaN where a value has none, also those of its `priorities`, in
    `prioritized_order`, and Acc.

    threads: of the CPU, which change no bit; device: a device of PyTorch, such as "cuda", to rank
    on instead. Raises UserError if an embedding is not finite.
    """
    for name, embedding in (("query", query_embedding), ("candidate", candidate_embedding)):
        row = first_not_finite(embedding)
        if row is not None:
            raise UserError(f"{name}_embedding: row {row} holds a NaN or an infinity")
    columns = {name: np.zeros(len(query_value), np.int64) for name in ("relevant", "hits")}
    columns |= {name: np.zeros(len(query_value)) for name in METRICS}

    def tasks() -> Iterator[tuple]:
        for attribute in np.unique(query_attribute):
            queries = np.flatnonzero(query_attribute == attribute)
            candidates = np.flatnonzero(candidate_attribute == attribute)
            query, value = unit(query_embedding, queries), query_value[queries]
            candidate = unit(candidate_embedding, candidates)
            rankings = {"": None}
            if centers is not None:
                accuracy, found = priorities(
                    query, value, candidate, centers[attribute], prioritized_order
                )
                rankings |= found
                columns.setdefault("Acc", np.zeros(len(query_value)))[queries] = accuracy
            blocks = query_blocks(len(queries), len(candidates))
            if device is not None:  # it makes its own, and is sent the candidates once
                blocks = [slice(0, len(queries))]
            for block in blocks:
                asked = {name: ranking and ranking.of(block) for name, ranking in rankings.items()}
                sides = query[block], value[block], candidate, candidate_value[candidates], asked
                yield queries[block], sides

    if device is not None:
        threads = 1  # the device's memory is for one block
    # One thread a product, so that its rounding is the same whatever their number.
    with threadpool_limits(1, "blas"):
        for queries, found in _run(_engine(device), tasks(), threads):
            for name, values in found.items():
                columns.setdefault(name, np.zeros(len(query_value)))[queries] = values
    return pd.DataFrame({"attribute": query_attribute, "value": query_value, **columns})


def pairs(query_attribute: np.ndarray, candidate_attribute: np.ndarray) -> int:
    """Return how many similarities `score` computes: of each query, its attribute's candidates."""
    attributes, count = np.unique(candidate_attribute, return_counts=True)
    queries = [np.count_nonzero(query_attribute == attribute) for attribute in attributes]
    return int(np.dot(queries, count))


def _engine(device: str | None) -> Callable[..., dict[str, np.ndarray]]:
    if device is None:
        return retrieval.metrics
    from modc.evaluation import retrieval_torch  # torch takes seconds to import

    return lambda *sides: retrieval_torch.metrics(*sides, device)


def _run(engine: Callable, tasks: Iterator[tuple], threads: int) -> Iterator[tuple]:
    """Yield (queries, metrics) of each task; with several threads, they run beside each other."""

    def work(task: tuple) -> tuple:
        queries, sides = task
        return queries, engine(*sides)

    if threads == 1:
        yield from map(work, tasks)
    else:
        with ThreadPoolExecutor(threads) as pool:
            yield from pool.map(work, tasks)


def summarize(
    queries: pd.DataFrame,
    candidate_attribute: np.ndarray,
    attributes: int | None = None,
    map_at_100: str = "hits",
    unanswerable: str = "zero",
    candidate_right: np.ndarray | None = None,
    acc_over: str = "queries",
) -> dict:
    """Return the means of `score`'s rows: {"attributes": [one each, in order], "overall": ...}.

    Each has `queries`, `candidates`, `unanswerable` (queries without a relevant candidate) and the
    metrics as fractions, None where there is no query to average; with centers also `Acc` and
    `prioritized` -> top1, top2 -> known, unknown -> the metrics. Overall is the mean over all
    queries, so an attribute weighs as much as it has queries (spec of the tables: it reproduces
    the published column).

    attributes: how many there are; None for as many as the numbers say. map_at_100: the divisor
    of the plain MAP@100, "hits", "min" or "R". unanswerable: "zero" counts such a query as 0, as
    the public code does, "exclude" leaves it out of the means. candidate_right: by attribute, int
    (A,), the candidates nearest to their own value's center; noted, and counted in Acc if acc_over
    is "queries_and_candidates" (A27).
    """
    seen = max(queries["attribute"].max(), candidate_attribute.max(initial=0)) + 1
    if attributes is None:
        attributes = int(seen)
    elif seen > attributes:
        raise UserError(f"attribute {seen - 1} is out of range: there are {attributes} attributes")
    candidates = np.bincount(candidate_attribute, minlength=attributes)
    parts = [queries[queries["attribute"] == attribute] for attribute in range(attributes)]
    right = [None] * attributes if candidate_right is None else candidate_right[:attributes]
    how = (map_at_100, unanswerable, acc_over)
    all_right = None if candidate_right is None else sum(right)
    return {
        "attributes": [
            _means(part, int(count), own, *how)
            for part, count, own in zip(parts, candidates, right, strict=True)
        ],
        "overall": _means(queries, len(candidate_attribute), all_right, *how),
    }


def _means(
    queries: pd.DataFrame,
    candidates: int,
    candidate_right: int | None,
    map_at_100: str,
    unanswerable: str,
    acc_over: str,
) -> dict:
    answerable = queries["relevant"] > 0
    counted = queries[answerable] if unanswerable == "exclude" else queries

    def mean(column: str) -> float | None:
        return float(counted[column].mean()) if len(counted) else None

    def metrics(prefix: str = "") -> dict[str, float | None]:
        means = {name: mean(prefix + name) for name in METRICS}
        divided = {"MAP@100": means[f"MAP@100/{map_at_100}"]}
        return {"MAP@all": means.pop("MAP@all"), **divided, **means}

    summary = {
        "queries": len(queries),
        "candidates": candidates,
        "unanswerable": int((~answerable).sum()),
        **metrics(),
    }
    if "Acc" in queries:
        summary["Acc"] = mean("Acc")
        if candidate_right is not None:
            summary["candidate_right"] = int(candidate_right)
            if acc_over == "queries_and_candidates" and len(counted) + candidates:
                right = counted["Acc"].sum() + candidate_right
                summary["Acc"] = float(right / (len(counted) + candidates))
        summary["prioritized"] = {
            f"top{n}": {label: metrics(column_name(n, label, "")) for label in QUERY_LABELS}
            for n in TOP_N
        }
    return summary


def read_embeddings(path: str | Path) -> dict[str, np.ndarray]:
    """Return the six arrays that `score` takes from an .npz file, and centers if it has them.

    Raises UserError naming the file and the array: not an .npz, an array missing, shapes that
    disagree, attributes or values that are not integers from 0 on, embeddings that are not finite,
    no queries. An attribute may lack candidates: its queries score 0.
    """
    arrays = _read(path, (*ARRAYS, "centers"))
    missing = [name for name in ARRAYS if name not in arrays]
    if missing:
        raise UserError(f"{path}: the array {missing[0]} is missing; expected {', '.join(ARRAYS)}")
    for role in ("query", "candidate"):
        embedding = arrays[f"{role}_embedding"]
        _check_embedding(f"{path}: {role}_embedding", embedding)
        for part in ("attribute", "value"):
            name = f"{role}_{part}"
            arrays[name] = _integers(f"{path}: {name}", arrays[name], len(embedding))
        if arrays[f"{role}_attribute"].max(initial=0) >= MOST_ATTRIBUTES:
            number = arrays[f"{role}_attribute"].max()
            raise UserError(f"{path}: {role}_attribute: {number} is no number of an attribute")
    if not len(arrays["query_embedding"]):
        raise UserError(f"{path}: query_embedding: no queries; expected at least one row")
    sides = [arrays[f"{role}_embedding"].shape[1] for role in ("query", "candidate")]
    if sides[0] != sides[1]:
        raise UserError(
            f"{path}: candidate_embedding: rows of {sides[1]} numbers, but query_embedding has "
            f"{sides[0]}; expected the same"
        )
    if "centers" in arrays:
        most = max(arrays[f"{role}_attribute"].max(initial=0) for role in ("query", "candidate"))
        _check_centers(f"{path}: centers", arrays["centers"], int(most) + 1, sides[0])
    return arrays


def read_facts(path: str | Path) -> dict:
    """Return what an .npz says of its own origin (the JSON text `facts`); {} if it says nothing."""
    arrays = _read(path, ("facts",))
    if "facts" not in arrays:
        return {}
    try:
        facts = json.loads(str(arrays["facts"]))
    except ValueError:
        facts = None
    names = facts.get("attribute_names") if isinstance(facts, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError(f"{path}: facts: expected a JSON object that has attribute_names")
    return facts


def _read(path: str | Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Return those of `names` that the .npz at `path` holds; pickled objects are refused."""
    try:
        archive = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile):
        archive = None
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise UserError(f"{path}: not an .npz file or cut short; expected one with {names[0]}")
    arrays = {}
    with archive:
        for name in names:
            if name not in archive:
                continue
            try:
                arrays[name] = archive[name]
            except (ValueError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error):
                raise UserError(
                    f"{path}: {name}: cannot be read; expected an array of numbers, whole"
                ) from None
    return arrays


def _check_embedding(place: str, embedding: np.ndarray) -> None:
    if embedding.ndim != 2 or not embedding.shape[1] or embedding.dtype.kind not in "fiu":
        raise UserError(
            f"{place}: {embedding.dtype} of shape {embedding.shape}; expected numbers (rows, dim)"
        )
    row = first_not_finite(embedding)
    if row is not None:
        raise UserError(f"{place}: row {row} holds a NaN or an infinity")


def _check_centers(place: str, centers: np.ndarray, attributes: int, dim: int) -> None:
    if centers.ndim != 3 or len(centers) < attributes or centers.shape[2] != dim:
        raise UserError(
            f"{place}: shape {centers.shape}; expected ({attributes} or more attributes, values, "
            f"{dim})"
        )
    if centers.dtype.kind != "f":
        raise UserError(f"{place}: {centers.dtype}; expected floating-point numbers")
    whole = np.isfinite(centers).all(axis=2) | np.isnan(centers).all(axis=2)
    if not whole.all():
        attribute, value = np.argwhere(~whole)[0]
        raise UserError(
            f"{place}: row {attribute}, {value} is partly NaN or infinite; expected numbers, or "
            f"NaN alone where the value has no center"
        )


def _integers(place: str, numbers: np.ndarray, rows: int) -> np.ndarray:
    if numbers.shape != (rows,):
        raise UserError(
            f"{place}: shape {numbers.shape}, but there are {rows} embeddings; expected ({rows},)"
        )
    if numbers.dtype.kind not in "iu":
        raise UserError(f"{place}: {numbers.dtype}; expected integers")
    if numbers.min(initial=0) < 0 or numbers.max(initial=0) > np.iinfo(np.int64).max:
        raise UserError(f"{place}: {numbers.min()} is out of range; expected integers from 0 on")
    return numbers.astype(np.int64)
