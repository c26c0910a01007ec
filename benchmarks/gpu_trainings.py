"""Trainings from the command line, killed in the middle: the files of one that was left alone."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from gpu_stages import ROOT
from gpu_step import Context, gate

from modc import config as configuration
from modc import grid, paths
from modc.atomic import write_json
from modc.cell import Cell
from modc.data import packed, subsets
from modc.data.index import Index
from modc.data.index import write as write_index
from modc.data.label_counts import count
from modc.data.square import Form
from modc.jobs import stage_folder
from modc.methods.modc import STAGES
from modc.networks import model_file

SIDE, PERCENT = 32, 50
RUN = Path("results", "trainings")
# Of the made-up images a third is for training, and half of those is labeled.
IMAGES, VALUES = 48, (3, 2)
# When it is killed: once this stage has a checkpoint.
KILLED_IN = {signal.SIGTERM: "supervised", signal.SIGKILL: "self_supervised"}
POLL = 0.002
_RATES = {"learning_rate": 1e-3, "decay": 0.5, "decay_every": 1}
_WARM_UP = {"epochs": 2, **_RATES}
_MODC = {"epochs": {"supervised": 2, "semi_supervised": 2}}
# What makes config.yaml small: four steps an epoch, two epochs a stage.
SMALL = {
    "run": RUN.name,
    "data": "../data",
    "datasets": {
        "FashionAI": {
            "image_size": SIDE,
            "detail_size": 2 * SIDE,
            "color_attributes": ["upper"],
        }
    },
    "networks": {
        "ASENv2": {"backbone": "resnet10"},
        "ASEN++": {"global_backbone": "resnet10", "local_backbone": "resnet10"},
        "weights": {"resnet10": "none"},
    },
    "training": {
        "triplets_per_epoch": 16,
        "batch": 4,
        "evaluation_batch": 16,
        "stages": {
            "ASENv2": {"warm_up": _WARM_UP},
            "ASEN++": {
                "warm_up_global": _WARM_UP,
                "warm_up": {**_WARM_UP, "local_learning_rate": 1e-3},
            },
        },
    },
    "methods": {
        "modc": {
            "warm_up": {"ASENv2": "shared", "ASEN++": "shared"},
            "stages": {"ASENv2": _MODC, "ASEN++": {**_MODC, **_RATES, "local_learning_rate": 1e-3}},
        }
    },
}


def trainings(context: Context) -> Iterator[dict]:
    """Train all stages of ASENv2 and ASEN++ four times; two of these are killed and gone on with.

    On a GPU the four start together and take turns on the card.
    """
    folder = Path(context.work) / f"trainings-{time.time():.0f}"
    prepare(folder)
    config = configuration.load([folder / "config.yaml"])
    last = STAGES[1 if context.small else -1]
    for network in ("ASENv2",) if context.small else ("ASENv2", "ASEN++"):
        cell = Cell("FashionAI", network, PERCENT, 0)
        with ThreadPoolExecutor(1 if context.small else 4) as pool:
            alone = pool.submit(_whole, folder, f"{network}-alone", cell, last)
            others = {"again": pool.submit(_whole, folder, f"{network}-again", cell, last)}
            for number, stage in KILLED_IN.items():
                name = f"{signal.Signals(number).name} in {stage}"
                others[name] = pool.submit(_killed, folder, cell, last, number, stage)
        for name, other in others.items():
            what = f"{network}, {name}: files that differ"
            try:
                differing = different(alone.result(), other.result(), config, cell, last)
            except RuntimeError as error:
                yield {"what": what, "ok": False, "note": str(error)}
                continue
            yield gate(what, len(differing), 0, note=", ".join(differing))


def _whole(folder: Path, name: str, cell: Cell, last: str) -> Path:
    """Train a cell up to MODC's stage `last` in a folder of its own; return the run's there."""
    place = folder / name
    finish(start(place, cell, "baseline", "warm_up"))
    finish(start(place, cell, "modc", last))
    return place / RUN


def _killed(folder: Path, cell: Cell, last: str, number: int, stage: str) -> Path:
    place = folder / f"{cell.network}-{signal.Signals(number).name}"
    finish(start(place, cell, "baseline", "warm_up"))
    checkpoint = place / RUN / paths.checkpoint(cell, "modc", stage)
    kill(start(place, cell, "modc", last), checkpoint, number)
    finish(start(place, cell, "modc", last))
    return place / RUN


def prepare(folder: Path) -> None:
    """Write the configuration, an index of colored squares, half of the labels, the images."""
    configuration.write(
        folder / "config.yaml",
        configuration.merge(configuration.load([ROOT / "config.yaml"]), SMALL),
    )
    listed = _index()
    data = folder / "data" / "FashionAI"
    write_index(listed, paths.index_folder(data))
    training = listed.rows("train", "train")["image"].unique()
    labeled = paths.labeled_part(data, "stratified", 2, 0, PERCENT)
    subsets.write(labeled, training[: len(training) // 2])
    rng = np.random.default_rng(1)
    large = rng.integers(0, 60, (IMAGES, 2 * SIDE, 2 * SIDE, 3)).astype(np.uint8)
    for row in listed.labels.itertuples():
        half = slice(0, SIDE) if row.attribute == 0 else slice(SIDE, None)
        large[row.image, half, :, row.value] += 150
    small = large.reshape(-1, SIDE, 2, SIDE, 2, 3).mean(axis=(2, 4)).astype(np.uint8)
    packed_images = paths.packed_folder(data)
    packed_images.mkdir()
    for array in (small, large):
        path = paths.packed_array(packed_images, str(array.shape[1]))
        np.save(path, array)
        write_json(packed.facts_path(path), packed.array_facts(listed, Form(array.shape[1])))


def _index() -> Index:
    """Return the index: the color of the upper half, of three, and of the lower half, of two."""
    rng = np.random.default_rng(0)
    images, labels = [], []
    for number in range(IMAGES):
        split = ("train", "valid", "test")[number * 3 // IMAGES]
        role = "train" if split == "train" else ("query", "candidate")[number % 2]
        images.append((split, f"{number}.png", SIDE, SIDE))
        for attribute, values in enumerate(VALUES):
            labels.append((split, role, number, attribute, int(rng.integers(values))))
    table = pd.DataFrame(labels, columns=["split", "role", "image", "attribute", "value"])
    return Index(
        dataset="FashionAI",
        attributes=("upper", "lower"),
        values=VALUES,
        images=pd.DataFrame(images, columns=["split", "path", "width", "height"]),
        labels=table,
        coverage=count(table),
    )


def start(place: Path, cell: Cell, method: str, last: str) -> subprocess.Popen:
    """Start `modc train`, which leases its device, in `place`; what it says goes to train.log."""
    place.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "modc.cli", "train", "--config", "../config.yaml"]
    command += ["--cell", cell.name, "--method", method, "--stage", last, "--threads", "1"]
    search = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    with (place / "train.log").open("ab") as log:
        return subprocess.Popen(
            command, cwd=place, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": search}
        )


def finish(process: subprocess.Popen) -> None:
    """Wait for a training's end. Raises RuntimeError if it failed."""
    if process.wait():
        raise RuntimeError(f"{shlex.join(process.args)} ended with {process.returncode}")


