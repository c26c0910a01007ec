"""A run's folder, as training and scoring leave it, for tests of the tables."""

import copy
import json
from functools import cache, partial
from pathlib import Path

import pytest
import yaml
from made_queries import QUERIES, TWO_SEEDS, queries_of, scores_of_queries

from modc import paths
from modc.cell import Cell
from modc.datasets.darn import DARN
from modc.datasets.fashionai import FashionAI
from modc.evaluation.metrics import METRICS
from modc.evaluation.prioritized import QUERY_LABELS, TOP_N
from modc.grid import cells, last_stage, settings_chain, stages
from modc.report.results import collect
from modc.report.tables import Source

METHODS = ("baseline", "modc")

REPOSITORY = Path(__file__).parents[2]
# Queries and candidates of the public test splits.
TEST_SPLITS = {
    kind.__name__: (kind.counts["test"]["query"], kind.counts["test"]["candidate"])
    for kind in (FashionAI, DARN)
}
ATTRIBUTES = {
    "FashionAI": [
        "skirt_length",
        "sleeve_length",
        "coat_length",
        "pant_length",
        "collar_design",
        "lapel_design",
        "neckline_design",
        "neck_design",
    ],
    "DARN": [
        "clothes category",
        "clothes button",
        "clothes color",
        "clothes length",
        "clothes pattern",
        "clothes shape",
        "collar shape",
        "sleeve length",
        "sleeve shape",
    ],
    "FashionMNIST": ["category", "tone"],
}

MANIFEST = "0123456789abcdef" * 4


@pytest.fixture
def config() -> dict:
    """The paper's configuration."""
    return paper()


def fraction(*names: object) -> float:
    """A fraction that differs from place to place."""
    return (sum(ord(c) * (i + 1) for i, c in enumerate("/".join(map(str, names)))) % 9973) / 10000


def metrics(*place: object) -> dict:
    """Made-up metrics of one place."""
    made = {metric: fraction(*place, metric) for metric in METRICS}
    return {**made, "MAP@100": made["MAP@100/hits"]}


def paper() -> dict:
    """The paper's configuration, a cell being one chain of stages, and of one seed."""
    return copy.deepcopy(_paper())


@cache
def _paper() -> dict:
    read = yaml.safe_load((REPOSITORY / "config.yaml").read_text())
    read["grid"]["extra_seeds"] = []
    read["methods"]["modc"]["warm_up"] = dict.fromkeys(read["methods"]["modc"]["warm_up"], "shared")
    return read


def ended(stage: str, *place: object) -> dict:
    """How a stage ended."""
    return {
        "stage": stage,
        "epochs": 9,
        "best_epoch": 4,
        "stopped": "converged at epoch 9",
        "seconds": 1.5,
        **{at: {"MAP@all": fraction(*place, stage, at)} for at in ("first", "best", "last")},
    }


def covered(train: int, queries: int, candidates: int) -> dict:
    """The coverage of a place where all is there."""
    counts = {"train": train, "query": queries, "candidate": candidates}
    return {role: [count, count] for role, count in counts.items()}


def made_scores(cell: Cell, method: str = "baseline") -> dict:
    """What `modc score` would write for a cell and method."""
    return json.loads(_made_scores(cell, method))


@cache
def _made_scores(cell: Cell, method: str) -> str:

    def part(attribute: str, queries: int, candidates: int) -> dict:
        place = (cell.dataset, cell.network, cell.labeled_percent, cell.seed, attribute)
        counts = {"queries": queries, "candidates": candidates, "unanswerable": 0}
        made = {**counts, **metrics(*place)}
        if method == "modc":
            made["Acc"] = fraction(*place, "Acc")
            made["prioritized"] = {
                f"top{n}": {label: metrics(*place, n, label) for label in QUERY_LABELS}
                for n in TOP_N
            }
        return made

    names = ATTRIBUTES[cell.dataset]
    place = (cell.dataset, cell.network, cell.labeled_percent, cell.seed)
    chain = settings_chain(_paper(), cell, method, last_stage(_paper(), cell, method))
    made = {
        "dataset": cell.dataset,
        "network": cell.network,
        "labeled_percent": cell.labeled_percent,
        "seed": cell.seed,
        "method": method,
        "settings_chain": chain,
        "stages": [ended(stage, *place) for stage in stages(_paper(), cell, method)],
        "absent_values": [],
        "attribute_names": names,
        "provenance": {"labeled_images": 9 * cell.labeled_percent},
        "generated": False,
        "manifest_sha256": MANIFEST,
        "coverage": {
            "attributes": [covered(100, 10, 40) for _ in names],
            "overall": covered(900, *TEST_SPLITS.get(cell.dataset, (20, 80))),
        },
        "attributes": [part(name, 10, 40) for name in names],
        "overall": part("overall", *TEST_SPLITS.get(cell.dataset, (20, 80))),
    }
    return json.dumps(made)


def write_scores(folder: Path, cell: Cell, scores: object, method: str = "baseline") -> Path:
    """Write a cell's scores where the tables look for them."""
    path = folder / paths.scores(cell, method)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(scores))
    return path


def write_grid(folder: Path, config: dict, **changed: object) -> Path:
    """Write the scores of every cell of a configuration; returns the run's folder."""
    for cell in cells(config):
        for method in METHODS:
            write_scores(folder, cell, made_scores(cell, method) | changed, method)
    return folder


@pytest.fixture
def write_run(tmp_path):
    """As `write_grid`, into a folder of the test's own."""
    return partial(write_grid, tmp_path)


@pytest.fixture(scope="session")
def whole_source(tmp_path_factory) -> Source:
    """What fills the tables of a run of the paper's grid."""
    folder = write_grid(tmp_path_factory.mktemp("whole"), paper())
    return Source(collect(folder, paper()), paper())


@pytest.fixture(scope="session")
def empty_source(tmp_path_factory) -> Source:
    """What fills the tables of a run that has nothing."""
    return Source(collect(tmp_path_factory.mktemp("empty"), paper()), paper())


@pytest.fixture
def scores_of():
    """What the scores of a cell are."""
    return made_scores


@pytest.fixture
def write_cell(tmp_path):
    """Write what is given as the scores of a cell; returns the path."""

    def write(cell: Cell, scores: object, method: str = "baseline") -> Path:
        return write_scores(tmp_path, cell, scores, method)

    return write


@pytest.fixture
def made(config, write_cell, scores_of):
    """Write two seeds of a cell whose scores are the means of their queries.

    Returns the results and the queries by method and seed.
    """

    def make(queries: int = QUERIES):
        config["grid"] |= {"seeds": [0, 1], "datasets": ["FashionAI"], "networks": ["ASEN"]}
        config["grid"]["labeled_percent"] = {"FashionAI": [100]}
        written = {}
        for cell in TWO_SEEDS:
            for method in METHODS:
                rows = queries_of(method, cell.seed, queries)
                path = write_cell(cell, scores_of_queries(scores_of(cell, method), rows), method)
                rows.to_csv(path.parent / "queries.csv", index=False)
                written[method, cell.seed] = rows
        return written

    return make
