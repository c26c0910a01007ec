"""Trainings from the command line, killed in the middle: the files of one that was left alone."""

import os
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
from modc.atomic import write_json
from modc.data import packed, subsets
from modc.data.index import Index
from modc.data.index import write as write_index
from modc.data.label_counts import count
from modc.data.square import Form
from modc.grid import MODC
from modc.networks import model_file

SIDE, PERCENT = 32, 50
# Of the made-up images a third is for training, and half of those is labelled.
IMAGES, VALUES = 48, (3, 2)
# When it is killed: once this stage has a checkpoint.
KILLED_IN = {signal.SIGTERM: "supervised", signal.SIGKILL: "self_supervised"}
POLL = 0.002
_RATES = {"learning_rate": 1e-3, "decay": 0.5, "decay_every": 1}
WARM_UP_STAGES = {"ASENv2": ("warm_up",), "ASEN++": ("warm_up_global", "warm_up")}
_WARM_UP = {"epochs": 2, **_RATES}
_MODC = {"epochs": {"supervised": 2, "semi_supervised": 2}}
# What makes config.yaml small: four steps an epoch, two epochs a stage.
SMALL = {
    "datasets": {"FashionAI": {"image_size": SIDE, "detail_size": 2 * SIDE}},
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
    "modc": {
        "warm_up": {"ASENv2": "shared", "ASEN++": "shared"},
        "colour_attributes": ["upper"],
        "stages": {"ASENv2": _MODC, "ASEN++": {**_MODC, **_RATES, "local_learning_rate": 1e-3}},
    },
}


def trainings(context: Context) -> Iterator[dict]:
    """Train all stages of ASENv2 and ASEN++ four times; two of these are killed and gone on with.

    On a GPU the four start together and take turns on the card.
    """
    folder = Path(context.work) / f"trainings-{time.time():.0f}"
    prepare(folder)
    for network in ("ASENv2",) if context.small else ("ASENv2", "ASEN++"):
        stages = (*WARM_UP_STAGES[network], *MODC[: 2 if context.small else None])
        with ThreadPoolExecutor(1 if context.small else 4) as pool:
            alone = pool.submit(_whole, folder, f"{network}-alone", network, stages)
            others = {"again": pool.submit(_whole, folder, f"{network}-again", network, stages)}
            for number, stage in KILLED_IN.items():
                name = f"{signal.Signals(number).name} in {stage}"
                others[name] = pool.submit(_killed, folder, network, stages, number, stage)
        for name, other in others.items():
            what = f"{network}, {name}: files that differ"
            try:
                differing = different(alone.result(), other.result(), stages)
            except RuntimeError as error:
                yield {"what": what, "ok": False, "note": str(error)}
                continue
            yield gate(what, len(differing), 0, note=", ".join(differing))


def _whole(folder: Path, name: str, network: str, stages: tuple[str, ...]) -> Path:
    finish(start(folder, folder / name, network, stages))
    return folder / name


def _killed(folder: Path, network: str, stages: tuple[str, ...], number: int, stage: str) -> Path:
    output = folder / f"{network}-{signal.Signals(number).name}"
    kill(start(folder, output, network, stages), output / "resume" / f"{stage}.pt", number)
    finish(start(folder, output, network, stages))
    return output


def prepare(folder: Path) -> None:
    """Write the configuration, an index of coloured squares, half of the labels, the images."""
    configuration.write(
        folder / "config.yaml",
        configuration.merge(configuration.load([ROOT / "config.yaml"]), SMALL),
    )
    listed = _index()
    write_index(listed, folder / "index")
    training = listed.rows("train", "train")["image"].unique()
    subsets.write(folder / "labeled.csv", training[: len(training) // 2])
    rng = np.random.default_rng(1)
    large = rng.integers(0, 60, (IMAGES, 2 * SIDE, 2 * SIDE, 3)).astype(np.uint8)
    for row in listed.labels.itertuples():
        half = slice(0, SIDE) if row.attribute == 0 else slice(SIDE, None)
        large[row.image, half, :, row.value] += 150
    small = large.reshape(-1, SIDE, 2, SIDE, 2, 3).mean(axis=(2, 4)).astype(np.uint8)
    for array in (small, large):
        path = folder / f"{array.shape[1]}.npy"
        np.save(path, array)
        write_json(packed.facts_path(path), packed.array_facts(listed, Form(array.shape[1])))


def _index() -> Index:
    """Return the index: the colour of the upper half, of three, and of the lower half, of two."""
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


def start(folder: Path, output: Path, network: str, stages: tuple[str, ...]) -> subprocess.Popen:
    """Start `modc train`, which leases its device; what it says goes to <output>.log."""
    options = {
        "config": folder / "config.yaml",
        "dataset": "FashionAI",
        "network": network,
        "percent": PERCENT,
        "index": folder / "index",
        "packed": folder,
        "labeled": folder / "labeled.csv",
        "output": output,
        "resume": output / "resume",
        "threads": 1,
    }
    command = [sys.executable, "-m", "modc.cli", "train", "--embed-test"]
    command += [word for name, value in options.items() for word in (f"--{name}", str(value))]
    command += [word for stage in stages for word in ("--stage", stage)]
    with output.with_suffix(".log").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=os.environ)


def finish(process: subprocess.Popen) -> None:
    """Wait for a training's end. Raises RuntimeError if it failed."""
    if process.wait():
        log = Path(process.args[process.args.index("--output") + 1]).with_suffix(".log")
        lines = log.read_text(errors="replace").strip().splitlines()
        raise RuntimeError(f"a training ended with {process.returncode}: {lines[-1:]}")


def kill(process: subprocess.Popen, checkpoint: Path, number: int) -> None:
    """Send a signal once the checkpoint is there. Raises RuntimeError if the end was another."""
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(POLL)
    process.send_signal(number)
    expected = 128 + number if number == signal.SIGTERM else -number
    if process.wait() != expected:
        raise RuntimeError(f"{process.returncode} instead of {expected} after signal {number}")


def different(one: Path, other: Path, stages: tuple[str, ...]) -> list[str]:
    """Return the files of two trainings that differ in more than the seconds they took."""
    found = []
    for stage in stages:
        for name in ("model.pt", "last.pt"):
            a, b = (model_file.load(output / stage / name) for output in (one, other))
            if not same([a.state_dict, a.training], [b.state_dict, b.training]):
                found.append(f"{stage}/{name}")
        a, b = ((output / stage / "curve.csv").read_bytes() for output in (one, other))
        if a != b:
            found.append(f"{stage}/curve.csv")
    a, b = (dict(np.load(output / stages[-1] / "test.npz")) for output in (one, other))
    for arrays in (a, b):
        del arrays["facts"]
    if not same(*({n: torch.from_numpy(v) for n, v in arrays.items()} for arrays in (a, b))):
        found.append(f"{stages[-1]}/test.npz")
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
