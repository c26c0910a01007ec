"""Measure how fast this machine trains and embeds: the real steps on random pixels."""

import logging
import resource
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain as chained
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from modc.cell import Cell
from modc.cost import cell_stages
from modc.data.device_images import DeviceImages
from modc.data.index import Index
from modc.data.label_counts import count as count_labels
from modc.evaluation.embed import embed_rows
from modc.grid import chain, last_stage, method_of, methods, stage_spec
from modc.networks import model_file
from modc.networks.build import build
from modc.rates import EVALUATION, evaluation_sizes, evaluation_subject, subject
from modc.stage import StageSpec
from modc.training.batches import Batch, batches
from modc.training.determinism import be_deterministic
from modc.training.task import Task
from modc.training.train import Learner, Machine, set_up, train_batch

log = logging.getLogger(__name__)

# Of the whole probe. The warm-ups and the embedding of each network share it evenly, so that every
# forecast has them; other stages are measured as long as there is time left.
BUDGET_SECONDS = 60.0
# Of each rate: untimed at first, then timed; at least one step of each.
UNTIMED_SECONDS, TIMED_SECONDS = 1.0, 2.0
# Steps that a GPU has to do at most before it is waited for.
QUEUED = 8
# Triplets or images of the first steps on a CPU, where a whole batch may take half a minute.
FEW = 2
OVER = "a minute is over: the rates of the other stages are derived from these"
# A measurement that got less of its processors than this was in the way of others.
BUSY_SHARE = 0.7
# The made-up dataset: how many there are hardly matters to the pace.
ATTRIBUTES, VALUES, IMAGES = 8, 4, 64


@dataclass(frozen=True)
class Subject:
    """What is measured: a stage of a method, or the embedding of a network; method is "" then."""

    cell: Cell
    method: str
    stage: str

    def described(self, config: dict) -> dict:
        """Return what of the configuration decides how fast it is."""
        if self.stage == EVALUATION:
            return evaluation_subject(config, self.cell)
        return subject(config, self.cell, self.method, self.stage)


@dataclass(frozen=True)
class Work:
    """A step, and how many images it takes."""

    step: Callable[[], object]
    images: float


@dataclass(frozen=True)
class Timed:
    """Images that were taken in so many seconds; share: of the processors, 1 if all were ours."""

    images: float
    seconds: float
    share: float

    def as_rate(self, batch: int) -> dict:
        """Return the part of a rate that was measured with batches of this size."""
        return {
            "images_per_second": self.images / self.seconds,
            "probe_batch": batch,
            "busy": self.share < BUSY_SHARE,
        }


def probe(config: dict, cells: Iterable[Cell], machine: Machine, on: dict) -> list[dict]:
    """Return the rates of what the cells train, in about BUDGET_SECONDS.

    The warm-ups and the embedding of each network come first; then the methods' last stages, then
    the others, as long as there is time. On a CPU that would take too long, a rate is that of
    smaller batches ("probe_batch"). on: what `modc.rates.here` returns.
    """
    begun = time.monotonic()
    be_deterministic()
    subjects = _subjects(config, cells)
    needed = sum(turn == 0 for turn, _ in subjects)
    rates = []
    for number, (_, one) in enumerate(subjects):
        left = BUDGET_SECONDS - (time.monotonic() - begun)
        if number >= needed and left <= 0:
            log.info(OVER)
            break
        log.info(
            "%d of %d: measuring %s %s", number + 1, len(subjects), one.cell.network, one.stage
        )
        seconds = max(0.0, left) / max(1, needed - number)
        rate = measured(config, one, machine, seconds) | on
        if number >= needed and rate["probe_batch"] < rate["subject"]["batch"]:
            # What is derived from whole batches of another stage is nearer to the truth.
            log.info(OVER)
            break
        rates.append(rate)
    if any(rate["busy"] for rate in rates):
        log.warning(
            "THIS MACHINE IS BUSY: the probe got less of the processor than training would have; "
            "its rates are too low and marked so; measure again when it is idle"
        )
    return rates


