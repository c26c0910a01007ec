"""A dataset of a few coloured squares, small enough to train on in a second."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from modc.data.index import Index

SIDE = 32
SETTINGS = {
    "dataset": "FashionAI",
    "network": "ASENv2",
    "labeled_percent": 100,
    "seed": 0,
    "stage": "warm_up",
    "stage_before": None,
    "architecture": {"backbone": "resnet10"},
    "weights": {"resnet10": "none"},
    "sizes": {"image": SIDE},
    "triplets_per_epoch": 8,
    "batch": 4,
    "margin": 0.2,
    "precision": "float32",
    "evaluation_batch": 16,
    "epochs": 3,
    "learning_rate": 1e-3,
    "decay": 0.5,
    "decay_every": 1,
    "negatives": "image",
    "flip": True,
}


@pytest.fixture
def index() -> Index:
    """Two attributes: the colour of the upper half (3 values) and of the lower half (2)."""
    rng = np.random.default_rng(0)
    images, labels = [], []
    for number in range(48):
        split = ("train", "valid", "test")[number // 16]
        role = "train" if split == "train" else ("query", "candidate")[number % 2]
        images.append((split, f"{number}.png", SIDE, SIDE))
        labels.append((split, role, number, 0, int(rng.integers(3))))
        labels.append((split, role, number, 1, int(rng.integers(2))))
    return Index(
        dataset="FashionAI",
        attributes=("upper", "lower"),
        values=(3, 2),
        images=pd.DataFrame(images, columns=["split", "path", "width", "height"]),
        labels=pd.DataFrame(labels, columns=["split", "role", "image", "attribute", "value"]),
    )


@pytest.fixture
def packed(index) -> dict[str, np.ndarray]:
    """The squares at the network's side and at twice that, for ASEN++'s local view."""
    rng = np.random.default_rng(1)
    large = rng.integers(0, 60, (len(index.images), 2 * SIDE, 2 * SIDE, 3)).astype(np.uint8)
    for row in index.labels.itertuples():
        half = slice(0, SIDE) if row.attribute == 0 else slice(SIDE, None)
        large[row.image, half, :, row.value] += 150
    small = large.reshape(-1, SIDE, 2, SIDE, 2, 3).mean(axis=(2, 4)).astype(np.uint8)
    return {"image": small, "detail": large}


@pytest.fixture
def task(tmp_path, index, packed):
    """Return a function that makes a training task, its files below a folder of the test."""
    from modc.training.task import Task

    def make(folder: str = "run", initial=None, evaluated: bool = True, **settings) -> Task:
        merged = {**SETTINGS, **settings}
        place = Path(tmp_path) / folder
        return Task(
            settings=merged,
            index=index,
            packed={name: packed[name] for name in merged["sizes"]},
            labeled=index.rows("train", "train")["image"].unique(),
            initial=initial,
            output=place / merged["stage"],
            resume=place / "resume" / f"{merged['stage']}.pt",
            embeddings=place / "test.npz" if evaluated else None,
        )

    return make
