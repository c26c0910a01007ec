"""The progress of each cell of a run, from what training leaves on disk.

No torch and no tables here, since `modc status` is run often and must start fast.
"""

import csv
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from modc import paths
from modc.atomic import HOST
from modc.cell import Cell
from modc.cost import cell_stages
from modc.grid import (
    cells,
    chain,
    last_stage,
    methods,
    own_stages,
    settings_chain,
    stage_spec,
)
from modc.lock import is_held
from modc.report.job_logs import error_of
from modc.schedule import makespan
from modc.stage import StageSpec
from modc.training.heartbeat import origin, read

DONE, TRAINING, STOPPED, FAILED, WAITING = "done", "training", "stopped", "failed", "waiting"
STATES = (DONE, TRAINING, STOPPED, FAILED, WAITING)
# Why a stage that was trained counts as not done.
OUTDATED = "trained with settings or code that have changed since"
# Of a cell that is done nevertheless, such as a merged one.
NOT_HERE = "scored; its model is not in this folder"
# The step after the last stage of a method.
SCORE = "score"
# A lock held by another machine may be invisible here; its heartbeat is not: every ten seconds, and
# after each validation.
FRESH_SECONDS = 900


@dataclass(frozen=True)
class StageStatus:
    """One stage: its state, and its progress as far as known.

    method: which trains it; epoch: number of finished epochs; epochs: the maximum; score:
    validation MAP@all of the last one, a fraction; rate (images per second) and seconds_an_epoch:
    of the last process; note: why it failed, or why it counts as waiting.
    """

    method: str
    stage: str
    state: str
    epochs: int
    epoch: int = 0
    score: float | None = None
    rate: float | None = None
    seconds_an_epoch: float | None = None
    note: str = ""


@dataclass(frozen=True)
class CellStatus:
    """One cell: its state, its current stage, all its stages, and the seconds of training left.

    left counts every stage with its maximum of epochs; it is None while the speed of a remaining
    stage is unknown.
    """

    cell: Cell
    state: str
    at: StageStatus
    stages: tuple[StageStatus, ...]
    left: float | None = None

    @property
    def stages_done(self) -> int:
        """How many of its stages are done, in whichever order."""
        return sum(stage.state == DONE for stage in self.stages)

    @property
    def has_begun(self) -> bool:
        """Whether a stage was begun, for which the cell's dataset must have been ready."""
        return self.state != WAITING or self.stages_done > 0


def run_status(run_folder: Path, config: dict) -> list[CellStatus]:
    """Return the status of each cell, in the grid's order; a cell without files is waiting."""
    run_folder = Path(run_folder)
    found = {cell: stage_statuses(run_folder, config, cell) for cell in cells(config)}
    rates = _rates(found)
    return [
        _cell_status(run_folder, config, cell, statuses, rates) for cell, statuses in found.items()
    ]


def data_failures(run_folder: Path, config: dict) -> dict[Path, str]:
    """Return, by log, the errors of the jobs that prepare the grid's datasets."""
    grid = config["grid"]["datasets"]
    jobs = (("fetch", ""), ("fetch", "listing"), ("index", ""), ("pack", ""))
    logs = (paths.dataset_log(job, name, part) for job, part in jobs for name in grid)
    found = {path: error_of(path) for path in (Path(run_folder) / log for log in logs)}
    return {path: error for path, error in found.items() if error}


def seconds_left(statuses: Iterable[CellStatus]) -> tuple[float | None, int]:
    """Return about how many seconds the cells of known pace train, and with how many at once.

    As many as are training now. The time is None while cells are left of which none has a known
    pace, as while the last ones are scored.
    """
    statuses = list(statuses)
    at_once = max(1, sum(status.state == TRAINING for status in statuses))
    known = [[status.left] for status in statuses if status.left]
    if not known and any(status.state != DONE for status in statuses):
        return None, at_once
    return makespan(known, at_once), at_once


