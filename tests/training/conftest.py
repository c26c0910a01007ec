"""A dataset of a few colored squares, small enough to train on in a second."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from modc import config as configuration
from modc import grid
from modc.cell import Cell
from modc.data.device_images import DeviceImages
from modc.data.index import Index
from modc.data.label_counts import count
from modc.stage import StageSpec

CONFIG = Path(__file__).resolve().parents[2] / "config.yaml"

SIDE = 32
SPEC = StageSpec(
    cell=Cell("FashionAI", "ASENv2", 100, 0),
    method="baseline",
    stage="warm_up",
    before=None,
    network_class="ASENv2",
    method_class="modc.methods.baseline:Baseline",
    architecture={"backbone": "resnet10"},
    weights={"resnet10": "none"},
    sizes={"image": SIDE},
    orientation="applied",
    triplets_per_epoch=8,
    batch=4,
    margin=0.2,
    precision="float32",
    evaluation_batch=16,
    epochs=3,
    learning_rate=1e-3,
    decay=0.5,
    decay_every=1,
    negatives="image",
    flip=True,
)

_WARM_UP = {"epochs": 2, "learning_rate": 1e-3, "decay": 0.5, "decay_every": 1}
_MODC = {"warm_up": _WARM_UP, "epochs": {"supervised": 2, "semi_supervised": 2}}
_RATES = {"learning_rate": 1e-3, "local_learning_rate": 1e-3, "decay": 0.5, "decay_every": 1}
# The last epoch of a stage is told from its best one with ASENv2.
_SHORT = {**_MODC, "epochs": {"supervised": 2, "semi_supervised": 1}}
_WARM_UPS = {"warm_up_global": _WARM_UP, "warm_up": {**_WARM_UP, **_RATES}}
# What makes config.yaml small.
TINY = {
    "datasets": {
        "FashionAI": {
            "image_size": SIDE,
            "detail_size": 2 * SIDE,
            "color_attributes": ["upper"],
        }
    },
    "networks": {
        "ASEN": {"backbone": "resnet10"},
        "ASENv2": {"backbone": "resnet10"},
        "ASEN++": {"global_backbone": "resnet10", "local_backbone": "resnet10"},
    },
    "training": {
        "triplets_per_epoch": 8,
        "batch": 4,
        "precision": "float32",
        "evaluation_batch": 16,
        "stages": {
            "ASEN": {"warm_up": _WARM_UP},
            "ASENv2": {"warm_up": _WARM_UP},
            "ASEN++": {"warm_up_global": _WARM_UP, "warm_up": {**_WARM_UP, **_RATES}},
        },
    },
    "methods": {
        "modc": {
            # One warm-up is enough; tests of MODC's own ask for it.
            "warm_up": dict.fromkeys(("ASEN", "ASENv2", "ASEN++"), "shared"),
            "memory_bank": {"every": 3},
            "stages": {
                "ASEN": _SHORT,
                "ASENv2": _MODC,
                "ASEN++": {**_SHORT, **_RATES, **_WARM_UPS},
            },
        }
    },
}


@pytest.fixture(autouse=True)
def small(monkeypatch) -> None:
    """Make each training quicker."""
    from quick import PATCHES

    for (module, name), value in PATCHES.items():
        monkeypatch.setattr(f"{module}.{name}", value)


@pytest.fixture(scope="session")
def index() -> Index:
    """Two attributes: the color of the upper half (3 values) and of the lower half (2)."""
    rng = np.random.default_rng(0)
    images, labels = [], []
    for number in range(48):
        split = ("train", "valid", "test")[number // 16]
        role = "train" if split == "train" else ("query", "candidate")[number % 2]
        images.append((split, f"{number}.png", SIDE, SIDE))
        labels.append((split, role, number, 0, int(rng.integers(3))))
        labels.append((split, role, number, 1, int(rng.integers(2))))
    labels = pd.DataFrame(labels, columns=["split", "role", "image", "attribute", "value"])
    return Index(
        dataset="FashionAI",
        attributes=("upper", "lower"),
        values=(3, 2),
        images=pd.DataFrame(images, columns=["split", "path", "width", "height"]),
        labels=labels,
        coverage=count(labels),
    )


@pytest.fixture(scope="session")
def packed(index) -> dict[str, DeviceImages]:
    """The squares at the network's side and at twice that, for ASEN++'s local view.

    What stands for the whole pictures is half as bright, so that it can be told from them.
    """
    rng = np.random.default_rng(1)
    large = rng.integers(0, 60, (len(index.images), 2 * SIDE, 2 * SIDE, 3)).astype(np.uint8)
    for row in index.labels.itertuples():
        half = slice(0, SIDE) if row.attribute == 0 else slice(SIDE, None)
        large[row.image, half, :, row.value] += 150
    small = large.reshape(-1, SIDE, 2, SIDE, 2, 3).mean(axis=(2, 4)).astype(np.uint8)
    arrays = {"image": small, "detail": large, "whole": small // 2, "whole_detail": large // 2}
    return {name: DeviceImages(array) for name, array in arrays.items()}


@pytest.fixture
def task(tmp_path, index, packed):
    """Return a function that makes a training task, its files below a folder of the test."""
    from modc.training.task import Task

    def make(
        folder: str = "run", initial=None, evaluated: bool = True, network="ASENv2", **changes
    ) -> Task:
        cell = replace(SPEC.cell, network=network)
        spec = replace(SPEC, **{"cell": cell, "network_class": network, **changes})
        place = Path(tmp_path) / folder
        return Task(
            spec=spec,
            index=index,
            packed={name: packed[name] for name in spec.sizes},
            labeled=index.rows("train", "train")["image"].unique(),
            initial=initial,
            output=place / spec.stage,
            resume=place / "resume" / f"{spec.stage}.pt",
            embeddings=place / "test.npz" if evaluated else None,
        )

    return make


@pytest.fixture(scope="session")
def tiny() -> dict:
    """The paper's configuration made small."""
    return configuration.merge(configuration.load([CONFIG]), TINY)


