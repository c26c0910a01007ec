"""MODC's stages: what each adds, what it inherits, what it must not see, and where it ends."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from modc.evaluation.scores import read_embeddings, score, summarize
from modc.grid import MODC
from modc.networks import model_file
from modc.training.task import Task
from modc.training.train import train

OPTIONS = {
    "centres": "running_mean",
    "centre_momentum": 0.1,
    "memory_bank": {"momentum": 0.5, "every": 3},
    "cluster_loss": "softmax",
    "temperature": 0.1,
    "cluster_margin": 0.2,
    "cluster_weight": 1.0,
    "predictor": True,
    "self_supervision_weight": 1.0,
    "pseudo_labels": "each_iteration",
    "pseudo_label_confidence": 0.0,
    "unlabeled_ratio": 1.0,
    "hidden_labels": "value",
    "views_from": "self_supervised",
    "colour_attributes": ["upper"],
    "convergence": {"rule": "plateau", "rise": 0.001, "patience": 5},
}
ASENPP = {
    "network": "ASEN++",
    "architecture": {
        "global_backbone": "resnet10",
        "local_backbone": "resnet10",
        "global_weight": 0.6,
    },
    "negatives": "value",
    "flip": False,
}
BOTH_BRANCHES = {
    "sizes": {"image": 32, "detail": 64},
    "local_learning_rate": 1e-3,
    "local_weight": 0.1,
    "alignment_weight": 0.1,
}
NEW_TERMS = {
    "supervised": {"cluster"},
    "self_supervised": {"self_supervision"},
    "unlabeled": {"unlabeled_self_supervision"},
    "pseudo_triplets": {"pseudo_triplet"},
    "pseudo_clusters": {"pseudo_cluster"},
}


@pytest.fixture
def chain(task, index):
    """Return a function that trains a network through its stages and returns the tasks by name."""
    few = index.rows("train", "train")["image"].unique()[:8]

    def run(folder="run", until="pseudo_clusters", network="ASENv2", options=None, **settings):
        part = ASENPP if network == "ASEN++" else {"network": network}
        warm_up = ["warm_up_global", "warm_up"] if network == "ASEN++" else ["warm_up"]
        made: dict[str, Task] = {}
        initial, before = None, None
        for stage in [*warm_up, *MODC[: MODC.index(until) + 1]]:
            own = {**part, "stage": stage, "epochs": 2, "labeled_percent": 50}
            own["stage_before"] = before
            if network == "ASEN++" and stage != "warm_up_global":
                own |= BOTH_BRANCHES
            if stage in MODC:
                new = "new" if network == "ASEN++" else "inherit"
                own |= {"modc": {**OPTIONS, **(options or {})}, "optimizer": new}
            current = replace(task(folder, initial, **{**own, **settings}), labeled=few)
            if initial is not None:
                current.settings.pop("weights")
            current = replace(current, embeddings=current.output / "test.npz")
            train(current)
            made[stage], before = current, stage
            initial = model_file.load(current.output / "model.pt")
        return made

    return run


def curve(task: Task) -> pd.DataFrame:
    return pd.read_csv(task.output / "curve.csv")


def same(one: object, other: object) -> bool:
    """Whether nested dictionaries and lists of tensors and plain values are equal."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one.nan_to_num(), other.nan_to_num())
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def model(task: Task, name: str = "model.pt") -> model_file.ModelFile:
    return model_file.load(task.output / name)


@pytest.mark.parametrize("network", ["ASEN", "ASENv2", "ASEN++"])
def test_each_stage_adds_its_terms_and_keeps_those_before(chain, network):
    made = chain(network=network)
    seen = set(curve(made["warm_up"]).columns)
    for stage in MODC:
        columns = set(curve(made[stage]).columns) - {"valid_Acc"}
        wanted = NEW_TERMS[stage]
        if network == "ASEN++" and stage == "pseudo_triplets":
            wanted = wanted | {"pseudo_local_triplet", "pseudo_alignment"}
        assert columns - seen == wanted and seen <= columns
        seen = columns
        assert curve(made[stage])["valid_Acc"].between(0, 1).all()
        assert np.isfinite(curve(made[stage]).to_numpy()).all()
        assert (made[stage].output / "curve.png").read_bytes().startswith(b"\x89PNG")
    arrays = read_embeddings(made["pseudo_clusters"].embeddings)
    assert arrays["centres"].shape == (2, 3, arrays["query_embedding"].shape[1])
    assert np.isnan(arrays["centres"][1, 2]).all()  # the second attribute has two values
    assert not np.isnan(arrays["centres"][0]).any()
    summary = summarize(score(**arrays), arrays["candidate_attribute"])
    assert summary["overall"]["Acc"] > 0.3


