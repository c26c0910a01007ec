"""The heartbeat of a training, which nothing that trains depends on."""

import json
import os

from modc import paths
from modc.networks import model_file
from modc.training.heartbeat import Heartbeat, origin, read
from modc.training.train import train

from .conftest import SPEC


def test_a_training_says_how_far_it_is_and_that_it_is_done(task):
    made = task(epochs=2)
    train(made)
    beat = read(paths.heartbeat(made.resume))
    assert beat.items() >= origin(made.spec).items()
    assert (beat["epochs"], beat["epochs_done"], beat["done"]) == (2, 2, True)
    assert beat["pid"] == os.getpid()
    assert beat["images_per_second"] > 0 and beat["seconds_an_epoch"] > 0
    best = model_file.load(made.output / "last.pt").facts["valid_MAP@all"]
    assert beat["valid_MAP_all"] == best


def test_while_it_trains_it_is_not_done(task, monkeypatch):
    seen = []
    whole = Heartbeat.beat

    def beat(self, **facts):
        whole(self, **facts)
        seen.append(read(self.path))

    monkeypatch.setattr(Heartbeat, "beat", beat)
    train(task(epochs=2))
    assert [one["epochs_done"] for one in seen] == [0, 1, 2, 2]
    assert [one.get("done", False) for one in seen] == [False, False, False, True]
    # Before its first epoch nothing is known of its pace.
    assert seen[0]["images_per_second"] is None


def test_one_that_was_trained_already_says_that_it_is_done(task):
    made = task(epochs=1)
    train(made)
    path = paths.heartbeat(made.resume)
    path.unlink()
    train(made)
    assert read(path)["done"] is True


def test_a_heartbeat_that_cannot_be_written_stops_no_training(tmp_path, caplog):
    heartbeat = Heartbeat(tmp_path / "stage.pt", SPEC)
    heartbeat.path.mkdir()
    heartbeat.beat(epochs_done=1)
    heartbeat.beat(valid_MAP_all=float("nan"))
    heartbeat.finish()
    assert len(caplog.records) == 3
    assert "stage.json" in caplog.text
    assert not list(tmp_path.glob(".*"))


def test_what_is_no_heartbeat_is_as_if_there_were_none(tmp_path):
    path = tmp_path / "stage.json"
    assert read(path) is None
    for text in ("", "{", "[1]", "\xff", "[" * 100_000):
        path.write_text(text)
        assert read(path) is None
    path.write_text(json.dumps({"epochs": 1}))
    assert read(path) == {"epochs": 1}
