"""Drawn datasets: drawn where need be, fetched as the one that they stand for."""

import json
from pathlib import Path

import pytest
from made_datasets import made

from modc import config as configuration
from modc import datasets
from modc.config import merge
from modc.drawn.fashionai import DrawnFashionAI
from modc.errors import UserError

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIGS = [REPOSITORY / "config.yaml", REPOSITORY / "configs" / "smoke.yaml"]


def test_it_is_drawn_once_and_anew_for_another_seed(tmp_path):
    folder = tmp_path / "FashionAI"
    first = made(DrawnFashionAI, folder, generate={"images": 300, "seed": 0})
    assert first.fetch().endswith("300 images listed: 300 ok; manifest.csv is frozen")
    index, drawn = first.index(), (folder / "GENERATED.json").stat().st_mtime_ns
    assert index.generated and index.dataset == "FashionAI"
    assert first.fetch().endswith("300 images, as in manifest.csv")
    assert (folder / "GENERATED.json").stat().st_mtime_ns == drawn
    second = made(DrawnFashionAI, folder, generate={"images": 300, "seed": 1})
    second.fetch()
    assert json.loads((folder / "GENERATED.json").read_text())["seed"] == 1
    assert second.index().sha256 != index.sha256


def test_what_is_half_drawn_is_drawn_again(tmp_path, monkeypatch):
    dataset = made(DrawnFashionAI, tmp_path / "FashionAI", generate={"images": 300, "seed": 0})
    dataset.draw()

    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("modc.drawn.drawing_fashionai.draw", stopped)
        with pytest.raises(KeyboardInterrupt):
            dataset.draw(seed=1)
    # Of neither seed is it whole.
    assert not (dataset.folder / "GENERATED.json").exists()
    dataset.fetch()
    assert dataset.index().generated


def test_its_images_are_counted_before_they_are_drawn():
    config = configuration.load(CONFIGS)
    dataset = datasets.of(config, "DARN")
    assert {split: own["images"] for split, own in dataset.counts.items()} == {
        "train": 900,
        "valid": 300,
        "test": 300,
    }
    assert dataset.download_size(1500) == (0, "drawn") and list(dataset.beforehand()) == []


def test_a_real_dataset_is_not_drawn_by_mistake():
    config = configuration.load(CONFIGS)
    real = {"datasets": {"DARN": {"class": "modc.datasets.darn:DARN"}}}
    with pytest.raises(UserError, match=r"datasets\.DARN: unknown key 'generate'"):
        configuration.check(merge(config, real))