def test_hidden_labels_do_not_matter(chain, index, task):
    shown = chain("shown")
    labels = index.labels.copy()
    labeled = shown["warm_up"].labeled
    hidden = (labels["role"] == "train") & ~labels["image"].isin(labeled)
    assert hidden.sum() > 10
    labels.loc[hidden, "value"] = (labels.loc[hidden, "value"] + 1) % 2
    initial = None
    for stage, one in shown.items():
        folder = one.output.parents[1] / "permuted"
        other = replace(
            one,
            index=replace(index, labels=labels),
            initial=initial,
            output=folder / stage,
            resume=folder / f"{stage}.pt",
            embeddings=folder / f"{stage}.npz",
        )
        train(other)
        initial = model(other)
        a, b = model(one, "last.pt"), model(other, "last.pt")
        assert all(torch.equal(a.state_dict[key], b.state_dict[key]) for key in a.state_dict)
        if stage in MODC:
            assert torch.equal(
                a.training["centres"].nan_to_num(), b.training["centres"].nan_to_num()
            )


@pytest.mark.parametrize("stage", ["supervised", "self_supervised", "pseudo_clusters"])
def test_stopped_after_an_epoch_it_ends_as_if_left_alone(chain, stage, monkeypatch):
    from modc.training import train as module

    whole = chain("whole", until=stage)
    begun = replace(
        whole[stage],
        output=whole[stage].output.parent / "again",
        resume=whole[stage].resume.with_name("again.pt"),
        embeddings=whole[stage].output.parent / "again.npz",
    )
    save = module.checkpoint.save

    def save_and_die(*arguments):
        save(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(module.checkpoint, "save", save_and_die)
    with pytest.raises(KeyboardInterrupt):
        train(begun)
    monkeypatch.setattr(module.checkpoint, "save", save)
    train(begun)
    for name in ("model.pt", "last.pt"):
        a, b = model(whole[stage], name), model(begun, name)
        assert all(torch.equal(a.state_dict[key], b.state_dict[key]) for key in a.state_dict)
        assert same(a.training, b.training)
    assert curve(whole[stage]).equals(curve(begun))
    a, b = read_embeddings(whole[stage].embeddings), read_embeddings(begun.embeddings)
    assert all(np.array_equal(a[key], b[key], equal_nan=True) for key in a)


def test_asen_inherits_the_optimizer_and_its_schedule(chain):
    made = chain(until="self_supervised")
    rates = [curve(task)["learning_rate"].tolist() for task in made.values()]
    start = model(made["warm_up"])
    # Halved each epoch, from where the best epoch of the stage before stood.
    assert rates[1][0] == pytest.approx(1e-3 * 0.5 ** start.training["epochs"])
    step = next(iter(model(made["supervised"], "last.pt").training["optimizer"]["state"].values()))
    before = next(iter(start.training["optimizer"]["state"].values()))
    assert float(step["step"]) == float(before["step"]) + 2 * 2  # two epochs of two batches


def test_asenpp_starts_a_new_optimizer_after_the_warm_up_and_keeps_it(chain):
    made = chain(network="ASEN++", until="self_supervised", learning_rate=1e-3)
    assert curve(made["supervised"])["learning_rate"].iloc[0] == 1e-3
    best = model(made["supervised"]).training["epochs"]
    expected = 1e-3 * 0.5**best
    assert curve(made["self_supervised"])["learning_rate"].iloc[0] == pytest.approx(expected)


def test_a_stage_ends_when_it_has_converged(chain):
    rule = {"rule": "plateau", "rise": 1.0, "patience": 1}  # nothing ever rises so much
    made = chain(until="supervised", options={"convergence": rule}, epochs=4)
    assert len(curve(made["supervised"])) == 2
    assert ends(made["supervised"]) == ["all 4 epochs", "converged at epoch 2"]
    rule |= {"patience": 4}
    capped = chain("capped", until="supervised", options={"convergence": rule}, epochs=4)
    assert ends(capped["supervised"])[1] == "cap of 4 epochs"
    rule |= {"rule": "fixed_epochs", "patience": 1}
    fixed = chain("fixed", until="supervised", options={"convergence": rule}, epochs=4)
    assert ends(fixed["supervised"])[1] == "all 4 epochs"


def ends(task: Task) -> list[str]:
    return [stage["stopped"] for stage in model(task).facts["stages"]]


@pytest.mark.parametrize(
    "options",
    [
        {"centres": "memory_bank"},
        {"cluster_loss": "margin"},
        {"predictor": False},
        {"pseudo_labels": "each_epoch"},
        {"pseudo_label_confidence": 0.9},
        {"unlabeled_ratio": 2.0},
        {"views_from": "supervised"},
    ],
)
def test_every_alternative_trains_another_model(chain, options):
    plain = chain("plain")["pseudo_clusters"]
    other = chain("other", options=options)["pseudo_clusters"]
    a, b = model(plain, "last.pt").state_dict, model(other, "last.pt").state_dict
    assert any(not torch.equal(a[key], b[key]) for key in a)
    assert np.isfinite(curve(other)["loss"]).all()


def test_no_predictor_is_kept_where_there_is_none(chain):
    made = chain(until="self_supervised", options={"predictor": False})
    assert "predictor" not in model(made["self_supervised"]).training
    assert "predictor" in model(chain("with", until="self_supervised")["self_supervised"]).training
