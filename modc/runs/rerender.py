"""The tables, page and figures of a run, rendered again and compared."""

import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from modc import paths
from modc.report.figures.render import numbers_of_scores
from modc.report.page import page
from modc.report.render import render_all
from modc.report.rendered import Rendered, code, noted
from modc.runs import compare
from modc.runs.rescore import CHANGED, MISSING, UNCHANGED, Check

# Not rendered again, but byte for byte as when it was written.
AS_WRITTEN = "as written"
# The file or folder that shows that a command was run.
SIGNS = {
    "tables": paths.TABLES,
    "figures": paths.FIGURES,
    "report": paths.REPORT,
    "ablation": f"{paths.ABLATION}/ablation.csv",
}


def notes(run: Path) -> dict[str, Rendered | None]:
    """Return the note of each command that was run, None if it is missing or unreadable."""
    found = {command: noted(run, command) for command in SIGNS}
    return {
        command: note
        for command, note in found.items()
        if note is not None or (run / SIGNS[command]).exists()
    }


def check_rendered(run: Path, config: dict) -> list[Check]:
    """Return the state of each rendered file; the run is only read.

    What needs only scores and curves is rendered again: tables, page, the figures' CSV files.
    Everything else is compared with its SHA-256 in rendered/: images, the ablation, and files
    written by other code, except CSV, where the values are compared.
    """
    checks = []
    for command, note in notes(run).items():
        again = _rendered(run, config, command)
        others = [file for file in (note.hashes if note else ()) if file not in again]
        is_other_code = note is not None and note.code != code(command)
        for file in [*again, *others]:
            is_compared = file.endswith(".csv") or not is_other_code
            checks.append(_check(run, file, again.get(file) if is_compared else None, note))
    return [_with_advice(run, one) for one in checks]


def _with_advice(run: Path, check: Check) -> Check:
    """Return the page's check with what to do where the page was rendered before the figures."""
    page_note, figures = noted(run, "report"), noted(run, "figures")
    if check.name != paths.REPORT or check.state != CHANGED or not (page_note and figures):
        return check
    if not page_note.written < figures.written:
        return check
    advice = f"{paths.REPORT} is older than {paths.FIGURES}/; run modc report"
    return replace(check, details=(advice, *check.details))


def unchecked(run: Path, checked: list[Check]) -> list[str]:
    """Return the files among tables, figures and coverage that cannot be checked."""
    names = {check.name for check in checked}
    shown = [
        f"{folder}/{path.name}"
        for folder in (paths.TABLES, paths.FIGURES)
        for path in sorted((run / folder).glob("[!.]*"))
    ]
    missing = [] if (run / paths.TABLES).is_dir() else [f"{paths.TABLES}/, not rendered"]
    coverage = [f"{paths.COVERAGE}/"] if (run / paths.COVERAGE).is_dir() else []
    return missing + coverage + [name for name in shown if name not in names]


def _check(run: Path, file: str, again: bytes | None, note: Rendered | None) -> Check:
    try:
        stored = (run / file).read_bytes()
    except OSError as error:
        state = MISSING if isinstance(error, FileNotFoundError) else CHANGED
        return Check(file, state, (str(error.strerror),))
    if again is None:
        is_same = note.is_as_written(file, stored)
        return Check(file, AS_WRITTEN) if is_same else Check(file, CHANGED, ("another SHA-256",))
    found = compare.files(stored, again, file.endswith(".csv"))
    details = tuple(one.between("stored", "rendered again") for one in found)
    return Check(file, CHANGED if details else UNCHANGED, details, is_rendered_again=True)


def _rendered(run: Path, config: dict, command: str) -> dict[str, bytes]:
    """Return, by path in the run's folder, each file that `command` makes from scores and curves.

    Renders in a temporary folder that links to the run's folders and has none of its files.
    """
    if command == "figures":
        made = numbers_of_scores(run, config)
        return {f"{paths.FIGURES}/{file}": text.encode() for file, text in made.items()}
    with TemporaryDirectory(prefix="modc-") as name:
        folder = Path(name)
        for own in run.iterdir():
            if own.is_dir() and own.name != paths.TABLES:
                (folder / own.name).symlink_to(own.resolve())
        if command == "tables":
            render_all(folder, config, folder)
        elif command == "report":
            page.render(folder, config)
        made = [Path(place, file) for place, _, files in os.walk(folder) for file in files]
        return {file.relative_to(folder).as_posix(): file.read_bytes() for file in made}
