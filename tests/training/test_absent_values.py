"""A value without a labelled image has no centre, in any stage; one image is enough for one."""

import logging

import numpy as np
import pandas as pd
import pytest
import torch

from modc.grid import MODC
from modc.networks import model_file
from modc.training.start import start


@pytest.fixture
def labeled_with(index):
    """Return a function that gives the training images, with so many of upper's value 2."""

    def images(of_value: int) -> np.ndarray:
        rows = index.rows("train", "train")
        rare = rows[(rows["attribute"] == 0) & (rows["value"] == 2)]["image"].to_numpy()
        assert len(rare) > 2
        return np.setdiff1d(rows["image"].unique()[:14], rare[of_value:])

    return images


@pytest.mark.parametrize("options", [{}, {"centres": "memory_bank", "pseudo_labels": "each_epoch"}])
def test_an_absent_value_stays_absent(chain, tiny, labeled_with, caplog, options):
    from modc.config import merge

    caplog.set_level(logging.INFO)
    change = {"labeled": labeled_with(0)}
    stages = ("warm_up", *MODC)
    config = merge(tiny, {"modc": options})
    for stage, task in chain("absent", config, *stages, change=change).items():
        losses = pd.read_csv(task.output / "curve.csv")
        assert np.isfinite(losses.to_numpy()).all()
        made = model_file.load(task.output / "last.pt")
        assert made.facts["absent_values"] == [("upper", 2)]
        assert all(tensor.isfinite().all() for tensor in made.state_dict.values())
        if stage in MODC:
            missing = made.training["centres"].isnan().all(dim=2)
            assert missing.tolist() == [[False, False, True], [False, False, True]]
            assert torch.equal(made.training["centres"].isnan().any(dim=2), missing)
            assert f"{stage}: 1 values have no labelled image" in caplog.text
            assert "never predicted: upper 2" in caplog.text


def test_it_is_never_a_pseudo_label(chain, modc_task, tiny, labeled_with, few, tmp_path):
    change = {"labeled": labeled_with(0)}
    tasks = chain("absent", tiny, "warm_up", *MODC, change=change)
    stage = start(tasks["pseudo_clusters"], torch.device("cpu"))[0]
    # Embeddings exactly where upper's value 2 would lie, could it have a centre.
    image, attribute = stage.unlabeled.T
    embeddings = torch.nn.functional.normalize(torch.randn(2000, stage.centres.shape[2]), dim=1)
    found = stage._nearest(embeddings, torch.zeros(2000, dtype=torch.int64))
    assert set(found.tolist()) == {0, 1}


def test_one_labelled_image_is_its_values_centre(chain, tiny, labeled_with, index, caplog):
    change = {"labeled": labeled_with(1)}
    tasks = chain("one", tiny, "warm_up", *MODC, change=change)
    assert "1 of 5 values have fewer than two labelled images" in caplog.text
    for task in tasks.values():
        assert np.isfinite(pd.read_csv(task.output / "curve.csv").to_numpy()).all()
        assert model_file.load(task.output / "model.pt").facts["absent_values"] == []
    stage = start(tasks["supervised"], torch.device("cpu"))[0]
    labels, members = stage.labels, stage._labeled_members()
    (row,) = np.flatnonzero((labels["attribute"] == 0) & (labels["value"] == 2))
    assert torch.allclose(stage.centres[0, 2], members.embedding[row], atol=1e-6)
    last = model_file.load(tasks["pseudo_clusters"].output / "last.pt").training["centres"]
    assert last[0].isfinite().all()