def stage_statuses(run_folder: Path, config: dict, cell: Cell) -> tuple[StageStatus, ...]:
    """Return the status of each stage of a cell; stages after one that is not done are waiting."""
    found: dict[tuple[str, str], StageStatus] = {}
    for method in methods(config):
        before: StageStatus | None = None
        for one in chain(config, cell, method):
            if one not in found:
                spec = stage_spec(config, cell, *one)
                last = own_stages(config, cell, one[0])[-1]
                found[one] = _stage(run_folder, spec, last, before)
            before = found[one]
    statuses = tuple(found[one] for one in cell_stages(config, cell))
    if _is_without_model(run_folder, cell, statuses) and _is_scored(run_folder, config, cell):
        return _without_model(run_folder, config, cell, statuses)
    return statuses


def _is_without_model(run_folder: Path, cell: Cell, statuses: Iterable[StageStatus]) -> bool:
    """Return whether a missing model is all that keeps a cell from being done."""
    at = next((status for status in statuses if status.state != DONE), None)
    if at is None or at.note or any(s.state not in (DONE, WAITING) for s in statuses):
        return False
    return not _exists(run_folder / paths.stage_folder(cell, at.method, at.stage) / paths.MODEL)


def _is_scored(run_folder: Path, config: dict, cell: Cell) -> bool:
    """Return whether all methods have scores, with the present settings as far as they say."""
    for method in methods(config):
        scores = read(run_folder / paths.scores(cell, method))
        now = settings_chain(config, cell, method, last_stage(config, cell, method))
        if scores is None or scores.get("settings_chain", now) != now:
            return False
    return True


def _without_model(
    run_folder: Path, config: dict, cell: Cell, statuses: tuple[StageStatus, ...]
) -> tuple[StageStatus, ...]:
    """Return all stages as done, from their curves; those that were not get the note NOT_HERE."""
    return tuple(
        status
        if status.state == DONE
        else replace(
            _done(
                stage_spec(config, cell, status.method, status.stage),
                {},
                run_folder / paths.stage_folder(cell, status.method, status.stage) / paths.CURVE,
            ),
            note=NOT_HERE,
        )
        for status in statuses
    )


def _stage(run_folder: Path, spec: StageSpec, last: str, before: StageStatus | None) -> StageStatus:
    """Return the status of a stage; last: the final stage of its job."""
    cell, place = spec.cell, (spec.cell, spec.method, spec.stage)
    folder = run_folder / paths.stage_folder(*place)
    checkpoint = run_folder / paths.checkpoint(*place)
    beat = read(paths.heartbeat(checkpoint)) or {}
    is_ours = all(beat.get(key) == value for key, value in origin(spec).items())
    if is_held(checkpoint) or _is_elsewhere(beat):
        # Without a heartbeat of its own process it has not begun: it waits for a GPU or starts up.
        return _under_way(spec, TRAINING, beat if is_ours else {})
    if before is not None and before.state != DONE:
        return _waiting(spec)
    if _exists(folder / paths.MODEL):
        if beat and not is_ours:
            return _waiting(spec, OUTDATED)
        # Without a heartbeat it is from an earlier version; otherwise the heartbeat must say done.
        if not beat or beat.get("done") is True:
            return _done(spec, beat, folder / paths.CURVE)
    log = run_folder / paths.train_log(cell, spec.method, last)
    error = error_of(log)
    is_older = False
    if before is not None:
        model = run_folder / paths.stage_folder(cell, before.method, before.stage) / paths.MODEL
        is_older = _age(log) > _age(model)
    if error and not is_older:
        return _under_way(spec, FAILED, beat if is_ours else {}, error)
    if is_ours and beat.get("done") is not True:
        return _under_way(spec, STOPPED, beat)
    return _waiting(spec)


def _waiting(spec: StageSpec, note: str = "") -> StageStatus:
    return StageStatus(spec.method, spec.stage, WAITING, spec.epochs, note=note)


