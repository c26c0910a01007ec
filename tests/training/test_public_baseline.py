"""The public ASEN++ weights as the baseline (A15): taken as they are, and gone on from."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import recipe
import torch

from modc.config import merge
from modc.errors import UserError
from modc.evaluation.scores import read_embeddings
from modc.networks import model_file
from modc.networks.asen_pp import ASENpp
from modc.training.train import train

GOLDEN = Path(recipe.__file__).parent
KEYS = json.loads((GOLDEN / "networks_FashionAI_keys.json").read_text())["ASENpp"]
SHARED = "choices.{}.attrnet.attr_embedding.weight"


def public_state(attributes: int) -> dict[str, torch.Tensor]:
    """Drawn weights under the public keys, with so many attributes."""
    shapes = {
        key: [attributes, *shape[1:]] if key.endswith("attr_embedding.weight") else shape
        for key, shape in KEYS
    }
    return {
        key: torch.from_numpy(np.array(recipe.draw("public", key, shape)))
        for key, shape in shapes.items()
    }


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, index) -> Path:
    path = tmp_path_factory.mktemp("public") / "asenpp.pth.tar"
    torch.save({"epoch": 20, "model": public_state(len(index.attributes)), "mAP": 0.6}, path)
    return path


@pytest.fixture(scope="module")
def named(tiny, checkpoint) -> dict:
    """The configuration with the published ASEN++, whose public weights lie in `checkpoint`."""
    networks = {
        "ASEN++": {**ASENpp.published, "public_checkpoints": {"FashionAI": str(checkpoint)}},
        "weights": {"resnet50": "none", "resnet34": "none"},
    }
    training = {"triplets_per_epoch": 4, "batch": 2}
    modc = {"stages": {"ASEN++": {"epochs": {"supervised": 1}}}}
    return merge(tiny, {"networks": networks, "training": training, "methods": {"modc": modc}})


@pytest.fixture(scope="module")
def public_task(modc_task, named, checkpoint, index, tmp_path_factory):
    """The baseline's task."""
    place = tmp_path_factory.mktemp("cell")
    made = modc_task(place, named, "warm_up", None, network="ASEN++", percent=100)
    everything = index.rows("train", "train")["image"].unique()
    return replace(made, labeled=everything, public_checkpoint=checkpoint)


@pytest.fixture(scope="module")
def baseline(public_task) -> model_file.ModelFile:
    train(public_task)
    return model_file.load(public_task.output / "model.pt")


def test_no_epoch_is_trained_and_the_weights_are_the_public_ones(baseline, public_task, checkpoint):
    public = torch.load(checkpoint, weights_only=True)["model"]
    ours = baseline.state_dict
    # Ours in the order of the public file, without what its networks never use.
    names = [
        key
        for key in public
        if ".basenet.fc." not in key
        and ".basenet.layer4." not in key
        and key != SHARED.format("local")
    ]
    assert len(names) == len(ours)
    unused = list(ours)
    for key in names:
        equal = [name for name in unused if same(ours[name], public[key])]
        assert equal, key
        unused.remove(equal[0])
    assert torch.equal(ours["attribute_embedding.weight"], public[SHARED.format("global")])
    last = model_file.load(public_task.output / "last.pt")
    assert all(torch.equal(last.state_dict[key], ours[key]) for key in ours)
    curve = pd.read_csv(public_task.output / "curve.csv")
    assert curve["epoch"].tolist() == [0]
    assert curve["loss"].isna().all()
    assert curve["valid_MAP@all"].between(0, 1).all()
    (stage,) = baseline.facts["stages"]
    assert (stage["stopped"], stage["epochs"]) == ("public weights, not trained", 0)
    assert baseline.training == {"objective": {}}
    assert not public_task.resume.exists()
    assert read_embeddings(public_task.embeddings)["query_embedding"].shape[1] == 2048


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and torch.equal(one, other)


def test_modc_goes_on_from_it_with_a_new_optimizer_alone(
    baseline, modc_task, named, public_task, tmp_path
):
    cell = {"network": "ASEN++", "percent": 100}
    made = modc_task(tmp_path, named, "supervised", baseline, **cell)
    assert made.spec.optimizer == "new"
    made = replace(made, labeled=public_task.labeled)
    train(made)
    curve = pd.read_csv(made.output / "curve.csv")
    assert curve["epoch"].tolist() == [1]
    assert np.isfinite(curve.to_numpy()).all()
    inherit = merge(named, {"methods": {"modc": {"stages": {"ASEN++": {"optimizer": "inherit"}}}}})
    made = replace(
        modc_task(tmp_path / "inherit", inherit, "supervised", baseline, **cell),
        labeled=public_task.labeled,
    )
    with pytest.raises(UserError, match="public checkpoint and has no optimizer") as error:
        train(made)
    assert "methods.modc.stages.ASEN++.optimizer: new" in str(error.value)
    assert "\n" not in str(error.value)


def test_another_architecture_is_refused(public_task, named, spec_of, tmp_path):
    smaller = merge(named, {"networks": {"ASEN++": {"local_backbone": "resnet10"}}})
    spec = spec_of(smaller, "warm_up", "ASEN++", 100)
    made = replace(public_task, spec=spec, output=tmp_path, resume=tmp_path / "resume.pt")
    with pytest.raises(UserError, match="'local_backbone': 'resnet34'") as error:
        train(made)
    assert "\n" not in str(error.value)


def test_other_bytes_are_another_key(public_task, tmp_path):
    data = public_task.public_checkpoint.read_bytes()
    for name, content in (("same", data), ("other", data + b"\0")):
        (tmp_path / name).write_bytes(content)
    key = public_task.key()
    assert replace(public_task, public_checkpoint=tmp_path / "same").key() == key
    assert replace(public_task, public_checkpoint=tmp_path / "other").key() != key
    assert replace(public_task, public_checkpoint=None).key() != key
