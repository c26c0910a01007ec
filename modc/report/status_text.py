"""The status of a run as text: one row per cell, what failed, and a summary."""

from pathlib import Path

from tabulate import tabulate

from modc.readable import duration
from modc.report.status import (
    DONE,
    FAILED,
    SCORE,
    STATES,
    TRAINING,
    CellStatus,
    StageStatus,
    seconds_left,
)

HEADERS = ("dataset", "network", "labels", "seed", "state", "stage", "epoch", "MAP@all", "images/s")


def status_text(
    statuses: list[CellStatus], data_failures: dict[Path, str], run_folder: Path
) -> str:
    """Return the table of all cells, a line for each failure, and a summary line."""
    rows = [_row(status) for status in statuses]
    table = tabulate(
        rows,
        [*HEADERS, "left"],
        disable_numparse=True,
        colalign=("left", "left", "right", "right", "left", "left", *["right"] * 4),
    )
    failures = [
        f"FAILED {_name(status)} {status.at.stage}: {status.at.note}"
        for status in statuses
        if status.state == FAILED
    ]
    if any(not status.has_begun for status in statuses):
        failures += [f"FAILED ({log}): {error}" for log, error in data_failures.items()]
    notes = {status.at.note for status in statuses if status.state != FAILED} - {""}
    waiting = [f"* {note}" for note in sorted(notes)]
    if not run_folder.is_dir():
        waiting.append(f"This run has not started: {run_folder} does not exist yet.")
    parts = [f"{run_folder}", table, *failures, *waiting, _summary(statuses)]
    return "\n".join(parts)


def _row(status: CellStatus) -> list[str]:
    cell, at = status.cell, status.at
    mark = " *" if at.note and status.state != FAILED else ""
    return [
        cell.dataset,
        cell.network,
        f"{cell.labeled_percent} %",
        str(cell.seed),
        status.state + mark,
        _stage(status),
        _epoch(at, status.state),
        "" if at.score is None else f"{100 * at.score:.2f}",
        f"{at.rate:,.0f}" if at.rate and status.state == TRAINING else "",
        _left(status),
    ]


def _stage(status: CellStatus) -> str:
    if status.state == DONE:
        return ""
    if status.at.stage == SCORE:
        return SCORE
    return f"{status.at.stage} ({status.stages_done} of {len(status.stages)} done)"


def _epoch(at: StageStatus, state: str) -> str:
    return "" if state == DONE or at.stage == SCORE else f"{at.epoch} of {at.epochs}"


def _left(status: CellStatus) -> str:
    if status.state == DONE or status.at.stage == SCORE:
        return ""
    return "?" if status.left is None else duration(status.left)


def _summary(statuses: list[CellStatus]) -> str:
    counts = {state: sum(status.state == state for status in statuses) for state in STATES}
    said = [f"{counts[DONE]} of {len(statuses)} cells done"]
    said += [f"{count} {state}" for state, count in counts.items() if state != DONE and count]
    text = ", ".join(said)
    if counts[DONE] == len(statuses):
        return text
    unknown = sum(status.left is None for status in statuses)
    seconds, at_once = seconds_left(statuses)
    if seconds is None:
        return text + ("; time left unknown" if unknown else "")
    text += (
        f"; about {duration(seconds)} of training left with {at_once} in parallel, computed from "
        f"measured images/s and the maximum of epochs"
    )
    return text + (f"; {unknown} of unknown speed not counted" if unknown else "")


def _name(status: CellStatus) -> str:
    cell = status.cell
    return f"{cell.dataset} {cell.network} {cell.labeled_percent} % seed {cell.seed}"
