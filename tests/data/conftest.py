"""Folders of drawn garments, made once, and a small index."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_datasets import made
from PIL import Image

from modc.data import manifest
from modc.data.index import Index
from modc.data.label_counts import count
from modc.datasets import fashionai_archives
from modc.drawn import garments


@pytest.fixture(scope="session")
def drawn_fashionai(tmp_path_factory) -> Path:
    """Archives and split files, as they are drawn."""
    folder = tmp_path_factory.mktemp("drawn") / "fashionai"
    garments.write_fashionai(folder, images=400, seed=1)
    return folder


@pytest.fixture(scope="session")
def drawn_darn(tmp_path_factory) -> Path:
    """Pictures, list of URLs and split files, as they are drawn."""
    folder = tmp_path_factory.mktemp("drawn") / "darn"
    garments.write_darn(folder, images=400, seed=1)
    return folder


@pytest.fixture(scope="session")
def fashionai(tmp_path_factory, drawn_fashionai) -> Path:
    """The same with the pictures taken out of their archives, and frozen."""
    folder = tmp_path_factory.mktemp("frozen") / "fashionai"
    shutil.copytree(drawn_fashionai, folder)
    fashionai_archives.fetch(folder, archives=folder, refreeze=False)
    return folder


@pytest.fixture(scope="session")
def darn(tmp_path_factory, drawn_darn) -> Path:
    """The same, downloaded from a web server on this machine, and frozen."""
    from modc.drawn.darn import DrawnDARN

    folder = tmp_path_factory.mktemp("frozen") / "darn"
    shutil.copytree(drawn_darn, folder)
    made(DrawnDARN, folder, generate={"images": 400, "seed": 1}).fetch()
    return folder


def freeze(folder: Path, paths: list[str]) -> str:
    """Write the manifest of what lies in `folder`; return its hash."""
    return manifest.write(folder, manifest.describe(folder, paths), {})


@pytest.fixture
def pictures(tmp_path) -> Path:
    """A folder of ten JPEG files of different shapes, 0.jpg to 9.jpg."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(10):
        height, width = int(rng.integers(40, 90)), int(rng.integers(40, 90))
        coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3)).astype(np.uint8))
        coarse.resize((width, height), Image.Resampling.BICUBIC).save(folder / f"{number}.jpg")
    return folder


@pytest.fixture
def index() -> Index:
    """The index of `pictures`: one attribute of two values, two pictures each a role."""
    splits = ["train"] * 2 + ["valid"] * 4 + ["test"] * 4
    roles = ["train"] * 2 + ["query", "query", "candidate", "candidate"] * 2
    numbers = range(10)
    labels = pd.DataFrame(
        {
            "split": splits,
            "role": roles,
            "image": numbers,
            "attribute": 0,
            "value": [n % 2 for n in numbers],
        }
    )
    return Index(
        dataset="pictures",
        attributes=("side",),
        values=(2,),
        images=pd.DataFrame(
            {"split": splits, "path": [f"{n}.jpg" for n in numbers], "width": 1, "height": 1}
        ),
        labels=labels,
        coverage=count(labels),
    )
