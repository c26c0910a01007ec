"""STAGES's stages in a row from the command line, killed in each of them and started again."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

pytest.importorskip("simplejpeg", reason="it draws and packs images")

from made_datasets import made

from modc import paths
from modc.cell import Cell
from modc.config import load, merge, write
from modc.data import subsets
from modc.data.index import write as write_index
from modc.data.pack import pack
from modc.data.square import Form
from modc.drawn.fashionai import DrawnFashionAI
from modc.evaluation.scores import read_embeddings
from modc.methods.modc import STAGES
from modc.networks import model_file

from .conftest import CONFIG, SIDE, TINY

PACKAGE = CONFIG.parent
CELL = Cell("FashionAI", "ASENv2", 50, 0)
# Ten steps an epoch, so that an epoch ends between two recomputations of the memory bank's centers.
SMALL = {
    "training": {"triplets_per_epoch": 40},
    "datasets": {"FashionAI": {"color_attributes": ["sleeve_length"]}},
    "methods": {"modc": {"memory_bank": {"every": 4}}},
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """Drawn garments, their index, half of the labels, packed images, and a warm-up."""
    place = tmp_path_factory.mktemp("prepared")
    data = place / "data" / "FashionAI"
    changed = merge(merge(TINY, SMALL), {"data": str(place / "data"), "run": "killed"})
    write(place / "tiny.yaml", merge(load([CONFIG]), changed))
    garments = made(DrawnFashionAI, data, generate={"images": 300, "seed": 0})
    garments.fetch()
    listed = garments.index()
    write_index(listed, paths.index_folder(data))
    chosen = subsets.labeled_part(listed.rows("train", "train"), 50, "stratified", 2, 0)
    subsets.write(paths.labeled_part(data, "stratified", 2, 0, 50), chosen)
    pack(listed, data, [Form(SIDE)], paths.packed_folder(data), 1)
    assert started(place, place, "baseline").wait() == 0
    return place


def started(prepared: Path, place: Path, method: str, *more: str) -> subprocess.Popen:
    """Start `modc train` in the folder `place`."""
    command = [sys.executable, "-m", "modc.cli", "train", "--config", prepared / "tiny.yaml"]
    command += ["--cell", CELL.name, "--method", method, "--threads", 1]
    return subprocess.Popen(
        [*map(str, command), *more],
        cwd=place,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(PACKAGE)},
    )


def kill_when(process: subprocess.Popen, path: Path, pause: float = 0.0) -> None:
    """Kill the process once `path` is there, which must come before its end."""
    while not path.exists():
        assert process.poll() is None, f"ended without {path.name}"
        time.sleep(0.002)
    time.sleep(pause)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def same(one: object, other: object) -> bool:
    """Whether nested dictionaries and lists of tensors and plain values are equal."""
    if isinstance(one, torch.Tensor):
        return np.array_equal(one.numpy(), other.numpy(), equal_nan=one.is_floating_point())
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def without_seconds(facts: dict) -> dict:
    stages = [{**stage, "seconds": 0} for stage in facts["stages"]]
    return {**facts, "stages": stages, "provenance": None}


@pytest.mark.slow
@pytest.mark.parametrize("assume", [None, "A3=memory_bank"])
def test_killed_in_every_stage_it_ends_as_if_left_alone(prepared, tmp_path, assume):
    more = ["--assume", assume] if assume else []
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    for place in (alone, killed):
        shutil.copytree(prepared / "results", place / "results")
    assert started(prepared, alone, "modc", *more).wait() == 0
    run = Path("results", "killed", "ablation/A3-memory_bank" if assume else "")
    folders = {s: run / paths.stage_folder(CELL, "modc", s) for s in STAGES}
    for stage, folder in folders.items():
        checkpoint = killed / run / paths.checkpoint(CELL, "modc", stage)
        if stage == STAGES[-1]:
            # In the middle of its first epoch.
            process = started(prepared, killed, "modc", *more)
            kill_when(process, Path(f"{checkpoint}.lock"), pause=0.3)
            assert not checkpoint.exists()
        kill_when(started(prepared, killed, "modc", *more), checkpoint)
        assert checkpoint.exists()
        assert not (killed / folder / "model.pt").exists()
    assert started(prepared, killed, "modc", *more).wait() == 0
    for stage, folder in folders.items():
        for name in ("model.pt", "last.pt"):
            a, b = (model_file.load(place / folder / name) for place in (alone, killed))
            assert same(a.state_dict, b.state_dict)
            parts = {key.partition(".")[0] for key in a.training["objective"]}
            assert "optimizer" in a.training and "clusters" in parts
            assert ("predictor" in parts) == (stage != "supervised")
            assert same(a.training, b.training)
            assert without_seconds(a.facts) == without_seconds(b.facts)
        curves = [pd.read_csv(place / folder / "curve.csv") for place in (alone, killed)]
        assert curves[0].equals(curves[1])
        assert not (killed / run / paths.checkpoint(CELL, "modc", stage)).exists()
    a, b = (read_embeddings(place / folders[STAGES[-1]] / "test.npz") for place in (alone, killed))
    assert a.keys() == b.keys() and "centers" in a
    assert all(np.array_equal(a[key], b[key], equal_nan=True) for key in a)
    assert not list(killed.rglob("*.tmp"))
