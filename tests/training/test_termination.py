"""SIGTERM in the middle of an epoch, and outputs that are lost after their stage was finished."""

import os
import signal
import time

import numpy as np
import pandas as pd
import pytest
import torch

from modc import paths
from modc.config import merge
from modc.networks import model_file
from modc.networks.safe_load import read as read_file
from modc.training import checkpoint
from modc.training import train as training
from modc.training.heartbeat import read
from modc.training.train import train

# Four steps an epoch, and centers that are recomputed every three steps.
FOUR_STEPS = {"training": {"triplets_per_epoch": 16}}
OTHERWISE = {"methods": {"modc": {"centers": "memory_bank", "pseudo_labels": "each_epoch"}}}


@pytest.fixture
def terminated(monkeypatch):
    """Return a function that sends SIGTERM at the end of the given calls of a function of train."""

    def at(name: str, *numbers: int) -> list[int]:
        original, calls = getattr(training, name), []

        def called(*arguments):
            result = original(*arguments)
            calls.append(len(calls) + 1)
            if len(calls) in numbers:
                os.kill(os.getpid(), signal.SIGTERM)
            return result

        monkeypatch.setattr(training, name, called)
        return calls

    return at


def same(one: object, other: object) -> bool:
    """Whether nested dictionaries and lists of tensors and plain values are equal."""
    if isinstance(one, torch.Tensor):
        return np.array_equal(one.numpy(), other.numpy(), equal_nan=one.is_floating_point())
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def saved(task) -> dict:
    """Return the state of a task's checkpoint, on whatever device it was made."""
    return read_file(task.resume)["state"]


def assert_same(one, other) -> None:
    for name in ("model.pt", "last.pt"):
        a, b = model_file.load(one.output / name), model_file.load(other.output / name)
        assert same(a.state_dict, b.state_dict) and same(a.training, b.training)
    curves = [pd.read_csv(made.output / "curve.csv") for made in (one, other)]
    assert curves[0].equals(curves[1])


def stopped(call) -> None:
    with pytest.raises(SystemExit) as left:
        call()
    assert left.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_warm_up_goes_on_within_the_epoch(task, terminated, caplog):
    caplog.set_level("INFO")
    alone, made = task("alone", triplets_per_epoch=16), task("stopped", triplets_per_epoch=16)
    train(alone)
    calls = terminated("train_batch", 3, 4, 6)
    for epoch, steps in ((0, 3), (0, 4), (1, 2)):
        stopped(lambda: train(made))
        state = saved(made)
        assert (state["epoch"], state["within"]["steps"]) == (epoch, steps)
        assert caplog.messages[-1].endswith("stopped by SIGTERM (exit status 143)")
    caplog.clear()
    train(made)
    assert "resumed after epoch 1 and 2 steps" in caplog.text
    assert len(calls) == 3 * 4  # none of the steps was made twice
    assert_same(alone, made)
    assert read(paths.heartbeat(made.resume))["epochs_done"] == 3


@pytest.mark.parametrize("override", [FOUR_STEPS, merge(FOUR_STEPS, OTHERWISE)])
def test_the_last_stage_goes_on_within_the_epoch(chain, tiny, terminated, override):
    config = merge(tiny, override)
    alone = chain("alone", config, "pseudo_clusters", initial=None)["pseudo_clusters"]
    calls = terminated("train_batch", 2, 7)
    for _ in range(2):
        stopped(lambda: chain("stopped", config, "pseudo_clusters"))
    made = chain("stopped", config, "pseudo_clusters")["pseudo_clusters"]
    assert len(calls) == 2 * 4
    assert_same(alone, made)


def test_after_an_epochs_last_step_only_its_validation_is_made_again(task, terminated):
    alone, made = task("alone", epochs=2), task("stopped", epochs=2)
    train(alone)
    calls = terminated("train_batch")
    terminated("_validate", 1)
    stopped(lambda: train(made))
    assert saved(made)["within"]["steps"] == 2
    train(made)
    assert len(calls) == 2 * 2
    assert_same(alone, made)


def test_a_second_sigterm_does_not_spoil_the_checkpoint(task, terminated, monkeypatch):
    made = task()
    terminated("train_batch", 1)
    save = checkpoint.save

    def again(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        save(*arguments)

    monkeypatch.setattr(checkpoint, "save", again)
    stopped(lambda: train(made))
    assert saved(made)["within"]["steps"] == 1


def test_a_finished_epoch_is_saved_first(task, terminated, monkeypatch):
    made = task()
    terminated("_record", 1)
    stopped(lambda: train(made))
    state = saved(made)
    assert state["epoch"] == 1 and "within" not in state


def test_lost_outputs_of_a_finished_stage_are_taken_back(task, terminated):
    made = task(epochs=1)
    train(made)
    files = {path: path.read_bytes() for path in made.results()}
    calls = terminated("train_batch")
    lost = time.time()
    for path in files:
        os.utime(path, (0, 0))
        path.unlink()
    train(made)
    assert not calls
    assert {path: path.read_bytes() for path in files} == files
    # Snakemake refuses outputs that are older than the inputs.
    assert all(path.stat().st_mtime >= lost - 1 for path in files)
    # Half of them are lost as well as all.
    made.embeddings.unlink()
    train(made)
    assert not calls and made.embeddings.exists()


def test_what_was_kept_of_other_settings_is_not_taken(task, terminated):
    made, other = task(epochs=1), task(epochs=1, margin=0.3)
    assert made.resume == other.resume
    train(made)
    before = model_file.load(made.output / "model.pt").facts["key"]
    calls = terminated("train_batch")
    for path in made.results():
        path.unlink()
    train(other)
    assert len(calls) == 2
    assert model_file.load(made.output / "model.pt").facts["key"] == other.key() != before
    for path in made.results():
        path.unlink()
    train(other)
    assert len(calls) == 2


def test_where_no_file_can_be_kept_training_ends_all_the_same(task, caplog):
    made = task(epochs=1)
    made.resume.parent.mkdir(parents=True)
    made.resume.with_suffix("").write_text("a file where the folder would be")
    train(made)
    assert made.finished(made.key())
    assert "nothing is kept" in caplog.text
