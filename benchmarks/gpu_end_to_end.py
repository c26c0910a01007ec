"""Does a whole run come out on a GPU: the smoke grid, and Fashion-MNIST beside the CPU's table.

Where Snakemake is not installed, the steps of its rules are made by hand: workflow/rules/*.smk.
"""

import importlib.util
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from gpu_step import ROOT, Context, Skipped

from modc import config as configuration
from modc import grid, paths
from modc.datasets.fashion_mnist import DEBIAN
from modc.grid import Cell
from modc.jobs import Training

# Trainings that share the card, which small ones leave idle most of the time.
JOBS = 4
POLL = 0.5
# What of the smoke grid a test takes: one cell, and next to no training.
SMALL = {
    "datasets": {"FashionAI": {"generate": {"images": 400}}},
    "grid": {
        "datasets": ["FashionAI"],
        "networks": ["ASENv2"],
        "labeled_percent": {"FashionAI": [10]},
    },
    "training": {
        "triplets_per_epoch": 16,
        "stages": {"ASENv2": {"warm_up": {"epochs": 1}}},
    },
    "methods": {
        "modc": {
            "stages": {
                "ASENv2": {
                    "warm_up": {"epochs": 1},
                    "epochs": {"supervised": 1, "semi_supervised": 1},
                }
            }
        }
    },
}
# MAP@100 in percent by share of labels, the means of three seeds: docs/fashion-mnist.md.
CPU_FASHION_MNIST = {
    100: (75.35, 80.04, 85.01, 81.18, 80.07, 80.05),
    10: (74.44, 78.61, 83.03, 79.40, 78.61, 78.61),
}
COLUMNS = (
    "baseline",
    "MODC, plain",
    "top1, known",
    "top2, known",
    "top1, unknown",
    "top2, unknown",
)


@dataclass(frozen=True)
class Run:
    """A run whose data and results lie in a folder of its own; datasets: folders elsewhere."""

    config: dict
    folder: Path
    datasets: dict[str, Path]

    def modc(self, *words: object) -> str:
        """Return what a command of `modc` prints. Raises RuntimeError with its last line."""
        command = [sys.executable, "-m", "modc.cli", *map(str, words)]
        made = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, errors="replace", check=False
        )
        print(shlex.join(command), made.stdout, made.stderr, sep="\n", flush=True)
        if made.returncode:
            last = (made.stderr.strip().splitlines() or ["no message"])[-1]
            raise RuntimeError(f"modc {words[0]} ended with {made.returncode}: {last}")
        return made.stdout

    def prepare(self, dataset: str) -> None:
        """Make the dataset ready: draw and fetch it if it is drawn, index, subsets, images."""
        settings, folder = self.config["datasets"][dataset], self._folder(dataset)
        made = paths.dataset_folder(self.config, dataset)
        configured = (dataset, "--config", "config.yaml", "--folder", folder)
        if "generate" in settings:
            self.modc("fetch", *configured)
        index = paths.index_folder(made)
        self.modc("index", *configured, "--output", index)
        cells = [cell for cell in grid.cells(self.config) if cell.dataset == dataset]
        for cell in {Training(self.config, cell, "modc").labeled: cell for cell in cells}.values():
            part = grid.labeled_part(self.config, cell)
            self.modc(
                *("subset", "--index", index, "--percent", cell.labeled_percent),
                *("--rule", part["rule"], "--at-least", part["at_least"], "--seed", part["seed"]),
                *("--output", Training(self.config, cell, "modc").labeled),
            )
        forms = grid.forms_of_dataset(self.config, dataset)
        self.modc(
            *("pack", "--index", index, "--folder", folder),
            *("--output", paths.packed_folder(made)),
            *(word for form in forms for word in ("--size", form.name)),
            *("--threads", self.config["threads"]),
        )

    def train(self, cell: Cell) -> None:
        """Train and score the cell's baseline and MODC."""
        evaluation = self.config["evaluation"]
        for method in grid.METHODS:
            self.modc(
                *("train", "--config", "config.yaml", "--cell", cell.name, "--method", method),
                *("--threads", self.config["threads"]),
            )
            self.modc(
                *("score", "--embeddings", Training(self.config, cell, method).embeddings),
                *("--map-at-100", evaluation["map_at_100"]),
                *("--unanswerable", evaluation["unanswerable"]),
                *("--prioritized-order", evaluation["prioritized_order"]),
                *("--acc-over", evaluation["acc_over"]),
                *("--queries", self.results / paths.queries(cell, method)),
                *("--output", self.results / paths.scores(cell, method)),
            )

    @property
    def results(self) -> Path:
        """The run's results, below its folder."""
        return paths.run_folder(self.config)

    def scores(self, cell: Cell) -> tuple[float, ...] | None:
        """Return MAP@100 in percent by COLUMNS, None until both methods are scored."""
        files = [self.folder / self.results / paths.scores(cell, m) for m in grid.METHODS]
        if not all(file.exists() for file in files):
            return None
        baseline, modc = (json.loads(file.read_text())["overall"] for file in files)
        prioritized = modc["prioritized"]
        found = [baseline, modc]
        found += [
            prioritized[top][label] for label in ("known", "unknown") for top in ("top1", "top2")
        ]
        return tuple(100 * means["MAP@100"] for means in found)

    def _folder(self, dataset: str) -> Path:
        return self.datasets.get(dataset, Path(self.config["data"]) / dataset)


