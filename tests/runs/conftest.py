"""Runs of two cells, as training and scoring leave them, with the scores of every query."""

import copy
import json
import shutil
import sys
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from modc import cli as command_line
from modc import config as configuration
from modc import paths, provenance
from modc.atomic import write_json
from modc.cell import Cell
from modc.data import index as index_files
from modc.data import manifest
from modc.data.index import Index
from modc.evaluation.scores import score, summarize
from modc.evaluation.scoring import scoring
from modc.grid import cells, last_stage, settings_chain, stages
from modc.jobs import stage_folder

METHODS = ("baseline", "modc")

REPOSITORY = Path(__file__).parents[2]
ATTRIBUTES = ["skirt_length", "sleeve_length", "coat_length"]
VALUES, QUERIES, CANDIDATES, DIM = 3, 4, 12, 5
MANIFEST, INDEX = "ab" * 32, "cd" * 32


@cache
def paper() -> dict:
    """The paper's configuration, which takes long to read."""
    return yaml.safe_load((REPOSITORY / "config.yaml").read_text())


def two_cells() -> dict:
    """The paper's configuration on two cells."""
    made = copy.deepcopy(paper())
    made["grid"] |= {"datasets": ["FashionAI"], "networks": ["ASEN"], "extra_seeds": []}
    made["grid"]["labeled_percent"]["FashionAI"] = [10, 100]
    made["methods"]["modc"]["warm_up"]["ASEN"] = "shared"
    return made


@pytest.fixture
def config(tmp_path) -> dict:
    """The same, its data in a folder that is not there."""
    return two_cells() | {"run": "made", "data": str(tmp_path / "data")}


def drawn(cell: Cell, method: str, training: str) -> dict[str, np.ndarray]:
    """Embeddings of a few queries and candidates, others each training; MODC's have centers."""
    rng = np.random.default_rng(zlib.crc32(f"{cell}{method}{training}".encode()))
    arrays = {}
    for role, count in (("query", QUERIES), ("candidate", CANDIDATES)):
        rows = len(ATTRIBUTES) * count
        arrays[f"{role}_embedding"] = rng.normal(size=(rows, DIM))
        arrays[f"{role}_attribute"] = np.repeat(np.arange(len(ATTRIBUTES)), count)
        arrays[f"{role}_value"] = rng.integers(0, VALUES, rows)
    if method == "modc":
        arrays["centers"] = rng.normal(size=(len(ATTRIBUTES), VALUES, DIM))
    return arrays


def ended(stage: str, seed: int) -> dict:
    """How a stage ended."""
    scores = {at: {"MAP@all": 0.5, "Acc": 0.25} for at in ("first", "best", "last")}
    told = {"stage": stage, "epochs": 3, "best_epoch": 2, "stopped": "all 3 epochs"}
    return {**told, "seconds": 1.5 + seed, **scores}


def covered(places: int) -> dict:
    """The coverage where all is there."""
    counts = {"train": 100, "query": places * QUERIES, "candidate": places * CANDIDATES}
    return {role: [count, count] for role, count in counts.items()}


