"""Measure how fast this machine trains and embeds: the real steps on random pixels."""

import logging
import resource
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from modc.cost import cell_stages, images_an_epoch
from modc.data.coverage import count as count_labels
from modc.data.device_images import DeviceImages
from modc.data.index import Index
from modc.evaluation.embed import embed_rows
from modc.grid import MODC, Cell, training_settings
from modc.networks import model_file
from modc.networks.build import build
from modc.rates import EVALUATION, subject
from modc.training.batches import steps
from modc.training.start import start
from modc.training.task import Task
from modc.training.train import Machine, train_batch

log = logging.getLogger(__name__)

# Seconds after which only what every forecast needs is measured: the warm-ups and embedding.
BUDGET_SECONDS = 60.0
# Of each rate: untimed at first, then timed; at least one step of each. Where a step takes long,
# the first one is counted, since what it does once does not show.
UNTIMED_SECONDS, TIMED_SECONDS, LONG_SECONDS = 1.0, 2.0, 5.0
# A probe that got less of its processors than this was in the way of others.
BUSY_SHARE = 0.7
# The made-up dataset: how many there are hardly matters to the pace.
ATTRIBUTES, VALUES, LABELED = 8, 4, 32
IMAGES = 2 * LABELED


def probe(config: dict, cells: Iterable[Cell], machine: Machine, on: dict) -> list[dict]:
    """Return the rates of what the cells train, in about BUDGET_SECONDS.

    The warm-ups and the embedding of each network come first, on a slow machine for longer; then
    MODC's last stage, then the others, as long as there is time. on: what `modc.rates.here`
    returns.
    """
    begun, worked = time.monotonic(), time.process_time()
    torch.use_deterministic_algorithms(True, warn_only=True)  # as in training
    rates = []
    for cell, stage in _subjects(config, cells):
        if stage in MODC and time.monotonic() - begun > BUDGET_SECONDS:
            log.info("a minute is over: the rates of the other stages are derived from these")
            break
        measured = _embedding if stage == EVALUATION else _training
        if machine.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        rate = {
            "subject": subject(config, cell, stage),
            **on,
            **measured(config, cell, stage, machine),
            "dtype": str(machine.precision).removeprefix("torch."),
            "gpu_bytes": torch.cuda.max_memory_reserved() if _is_gpu(machine) else None,
            # Of the whole process so far, its libraries and the random pixels included.
            "host_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        log.info("%s %s: %.1f images/s", cell.network, stage, rate["images_per_second"])
        rates.append(rate)
    threads = 1 if _is_gpu(machine) else torch.get_num_threads()
    share = (time.process_time() - worked) / (time.monotonic() - begun) / threads
    if share < BUSY_SHARE:
        log.warning(
            "THIS MACHINE IS BUSY: the probe got %.0f %% of the processor time that training "
            "would have; its rates are too low, measure again when it is idle",
            100 * share,
        )
    return rates


def _subjects(config: dict, cells: Iterable[Cell]) -> list[tuple[Cell, str]]:
    """Return a cell and a stage for each different subject, in the order of their weight."""
    found: dict[str, tuple[int, Cell, str]] = {}
    for cell in cells:
        names = cell_stages(config, cell)
        for stage in (*names, EVALUATION):
            settings = None if stage == EVALUATION else training_settings(config, cell, stage)
            if settings and not settings["epochs"]:
                continue
            is_modc = stage in MODC
            turn = 0 if not is_modc else 1 if stage == MODC[-1] else 2
            found.setdefault(str(subject(config, cell, stage)), (turn, cell, stage))
    return [(cell, stage) for _, cell, stage in sorted(found.values(), key=lambda one: one[0])]


def _training(config: dict, cell: Cell, stage: str, machine: Machine) -> dict:
    settings = training_settings(config, cell, stage)
    task = _task(settings)
    made, adam, _ = start(task, machine.device)
    made.network.train()
    # Epoch after epoch, as far as the time goes.
    batches = chain.from_iterable(_epoch(made, epoch) for epoch in count())
    images = images_an_epoch(settings) / steps(settings)
    rate = _rate(lambda: train_batch(made, adam, next(batches), machine), images, machine)
    kept = [made.network.state_dict(), adam.state_dict()["state"], made.state()]
    return {"images_per_second": rate, "model_bytes": _bytes(kept), "embedding_dim": None}


def _epoch(stage, epoch: int):
    stage.begin_epoch(epoch)
    stage.network.train()
    yield from stage.batches(epoch)


def _embedding(config: dict, cell: Cell, stage: str, machine: Machine) -> dict:
    settings = training_settings(config, cell, "warm_up")
    batch = settings["evaluation_batch"]
    network = build(cell.network, settings["architecture"], ATTRIBUTES).to(
        machine.device, memory_format=torch.channels_last
    )
    packed = _packed(settings["sizes"], batch)
    rows = pd.DataFrame({"image": range(batch), "attribute": 0})
    dims = []

    def embed() -> None:
        arguments = (network, packed, rows, machine.device, batch, machine.precision)
        dims.append(embed_rows(*arguments).shape[1])

    rate = _rate(embed, batch, machine)
    return {"images_per_second": rate, "model_bytes": None, "embedding_dim": dims[0]}


def _rate(step: Callable[[], object], images: float, machine: Machine) -> float:
    """Return images a second of `step`, which takes so many images."""
    made, seconds = _repeated(step, UNTIMED_SECONDS, machine)
    if made > 1 or seconds < LONG_SECONDS:
        made, seconds = _repeated(step, TIMED_SECONDS, machine)
    return made * images / seconds


def _repeated(step: Callable[[], object], seconds: float, machine: Machine) -> tuple[int, float]:
    made, begun = 0, time.monotonic()
    while not made or time.monotonic() - begun < seconds:
        step()
        made += 1
        if _is_gpu(machine):
            torch.cuda.synchronize()
    return made, time.monotonic() - begun


def _task(settings: dict) -> Task:
    """Return the task of a stage on the made-up dataset, from random weights."""
    index = _index()
    # A new optimizer costs as much as one that is gone on with.
    settings = {**settings, "weights": {}, "optimizer": "new"}
    initial = None
    if settings["stage_before"] is not None:
        network = build(settings["network"], settings["architecture"], ATTRIBUTES)
        initial = model_file.ModelFile(
            settings["network"],
            settings["architecture"],
            index.attributes,
            network.state_dict(),
            facts={},
        )
    packed = _packed(settings["sizes"], IMAGES)
    nowhere = Path("nowhere")
    return Task(settings, index, packed, np.arange(LABELED), initial, nowhere, nowhere)


def _index() -> Index:
    """Return IMAGES training images, each with a value of every attribute."""
    labels = pd.DataFrame(
        [
            ("train", "train", image, attribute, (image + attribute) % VALUES)
            for image in range(IMAGES)
            for attribute in range(ATTRIBUTES)
        ],
        columns=["split", "role", "image", "attribute", "value"],
    )
    images = [("train", str(image), 1, 1) for image in range(IMAGES)]
    return Index(
        dataset="random pixels",
        attributes=tuple(f"attribute {number}" for number in range(ATTRIBUTES)),
        values=(VALUES,) * ATTRIBUTES,
        images=pd.DataFrame(images, columns=["split", "path", "width", "height"]),
        labels=labels,
        coverage=count_labels(labels),
    )


def _packed(sizes: dict[str, int], images: int) -> dict[str, DeviceImages]:
    rng = np.random.default_rng(0)
    return {
        name: DeviceImages(rng.integers(0, 256, (images, side, side, 3), np.uint8))
        for name, side in sizes.items()
    }


def _bytes(value: object) -> int:
    """Return the bytes of all tensors in nested dictionaries and lists."""
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, dict):
        return sum(map(_bytes, value.values()))
    return sum(map(_bytes, value)) if isinstance(value, list) else 0


def _is_gpu(machine: Machine) -> bool:
    return machine.device.type == "cuda"
