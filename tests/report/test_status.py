"""The state of each cell, from files as training leaves them."""

import json
import os
import time

import pytest

from modc import paths
from modc.cell import Cell
from modc.config import merge
from modc.cost import cell_stages
from modc.grid import last_stage, methods, settings_chain, stage_spec, stages
from modc.lock import alone
from modc.report.status import NOT_HERE, OUTDATED, data_failures, run_status
from modc.report.status_text import status_text
from modc.stage import StageSpec
from modc.training.heartbeat import Heartbeat

METHODS = ("baseline", "modc")

CELL = Cell("FashionAI", "ASENv2", 10, 0)


@pytest.fixture
def one(config) -> dict:
    """The paper's configuration with one cell."""
    grid = {
        "datasets": ["FashionAI"],
        "networks": ["ASENv2"],
        "labeled_percent": {"FashionAI": [10]},
    }
    return merge(config, {"grid": grid})


def spec_of(config: dict, stage: str) -> StageSpec:
    """The spec of a stage of either method."""
    having = (m for m in methods(config) if stage in stages(config, CELL, m))
    return stage_spec(config, CELL, next(having), stage)


@pytest.fixture
def run(tmp_path, one):
    """What writes a run's files; as attributes the paths."""
    return Run(tmp_path / "run", one)


class Run:
    """The folder of a run of one cell."""

    def __init__(self, folder, config):
        self.folder, self.config = folder, config

    def resume(self, stage):
        method = spec_of(self.config, stage).method
        return self.folder / paths.checkpoint(CELL, method, stage)

    def stage(self, stage):
        method = spec_of(self.config, stage).method
        return self.folder / paths.stage_folder(CELL, method, stage)

    def scores(self, method):
        return self.folder / paths.scores(CELL, method)

    def beat(self, stage, config=None, **facts):
        spec = spec_of(config or self.config, stage)
        Heartbeat(self.resume(stage), spec).beat(epochs=spec.epochs, **facts)

    def done(self, stage, heartbeat=True, score=0.5):
        folder = self.stage(stage)
        folder.mkdir(parents=True)
        rows = f"1,0.1\n2,{score}\n"
        (folder / "curve.csv").write_text("epoch,valid_MAP@all\n" + rows)
        (folder / "model.pt").write_bytes(b"x")
        if heartbeat:
            self.beat(stage, epochs_done=2, images_per_second=100.0, done=True)

    def scored(self):
        for method in METHODS:
            self.scores(method).parent.mkdir(parents=True, exist_ok=True)
            self.scores(method).write_text("{}")

    def log(self, text):
        path = self.folder / paths.train_log(CELL, "modc", "pseudo_clusters")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def status(self, config=None):
        (found,) = run_status(self.folder, config or self.config)
        return found

    def at(self, config=None):
        found = self.status(config)
        return found.state, found.at.stage


def text(run) -> str:
    statuses = run_status(run.folder, run.config)
    return status_text(statuses, data_failures(run.folder, run.config), run.folder)


def test_without_a_run_folder_all_is_waiting(run):
    assert run.at() == ("waiting", "warm_up")
    assert "0 of 1 cells done, 1 waiting; time left unknown" in text(run)
    assert f"This run has not started: {run.folder} " in text(run)
    assert not run.folder.exists()
    run.done("warm_up")
    assert "not begun" not in text(run)


def test_who_holds_the_lock_is_training(run):
    run.beat("warm_up", epochs_done=3.5, images_per_second=80.0, seconds_an_epoch=10.0)
    with alone(run.resume("warm_up"), "training"):
        found = run.status()
        assert (found.state, found.at.epoch, found.at.rate) == ("training", 3, 80.0)
        assert "training  warm_up (0 of 6 done)  3 of 50" in text(run)
    assert run.at() == ("stopped", "warm_up")


def test_who_holds_the_lock_and_said_nothing_yet_is_at_its_start(run):
    run.beat("warm_up", merge(run.config, {"training": {"margin": 0.7}}), epochs_done=9)
    with alone(run.resume("warm_up"), "training"):
        found = run.status()
    assert (found.state, found.at.epoch) == ("training", 0)
    # What was begun with other settings is not gone on with.
    assert run.at() == ("waiting", "warm_up")


def test_a_training_on_another_machine_is_believed_for_a_while(run):
    run.beat("warm_up", epochs_done=1)
    path = run.resume("warm_up").with_suffix(".json")
    beat = json.loads(path.read_text()) | {"host": "elsewhere"}
    path.write_text(json.dumps(beat))
    assert run.at() == ("training", "warm_up")
    path.write_text(json.dumps(beat | {"written": time.time() - 3600}))
    assert run.at() == ("stopped", "warm_up")


def test_a_cell_is_done_once_both_methods_are_scored(run):
    for _, stage in cell_stages(run.config, CELL):
        run.done(stage)
    assert run.at() == ("waiting", "score")
    run.scored()
    found = run.status()
    assert (found.state, found.at.score, found.left) == ("done", 0.5, 0)
    assert text(run).endswith("1 of 1 cells done")