def _under_way(spec: StageSpec, state: str, beat: dict, note: str = "") -> StageStatus:
    done = _number(beat.get("epochs_done")) or 0.0
    return StageStatus(
        spec.method,
        spec.stage,
        state,
        spec.epochs,
        int(done),
        _number(beat.get("valid_MAP_all")),
        _number(beat.get("images_per_second")),
        _number(beat.get("seconds_an_epoch")),
        note,
    )


def _done(spec: StageSpec, beat: dict, curve: Path) -> StageStatus:
    try:
        with curve.open(newline="", encoding="utf-8", errors="replace") as file:
            rows = list(csv.DictReader(file))
        epoch, score = int(rows[-1]["epoch"]), _number(float(rows[-1]["valid_MAP@all"]))
    except (OSError, csv.Error, IndexError, KeyError, TypeError, ValueError):
        epoch, score = int(_number(beat.get("epochs_done")) or 0), None
    seconds = _number(beat.get("seconds_an_epoch"))
    rate = _number(beat.get("images_per_second"))
    return StageStatus(spec.method, spec.stage, DONE, spec.epochs, epoch, score, rate, seconds)


def _cell_status(
    run_folder: Path,
    config: dict,
    cell: Cell,
    statuses: tuple[StageStatus, ...],
    rates: dict[tuple[str, str, str], float],
) -> CellStatus:
    left = 0.0
    for status in statuses:
        seconds = _left(config, cell, status, rates)
        left = None if left is None or seconds is None else left + seconds
    for state in (TRAINING, FAILED, STOPPED, WAITING):
        at = next((status for status in statuses if status.state == state), None)
        if at is not None:
            # A waiting stage is the next to run.
            return CellStatus(cell, state, at, statuses, left)
    last = statuses[-1]
    for method in methods(config):
        if not _exists(run_folder / paths.scores(cell, method)):
            error = error_of(run_folder / paths.score_log(cell, method))
            state = FAILED if error else WAITING
            at = StageStatus(method, SCORE, state, 0, score=last.score, note=error)
            return CellStatus(cell, state, at, statuses, left)
    return CellStatus(cell, DONE, last, statuses, left)


def _rates(found: dict[Cell, Iterable[StageStatus]]) -> dict[tuple[str, str, str], float]:
    """Return the mean images per second of each network, method and stage, as far as known."""
    seen = defaultdict(list)
    for cell, statuses in found.items():
        for status in statuses:
            if status.rate:
                seen[cell.network, status.method, status.stage].append(status.rate)
    return {key: sum(values) / len(values) for key, values in seen.items()}


def _left(
    config: dict, cell: Cell, status: StageStatus, rates: dict[tuple[str, str, str], float]
) -> float | None:
    """Return the seconds that a stage may still take, None if its speed is unknown.

    From its own speed, else that of the same stage elsewhere, else any of the same network.
    """
    if status.state == DONE:
        return 0.0
    epochs = max(0, status.epochs - status.epoch)
    if status.seconds_an_epoch:
        return epochs * status.seconds_an_epoch
    of_network = [rate for (network, *_), rate in rates.items() if network == cell.network]
    rate = rates.get((cell.network, status.method, status.stage)) or min(of_network, default=None)
    if not epochs:
        return 0.0
    if not rate:
        return None
    spec = stage_spec(config, cell, status.method, status.stage)
    return epochs * spec.images_an_epoch / rate


def _is_elsewhere(beat: dict) -> bool:
    """Return whether a heartbeat is from another machine and recent enough to be alive."""
    written = _number(beat.get("written"))
    if beat.get("done") is True or written is None or beat.get("host") == HOST:
        return False
    return time.time() - written < FRESH_SECONDS


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < 1e15 else None


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _age(path: Path) -> float:
    """Return the seconds since a file was written, infinite if there is none."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return float("inf")
