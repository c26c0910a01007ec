"""Why a number is missing: the error or last line in its jobs' logs, and the training progress."""

from dataclasses import replace
from pathlib import Path

from modc import paths
from modc.cell import Cell
from modc.grid import chain, own_stages
from modc.report.job_logs import error_of, last_line
from modc.report.results import NOT_RUN, Result
from modc.report.status import DONE, StageStatus, stage_statuses

FAILED, NOT_FINISHED = "failed", "not finished"
LONGEST = 400


def explained(
    run_folder: Path, config: dict, results: list[Result]
) -> tuple[list[Result], dict[tuple[Cell, str], dict]]:
    """Return the results, and what is known about missing scores, by cell and method.

    The status "not run" is replaced by the short reason of `why_missing`, such as "failed in
    warm_up". What is known: the entries of `why_missing`, and progress, how far the training got,
    or "".
    """
    run_folder = Path(run_folder)
    statuses: dict[Cell, tuple[StageStatus, ...]] = {}
    found, known = [], {}
    for result in results:
        why = {"status": result.status, "text": result.status, "said": "", "progress": ""}
        why["log"] = str(paths.scores(result.cell, result.method))
        if result.status == NOT_RUN:
            why |= why_missing(run_folder, config, result.cell, result.method)
            if result.cell not in statuses:
                statuses[result.cell] = stage_statuses(run_folder, config, result.cell)
            why["progress"] = _progress(config, result, statuses[result.cell])
        if result.status:
            known[result.cell, result.method] = why
        found.append(replace(result, status=why["status"]))
    return found, known


def why_missing(run_folder: Path, config: dict, cell: Cell, method: str) -> dict:
    """Return what is known about missing scores: status, text, log, said.

    text: the first of the cell's jobs that failed, with its error; else the last one that started,
    and said is its last line; else the job of the data that failed; else "not run", and log, a file
    inside the run's folder, is "". status: the text without the job's own words.
    """
    run_folder = Path(run_folder)
    own = _there(_jobs(config, cell, method), run_folder)
    data = [] if own else _there(_data_jobs(cell), run_folder)
    for job, log in [*own, *data]:
        error = error_of(log)
        if error:
            status = f"{FAILED} in {job}"
            return _found(status, f"{status}: {_short(error)}", log, run_folder)
    if own:
        job, log = own[-1]
        text = f"{NOT_FINISHED}: {job} started"
        return _found(NOT_FINISHED, text, log, run_folder, _short(last_line(log)))
    return {"status": NOT_RUN, "text": NOT_RUN, "log": "", "said": ""}


def _found(status: str, text: str, log: Path, run_folder: Path, said: str = "") -> dict:
    return {"status": status, "text": text, "log": str(log.relative_to(run_folder)), "said": said}


def _progress(config: dict, result: Result, stages: tuple[StageStatus, ...]) -> str:
    """Return how far the first unfinished stage got, from its heartbeat; or ""."""
    names = chain(config, result.cell, result.method)
    own = [s for s in stages if (s.method, s.stage) in names and s.state != DONE]
    if not own or not own[0].epoch:
        return ""
    at = own[0]
    score = "" if at.score is None else f", validation MAP@all {100 * at.score:.2f}"
    return f"{at.stage}: {at.epoch} of {at.epochs} epochs done{score}"


def _jobs(config: dict, cell: Cell, method: str) -> list[tuple[str, Path]]:
    """Return the cell's jobs that lead to a method's scores, in order, with their logs."""
    trainers = dict.fromkeys(trainer for trainer, _ in chain(config, cell, method))
    lasts = {trainer: own_stages(config, cell, trainer)[-1] for trainer in trainers}
    logs = [(last, paths.train_log(cell, trainer, last)) for trainer, last in lasts.items()]
    return [*logs, (f"score of {method}", paths.score_log(cell, method))]


def _data_jobs(cell: Cell) -> list[tuple[str, Path]]:
    """Return the jobs of the cell's data with their logs; a log's name may be a pattern."""
    name = cell.dataset
    jobs = [(job, paths.dataset_log(job, name)) for job in ("fetch", "index", "pack")]
    subset = paths.subset_log(name, "*", "*", "*", cell.labeled_percent)
    return [("fetch", paths.dataset_log("fetch", name, "listing")), *jobs, ("subset", subset)]


def _there(jobs: list[tuple[str, Path]], run_folder: Path) -> list[tuple[str, Path]]:
    """Return the jobs whose logs exist."""
    return [(job, path) for job, log in jobs for path in sorted(run_folder.glob(str(log)))]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
