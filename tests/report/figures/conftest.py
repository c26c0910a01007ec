"""A small run with embeddings, scores, curves, images and a model, as training leaves it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from modc import paths
from modc.cell import Cell
from modc.data.index import IMAGE_COLUMNS, LABEL_COLUMNS, Index, write
from modc.data.label_counts import count, of_places
from modc.data.packed import array_facts, facts_path
from modc.data.square import Form
from modc.datasets.fashionai import FashionAI
from modc.evaluation.scores import score, summarize
from modc.grid import cells, last_stage, settings_chain, stages
from modc.jobs import stage_folder
from modc.papers import paper
from modc.report.figures import retrieval, spaces

METHODS = ("baseline", "modc")

ATTRIBUTES = {"skirt_length": 2, "neckline_design": 3}
DIM, SIZE, KEY = 8, 32, "0123456789abcdef"
# Images of each attribute in a split's role.
COUNTS = {("train", "train"): 3, ("valid", "query"): 1, ("valid", "candidate"): 1}
COUNTS |= {("test", "query"): 6, ("test", "candidate"): 12}


@pytest.fixture(autouse=True)
def two_attributes(monkeypatch):
    """FashionAI has two attributes, so that there are fewer images to draw."""
    monkeypatch.setattr(FashionAI, "attributes", ATTRIBUTES)
    # The paper's tables have all eight.
    monkeypatch.setattr(paper, "_check_dataset", lambda *_: None)


@pytest.fixture
def without_ink(monkeypatch):
    """Leave out what is slow: painting, the layout of rows of images, and t-SNE."""
    monkeypatch.setattr(
        "matplotlib.figure.Figure.savefig", lambda self, buffer, **_: buffer.write(b"picture")
    )
    monkeypatch.setattr(retrieval, "draw_rows", lambda *_: b"picture")
    monkeypatch.setattr(spaces, "flat_map", lambda vectors, seed: vectors[:, :2].astype(float))


@pytest.fixture
def config(config, tmp_path) -> dict:
    """The configuration of one network with two percentages, on small images."""
    config["data"] = str(tmp_path / "data")
    config["datasets"]["FashionAI"]["image_size"] = SIZE
    config["networks"]["ASENv2"]["backbone"] = "resnet10"
    percents = {"FashionAI": [10, 100]}
    grid = {"datasets": ["FashionAI"], "networks": ["ASENv2"], "labeled_percent": percents}
    config["grid"] |= grid
    return config


def in_turn(turn: int, values: int) -> int:
    """The value of the `turn`-th image of a role, of so many values."""
    return turn % values


def made_index(value_of) -> Index:
    """An index whose images have the value that `value_of(turn, values)` says."""
    labels = []
    for (split, role), number in COUNTS.items():
        for attribute, values in enumerate(ATTRIBUTES.values()):
            for turn in range(number):
                labels.append([split, role, len(labels), attribute, value_of(turn, values)])
    frame = pd.DataFrame(labels, columns=LABEL_COLUMNS)
    images = [[split, f"{image}.png", SIZE, SIZE] for split, _, image, _, _ in labels]
    return Index(
        dataset="FashionAI",
        attributes=tuple(ATTRIBUTES),
        values=tuple(ATTRIBUTES.values()),
        images=pd.DataFrame(images, columns=IMAGE_COLUMNS),
        labels=frame,
        coverage=count(frame),
    )


def write_data(config: dict, index: Index) -> None:
    """Write the index and its images, each different, as a packed array."""
    prepared = Path(config["data"]) / "FashionAI" / "prepared"
    write(index, prepared / "index")
    packed = prepared / "packed" / f"{SIZE}.npy"
    packed.parent.mkdir()
    draw = np.random.default_rng(0)
    np.save(packed, draw.integers(0, 256, (len(index.images), SIZE, SIZE, 3), np.uint8))
    facts_path(packed).write_text(json.dumps(array_facts(index, Form(SIZE))))


def write_method(folder: Path, config: dict, index: Index, cell: Cell, method: str) -> dict:
    """Write a method's embeddings and the scores of its queries; return their means."""
    draw = np.random.default_rng(len(method))
    arrays = {}
    for role in ("query", "candidate"):
        rows = index.rows("test", role)
        arrays[f"{role}_embedding"] = draw.normal(size=(len(rows), DIM)).astype(np.float32)
        arrays |= {f"{role}_{part}": rows[part].to_numpy() for part in ("attribute", "value")}
    if method == "modc":
        arrays["centers"] = draw.normal(size=(2, 3, DIM)).astype(np.float32)
        arrays["centers"][0, 2] = np.nan
    facts = {"attribute_names": list(ATTRIBUTES), "index_sha256": index.sha256, "key": KEY}
    stage = folder / stage_folder(config, cell, method, last_stage(config, cell, method))
    stage.mkdir(parents=True, exist_ok=True)
    np.savez(stage / "test.npz", **arrays, facts=np.array(json.dumps(facts)))
    scored = score(**arrays)
    scored.to_csv(folder / paths.queries(cell, method), index=False)
    return summarize(scored, arrays["candidate_attribute"])


def write_curves(folder: Path, config: dict, cell: Cell) -> None:
    """Write a curve of three epochs for each stage."""
    for stage in stages(config, cell, "modc"):
        curve = {"epoch": [1, 2, 3], "learning_rate": 0.1, "loss": [3.0, 2, 1], "triplet": 0.5}
        curve |= {"valid_MAP@all": [0.1, 0.2, 0.3], "valid_MAP@100": 0.2}
        if not stage.startswith("warm_up"):
            curve |= {"cluster": 1.5, "valid_Acc": 0.4, "share_pseudo_labeled": 1.0}
        path = folder / stage_folder(config, cell, "modc", stage) / "curve.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(curve).to_csv(path, index=False)


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> bytes:
    """The bytes of a model file whose weights are drawn."""
    import torch

    from modc.networks import model_file
    from modc.networks.build import build

    torch.manual_seed(0)
    architecture = {"backbone": "resnet10"}
    network = build("ASENv2", architecture, len(ATTRIBUTES))
    path = tmp_path_factory.mktemp("model") / "model.pt"
    facts = {"key": KEY, "sizes": {"image": SIZE}}
    model_file.save(
        path,
        model_file.ModelFile(
            "ASENv2", architecture, tuple(ATTRIBUTES), network.state_dict(), facts
        ),
    )
    return path.read_bytes()


@pytest.fixture
def full_run(config, tmp_path, scores_of, write_cell, model):
    """Write a run that has everything; returns its folder. Takes another `in_turn`."""

    def write(value_of=in_turn) -> Path:
        index = made_index(value_of)
        write_data(config, index)
        coverage = of_places(index.coverage, len(ATTRIBUTES), index.training_images)
        facts = {"attribute_names": list(ATTRIBUTES), "coverage": coverage}
        for cell in cells(config):
            write_curves(tmp_path, config, cell)
            for method in METHODS:
                (tmp_path / paths.method_folder(cell, method)).mkdir(parents=True, exist_ok=True)
                means = write_method(tmp_path, config, index, cell, method)
                chain = settings_chain(config, cell, method, last_stage(config, cell, method))
                scores = {**scores_of(cell, method), **facts, **means, "settings_chain": chain}
                write_cell(cell, scores, method)
            stage = last_stage(config, cell, "modc")
            (tmp_path / stage_folder(config, cell, "modc", stage) / "model.pt").write_bytes(model)
        return tmp_path

    return write
