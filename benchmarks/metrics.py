"""How long the metrics of a test split take, beside what they cannot do without and other ways.

The floor is the product of the unit embeddings and numpy's sort of as many int32, nothing else. A
round takes each way once, on one thread whose seconds on a core are counted, whatever else runs; a
ratio is the median over the rounds. Embeddings are random around one center a value, with the
queries and candidates a value and attribute of the test splits; every way starts with them.

Each way's means must be those of `modc.evaluation.scores.score` to TOLERANCE: torchmetrics divides
in float32, and cosines round differently when one query is multiplied at a time, which exchanges
neighbors now and then. Two traps: torchmetrics takes candidates of score 0 or less for irrelevant,
so its cosines are raised by 2, in float64; ranx divides AP@100 by R, so it is compared with
MAP@100/R. README.md has figures.
"""

import importlib.util
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import click
import numpy as np
from threadpoolctl import threadpool_limits

from modc.evaluation.ranking import query_blocks, unit
from modc.evaluation.scores import score

TOLERANCE = 1e-5
# Queries and values of each attribute; there are four candidates a query.
SPLITS = {
    "FashionAI": ((422, 623, 535, 422, 341, 289, 703, 265), (6, 9, 8, 6, 5, 5, 10, 5)),
    "DARN": (
        (476, 448, 491, 448, 463, 533, 509, 483, 442),
        (20, 12, 56, 6, 27, 10, 25, 7, 16),
    ),
    "tiny": ((20, 30), (3, 4)),
}
LARGE = ((40_000,), (20,))

Arrays = dict[str, np.ndarray]
Way = Callable[[Arrays], dict[str, float]]


def split(queries: tuple[int, ...], values: tuple[int, ...], dim: int) -> Arrays:
    """Return random arrays as `score` takes them, four candidates a query."""
    rng = np.random.default_rng(0)
    arrays = {}
    centers = [rng.standard_normal((count, dim), np.float32) for count in values]
    for role, times in (("query", 1), ("candidate", 4)):
        attribute = np.repeat(np.arange(len(queries)), np.array(queries) * times)
        value = rng.integers(0, np.array(values)[attribute])
        embedding = np.empty((len(value), dim), np.float32)
        for start in range(0, len(value), 4096):
            part = slice(start, start + 4096)
            rng.standard_normal(out=embedding[part], dtype=np.float32)
            for row, a, v in zip(embedding[part], attribute[part], value[part], strict=True):
                row += 0.15 * centers[a][v]
        arrays |= {f"{role}_embedding": embedding}
        arrays |= {f"{role}_attribute": attribute, f"{role}_value": value}
    return arrays


def attributes(arrays: Arrays):
    """Yield query (Q, D), query_value, candidate (C, D), candidate_value of each attribute."""
    for attribute in np.unique(arrays["query_attribute"]):
        sides = []
        for role in ("query", "candidate"):
            own = arrays[f"{role}_attribute"] == attribute
            sides += [arrays[f"{role}_embedding"][own], arrays[f"{role}_value"][own]]
        yield sides


def ours(arrays: Arrays) -> dict[str, float]:
    """Return the means as `modc score` has them."""
    scored = score(**arrays)
    return {name: scored[name].mean() for name in scored.columns[2:]}


