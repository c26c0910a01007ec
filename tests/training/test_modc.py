"""MODC's stages: what each adds, what it inherits, what it must not see, and where it ends."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from modc.config import merge
from modc.errors import UserError
from modc.evaluation.scores import read_embeddings, score, summarize
from modc.methods.modc import STAGES
from modc.networks import model_file
from modc.training import checkpoint
from modc.training.task import Task
from modc.training.train import train

NEW_TERMS = {
    "supervised": {"cluster"},
    "self_supervised": {"self_supervision"},
    "unlabeled": {"unlabeled_self_supervision"},
    "pseudo_triplets": {"pseudo_triplet"},
    "pseudo_clusters": {"pseudo_cluster"},
}


def curve(task: Task) -> pd.DataFrame:
    return pd.read_csv(task.output / "curve.csv")


def same(one: object, other: object) -> bool:
    """Whether nested dictionaries and lists of tensors and plain values are equal."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one.isnan(), other.isnan()) and torch.equal(
            one.nan_to_num(), other.nan_to_num()
        )
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def model(task: Task, name: str = "model.pt") -> model_file.ModelFile:
    return model_file.load(task.output / name)


@pytest.mark.parametrize("network", ["ASEN", "ASENv2", "ASEN++"])
def test_each_stage_adds_its_terms_and_keeps_those_before(plain, network):
    made = plain(network)
    seen = set(curve(made["warm_up"]).columns)
    for stage in STAGES:
        rows = curve(made[stage])
        shares = rows.filter(like="share_")
        assert len(shares.columns) == (2 if stage.startswith("pseudo") else 0)
        assert ((shares >= 0) & (shares <= 1)).all(axis=None)
        columns = set(rows.columns) - {"valid_Acc", *shares}
        wanted = NEW_TERMS[stage]
        if network == "ASEN++" and stage == "pseudo_triplets":
            wanted = wanted | {"pseudo_local_triplet", "pseudo_alignment"}
        assert columns - seen == wanted and seen <= columns
        seen = columns
        assert curve(made[stage])["valid_Acc"].between(0, 1).all()
        assert np.isfinite(curve(made[stage]).to_numpy()).all()
    arrays = read_embeddings(made["pseudo_clusters"].embeddings)
    assert arrays["centers"].shape == (2, 3, arrays["query_embedding"].shape[1])
    assert np.isnan(arrays["centers"][1, 2]).all()  # the second attribute has two values
    assert not np.isnan(arrays["centers"][0]).any()
    summary = summarize(score(**arrays), arrays["candidate_attribute"])
    assert summary["overall"]["Acc"] > 0.3


@pytest.fixture
def permuted(index, few):
    """The index with every hidden label changed."""
    labels = index.labels.copy()
    hidden = (labels["role"] == "train") & ~labels["image"].isin(few)
    assert hidden.sum() > 10
    labels.loc[hidden, "value"] = (labels.loc[hidden, "value"] + 1) % 2
    return replace(index, labels=labels)


def assert_same_models(shown: dict[str, Task], other: dict[str, Task]) -> None:
    for stage, one in shown.items():
        a, b = model(one, "last.pt"), model(other[stage], "last.pt")
        assert same(a.state_dict, b.state_dict)
        assert same(a.training, b.training)
        assert ("clusters.centers" in a.training["objective"]) == (stage in STAGES)


def test_hidden_labels_do_not_matter(plain, chain, tiny, permuted):
    shown = plain()
    assert_same_models(shown, chain("permuted", tiny, *shown, change={"index": permuted}))


def test_hidden_labels_do_not_matter_however_they_are_guessed(plain, chain, tiny, index, permuted):
    modc = {
        "centers": "memory_bank",
        "memory_bank": {"every": 2},
        "pseudo_labels": "each_epoch",
        "hidden_labels": "value_and_attribute",
        "stages": {"ASENv2": {"epochs": {"semi_supervised": 1}}},
    }
    config = merge(tiny, {"methods": {"modc": modc}})
    stages = ("unlabeled", "pseudo_triplets", "pseudo_clusters")
    initial = model(plain()["self_supervised"])
    made = []
    for data in (index, permuted):
        begun = replace(initial, facts={**initial.facts, "index_sha256": data.sha256})
        made.append(chain(data.sha256, config, *stages, initial=begun, change={"index": data}))
    assert_same_models(*made)
    a, b = (model(tasks["pseudo_clusters"], "last.pt") for tasks in (made[0], plain()))
    assert not same(a.state_dict, b.state_dict)


