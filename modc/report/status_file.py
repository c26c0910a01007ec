"""The status of a run for programs: `modc status --json`, and results/<run>/status.json.

The workflow's own process keeps the file up to date. It holds the lock of the run, so there is one
writer; and a kill ends both, so an old file means that the workflow is gone.
"""

import logging
import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from modc import paths
from modc.atomic import HOST, write_json
from modc.grid import own_stages
from modc.lock import is_held
from modc.report.status import (
    DONE,
    FAILED,
    SCORE,
    STATES,
    STOPPED,
    CellStatus,
    data_failures,
    run_status,
    seconds_left,
)
from modc.training.heartbeat import read

log = logging.getLogger(__name__)

# Rises when a key changes its meaning or goes.
SCHEMA_VERSION = 1
# Of the workflow, beside FAILED and STOPPED.
RUNNING, SUCCEEDED = "running", "succeeded"
REFRESH_SECONDS = 30.0
# After which a workflow that said it was running must be gone, even where the disk is slow.
STALE_SECONDS = 300.0


def status_record(
    run_folder: Path, config: dict, statuses: list[CellStatus], workflow: str | None
) -> dict:
    """Return the status of a run as JSON has it, described in docs/running.md.

    workflow: RUNNING, SUCCEEDED, FAILED, STOPPED, or None if there was none.
    """
    # Without a cell that waits for them they are past.
    is_waited_for = any(not status.has_begun for status in statuses)
    failures = data_failures(run_folder, config) if is_waited_for else {}
    counts = Counter(status.state for status in statuses)
    seconds, _ = seconds_left(statuses)
    return {
        "schema_version": SCHEMA_VERSION,
        "run": config["run"],
        "folder": str(run_folder),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "workflow": workflow,
        "totals": {
            "cells": len(statuses),
            **{state: counts[state] for state in STATES},
            "seconds_left": None if seconds is None else round(seconds, 1),
            "unknown_pace": sum(status.left is None for status in statuses),
        },
        "failed_data_jobs": [
            {"log": str(path), "error": error} for path, error in failures.items()
        ],
        "cells": [_cell(run_folder, config, status) for status in statuses],
    }


def _cell(run_folder: Path, config: dict, status: CellStatus) -> dict:
    cell, at = status.cell, status.at
    has_epochs = at.stage != SCORE
    has_failed = status.state == FAILED
    is_unknown = status.left is None or (at.stage == SCORE and status.state != DONE)
    return {
        "dataset": cell.dataset,
        "network": cell.network,
        "labeled_percent": cell.labeled_percent,
        "seed": cell.seed,
        "state": status.state,
        "method": at.method,
        "stage": at.stage,
        "stages_done": status.stages_done,
        "stages": len(status.stages),
        "epochs_done": at.epoch if has_epochs else None,
        "epochs": at.epochs if has_epochs else None,
        "valid_MAP_all": at.score,
        "images_per_second": None if status.state == DONE else at.rate,
        "seconds_left": None if is_unknown else round(status.left, 1),
        "error": at.note if has_failed else None,
        "log": str(_log(run_folder, config, status)) if has_failed else None,
        "note": None if has_failed else at.note or None,
    }


def _log(run_folder: Path, config: dict, status: CellStatus) -> Path:
    """Return the log of the job that a cell is at."""
    cell, at = status.cell, status.at
    if at.stage == SCORE:
        return run_folder / paths.score_log(cell, at.method)
    return run_folder / paths.train_log(cell, at.method, own_stages(config, cell, at.method)[-1])


def workflow_state(run_folder: Path) -> str | None:
    """Return how the workflow is by the run's status file, None if that says nothing.

    STOPPED: it was running, and the run's lock of a process of this machine is free or the file was
    not refreshed for STALE_SECONDS.
    """
    record = read(run_folder / paths.STATUS) or {}
    state = record.get("workflow")
    if state != RUNNING:
        return state if state in (SUCCEEDED, FAILED) else None
    try:
        age = (datetime.now(UTC) - datetime.fromisoformat(record["written"])).total_seconds()
    except (KeyError, TypeError, ValueError):
        return None
    is_over = age >= STALE_SECONDS or _is_released(paths.lock(run_folder))
    return STOPPED if is_over else RUNNING


def _is_released(lock: Path) -> bool:
    """Return whether a process of this machine had a run's lock, and no process has it now."""
    try:
        holder = lock.read_bytes()[:1000].decode(errors="replace")
    except OSError:
        return False
    return holder.endswith(f" of {HOST}\n") and not is_held(lock.with_suffix(""))


class StatusFile:
    """The status file of a run, refreshed by a thread of this process until `close`."""

    def __init__(self, run_folder: Path, config: dict, seconds: float = REFRESH_SECONDS):
        self._run_folder, self._config, self._seconds = run_folder, config, seconds
        self._warned = False
        self._is_over = threading.Event()
        # A daemon: an end of the process that leaves out `close` must not wait for it.
        self._thread = threading.Thread(target=self._refresh, daemon=True)
        self._thread.start()

    def close(self, workflow: str) -> None:
        """Write the file for the last time, with how the workflow ended: SUCCEEDED or FAILED."""
        self._is_over.set()
        self._thread.join()
        self._write(workflow)

    def _refresh(self) -> None:
        while not self._is_over.is_set():
            self._write(RUNNING)
            self._is_over.wait(self._seconds)

    def _write(self, workflow: str) -> None:
        path = self._run_folder / paths.STATUS
        try:
            statuses = run_status(self._run_folder, self._config)
            write_json(path, status_record(self._run_folder, self._config, statuses, workflow))
        # Whatever it is, it is no reason to stop a run.
        except Exception as error:
            if not self._warned:
                log.warning("%s: %s", path, error)
            self._warned = True