def smoke(context: Context) -> Iterator[dict]:
    """Run the smoke grid: MAP@100 of every cell in percent, and the seconds of it all."""
    config = _config("smoke", SMALL if context.small else {})
    run = _begun(config, context, {})
    begun = time.monotonic()
    if importlib.util.find_spec("snakemake") and not context.small:
        yield from by_snakemake(run)
        how = "Snakemake"
    else:
        yield from by_hand(run, 1 if context.small else JOBS)
        try:
            yield {"text": run.modc("tables", "--config", "config.yaml").rstrip()}
        except RuntimeError as error:
            yield {"what": "tables", **_failure(error)}
        how = "by hand, without Snakemake"
    yield {"what": f"seconds in all, {how}", "value": round(time.monotonic() - begun, 1)}


def fashion_mnist(context: Context) -> Iterator[dict]:
    """Run configs/fashion-mnist.yaml: MAP@100 in percent beside that of the CPU's run."""
    folders = [context.fashion_mnist, ROOT / "data" / "FashionMNIST", DEBIAN]
    found = [Path(folder) for folder in folders if folder and _has_fashion_mnist(Path(folder))]
    if not found:
        raise Skipped(
            "the four files are not at hand: pass --fashion-mnist FOLDER, or run "
            "`modc fetch FashionMNIST`"
        )
    if context.small:
        raise Skipped("70,000 images are for a GPU")
    run = _begun(_config("fashion-mnist", {}), context, {"FashionMNIST": found[0]})
    begun = time.monotonic()
    for row in by_hand(run, JOBS):
        yield row
        percent = row.get("labels, %")
        if percent in CPU_FASHION_MNIST and COLUMNS[0] in row:
            known = dict(zip(COLUMNS, CPU_FASHION_MNIST[percent], strict=True))
            yield {"dataset": "the CPU's", "network": "ASENv2", "labels, %": percent, **known}
    yield {"what": "seconds in all", "value": round(time.monotonic() - begun, 1)}


def by_snakemake(run: Run) -> Iterator[dict]:
    """Run the workflow in the run's folder, and yield each cell's row once it is scored."""
    programs = run.folder / "bin"
    programs.mkdir()
    # The rules call `modc`, which is not installed where the tree alone is there.
    called = programs / "modc"
    called.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m modc.cli "$@"\n')
    called.chmod(0o755)
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"]
    command += ["--directory", run.folder, "--configfile", "config.yaml"]
    command += ["--cores", os.cpu_count(), "--quiet", "rules"]
    path = os.pathsep.join([str(programs), os.environ.get("PATH", "")])
    process = subprocess.Popen(
        list(map(str, command)), cwd=run.folder, env={**os.environ, "PATH": path}
    )
    waiting = grid.cells(run.config)
    while waiting:
        ended = process.poll() is not None  # asked first, so that no cell is missed
        for cell in [cell for cell in waiting if run.scores(cell)]:
            waiting.remove(cell)
            yield _row(run, cell)
        if ended:
            break
        time.sleep(POLL)
    if process.wait():
        raise RuntimeError(f"snakemake ended with {process.returncode}; {len(waiting)} cells lack")


def by_hand(run: Run, cells_at_once: int) -> Iterator[dict]:
    """Make the workflow's steps in their order, and yield each cell's row once it is scored.

    A dataset or a cell that fails is a row, and the others go on.
    """
    ready = set()
    for dataset in run.config["grid"]["datasets"]:
        try:
            run.prepare(dataset)
            ready.add(dataset)
        except RuntimeError as error:
            yield {"dataset": dataset, **_failure(error)}
    cells = [cell for cell in grid.cells(run.config) if cell.dataset in ready]
    with ThreadPoolExecutor(cells_at_once) as pool:
        trained = {pool.submit(run.train, cell): cell for cell in cells}
        for done in as_completed(trained):
            try:
                done.result()
                yield _row(run, trained[done])
            except RuntimeError as error:
                yield {**_named(trained[done]), **_failure(error)}


def _row(run: Run, cell: Cell) -> dict:
    return {**_named(cell), **dict(zip(COLUMNS, run.scores(cell), strict=True))}


def _named(cell: Cell) -> dict:
    return {"dataset": cell.dataset, "network": cell.network, "labels, %": cell.labeled_percent}


def _failure(error: RuntimeError) -> dict:
    """Return what of a row says why; a package that is not installed is no failure."""
    is_absent = "is not installed" in str(error)
    return {"note": str(error)} if is_absent else {"ok": False, "note": str(error)}


def _config(name: str, changed: dict) -> dict:
    files = [ROOT / "config.yaml", ROOT / "configs" / f"{name}.yaml"]
    read = configuration.merge(configuration.load(files), changed)
    return configuration.merge(read, {"data": "data", "training": {"jobs_per_gpu": JOBS}})


def _begun(config: dict, context: Context, datasets: dict[str, Path]) -> Run:
    """Return the run in a new folder that has its configuration."""
    folder = Path(context.work) / f"{config['run']}-{time.time():.0f}"
    folder.mkdir(parents=True)
    configuration.write(folder / "config.yaml", config)
    return Run(config, folder, datasets)


def _has_fashion_mnist(folder: Path) -> bool:
    places = (folder, folder / "FashionMNIST" / "raw")
    return any(any(place.glob("train-images-idx3-ubyte*")) for place in places)
