"""Why a number is not there: what the logs of its jobs say last."""

from pathlib import Path

from modc.grid import Cell, last_stage, stages
from modc.report.job_logs import error_of, last_line
from modc.report.results import NOT_RUN

LONGEST = 400


def why_missing(run_folder: Path, config: dict, cell: Cell, method: str) -> dict:
    """Return what is known about scores that are not there: text, log (inside the run's), said.

    text: which of the cell's jobs failed first, and how; else which one began last, and said is its
    last line; else which job of the data failed; else "not run", and log is "".
    """
    run_folder = Path(run_folder)
    own = _there(_jobs(config, cell, method), run_folder)
    data = [] if own else _there(_data_jobs(cell), run_folder)
    for job, log in [*own, *data]:
        error = error_of(log)
        if error:
            return _found(f"failed in {job}: {_short(error)}", log, run_folder)
    if own:
        job, log = own[-1]
        return _found(f"not finished: {job} began", log, run_folder, _short(last_line(log)))
    return {"text": NOT_RUN, "log": "", "said": ""}


def _found(text: str, log: Path, run_folder: Path, said: str = "") -> dict:
    return {"text": text, "log": str(log.relative_to(run_folder)), "said": said}


def _jobs(config: dict, cell: Cell, method: str) -> list[tuple[str, str]]:
    """Return the cell's own jobs that lead to the scores of a method, in order, and their logs."""
    name = f"{cell.dataset}-{cell.network}-{cell.labeled_percent}-{cell.seed}"
    warm_ups = [one for one in stages(config, cell, method) if one.startswith("warm_up")]
    # One job trains MODC's stages in a row; its log has the name of the last.
    trained = dict.fromkeys([*warm_ups, last_stage(config, cell, method)])
    jobs = [(stage, f"{stage}/{name}.log") for stage in trained]
    return [*jobs, (f"score of {method}", f"score/{name}-{method}.log")]


def _data_jobs(cell: Cell) -> list[tuple[str, str]]:
    """Return the jobs of the cell's data, likewise; a log's name may be a pattern."""
    jobs = [(job, f"{job}/{cell.dataset}.log") for job in ("garments", "fetch", "index", "pack")]
    subset = f"subset/{cell.dataset}-*-{cell.labeled_percent}.log"
    return [("fetch", "fetch/splits.log"), *jobs, ("subset", subset)]


def _there(jobs: list[tuple[str, str]], run_folder: Path) -> list[tuple[str, Path]]:
    """Return the jobs whose logs are there."""
    return [(job, log) for job, name in jobs for log in sorted(run_folder.glob(f"logs/{name}"))]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
