"""The status of a run as JSON, and the file of it that the workflow keeps up to date."""

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from modc import paths
from modc.atomic import HOST
from modc.cell import Cell
from modc.config import merge
from modc.cost import cell_stages
from modc.grid import cells, methods, own_stages, stage_spec
from modc.lock import alone, take
from modc.report.status import run_status
from modc.report.status_file import (
    SCHEMA_VERSION,
    STALE_SECONDS,
    StatusFile,
    status_record,
    workflow_state,
)
from modc.training.heartbeat import Heartbeat

TRAINED, FAILED, WAITING = (
    Cell("FashionAI", network, 10, 0) for network in ("ASENv2", "ASEN", "ASEN++")
)


@pytest.fixture
def three(config) -> dict:
    """The paper's configuration with three cells."""
    grid = {"datasets": ["FashionAI"], "labeled_percent": {"FashionAI": [10]}, "extra_seeds": []}
    return merge(config, {"grid": grid})


def failed(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"modc: error: {text}\n")
    return str(path)


def scored(folder, config, cell):
    for method in methods(config):
        path = folder / paths.scores(cell, method)
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    for method, stage in cell_stages(config, cell):
        path = folder / paths.stage_folder(cell, method, stage) / paths.MODEL
        path.parent.mkdir(parents=True)
        path.touch()


def record(folder, config, workflow=None):
    return status_record(folder, config, run_status(folder, config), workflow)


def of(found, cell):
    (one,) = (one for one in found["cells"] if one["network"] == cell.network)
    return one


def test_a_run_that_is_half_done(three, tmp_path):
    spec = stage_spec(three, TRAINED, "baseline", "warm_up")
    checkpoint = tmp_path / paths.checkpoint(TRAINED, "baseline", "warm_up")
    facts = {"epochs_done": 3.5, "valid_MAP_all": 0.25, "images_per_second": 80.0}
    Heartbeat(checkpoint, spec).beat(**facts, seconds_an_epoch=10.0)
    last = own_stages(three, FAILED, "baseline")[-1]
    log = failed(tmp_path / paths.train_log(FAILED, "baseline", last), "the loss is nan")
    data_log = failed(tmp_path / paths.dataset_log("fetch", "FashionAI"), "not there")
    with alone(checkpoint, "training"):
        found = record(tmp_path, three, "running")
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert [Cell(*list(one.values())[:4]) for one in found["cells"]] == cells(three)
    training = of(found, TRAINED)
    left = training.pop("seconds_left")
    assert left > 47 * 10.0
    assert training == {
        "dataset": "FashionAI",
        "network": "ASENv2",
        "labeled_percent": 10,
        "seed": 0,
        "state": "training",
        "method": "baseline",
        "stage": "warm_up",
        "stages_done": 0,
        "stages": 6,
        "epochs_done": 3,
        "epochs": 50,
        "valid_MAP_all": 0.25,
        "images_per_second": 80.0,
        "error": None,
        "log": None,
        "note": None,
    }
    assert [of(found, FAILED)[key] for key in ("state", "error", "log", "seconds_left")] == [
        *("failed", "the loss is nan", log, None)
    ]
    assert of(found, WAITING)["state"] == "waiting"
    written = datetime.fromisoformat(found.pop("written"))
    assert timedelta() <= datetime.now(UTC) - written < timedelta(minutes=1)
    del found["cells"]
    assert found == {
        "schema_version": SCHEMA_VERSION,
        "run": "paper",
        "folder": str(tmp_path),
        "workflow": "running",
        "totals": {
            "cells": 3,
            "done": 0,
            "training": 1,
            "stopped": 0,
            "failed": 1,
            "waiting": 1,
            "seconds_left": left,
            "unknown_pace": 2,
        },
        "failed_data_jobs": [{"log": data_log, "error": "not there"}],
    }