def kill(process: subprocess.Popen, checkpoint: Path, number: int) -> None:
    """Send a signal once the checkpoint is there. Raises RuntimeError if the end was another."""
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(POLL)
    process.send_signal(number)
    expected = 128 + number if number == signal.SIGTERM else -number
    if process.wait() != expected:
        raise RuntimeError(f"{process.returncode} instead of {expected} after signal {number}")


def different(one: Path, other: Path, config: dict, cell: Cell, last: str) -> list[str]:
    """Return the files of two runs that differ in more than the seconds they took."""
    found = []
    stages = grid.stages(config, cell, "modc")
    for stage in stages[: stages.index(last) + 1]:
        folders = [run / stage_folder(config, cell, "modc", stage) for run in (one, other)]
        for name in (paths.MODEL, paths.LAST):
            a, b = (model_file.load(folder / name) for folder in folders)
            if not same([a.state_dict, a.training], [b.state_dict, b.training]):
                found.append(f"{stage}/{name}")
        a, b = ((folder / paths.CURVE).read_bytes() for folder in folders)
        if a != b:
            found.append(f"{stage}/{paths.CURVE}")
    a, b = (dict(np.load(folder / paths.EMBEDDINGS)) for folder in folders)
    for arrays in (a, b):
        del arrays["facts"]
    if not same(*({n: torch.from_numpy(v) for n, v in arrays.items()} for arrays in (a, b))):
        found.append(f"{last}/{paths.EMBEDDINGS}")
    return found


def same(one: object, other: object) -> bool:
    """Return whether nested dictionaries and lists of tensors and plain values are equal."""
    if isinstance(one, torch.Tensor):
        return np.array_equal(one.numpy(), other.numpy(), equal_nan=one.is_floating_point())
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other
