"""Training: it learns, keeps best and last, and survives being killed at any moment."""

import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from modc.cell import Cell
from modc.errors import UserError
from modc.evaluation.scores import read_embeddings, score, summarize
from modc.learning_curve import write_curve
from modc.networks import model_file
from modc.training import train as training
from modc.training.task import Task
from modc.training.train import Machine, checkpoint_key, set_up, train

GLOBAL_PART = {
    "network": "ASEN++",
    "stage": "warm_up_global",
    "architecture": {
        "global_backbone": "resnet10",
        "local_backbone": "resnet10",
        "global_weight": 0.6,
    },
    "negatives": "value",
    "flip": False,
}
SECOND_PART = {
    **GLOBAL_PART,
    "stage": "warm_up",
    "before": "warm_up_global",
    "sizes": {"image": 32, "detail": 64},
    "local_learning_rate": 1e-3,
    "local_weight": 0.1,
    "alignment_weight": 0.1,
}


def curve(task: Task) -> pd.DataFrame:
    return pd.read_csv(task.output / "curve.csv")


def same_weights(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def assert_same_results(one: Task, other: Task) -> None:
    for name in ("model.pt", "last.pt"):
        a, b = model_file.load(one.output / name), model_file.load(other.output / name)
        assert same_weights(a.state_dict, b.state_dict)
        assert a.facts["epoch"] == b.facts["epoch"]
    assert curve(one).equals(curve(other))
    if one.embeddings:
        a, b = read_embeddings(one.embeddings), read_embeddings(other.embeddings)
        assert all(np.array_equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize("network", ["ASEN", "ASENv2"])
def test_training_learns_what_can_be_seen(task, network):
    made = task(network=network, triplets_per_epoch=64, epochs=6, batch=8)
    train(made)
    history = curve(made)
    assert history["loss"].iloc[-1] < 0.5 * history["loss"].iloc[0]
    assert history["valid_MAP@all"].max() > 0.9
    assert list(history["learning_rate"]) == pytest.approx([1e-3 * 0.5**e for e in range(6)])


def test_the_best_model_is_the_first_epoch_of_the_highest_validation_map(task, monkeypatch):
    monkeypatch.setattr(training, "write_curve", write_curve)  # draws it, as no other test does
    made = task(epochs=4)
    train(made)
    assert (made.output / "curve.png").read_bytes().startswith(b"\x89PNG")
    scores = curve(made)["valid_MAP@all"]
    best, last = model_file.load(made.output / "model.pt"), model_file.load(made.output / "last.pt")
    assert best.facts["epoch"] == scores.idxmax() + 1
    assert best.facts["valid_MAP@all"] == pytest.approx(scores.max())
    assert last.facts["epoch"] == 4
    assert not made.resume.exists()


def test_the_test_embeddings_are_the_best_models(task, index, packed):
    from modc.evaluation.split_embeddings import embed_split

    made = task()
    train(made)
    network = model_file.restore(model_file.load(made.output / "model.pt"))
    arrays = read_embeddings(made.embeddings)
    again = embed_split(network, made.packed, index, "test", torch.device("cpu"), 16)
    for name in again:
        assert np.allclose(arrays[name], again[name], atol=1e-6)
    overall = summarize(score(**arrays), arrays["candidate_attribute"], 2)["overall"]
    assert overall["queries"] == 16


def test_asenpp_trains_its_global_branch_then_both(task):
    first = task(**GLOBAL_PART, evaluated=False)
    train(first)
    start = model_file.load(first.output / "model.pt")
    untrained = task("fresh", **GLOBAL_PART, evaluated=False)
    cpu = Machine(torch.device("cpu"), torch.float32)
    drawn = set_up(untrained, cpu).network.state_dict()
    for key, tensor in start.state_dict.items():
        if key.startswith("local_branch.") and "num_batches" not in key:
            assert torch.equal(tensor, drawn[key])
    second = task(initial=start, **SECOND_PART)
    train(replace(second, spec=replace(second.spec, weights=None)))
    end = model_file.load(second.output / "model.pt").state_dict
    moved = {key for key in end if not torch.equal(end[key], start.state_dict[key])}
    assert any(key.startswith("local_branch.") for key in moved)
    assert any(key.startswith("global_branch.") for key in moved)
    assert {"triplet", "local_triplet", "alignment"} <= set(curve(second).columns)
    assert read_embeddings(second.embeddings)["query_embedding"].shape[1] == 2048


def test_the_same_seed_gives_the_same_model_and_another_another(task):
    one, same, other = (
        task("one"),
        task("same"),
        task("other", cell=Cell("FashionAI", "ASENv2", 100, 1)),
    )
    for made in (one, same, other):
        train(made)
    assert_same_results(one, same)
    a = model_file.load(one.output / "last.pt").state_dict
    b = model_file.load(other.output / "last.pt").state_dict
    assert not same_weights(a, b)


@pytest.mark.parametrize("part", [{}, {**GLOBAL_PART, "evaluated": False}])
def test_stopped_after_an_epoch_it_ends_as_if_left_alone(task, monkeypatch, part):
    alone, stopped = task("alone", **part), task("stopped", **part)
    train(alone)
    from modc.training import checkpoint

    save = checkpoint.save

    def save_and_die(path, key, state):
        save(path, key, state)
        raise KeyboardInterrupt

    for _ in range(2):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(checkpoint, "save", save_and_die)
            train(stopped)
        assert not (stopped.output / "model.pt").exists()
    train(stopped)
    assert_same_results(alone, stopped)


def test_a_checkpoint_left_beside_a_finished_model_is_removed(task):
    from modc.training import checkpoint

    done = task(epochs=1)
    train(done)
    made = (done.output / "model.pt").read_bytes()
    checkpoint.save(done.resume, done.key(), {"epoch": 1})  # killed before it was removed
    train(done)
    assert not done.resume.exists() and (done.output / "model.pt").read_bytes() == made


def test_a_checkpoint_of_other_settings_is_not_gone_on_from(task, monkeypatch, caplog):
    from modc.training import checkpoint

    caplog.set_level(logging.INFO)
    first = task(epochs=2)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoint, "load", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        train(first)
    checkpoint.save(first.resume, "another key", {"epoch": 2})
    train(first)
    assert "starting anew" in caplog.text
    alone = task("alone", epochs=2)
    train(alone)
    assert_same_results(alone, first)


def test_a_checkpoint_of_another_precision_is_not_gone_on_from(task, monkeypatch, caplog):
    from modc.training import checkpoint

    stopped, alone = (task(folder, epochs=2, precision="auto") for folder in ("stopped", "alone"))
    save = checkpoint.save

    def save_and_die(*arguments):
        save(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "training_dtype", lambda *_: torch.bfloat16)
        patch.setattr(checkpoint, "save", save_and_die)
        train(stopped)
    monkeypatch.setattr(training, "training_dtype", lambda *_: torch.float32)
    for made in (stopped, alone):
        train(made)
    assert "starting anew" in caplog.text
    assert_same_results(alone, stopped)


def test_a_checkpoint_is_of_its_kind_of_device_and_precision():
    machines = [
        Machine(torch.device(device), precision)
        for device in ("cpu", "cuda:0")
        for precision in (torch.float32, torch.bfloat16)
    ]
    assert len({checkpoint_key("a", machine) for machine in machines}) == 4
    # One GPU goes on where another stopped.
    assert checkpoint_key("a", Machine(torch.device("cuda", 1), torch.float32)) == checkpoint_key(
        "a", machines[2]
    )
    assert checkpoint_key("b", machines[0]) != checkpoint_key("a", machines[0])


def test_a_finished_stage_is_not_trained_again(task, caplog):
    caplog.set_level(logging.INFO)
    made = task()
    train(made)
    before = (made.output / "model.pt").stat().st_mtime_ns
    train(made)
    assert "already trained" in caplog.text
    assert (made.output / "model.pt").stat().st_mtime_ns == before
    train(replace(made, spec=replace(made.spec, margin=0.3)))
    assert (made.output / "model.pt").stat().st_mtime_ns != before


def test_hidden_labels_do_not_matter_to_a_baseline(task, index):
    shown = task("shown")
    part = shown.labeled[:12]
    labels = index.labels.copy()
    hidden = (labels["split"] == "train") & ~labels["image"].isin(part)
    labels.loc[hidden, "value"] = 0
    train(replace(shown, labeled=part))
    permuted = replace(task("permuted"), labeled=part, index=replace(index, labels=labels))
    train(permuted)
    a = model_file.load(shown.output / "last.pt").state_dict
    assert same_weights(a, model_file.load(permuted.output / "last.pt").state_dict)


def test_a_loss_that_is_no_number_stops_with_the_key_to_change(task):
    made = task(learning_rate=1e30, epochs=4, triplets_per_epoch=64)
    with pytest.raises(UserError, match="lower the learning_rate of ASENv2"):
        train(made)
    assert not made.output.exists() or not list(made.output.iterdir())


def test_full_memory_of_a_gpu_is_one_line(task, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nMore of it")

    monkeypatch.setattr("modc.training.train.train_batch", full)
    with pytest.raises(UserError) as caught:
        train(task())
    message = str(caught.value)
    assert "warm_up: CUDA out of memory. Tried to allocate 2 GiB. Expected a" in message
    assert "\n" not in message
    assert all(name in message for name in ("evaluation_batch", "jobs_per_gpu"))


def test_values_without_two_labeled_images_are_counted(task, index, caplog):
    made = task()
    few = index.rows("train", "train")
    lonely = few[(few["attribute"] == 0) & (few["value"] == 0)]["image"].unique()[1:]
    train(replace(made, labeled=np.setdiff1d(made.labeled, lonely)))
    assert "1 of 5 values have fewer than two labeled images" in caplog.text


KILLED = """
import pickle, sys, torch
torch.set_num_threads(1)
from modc.training.train import train
train(pickle.load(open(sys.argv[1], "rb")))
"""


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_as_if_left_alone(task, tmp_path, monkeypatch):
    import pickle

    monkeypatch.undo()  # the processes train the whole network

    torch.set_num_threads(1)
    long = {"epochs": 12, "triplets_per_epoch": 32}
    alone, killed = task("alone", **long), task("killed", **long)
    for made in (alone, killed):
        (tmp_path / f"{made.output.parent.name}.pickle").write_bytes(pickle.dumps(made))
    train(alone)
    rng = np.random.default_rng(0)
    deaths = 0
    while True:
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path / "killed.pickle")],
            stderr=subprocess.DEVNULL,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        )
        try:
            process.wait(timeout=float(rng.uniform(5, 8)) if deaths < 4 else None)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            deaths += 1
            time.sleep(0.1)
            continue
        break
    assert process.returncode == 0
    assert deaths > 0
    assert_same_results(alone, killed)