def floor(units: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Multiply and sort, a block of queries at a time."""
    for query, candidate in units:
        for block in query_blocks(len(query), len(candidate)):
            (query[block] @ candidate.T).view(np.int32).sort(axis=1)


def naive(arrays: Arrays) -> dict[str, float]:
    """Return the means by one argsort a query."""
    rows = []
    for query, query_value, candidate, candidate_value in attributes(arrays):
        candidate = candidate / np.linalg.norm(candidate, axis=1, keepdims=True)
        for embedding, value in zip(query, query_value, strict=True):
            cosine = candidate @ (embedding / np.linalg.norm(embedding))
            relevant = candidate_value[np.argsort(-cosine, kind="stable")] == value
            place = np.flatnonzero(relevant)
            precision = np.arange(1, len(place) + 1) / (place + 1)
            hits = np.count_nonzero(place < 100)
            sums = precision.sum(), precision[:hits].sum(), hits
            rows.append(np.divide(sums, np.maximum([len(place), hits, len(place)], 1)))
    return _named(["MAP@all", "MAP@100/hits", "Recall@100"], np.mean(rows, axis=0))


def torchmetrics(arrays: Arrays) -> dict[str, float]:
    """Return the means by torchmetrics' three classes, updated once an attribute."""
    import torch
    from torchmetrics.retrieval import RetrievalMAP, RetrievalRecall

    classes = [RetrievalMAP(), RetrievalMAP(top_k=100), RetrievalRecall(top_k=100)]
    seen = 0
    for query, query_value, candidate, candidate_value in attributes(arrays):
        raised = torch.from_numpy(unit(query) @ unit(candidate).T).double() + 2
        relevant = torch.from_numpy(query_value[:, None] == candidate_value)
        index = torch.arange(seen, seen + len(query))[:, None].expand_as(raised)
        seen += len(query)
        for metric in classes:
            metric.update(raised, relevant, indexes=index)
    means = [metric.compute().item() for metric in classes]
    return _named(["MAP@all", "MAP@100/hits", "Recall@100"], means)


def scikit_learn(arrays: Arrays) -> dict[str, float]:
    """Return MAP@all by scikit-learn, a query at a time."""
    from sklearn.metrics import average_precision_score

    precisions = []
    for query, query_value, candidate, candidate_value in attributes(arrays):
        cosines = unit(query) @ unit(candidate).T
        for cosine, value in zip(cosines, query_value, strict=True):
            relevant = candidate_value == value
            precisions.append(average_precision_score(relevant, cosine) if relevant.any() else 0)
    return {"MAP@all": float(np.mean(precisions))}


def ranx(arrays: Arrays) -> dict[str, float]:
    """Return the means by ranx, from candidates sorted by numpy."""
    from numba.typed import List
    from ranx import evaluate

    truth, found = List(), List()
    for query, query_value, candidate, candidate_value in attributes(arrays):
        cosines = unit(query) @ unit(candidate).T
        order = np.argsort(-cosines, axis=1, kind="stable")
        ordered = np.take_along_axis(cosines, order, axis=1)
        for value, columns, cosine in zip(query_value, order, ordered, strict=True):
            relevant = np.flatnonzero(candidate_value == value)
            truth.append(np.column_stack([relevant, np.ones(len(relevant))]))
            found.append(np.column_stack([columns, cosine]))
    names = {"map": "MAP@all", "map@100": "MAP@100/R", "recall@100": "Recall@100"}
    means = evaluate(truth, found, list(names))
    return {ours: float(means[theirs]) for theirs, ours in names.items()}


# Each with the packages that it needs.
WAYS: dict[str, tuple[Way, tuple[str, ...]]] = {
    "ours": (ours, ()),
    "numpy, one argsort a query": (naive, ()),
    "torchmetrics": (torchmetrics, ("torchmetrics",)),
    "scikit-learn": (scikit_learn, ()),
    "ranx": (ranx, ("ranx",)),
}


def _named(names: list[str], means) -> dict[str, float]:
    return dict(zip(names, map(float, means), strict=True))


def seconds(work: Callable, *arguments) -> float:
    """Return the seconds of a core that it takes, whatever else is running."""
    start = time.process_time()
    work(*arguments)
    return time.process_time() - start


def rows(name: str, ways: dict[str, Way], dim: int, rounds: int) -> list[list]:
    """Return the lines of a split: seconds, times the floor, times ours, what differs and how."""
    arrays = split(*SPLITS[name], dim)
    units = [(unit(query), unit(candidate)) for query, _, candidate, _ in attributes(arrays)]
    expected = ours(arrays)
    apart = {}
    for way, work in ways.items():
        means = work(arrays)  # and warms up what is compiled
        apart[way] = np.max([abs(mean - expected[metric]) for metric, mean in means.items()])
        if not apart[way] <= TOLERANCE:
            raise click.ClickException(f"{name}: {way} differs by {apart[way]}: {means}")
    taken = []
    for _ in range(rounds):
        taken.append({"floor": seconds(floor, units)})
        taken[-1] |= {way: seconds(work, arrays) for way, work in ways.items()}

    def times(way: str, other: str) -> str:
        return f"{statistics.median(r[way] / r[other] for r in taken):.2f}"

    return [
        [
            name,
            way,
            f"{statistics.median(r[way] for r in taken):.3f}",
            times(way, "floor"),
            times(way, "ours"),
            f"{apart[way]:.0e}" if way in apart else "",
        ]
        for way in taken[0]
    ]


def large(dim: int, threads: int, device: str | None) -> None:
    """Print time and memory of 40,000 queries by 160,000 candidates of one attribute."""
    arrays = split(*LARGE, dim)
    held = sum(array.nbytes for array in arrays.values()) / 1e9
    begun, start = time.perf_counter(), time.process_time()
    scored = score(**arrays, threads=threads, device=device)
    took, cores, peak = time.perf_counter() - begun, time.process_time() - start, _peak()
    units = [unit(arrays[f"{role}_embedding"]) for role in ("query", "candidate")]
    blocks = query_blocks(*map(len, units))[::32]
    share = sum(block.stop - block.start for block in blocks) / len(units[0])
    least = sum(seconds(floor, [(units[0][block], units[1])]) for block in blocks) / share
    click.echo(
        f"40,000 x 160,000, dim {dim}, {device or f'{threads} threads'}: {took:.0f} s\n"
        f"{cores:.0f} s of a core, {cores / least:.2f} times the floor's {least:.0f} s, of which "
        f"{share:.0%} were measured\n{peak:.2f} GB at most, of which {held:.2f} are the arrays\n"
        f"MAP@all {scored['MAP@all'].mean():.4f}"
    )


def _peak() -> float:
    """Return the most memory that this process has had, in GB."""
    unit_bytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit_bytes / 1e9


def machine() -> str:
    """Say what is measured on."""
    cpuinfo = Path("/proc/cpuinfo")
    named = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in named if line.startswith("model name")]
    cpu = models[0] if models else platform.processor() or platform.machine()
    packages = ["numpy", "scikit-learn", "torch", "torchmetrics", "ranx"]
    present = [f"{name} {version(name)}" for name in packages if not absent([name])]
    return f"{cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {', '.join(present)}"