def measured(config: dict, one: Subject, machine: Machine, seconds: float) -> dict:
    """Return a rate without what it is measured on.

    On a CPU it takes about so many seconds, by smaller batches where whole ones would take longer.
    """
    if _is_gpu(machine):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    measure = _embedding if one.stage == EVALUATION else _training
    work = one.described(config)
    rate = {"subject": work, **measure(config, one, machine, seconds)}
    log.info("%s %s: %.3g images/s", one.cell.network, one.stage, rate["images_per_second"])
    is_whole = rate["probe_batch"] == work["batch"]
    # Of the whole process so far, its libraries and the random pixels included.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        **rate,
        "dtype": str(machine.precision).removeprefix("torch."),
        "gpu_bytes": torch.cuda.max_memory_reserved() if _is_gpu(machine) else None,
        "host_bytes": peak if is_whole else None,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _subjects(config: dict, cells: Iterable[Cell]) -> list[tuple[int, Subject]]:
    """Return each different subject with its turn, in the order of their weight."""
    found: dict[str, tuple[int, Subject]] = {}
    for cell in cells:
        for method, stage in cell_stages(config, cell):
            if not stage_spec(config, cell, method, stage).epochs:
                continue
            is_warm_up = method_of(config, method).warm_up_stage(cell, stage) is not None
            is_last = stage == last_stage(config, cell, method)
            one = Subject(cell, method, stage)
            turn = 0 if is_warm_up else 1 if is_last else 2
            found.setdefault(str(one.described(config)), (turn, one))
        one = Subject(cell, "", EVALUATION)
        found.setdefault(str(one.described(config)), (0, one))
    return sorted(found.values(), key=lambda pair: pair[0])


def _training(config: dict, one: Subject, machine: Machine, seconds: float) -> dict:
    whole = stage_spec(config, one.cell, one.method, one.stage)
    sizes = []

    def steps_of(batch: int) -> Work:
        spec = replace(whole, batch=batch)
        learner = set_up(made_up_task(spec), machine)
        endless = endless_batches(learner)

        def step() -> None:
            train_batch(learner, next(endless))
            if not sizes:
                adam, objective = learner.adam.state_dict()["state"], learner.objective.state_dict()
                sizes.append(tensor_bytes([learner.network.state_dict(), adam, objective]))

        return Work(step, spec.batch_size * spec.images_per_triplet)

    rate = _rate(steps_of, whole.batch_size, seconds, machine)
    return {**rate, "model_bytes": sizes[0], "embedding_dim": None}


def _epoch(learner: Learner, epoch: int) -> Iterator[Batch]:
    if learner.objective.begin_epoch is not None:
        learner.objective.begin_epoch(epoch)
    learner.network.train()
    yield from batches(learner.source, epoch)


def _embedding(config: dict, one: Subject, machine: Machine, seconds: float) -> dict:
    spec = stage_spec(config, one.cell, *chain(config, one.cell, methods(config)[0])[-1])
    network = build(spec.network_class, spec.architecture, ATTRIBUTES).to(
        machine.device, memory_format=torch.channels_last
    )
    packed = _packed(evaluation_sizes(config, one.cell), spec.evaluation_batch)
    dims = []

    def passes_of(batch: int) -> Work:
        rows = pd.DataFrame({"image": range(batch), "attribute": 0})
        arguments = (network, packed, rows, machine.device, batch, machine.precision)
        return Work(lambda: dims.append(embed_rows(*arguments).shape[1]), batch)

    rate = _rate(passes_of, spec.evaluation_batch, seconds, machine)
    return {**rate, "model_bytes": None, "embedding_dim": dims[0]}