def test_what_follows_the_last_stage_has_no_epochs(three, tmp_path):
    scored(tmp_path, three, FAILED)
    assert of(record(tmp_path, three), FAILED)["state"] == "done"
    (tmp_path / paths.scores(FAILED, "modc")).unlink()
    log = failed(tmp_path / paths.score_log(FAILED, "modc"), "disk full")
    found = of(record(tmp_path, three), FAILED)
    keys = ("method", "stage", "epochs_done", "epochs", "error", "log")
    assert [found[key] for key in keys] == ["modc", "score", None, None, "disk full", log]
    assert found["stages_done"] == found["stages"] > 1 and found["seconds_left"] is None


def test_the_time_left_is_null_where_no_pace_is_known_and_zero_at_the_end(three, tmp_path):
    assert record(tmp_path, three)["totals"]["seconds_left"] is None
    for cell in cells(three):
        scored(tmp_path, three, cell)
    assert record(tmp_path, three)["totals"]["seconds_left"] == 0.0
    (tmp_path / paths.scores(FAILED, "modc")).unlink()  # training is over, scoring goes on
    assert record(tmp_path, three)["totals"]["seconds_left"] is None


def test_data_that_failed_are_past_once_no_cell_waits(three, tmp_path):
    failed(tmp_path / paths.dataset_log("fetch", "FashionAI"), "not there")
    for cell in cells(three):
        assert len(record(tmp_path, three)["failed_data_jobs"]) == 1
        scored(tmp_path, three, cell)
    assert record(tmp_path, three)["failed_data_jobs"] == []


@pytest.mark.parametrize("end", ["succeeded", "failed"])
def test_the_file_is_whole_at_any_time_and_final_at_the_end(three, tmp_path, end):
    path = tmp_path / paths.STATUS
    one = merge(three, {"grid": {"networks": ["ASENv2"]}})
    status = StatusFile(tmp_path, one, seconds=0)
    versions = set()
    while len(versions) < 10:
        if path.exists():
            versions.add(path.stat().st_ino)
            assert json.loads(path.read_text())["workflow"] == "running"
    status.close(end)
    assert json.loads(path.read_text())["workflow"] == workflow_state(tmp_path) == end
    assert not status._thread.is_alive()
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_stops_nothing_and_is_named_once(three, tmp_path, caplog):
    folder = tmp_path / "run"
    folder.touch()
    StatusFile(folder, three, seconds=0.01).close("failed")
    assert [line.levelname for line in caplog.records] == ["WARNING"]
    assert str(folder / paths.STATUS) in caplog.text


@pytest.mark.parametrize(
    ("content", "state"),
    [
        ({"workflow": "running", "written": -STALE_SECONDS / 2}, "running"),
        ({"workflow": "running", "written": -2 * STALE_SECONDS}, "stopped"),
        ({"workflow": "failed", "written": -2 * STALE_SECONDS}, "failed"),
        ({"workflow": "running"}, None),
        ({"workflow": ["running"]}, None),
        ([], None),
    ],
)
def test_a_file_that_is_old_is_of_a_workflow_that_was_killed(tmp_path, content, state):
    if "written" in content:
        written = datetime.now(UTC) + timedelta(seconds=content["written"])
        content = content | {"written": written.isoformat(timespec="seconds")}
    (tmp_path / paths.STATUS).write_text(json.dumps(content))
    assert workflow_state(tmp_path) == state


@pytest.mark.parametrize(
    ("holder", "is_held", "state"),
    [
        (f"process 7 of {HOST}\n", True, "running"),
        (f"process 7 of {HOST}\n", False, "stopped"),
        ("process 7 of another\n", False, "running"),
        ("", False, "running"),
    ],
)
def test_a_free_lock_of_this_machine_is_of_a_workflow_that_was_killed(
    tmp_path, holder, is_held, state
):
    run = tmp_path / "run"
    run.mkdir()
    written = datetime.now(UTC).isoformat()
    (run / paths.STATUS).write_text(json.dumps({"workflow": "running", "written": written}))
    paths.lock(run).write_text(holder)
    held = take(paths.lock(run)) if is_held else None
    assert workflow_state(run) == state
    if held is not None:
        os.close(held)


def test_without_a_file_the_workflow_is_unknown(tmp_path):
    assert workflow_state(tmp_path) is None