def absent(packages) -> list[str]:
    """Return those of `packages` that are not installed."""
    modules = {"scikit-learn": "sklearn"}
    return [name for name in packages if not importlib.util.find_spec(modules.get(name, name))]


@click.command(help="Measure the metrics of a test split beside other ways.")
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@click.option("--dim", type=click.IntRange(1), default=1024, show_default=True)
@click.option(
    "--split",
    "splits",
    type=click.Choice(list(SPLITS)),
    multiple=True,
    default=["FashionAI", "DARN"],
    show_default=True,
)
@click.option("--large", "only_large", is_flag=True, help="40,000 x 160,000 alone, and its memory.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="--large's.")
@click.option("--device", help="--large's: a device of PyTorch, such as cuda.")
def main(
    rounds: int,
    dim: int,
    splits: tuple[str, ...],
    only_large: bool,
    threads: int,
    device: str | None,
) -> None:
    """Print the table."""
    click.echo(machine())
    if only_large:
        with threadpool_limits(1):
            large(dim, threads, device)
        return
    missing = absent({name for _, needs in WAYS.values() for name in needs})
    if missing:
        click.echo(f"not installed, left out: {', '.join(missing)}; pip install -e '.[benchmarks]'")
    ways = {name: way for name, (way, needs) in WAYS.items() if not set(needs) & set(missing)}
    if "torchmetrics" in ways:
        import torch

        torch.set_num_threads(1)
    with threadpool_limits(1):
        lines = [line for name in splits for line in rows(name, ways, dim, rounds)]
    headers = ["split", "way", "seconds", "times the floor", "times ours", "means differ by"]
    click.echo(f"\none thread, median of {rounds} rounds\n")
    from tabulate import tabulate  # not where only the functions above are called

    click.echo(tabulate(lines, headers, "pipe", disable_numparse=True))


if __name__ == "__main__":
    # Read by numba when it is imported.
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    main()
