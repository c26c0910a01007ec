"""What a run shows, its tables, page and figures, made again and compared with what is there."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from modc import paths
from modc.report import ablation, render
from modc.report.figures.render import numbers_of_scores
from modc.report.files import ABLATION_FILES, table_files
from modc.report.page.content import page_data
from modc.report.page.page import html
from modc.report.printed import tables_summary, without_paths
from modc.report.rendered import MODULES, Rendered, code, noted
from modc.runs.checked import (
    AS_WRITTEN,
    CHANGED,
    MISSING,
    NOT_COMPARED,
    NOT_RENDERED,
    OTHER_LAYOUT,
    UNCHANGED,
    Checked,
)
from modc.runs.differences import of_files, of_other_layouts
from modc.runs.origin import Origin, compare

ALTERED = "altered since it was written"


def check_rendered(run: Path, config: dict) -> list[Checked]:
    """Return the state of each file that `modc tables`, `ablation`, `report` and `figures` write.

    Tables, the ablation and the page are rendered from the run's scores, also what the workflow
    keeps in summary.txt of what `modc tables` and `ablation` print, and so are the numbers of
    the figures that need nothing else; the run is only read. What needs embeddings or pictures is
    not made again: where its hash was noted, it is looked whether the file is still the same. Of
    the ablation, the page and the figures nothing is said where a run has none.
    """
    return [
        *_tables(run, config),
        *_ablation(run, config),
        *_page(run, config),
        *_figures(run, config),
    ]


def rendered_by(run: Path) -> list[Origin]:
    """Return whether the code that rendered what the run shows is what is here now."""
    found = {what: noted(run, what) for what in MODULES}
    names = {
        "tables": paths.TABLES,
        "figures": paths.FIGURES,
        "report": paths.REPORT,
        "ablation": f"{paths.ABLATION}/ablation.csv",
    }
    return [
        compare(f"code of {names[what]}", own and own.code, code(what))
        for what, own in found.items()
        if own or (run / names[what]).exists()
    ]


def unchecked(run: Path, checked: Iterable[Checked]) -> list[str]:
    """Return what the run shows and nobody can check: coverage/, figures not noted, other files."""
    names = {check.name for check in checked}
    tables = (f"{paths.TABLES}/{path.name}" for path in sorted((run / paths.TABLES).glob("[!.]*")))
    tables = [name for name in tables if name not in names]
    own = (f"{paths.FIGURES}/{path.name}" for path in sorted((run / paths.FIGURES).glob("[!.]*")))
    figures = [name for name in own if name not in names]
    if figures and noted(run, "figures") is None:
        figures = [f"{len(figures)} files in {paths.FIGURES}/, whose hashes were not noted"]
    return [*([f"{paths.COVERAGE}/"] if (run / paths.COVERAGE).is_dir() else []), *tables, *figures]


def _tables(run: Path, config: dict) -> list[Checked]:
    note = noted(run, "tables")
    with TemporaryDirectory(prefix="modc-") as name:
        render.render_all(run, config, Path(name))
        return [
            _compare(f"{paths.TABLES}/{file}", run, Path(name, file).read_bytes(), note, "tables")
            for file in table_files(config)
        ] + _summary("tables", run, tables_summary(run, config), note)


def _ablation(run: Path, config: dict) -> list[Checked]:
    note = noted(run, "ablation")
    if note is None and not any((run / paths.ABLATION / file).exists() for file in ABLATION_FILES):
        return []
    with TemporaryDirectory(prefix="modc-") as name:
        _, text = ablation.render(run, config, Path(name))
        return [
            _compare(
                f"{paths.ABLATION}/{file}", run, Path(name, file).read_bytes(), note, "ablation"
            )
            for file in ABLATION_FILES
        ] + _summary("ablation", run, f"{text}\n", note)


def _summary(what: str, run: Path, now: str, note: Rendered | None) -> list[Checked]:
    """Compare what the workflow keeps of the printed tables; commands typed by hand keep none."""
    name = f"{what}/{paths.SUMMARY}"
    stored = _read(name, run, note)
    if isinstance(stored, Checked):
        return [stored] if stored.state == CHANGED else []
    return [_compared(name, without_paths(stored), now.encode(errors="replace"), note, what)]


def _page(run: Path, config: dict) -> list[Checked]:
    note = noted(run, "report")
    if note is None and not (run / paths.REPORT).exists():
        return []
    now = html(page_data(run, config)).encode(errors="replace")
    return [_compare(paths.REPORT, run, now, note, "report")]


def _figures(run: Path, config: dict) -> list[Checked]:
    note = noted(run, "figures")
    if note is None and not (run / paths.FIGURES).is_dir():
        return []
    numbers = {f"{paths.FIGURES}/{f}": text for f, text in numbers_of_scores(run, config).items()}
    found = [_compare(f, run, text.encode(), note, "figures") for f, text in numbers.items()]
    rest = [file for file in (note.files if note else []) if file not in numbers]
    return found + [_as_written(file, run, note) for file in rest]


def _compare(name: str, run: Path, now: bytes, note: Rendered | None, what: str) -> Checked:
    stored = _read(name, run, note)
    return stored if isinstance(stored, Checked) else _compared(name, stored, now, note, what)


def _compared(name: str, stored: bytes, now: bytes, note: Rendered | None, what: str) -> Checked:
    """Compare a file with what it is when rendered now.

    Each difference counts, unless the file is as another version of the code wrote it. Then a table
    may be laid out in another way, and no page can be compared.
    """
    kind = Path(name).suffix
    details = [found.told("stored", "now") for found in of_files(stored, now, kind)]
    if not details:
        return Checked(name, UNCHANGED)
    if note is None or note.code == code(what):
        return Checked(name, CHANGED, details)
    # Older versions did not note summaries: of these no more than the numbers can be compared.
    is_noted = name in note.files or Path(name).name != paths.SUMMARY
    if is_noted and not note.is_as_written(name, stored):
        return Checked(name, CHANGED, [ALTERED, *details])
    if what == "report":
        return Checked(name, NOT_COMPARED, ["other code rendered it"])
    counting = [found.told("stored", "now") for found in of_other_layouts(stored, now, kind)]
    if counting:
        return Checked(name, CHANGED, counting)
    said = details[0] if kind == ".csv" else "the same numbers; words not compared"
    return Checked(name, OTHER_LAYOUT, [said])


def _as_written(name: str, run: Path, note: Rendered) -> Checked:
    stored = _read(name, run, note)
    if isinstance(stored, Checked):
        return stored
    if note.is_as_written(name, stored):
        return Checked(name, AS_WRITTEN)
    return Checked(name, CHANGED, [ALTERED])


def _read(name: str, run: Path, note: Rendered | None) -> bytes | Checked:
    """Return a file's content, or what to say without it: was it ever written?"""
    try:
        return (run / name).read_bytes()
    except FileNotFoundError:
        is_due = name in note.files if note else (run / name).parent.is_dir()
        return Checked(name, MISSING if is_due else NOT_RENDERED)
    except OSError as error:
        return Checked(name, CHANGED, [f"cannot be read: {error.strerror}"])