def assert_ends_the_same_after(stop, whole: Task, place, monkeypatch) -> None:
    """Train the task of `whole` anew, let `stop` stop it by a patch, train on, and compare."""
    begun = replace(
        whole,
        output=place / "again",
        resume=place / "again.pt",
        embeddings=place / "again.npz",
    )
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        stop(patch)
        train(begun)
    assert begun.resume.exists() and not (begun.output / "model.pt").exists()
    train(begun)
    for name in ("model.pt", "last.pt"):
        a, b = model(whole, name), model(begun, name)
        assert all(torch.equal(a.state_dict[key], b.state_dict[key]) for key in a.state_dict)
        assert same(a.training, b.training)
    assert curve(whole).equals(curve(begun))
    a, b = read_embeddings(whole.embeddings), read_embeddings(begun.embeddings)
    assert all(np.array_equal(a[key], b[key], equal_nan=True) for key in a)


@pytest.mark.parametrize("stage", ["supervised", "self_supervised", "pseudo_clusters"])
def test_stopped_after_an_epoch_it_ends_as_if_left_alone(plain, tmp_path, stage, monkeypatch):
    save = checkpoint.save

    def save_and_die(*arguments):
        save(*arguments)
        raise KeyboardInterrupt

    def stop(patch):
        patch.setattr(checkpoint, "save", save_and_die)

    assert_ends_the_same_after(stop, plain()[stage], tmp_path, monkeypatch)


def test_stopped_before_it_writes_it_ends_as_if_left_alone(plain, tmp_path, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    def stop(patch):
        patch.setattr(Task, "save", die)

    assert_ends_the_same_after(stop, plain()["pseudo_clusters"], tmp_path, monkeypatch)


def test_asen_inherits_the_optimizer_and_its_schedule(plain):
    made = plain()
    rates = {stage: curve(task)["learning_rate"].tolist() for stage, task in made.items()}
    start = model(made["warm_up"])
    # Halved each epoch, from where the best epoch of the stage before stood.
    assert rates["supervised"][0] == pytest.approx(1e-3 * 0.5 ** start.training["epochs"])
    step = next(iter(model(made["supervised"], "last.pt").training["optimizer"]["state"].values()))
    before = next(iter(start.training["optimizer"]["state"].values()))
    assert float(step["step"]) == float(before["step"]) + 2 * 2  # two epochs of two batches


def test_asenpp_starts_a_new_optimizer_after_the_warm_up_and_keeps_it(plain):
    made = plain("ASEN++")
    assert curve(made["supervised"])["learning_rate"].iloc[0] == 1e-3
    best = model(made["supervised"]).training["epochs"]
    expected = 1e-3 * 0.5**best
    assert curve(made["self_supervised"])["learning_rate"].iloc[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("patience", "epochs", "stopped"),
    [
        (1, 2, "converged at epoch 2"),
        (4, 3, "cap of 3 epochs"),
    ],
)
def test_a_stage_ends_when_it_has_converged(chain, tiny, patience, epochs, stopped):
    # Nothing ever rises so much.
    convergence = {"rise": 1.0, "patience": patience}
    part = {"convergence": convergence, "stages": {"ASENv2": {"epochs": {"supervised": 3}}}}
    made = chain("run", merge(tiny, {"methods": {"modc": part}}), "supervised")["supervised"]
    assert len(curve(made)) == epochs
    ends = [stage["stopped"] for stage in model(made).facts["stages"]]
    assert ends == ["all 2 epochs", stopped]


def test_nothing_unlabeled_is_one_line(plain, modc_task, tiny, index, tmp_path):
    before = model(plain()["self_supervised"])
    made = replace(
        modc_task(tmp_path, tiny, "unlabeled", before),
        labeled=index.rows("train", "train")["image"].unique(),
    )
    facts = {**before.facts, "labeled_sha256": made.labeled_sha256}
    with pytest.raises(UserError, match="stage unlabeled: every training image") as error:
        train(replace(made, initial=replace(before, facts=facts)))
    assert "\n" not in str(error.value)