def write_result(
    folder: Path, config: dict, cell: Cell, method: str, training: str = "", **changed: object
) -> None:
    """Write scores.json, queries.csv, and the curves and models of the stages."""
    arrays = drawn(cell, method, training)
    scored = score(**arrays)
    queries = scored.to_csv(index=False).encode()
    scores = {
        "dataset": cell.dataset,
        "network": cell.network,
        "labeled_percent": cell.labeled_percent,
        "seed": cell.seed,
        "method": method,
        "attribute_names": ATTRIBUTES,
        "generated": False,
        "coverage": {
            "attributes": [covered(1) for _ in ATTRIBUTES],
            "overall": covered(len(ATTRIBUTES)),
        },
        "index_sha256": INDEX,
        "manifest_sha256": MANIFEST,
        "epoch": 2,
        "key": f"key of seed {cell.seed}",
        "settings_chain": settings_chain(config, cell, method, last_stage(config, cell, method)),
        "stages": [ended(stage, cell.seed) for stage in stages(config, cell, method)],
        "absent_values": [],
        "provenance": {
            "code": provenance.training_code(cell.network, config["methods"][method]["class"]),
            "device": "cpu",
            "labeled_images": 9,
            **provenance.software(),
        },
        **summarize(scored, arrays["candidate_attribute"], len(ATTRIBUTES)),
        "scoring": scoring(queries, **config["evaluation"]),
        **changed,
    }
    write_json(folder / paths.scores(cell, method), scores)
    (folder / paths.queries(cell, method)).write_bytes(queries)
    for stage in stages(config, cell, method):
        place = folder / stage_folder(config, cell, method, stage)
        place.mkdir(parents=True, exist_ok=True)
        for file in ("curve.csv", "curve.png", "model.pt", "last.pt", "test.npz"):
            (place / file).write_text(f"{file} of {stage} of {cell}{training}")


def write_run(folder: Path, config: dict, **changed: object) -> None:
    """Write a run; changed: as of `write_result`, what of every scores.json is."""
    for cell in cells(config):
        for method in METHODS:
            write_result(folder, config, cell, method, **changed)
    configuration.write(folder / "config.yaml", config)


@pytest.fixture(scope="session")
def unchanged(tmp_path_factory) -> Path:
    """A run that is written once, to be copied."""
    folder = tmp_path_factory.mktemp("unchanged")
    write_run(folder, two_cells())
    return folder


@pytest.fixture
def make_run(tmp_path, config, unchanged):
    """Return a function that makes a run without tables, and returns its folder.

    grid: what of the configuration's grid is changed; changed: what of every scores.json is, and
    with training the numbers themselves.
    """

    def make(name: str = "made", grid: dict | None = None, **changed: object) -> Path:
        folder = tmp_path / "results" / name
        own = {**config, "run": name.replace(" ", "-"), "grid": {**config["grid"], **(grid or {})}}
        if grid or changed:
            write_run(folder, own, **changed)
        else:
            shutil.copytree(unchanged, folder)
            configuration.write(folder / "config.yaml", own)
        return folder

    return make


@pytest.fixture
def edit():
    """Return a function that changes a JSON file, a key of its top level at a time."""

    def change(path: Path, **changed: object) -> None:
        path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))

    return change


@pytest.fixture
def modc(monkeypatch, capsys):
    """Return a function like the one for all tests, but of an error its line alone."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["modc", *map(str, arguments)])
        status: object = 0
        try:
            command_line.main()
        except SystemExit as end:
            status = end.code
        printed = capsys.readouterr()
        if isinstance(status, str):  # what sys.exit prints
            return 1, printed.out, status
        return int(status or 0), printed.out, printed.err

    return run


@pytest.fixture
def index() -> Index:
    """A small index."""
    from modc.data.label_counts import count

    roles = [
        ("train", "train"),
        *((s, r) for s in ("valid", "test") for r in ("query", "candidate")),
    ]
    labels = pd.DataFrame(
        [
            {"split": split, "role": role, "image": number, "attribute": 0, "value": 0}
            for number, (split, role) in enumerate(roles)
        ]
    )
    images = pd.DataFrame(
        {
            "split": labels["split"],
            "path": [f"{n}.jpg" for n in labels["image"]],
            "width": 1,
            "height": 1,
        }
    )
    return Index("FashionAI", ("skirt_length",), (1,), images, labels, count(labels))


@pytest.fixture
def data(tmp_path, index):
    """Data in the configuration's folder; returns the folder and both hashes."""
    folder = tmp_path / "data" / "FashionAI"
    row = {"path": "0.jpg", "status": "ok", "bytes": 3, "sha256": "ab", "width": 1, "height": 1}
    manifest_sha256 = manifest.write(folder, pd.DataFrame([row]), {})
    index_files.write(index, folder / "prepared" / "index")
    return folder, manifest_sha256, index.sha256
