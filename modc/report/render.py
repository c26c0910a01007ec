"""The tables of a run, as files and on the terminal."""

from pathlib import Path

import pandas as pd

from modc.atomic import write_text
from modc.published import TABLES
from modc.report import html, latex
from modc.report.assumptions import markdown_ledger
from modc.report.claims import claims
from modc.report.claims_text import long_form, markdown_claims
from modc.report.failures import explained
from modc.report.files import other_datasets, table_files
from modc.report.layout import page
from modc.report.markdown import markdown, plain
from modc.report.results import Result, collect
from modc.report.stages import markdown_stages, stages
from modc.report.tables import attribute_table, paper_table
from modc.report.trainings import Trainings


def render_all(run_folder: Path, config: dict, output_folder: Path) -> list[Path]:
    """Write every table of `table_files` and return the paths.

    Tables 1 to 5 and that of each dataset that the paper does not have, as Markdown, LaTeX (for
    \\input, and as a document), CSV and HTML. CSV has fractions in long form, the others percent.
    What a run does not have stands there with its reason; a run that has nothing renders too.
    Beside them the paper's claims checked, how each training went, and the assumptions.
    """
    results = _results(run_folder, config)
    frames = all_frames(results, config)
    texts = _notes(results, frames, config)
    for name, frame in frames.items():
        texts |= _rendered(frame, name, config)
    paths = [Path(output_folder) / file for file in table_files(config)]
    for path in paths:
        write_text(path, texts[path.name])
    return paths


def all_frames(results: list[Result], config: dict) -> dict[int | str, pd.DataFrame]:
    """Return the long form of each table, by its number or the name of another dataset."""
    return {name: _frame(name, results, config) for name in (*TABLES, *other_datasets(config))}


def most_seeds(frames: dict[int | str, pd.DataFrame]) -> int:
    """Return the most seeds that a number of ours is the mean of."""
    return max((int(frame["seeds"].max()) for frame in frames.values() if len(frame)), default=0)


def terminal(run_folder: Path, config: dict, table: int | str) -> str:
    """Return a table, 1 to 5 or a dataset that the paper does not have, as plain text."""
    frame = _frame(table, _results(run_folder, config), config)
    return plain(page(frame, _title(table), config))


def _results(run_folder: Path, config: dict) -> list[Result]:
    """Return the results, those that are absent with the reason that the logs give."""
    return explained(run_folder, config, collect(run_folder, config))[0]


def _notes(results: list[Result], frames: dict, config: dict) -> dict[str, str]:
    checked = claims(frames, config, Trainings(results, config).difference)
    trained = stages(results)
    return {
        "claims.md": markdown_claims(checked, most_seeds(frames)),
        "claims.csv": long_form(checked).to_csv(index=False),
        "stages.md": markdown_stages(trained),
        "stages.csv": trained.to_csv(index=False),
        "assumptions.md": markdown_ledger(config),
    }


def _rendered(frame: pd.DataFrame, name: int | str, config: dict) -> dict[str, str]:
    """Return the texts of a table's files by their names."""
    laid_out, stem = page(frame, _title(name), config), _stem(name)
    return {
        f"{stem}.md": markdown(laid_out),
        f"{stem}.tex": latex.fragment(laid_out, stem),
        f"{stem}-standalone.tex": latex.standalone(laid_out, stem),
        f"{stem}.csv": frame.to_csv(index=False),
        f"{stem}.html": html.standalone(laid_out),
    }


def _frame(name: int | str, results: list[Result], config: dict) -> pd.DataFrame:
    make = paper_table if name in TABLES else attribute_table
    return make(name, results, config)


def _stem(name: int | str) -> str:
    return f"table{name}" if name in TABLES else str(name)


def _title(name: int | str) -> str:
    return f"Table {name}" if name in TABLES else str(name)