def _rate(work_of: Callable[[int], Work], batch: int, seconds: float, machine: Machine) -> dict:
    """Return images a second of whole batches, or of smaller ones if these take too long.

    work_of: makes the work for batches of a size; seconds: what the measurement may take. A step is
    never timed before another one was made, since the first does once what others do not.
    """
    begun = time.monotonic()
    if not _is_gpu(machine) and batch > FEW:
        few = _steady(work_of(FEW), machine)
        one = few.seconds / FEW
        left = max(0.0, seconds - (time.monotonic() - begun))
        if 2 * batch * one > left:
            # One step, of as many as there is time for: what is done once is done.
            batch = min(batch, int(left / one))
            if batch <= FEW:
                return few.as_rate(FEW)
            return _repeated(work_of(batch), 0, machine).as_rate(batch)
    work = work_of(batch)
    _repeated(work, UNTIMED_SECONDS, machine)
    return _repeated(work, TIMED_SECONDS, machine).as_rate(batch)


def _steady(work: Work, machine: Machine) -> Timed:
    """Return the time of one step after another."""
    _repeated(work, 0, machine)
    return _repeated(work, 0, machine)


def _repeated(work: Work, seconds: float, machine: Machine) -> Timed:
    """Repeat the work for so many seconds, at least once; the GPU is waited for at the end.

    Now and then before as well, so that its queue is full, as in training, but short.
    """
    made, begun, worked = 0, time.monotonic(), time.process_time()
    while not made or time.monotonic() - begun < seconds:
        work.step()
        made += 1
        if _is_gpu(machine) and made % QUEUED == 0:
            torch.cuda.synchronize()
    if _is_gpu(machine):
        torch.cuda.synchronize()
    took = time.monotonic() - begun
    threads = 1 if _is_gpu(machine) else torch.get_num_threads()
    return Timed(made * work.images, took, (time.process_time() - worked) / took / threads)


def made_up_task(spec: StageSpec, packed: dict[str, DeviceImages] | None = None) -> Task:
    """Return the task of a stage on a made-up dataset, half of it labeled, from random weights.

    packed: the images under "image" and perhaps "detail"; None for IMAGES of random pixels. They
    are all for training.
    """
    packed = packed or _packed(spec.sizes, IMAGES)
    images = len(packed["image"])
    index = _index(images)
    # A new optimizer costs as much as one that is gone on with.
    spec = replace(spec, weights={}, optimizer="new")
    initial = None
    if spec.before is not None:
        network = build(spec.network_class, spec.architecture, ATTRIBUTES)
        initial = model_file.ModelFile(
            spec.cell.network,
            spec.architecture,
            index.attributes,
            network.state_dict(),
            facts={},
        )
    nowhere = Path("nowhere")
    return Task(spec, index, packed, np.arange(images // 2), initial, nowhere, nowhere)


def endless_batches(learner: Learner) -> Iterator[Batch]:
    """Yield the batches of epoch after epoch."""
    return chained.from_iterable(_epoch(learner, epoch) for epoch in count())


def _index(how_many: int) -> Index:
    """Return the index of so many training images, each with a value of every attribute."""
    labels = pd.DataFrame(
        [
            ("train", "train", image, attribute, (image + attribute) % VALUES)
            for image in range(how_many)
            for attribute in range(ATTRIBUTES)
        ],
        columns=["split", "role", "image", "attribute", "value"],
    )
    images = [("train", str(image), 1, 1) for image in range(how_many)]
    return Index(
        dataset="random pixels",
        attributes=tuple(f"attribute {number}" for number in range(ATTRIBUTES)),
        values=(VALUES,) * ATTRIBUTES,
        images=pd.DataFrame(images, columns=["split", "path", "width", "height"]),
        labels=labels,
        coverage=count_labels(labels),
    )


def _packed(sizes: Mapping[str, int], images: int) -> dict[str, DeviceImages]:
    rng = np.random.default_rng(0)
    return {
        name: DeviceImages(rng.integers(0, 256, (images, side, side, 3), np.uint8))
        for name, side in sizes.items()
    }


def tensor_bytes(value: object) -> int:
    """Return the bytes of all tensors in nested dictionaries and lists."""
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, dict):
        return sum(map(tensor_bytes, value.values()))
    return sum(map(tensor_bytes, value)) if isinstance(value, list) else 0


def _is_gpu(machine: Machine) -> bool:
    return machine.device.type == "cuda"