@pytest.mark.parametrize("heartbeat", [True, False])
def test_a_cell_with_scores_and_no_models_is_done(run, heartbeat):
    """As in a run that was merged, or copied without its models."""
    for _, stage in cell_stages(run.config, CELL):
        run.done(stage, heartbeat)
    run.scored()
    for _, stage in cell_stages(run.config, CELL)[1:]:
        (run.stage(stage) / "model.pt").unlink()
    found = run.status()
    assert (found.state, found.at.score, found.at.note, found.left) == ("done", 0.5, NOT_HERE, 0)
    assert "done *" in text(run) and f"* {NOT_HERE}" in text(run)
    assert text(run).endswith("1 of 1 cells done")
    with alone(run.resume("supervised"), "training"):
        assert run.at() == ("training", "supervised")


def test_scores_without_models_have_to_be_whole_and_of_the_settings(run):
    run.scored()
    for method in METHODS:
        chain = settings_chain(run.config, CELL, method, last_stage(run.config, CELL, method))
        run.scores(method).write_text(json.dumps({"settings_chain": chain}))
    assert run.at()[0] == "done"
    other = merge(run.config, {"methods": {"modc": {"temperature": 0.7}}})
    assert run.at(other) == ("waiting", "warm_up")
    run.scores("modc").write_text("{")
    assert run.at() == ("waiting", "warm_up")
    run.scores("modc").unlink()
    assert run.at() == ("waiting", "warm_up")


def test_models_of_earlier_versions_have_no_heartbeat_and_count(run):
    run.done("warm_up", heartbeat=False)
    assert run.at() == ("waiting", "supervised")


def test_a_model_of_other_settings_is_to_be_trained_again_with_all_after_it(run):
    run.done("warm_up")
    run.done("supervised")
    other = merge(run.config, {"training": {"margin": 0.7}})
    found = run.status(other)
    assert (found.state, found.at.stage, found.at.note) == ("waiting", "warm_up", OUTDATED)
    assert [stage.state for stage in found.stages] == ["waiting"] * 6
    other = merge(run.config, {"methods": {"modc": {"temperature": 0.7}}})
    assert run.at(other) == ("waiting", "supervised")


def test_a_model_beside_a_heartbeat_that_goes_on_is_the_one_before(run):
    run.done("warm_up")
    run.beat("warm_up", epochs_done=1)
    assert run.at() == ("stopped", "warm_up")


def test_a_failed_stage_says_the_last_line_of_its_log(run):
    run.done("warm_up")
    run.beat("supervised", epochs_done=1)
    run.log("07:01 epoch 1\nmodc: error: the loss is nan in epoch 2\n")
    found = run.status()
    assert (found.state, found.at.stage, found.at.epoch) == ("failed", "supervised", 1)
    line = "FAILED FashionAI ASENv2 10 % seed 0 supervised: the loss is nan in epoch 2"
    assert line in text(run)
    with alone(run.resume("supervised"), "training"):
        assert run.at() == ("training", "supervised")


def test_a_mistake_older_than_what_the_stage_starts_from_is_past(run):
    log = run.log("modc: error: of another time\n")
    os.utime(log, (1e9, 1e9))
    run.done("warm_up")
    assert run.at() == ("waiting", "supervised")


def test_a_failed_score_is_a_failure(run):
    for _, stage in cell_stages(run.config, CELL):
        run.done(stage)
    log = run.folder / paths.score_log(CELL, "modc")
    log.parent.mkdir(parents=True)
    log.write_text("modc: error: disk full\n")
    run.scored()
    run.scores("modc").unlink()
    found = run.status()
    assert (found.state, found.at.stage, found.at.note) == ("failed", "score", "disk full")


def test_data_that_failed_are_named_while_cells_wait_for_them(run):
    for job, name in (("fetch", "FashionAI"), ("pack", "DARN"), ("index", "FashionAI")):
        path = run.folder / "logs" / job / f"{name}.log"
        path.parent.mkdir(parents=True)
        path.write_text("modc: error: not there\n" if job != "index" else "fine\n")
    assert f"FAILED ({run.folder}/logs/fetch/FashionAI.log): not there" in text(run)
    assert "DARN" not in text(run)
    run.done("warm_up")
    assert "not there" not in text(run)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"epochs_done": "x"}'])
def test_files_that_cannot_be_read_are_as_good_as_absent(run, content):
    run.done("warm_up")
    (run.stage("warm_up") / "curve.csv").write_bytes(content)
    heartbeat = run.resume("supervised").with_suffix(".json")
    heartbeat.parent.mkdir(parents=True, exist_ok=True)
    heartbeat.write_bytes(content)
    found = run.status()
    assert (found.state, found.at.stage) == ("waiting", "supervised")
    assert found.stages[0].score is None
    (run.stage("supervised") / "model.pt").mkdir(parents=True)
    assert run.at() == ("waiting", "supervised")
    assert "1 waiting" in text(run)


def test_what_is_left_counts_every_epoch_that_may_come(run):
    run.done("warm_up")
    run.beat("supervised", epochs_done=10, images_per_second=50.0, seconds_an_epoch=6.0)
    expected = 40 * 6.0
    for _, stage in cell_stages(run.config, CELL)[2:]:
        # The slowest pace that any stage of the network showed.
        expected += 50 * spec_of(run.config, stage).images_an_epoch / 50.0
    assert run.status().left == pytest.approx(expected)


def test_a_pace_of_another_network_says_nothing(run):
    config = merge(run.config, {"grid": {"networks": ["ASENv2", "ASEN"]}})
    run.done("warm_up")
    first, second = run_status(run.folder, config)
    assert first.left > 0 and second.left is None
    assert "; 1 of unknown speed " in status_text([first, second], {}, run.folder)
