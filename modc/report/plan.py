"""The cost of a run before anything is trained: hours, disk, memory.

Image counts come from the configuration; hours from these and measured images per second.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from modc.cell import Cell
from modc.cost import StageCost, chains, stage_costs
from modc.grid import cells, chain, forms_of_dataset, last_stage, method_of, methods
from modc.rates import evaluation_subject, find, subject
from modc.report.plan_data import DatasetSize, dataset_size
from modc.schedule import makespan

CHANNELS, FLOAT_BYTES = 3, 4


@dataclass(frozen=True)
class Pace:
    """A rate, and whether it is the stage's own or that of another stage of the same network."""

    rate: dict
    is_own: bool


@dataclass(frozen=True)
class Line:
    """One stage of one cell, and its speed; None where no rate is known."""

    cost: StageCost
    training: Pace | None
    embedding: Pace | None

    @property
    def training_seconds(self) -> float | None:
        """Seconds of its epochs without validation."""
        return _seconds(self.cost.trained, self.training)

    @property
    def embedding_seconds(self) -> float | None:
        """Seconds of its validation, test embeddings, centers and pseudo labels."""
        return _seconds(self.cost.embedded, self.embedding)

    @property
    def seconds(self) -> float | None:
        """Seconds of training and embedding together."""
        parts = (self.training_seconds, self.embedding_seconds)
        return None if None in parts else sum(parts)


@dataclass(frozen=True)
class Plan:
    """The cost of a run; sizes: of each dataset of the grid."""

    config: dict
    lines: tuple[Line, ...]
    sizes: dict[str, DatasetSize]

    @property
    def is_whole(self) -> bool:
        """Whether every stage has its rate."""
        return all(line.seconds is not None for line in self.lines)

    def makespan(self, devices: int) -> tuple[float, float]:
        """Return the seconds on that many devices by list scheduling, and a lower bound.

        The bound is the longest chain of stages or the evenly shared work, whichever is more.
        """
        found = chains(self.config, [line.cost for line in self.lines])
        seconds = {line.cost: line.seconds for line in self.lines}
        work = [[seconds[cost] for cost in costs] for costs in found]
        sums = [sum(pieces) for pieces in work]
        return makespan(work, devices), max(*sums, sum(sums) / devices)

    def packed_bytes(self, dataset: str) -> dict[str, int]:
        """Return the bytes of a dataset's packed images by form."""
        count = self.sizes[dataset].counts.all
        return {
            form.name: count * form.size**2 * CHANNELS
            for form in forms_of_dataset(self.config, dataset)
        }

    def model_bytes(self) -> int | None:
        """Return the bytes of all model files, two per stage: best epoch and last."""
        own = [line.training and line.training.rate["model_bytes"] for line in self.lines]
        return None if None in own else 2 * sum(own)

    def checkpoint_bytes(self) -> int | None:
        """Return the bytes of the largest resumable checkpoint: the current model and the best."""
        own = [line.training and line.training.rate["model_bytes"] for line in self.lines]
        return None if None in own else 2 * max(own)

    def embedding_bytes(self) -> int | None:
        """Return the bytes of the test embeddings of all methods."""
        total = 0
        for line in self.lines:
            cell = line.cost.cell
            if line.cost.stage != last_stage(self.config, cell, line.cost.method):
                continue
            if line.embedding is None:
                return None
            size = self.sizes[cell.dataset]
            rows = size.counts.test * size.labels_an_image
            total += rows * line.embedding.rate["embedding_dim"] * FLOAT_BYTES
        return total

    def peak(self, key: str, network: str | None = None) -> int | None:
        """Return the largest measured "gpu_bytes" or "host_bytes", of one network or of all."""
        paces = [
            pace
            for line in self.lines
            for pace in (line.training, line.embedding)
            if pace and network in (None, line.cost.cell.network)
        ]
        return max((p.rate[key] for p in paces if p.rate[key]), default=None)


def plan(config: dict, rates: list[dict], on: dict | None) -> Plan:
    """Return the cost of the grid from rates measured on `on`, or from any rates if None."""
    sizes = {name: dataset_size(config, name) for name in config["grid"]["datasets"]}
    lines = []
    for cell in cells(config):
        embedding = find(rates, evaluation_subject(config, cell), on)
        for cost in stage_costs(config, cell, sizes[cell.dataset].counts):
            pace = _pace(config, rates, on, cell, cost)
            lines.append(Line(cost, pace, embedding and Pace(embedding, True)))
    return Plan(config, tuple(lines), sizes)


def images(lines: Iterable[Line], kind: str | None) -> int:
    """Return the images trained on in stages of one kind, or those embedded if kind is None."""
    lines = list(lines)
    if kind is None:
        return sum(line.cost.embedded for line in lines)
    return sum(line.cost.trained for line in lines if line.cost.kind == kind)


def hours(lines: Iterable[Line], kind: str | None) -> float | None:
    """Return the same in hours, None if a rate is missing."""
    if kind is None:
        seconds = [line.embedding_seconds for line in lines]
    else:
        seconds = [line.training_seconds for line in lines if line.cost.kind == kind]
    return None if None in seconds else sum(seconds) / 3600


def _pace(
    config: dict, rates: list[dict], on: dict | None, cell: Cell, cost: StageCost
) -> Pace | None:
    """Return the stage's own rate, else that of the most similar measured stage."""
    own = (cost.method, cost.stage)
    tried = [own]
    method = method_of(config, cost.method)
    if method.warm_up_stage(cell, cost.stage) is None:
        # The last stages do about the same work per image; the first ones that of a warm-up.
        last = last_stage(config, cell, cost.method)
        tried += [(cost.method, last)] if method.kind(last) == cost.kind else []
        tried += [chain(config, cell, methods(config)[0])[-1]]
    for one in tried:
        rate = find(rates, subject(config, cell, *one), on)
        if rate:
            return Pace(rate, one == own)
    return None


def _seconds(count: int, pace: Pace | None) -> float | None:
    if not count:
        return 0.0
    return count / pace.rate["images_per_second"] if pace else None