@pytest.fixture(scope="session")
def few(index) -> np.ndarray:
    """The labeled part of MODC's tests, half of the training images."""
    return index.rows("train", "train")["image"].unique()[:8]


@pytest.fixture(scope="session")
def spec_of():
    """Return a function from a configuration to the spec of a stage of either method."""

    def spec(config: dict, stage: str, network="ASENv2", percent=50) -> StageSpec:
        cell = Cell("FashionAI", network, percent, 0)
        having = (m for m in grid.methods(config) if stage in grid.stages(config, cell, m))
        return grid.stage_spec(config, cell, next(having), stage)

    return spec


@pytest.fixture(scope="session")
def modc_task(index, packed, few, spec_of):
    """Return a function that makes the task of one stage from a configuration."""
    from modc.training.task import Task

    def make(place: Path, config: dict, stage: str, initial, network="ASENv2", percent=50) -> Task:
        spec = spec_of(config, stage, network, percent)
        return Task(
            spec=spec,
            index=index,
            packed={name: packed[name] for name in spec.sizes},
            labeled=few,
            initial=initial,
            output=place / stage,
            resume=place / "resume" / f"{stage}.pt",
            embeddings=place / stage / "test.npz",
        )

    return make


def trained(make, place: Path, config: dict, stages, initial=None, change=None, **cell) -> dict:
    """Train stages in a row and return their tasks by name; change: what a task has otherwise."""
    from modc.networks import model_file
    from modc.training.train import train

    made = {}
    for stage in stages:
        made[stage] = replace(make(place, config, stage, initial, **cell), **(change or {}))
        train(made[stage])
        initial = model_file.load(made[stage].output / "model.pt")
    return made


@pytest.fixture(scope="session")
def plain(modc_task, tiny, tmp_path_factory):
    """Return a function from a network to its tasks by stage, trained once for all tests."""

    @cache
    def tasks(network: str) -> dict:
        stages = grid.stages(tiny, Cell("FashionAI", network, 50, 0), "modc")
        place = tmp_path_factory.mktemp("plain")
        return trained(modc_task, place, tiny, stages, network=network)

    return lambda network="ASENv2": tasks(network)


@pytest.fixture
def chain(modc_task, spec_of, plain, tmp_path):
    """Return a function that trains stages in a row and returns their tasks by name.

    The first one starts from the plain model of the stage before, unless another is given.
    """
    from modc.networks import model_file

    def run(folder: str, config: dict, *stages: str, initial=None, network="ASENv2", **others):
        before = spec_of(config, stages[0], network, others.get("percent", 50)).before
        if initial is None and before is not None:
            initial = model_file.load(plain(network)[before].output / "model.pt")
        place = tmp_path / folder
        return trained(modc_task, place, config, stages, initial, network=network, **others)

    return run
