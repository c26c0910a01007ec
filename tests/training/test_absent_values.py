"""A value without a labeled image has no center, in any stage; one image is enough for one."""

import logging

import numpy as np
import pandas as pd
import pytest
import torch

from modc.clustering.pseudo_labels import pseudo_labels
from modc.config import merge
from modc.methods import modc_objective
from modc.methods.modc import STAGES
from modc.methods.modc_objective import labeled_members
from modc.networks import model_file
from modc.training.train import Machine, set_up

EPOCHS = {"epochs": {"supervised": 1, "semi_supervised": 1}}
ONE_EPOCH = {
    "training": {"stages": {"ASENv2": {"warm_up": {"epochs": 1}}}},
    "methods": {"modc": {"stages": {"ASENv2": EPOCHS}}},
}
BANK = {"centers": "memory_bank", "memory_bank": {"every": 2}, "pseudo_labels": "each_epoch"}


@pytest.fixture
def labeled_with(index):
    """Return a function that gives the training images, with so many of upper's value 2."""

    def images(of_value: int) -> np.ndarray:
        rows = index.rows("train", "train")
        rare = rows[(rows["attribute"] == 0) & (rows["value"] == 2)]["image"].to_numpy()
        assert len(rare) > 2
        return np.setdiff1d(rows["image"].unique()[:14], rare[of_value:])

    return images


@pytest.mark.parametrize("options", [{}, BANK])
def test_an_absent_value_stays_absent(chain, tiny, labeled_with, caplog, monkeypatch, options):
    given = []

    def noted(centers, embeddings, attribute, *rest):
        labels = pseudo_labels(centers, embeddings, attribute, *rest)
        given.extend(zip(attribute.tolist(), labels.tolist(), strict=True))
        # Even of an embedding that is far from the two others.
        opposite = -centers[0, :2].sum(dim=0, keepdim=True)
        assert pseudo_labels(centers, opposite, torch.tensor([0]), *rest).item() in (0, 1)
        return labels

    monkeypatch.setattr(modc_objective, "pseudo_labels", noted)
    caplog.set_level(logging.INFO)
    change = {"labeled": labeled_with(0)}
    stages = ("warm_up", *STAGES)
    config = merge(merge(tiny, ONE_EPOCH), {"methods": {"modc": options}})
    for stage, task in chain("absent", config, *stages, change=change).items():
        losses = pd.read_csv(task.output / "curve.csv")
        assert np.isfinite(losses.to_numpy()).all()
        made = model_file.load(task.output / "last.pt")
        assert made.facts["absent_values"] == [("upper", 2)]
        assert all(tensor.isfinite().all() for tensor in made.state_dict.values())
        if stage in STAGES:
            centers = made.training["objective"]["clusters.centers"]
            missing = centers.isnan().all(dim=2)
            assert missing.tolist() == [[False, False, True], [False, False, True]]
            assert torch.equal(centers.isnan().any(dim=2), missing)
            assert f"{stage}: 1 values have no labeled image" in caplog.text
            assert "never predicted: upper 2" in caplog.text
    assert {attribute for attribute, _ in given} == {0, 1}
    assert {value for _, value in given} == {0, 1}


def test_one_labeled_image_is_its_values_center(chain, tiny, labeled_with, index, caplog):
    change = {"labeled": labeled_with(1)}
    tasks = chain("one", merge(tiny, ONE_EPOCH), "warm_up", "supervised", change=change)
    assert "1 of 5 values have fewer than two labeled images" in caplog.text
    for task in tasks.values():
        assert np.isfinite(pd.read_csv(task.output / "curve.csv").to_numpy()).all()
        assert model_file.load(task.output / "model.pt").facts["absent_values"] == []
    cpu = Machine(torch.device("cpu"), torch.float32)
    objective = set_up(tasks["supervised"], cpu).objective
    labels, members = objective.start.labels, labeled_members(objective.start)
    (row,) = np.flatnonzero((labels["attribute"] == 0) & (labels["value"] == 2))
    assert torch.allclose(objective.centers[0, 2], members.embedding[row], atol=1e-6)
    last = model_file.load(tasks["supervised"].output / "last.pt").training
    assert last["objective"]["clusters.centers"][0].isfinite().all()
