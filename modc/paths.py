"""Where everything lies: in a run's folder, and in a dataset's.

All paths of a run are relative to results/<run>/, those of a dataset to <data>/<dataset>/. What an
ablation trains under an alternative lies in a folder of its own in there, laid out like the run.
With wildcards such as "{seed}" in place of values, each path is a pattern of Snakemake's; with "*",
one for Path.glob.
"""

from pathlib import Path

from modc.cell import Cell

RESULTS = Path("results")
# In a run's folder.
CONFIG = "config.yaml"
REPORT = "report.html"
# How far the run is, for programs.
STATUS = "status.json"
FRAME = "results.csv"
TABLES = "tables"
FIGURES = "figures"
FIGURES_SUMMARY = "figures.txt"
COVERAGE = "coverage"
ABLATION = "ablation"
CELLS = "cells"
RESUME = "resume"
LOGS = "logs"
# By which code the files were rendered.
RENDERED = "rendered"
# Of a folder that `modc merge` made.
MERGED = "merged.json"
# What the run prints at its end; in tables/ and ablation/.
SUMMARY = "summary.txt"
# Of a stage: the best epoch's model, the last one's, each epoch's scores, the test split.
MODEL = "model.pt"
LAST = "last.pt"
CURVE = "curve.csv"
CURVE_IMAGE = "curve.png"
EMBEDDINGS = "test.npz"
# Of a method.
SCORES = "scores.json"
QUERIES = "queries.csv"
# In the index's folder, the summary being written last.
INDEX = "index.json"
IMAGES = "images.csv"
LABELS = "labels.csv"
COUNTS = "coverage.csv"
INDEX_FILES = (INDEX, IMAGES, LABELS, COUNTS)
# All cells, and any.
EVERY = Cell("*", "*", "*", "*")
WILDCARDS = Cell("{dataset}", "{network}", "{percent}", "{seed}")


def run_folder(config: dict) -> Path:
    """Return results/<run>, where the run of a configuration lies."""
    return RESULTS / config["run"]


def lock(folder: Path) -> Path:
    """Return the file whose lock a workflow holds while it works on a run or a dataset."""
    return folder.with_name(f".{folder.name}.lock")


def variant_folder(name: str) -> Path:
    """Return where an ablation's variant lies; name: `modc.ablation.Variant.name`."""
    return Path(ABLATION, name)


def method_folder(cell: Cell, method: str) -> Path:
    """Return where a method's scores and the folders of its stages lie."""
    return Path(CELLS, method_name(cell, method))


def method_name(cell: Cell, method: str) -> str:
    """Return what a cell's method is called: its folder below cells/ and below resume/."""
    place = f"{cell.dataset}/{cell.network}/{cell.labeled_percent}/seed-{cell.seed}"
    return f"{place}/{method}"


def scores(cell: Cell, method: str) -> Path:
    """Return the file with all metrics of a method."""
    return method_folder(cell, method) / SCORES


def queries(cell: Cell, method: str) -> Path:
    """Return the file with the scores of every query."""
    return method_folder(cell, method) / QUERIES


def stage_folder(cell: Cell, method: str, stage: str) -> Path:
    """Return where a stage's models, curve and embeddings lie; method: the one that trains it."""
    return method_folder(cell, method) / stage


def following_model(config: dict) -> str:
    """Return the name of the model that the next stage starts from (A2)."""
    return {"best": MODEL, "last": LAST}[config["training"]["checkpoint"]]


def checkpoint(cell: Cell, method: str, stage: str) -> Path:
    """Return the file from which a stage that was stopped goes on."""
    return Path(RESUME, method_name(cell, method), f"{stage}.pt")


def heartbeat(checkpoint: Path) -> Path:
    """Return the file beside a checkpoint that says how far its training is."""
    return checkpoint.with_suffix(".json")


def kept_folder(checkpoint: Path) -> Path:
    """Return where second names of a finished stage's files lie, beside its checkpoint."""
    return checkpoint.with_suffix("")


def log(job: str) -> Path:
    """Return the log of a job that there is once a run, such as tables."""
    return Path(LOGS, f"{job}.log")


def dataset_log(job: str, dataset: str, part: str = "") -> Path:
    """Return the log of a job that makes a dataset ready, such as index, or of one part of it."""
    return Path(LOGS, job, f"{dataset}-{part}.log" if part else f"{dataset}.log")


def subset_log(dataset: str, rule: str, at_least: int, seed: int, percent: int) -> Path:
    """Return the log of the job that draws a labeled part."""
    return dataset_log("subset", dataset, f"{rule}-{at_least}-{seed}-{percent}")


def train_log(cell: Cell, method: str, last: str, variant: str = "") -> Path:
    """Return the log of the job that trains a method's stages up to `last`.

    variant: "" for the run itself, else the variant's folder in the run's, with a slash behind.
    """
    return Path(LOGS, "train", f"{variant}{_word(cell)}-{method}-{last}.log")


def score_log(cell: Cell, method: str, variant: str = "") -> Path:
    """Return the log of the job that scores a method; variant: as for `train_log`."""
    return Path(LOGS, "score", f"{variant}{_word(cell)}-{method}.log")


def _word(cell: Cell) -> str:
    return f"{cell.dataset}-{cell.network}-{cell.labeled_percent}-{cell.seed}"


def dataset_folder(config: dict, dataset: str) -> Path:
    """Return <data>/<dataset>, where a dataset lies."""
    return Path(config["data"], dataset)


def index_folder(folder: Path) -> Path:
    """Return where the index of the dataset in `folder` lies."""
    return folder / "prepared" / "index"


def labeled_part(folder: Path, rule: str, at_least: int, seed: int, percent: int) -> Path:
    """Return the file of a labeled part. Runs that share the data may draw it in other ways."""
    return folder / "prepared" / f"labeled-{rule}-{at_least}-{seed}" / f"{percent}.csv"


def packed_folder(folder: Path) -> Path:
    """Return where the packed images of the dataset in `folder` lie."""
    return folder / "prepared" / "packed"


def packed_array(packed: Path, form: str) -> Path:
    """Return the array of one form in a folder of packed images."""
    return packed / f"{form}.npy"


def packed_mark(packed: Path, form: str) -> Path:
    """Return the empty file that says that an array is finished."""
    return packed / f"{form}.done"
