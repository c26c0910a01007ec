"""MODC's stages in a row from the command line, killed in each of them and started again."""

import os
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

from modc.config import load, merge, write
from modc.data import subsets
from modc.data.index import write as write_index
from modc.data.pack import pack
from modc.data.square import Form
from modc.drawn.fashionai import DrawnFashionAI
from modc.evaluation.scores import read_embeddings
from modc.grid import MODC
from modc.networks import model_file

from .conftest import CONFIG, SIDE, TINY

PACKAGE = CONFIG.parent
# Ten steps an epoch, so that an epoch ends between two recomputations of the memory bank's centres.
SMALL = {
    "training": {"triplets_per_epoch": 40},
    "modc": {"memory_bank": {"every": 4}, "colour_attributes": ["sleeve_length"]},
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """Drawn garments, their index, half of the labels, packed images, and a warm-up."""
    place = tmp_path_factory.mktemp("prepared")
    write(place / "tiny.yaml", merge(load([CONFIG]), merge(TINY, SMALL)))
    garments = made(DrawnFashionAI, place / "data", generate={"images": 300, "seed": 0})
    garments.fetch()
    listed = garments.index()
    write_index(listed, place / "index")
    chosen = subsets.labeled_part(listed.rows("train", "train"), 50, "stratified", 2, 0)
    subsets.write(place / "50.csv", chosen)
    pack(listed, place / "data", [Form(SIDE)], place, 1)
    assert started(place, place, ["warm_up"]).wait() == 0
    return place


def started(prepared: Path, output: Path, stages, *more: str) -> subprocess.Popen:
    """Start `modc train`."""
    command = [sys.executable, "-m", "modc.cli", "train", "--config", prepared / "tiny.yaml"]
    options = {
        "dataset": "FashionAI",
        "network": "ASENv2",
        "percent": 50,
        "index": prepared / "index",
        "packed": prepared,
        "labeled": prepared / "50.csv",
        "output": output,
        "resume": output / "resume",
        "threads": 1,
    }
    for name, value in options.items():
        command += [f"--{name}", value]
    for stage in stages:
        command += ["--stage", stage]
    return subprocess.Popen(
        [*map(str, command), "--embed-test", *map(str, more)],
        cwd=PACKAGE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
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
    more = ["--initial", prepared / "warm_up" / "model.pt"]
    more += ["--assume", assume] if assume else []
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    assert started(prepared, alone, MODC, *more).wait() == 0
    for stage in MODC:
        checkpoint = killed / "resume" / f"{stage}.pt"
        if stage == MODC[-1]:
            # In the middle of its first epoch.
            kill_when(started(prepared, killed, MODC, *more), Path(f"{checkpoint}.lock"), pause=0.3)
            assert not checkpoint.exists()
        kill_when(started(prepared, killed, MODC, *more), checkpoint)
        assert checkpoint.exists()
        assert not (killed / stage / "model.pt").exists()
    assert started(prepared, killed, MODC, *more).wait() == 0
    for stage in MODC:
        for name in ("model.pt", "last.pt"):
            a, b = (model_file.load(folder / stage / name) for folder in (alone, killed))
            assert same(a.state_dict, b.state_dict)
            assert {"optimizer", "centres"} <= a.training.keys()
            assert ("predictor" in a.training) == (stage != "supervised")
            assert same(a.training, b.training)
            assert without_seconds(a.facts) == without_seconds(b.facts)
        curves = [pd.read_csv(folder / stage / "curve.csv") for folder in (alone, killed)]
        assert curves[0].equals(curves[1])
        assert not (killed / "resume" / f"{stage}.pt").exists()
    a, b = (read_embeddings(folder / MODC[-1] / "test.npz") for folder in (alone, killed))
    assert a.keys() == b.keys() and "centres" in a
    assert all(np.array_equal(a[key], b[key], equal_nan=True) for key in a)
    assert not list(killed.rglob("*.tmp"))
