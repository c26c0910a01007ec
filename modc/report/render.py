"""The tables of a run, as files and on the terminal."""

from pathlib import Path

import pandas as pd

from modc.atomic import write_text
from modc.report.assumptions import markdown_ledger
from modc.report.files import table_files
from modc.report.latex import latex
from modc.report.layout import page
from modc.report.markdown import markdown, plain
from modc.report.results import Result, collect
from modc.report.stages import markdown_stages, stages
from modc.report.tables import attribute_table, paper_table


def render_all(run_folder: Path, config: dict, output_folder: Path) -> list[Path]:
    """Write every table of `table_files` and return the paths.

    Tables 1 to 5 as Markdown, LaTeX and CSV, a dataset that the paper does not have as Markdown
    and CSV. Markdown and LaTeX show percent, CSV fractions in long form. What a run does not have
    stands there with its reason; a run that has nothing renders too. Beside them how each training
    went, and the assumptions.
    """
    results = collect(run_folder, config)
    paths = []
    for file in table_files(config):
        path = Path(output_folder) / file
        write_text(path, _render(path, results, config))
        paths.append(path)
    return paths


def terminal(run_folder: Path, config: dict, table: int | str) -> str:
    """Return a table, 1 to 5 or a dataset that the paper does not have, as plain text."""
    frame, name = _table(str(table), collect(run_folder, config), config)
    return plain(page(frame, name, config))


def _render(path: Path, results: list[Result], config: dict) -> str:
    if path.stem == "assumptions":
        return markdown_ledger(config)
    if path.stem == "stages":
        frame = stages(results)
        return frame.to_csv(index=False) if path.suffix == ".csv" else markdown_stages(frame)
    frame, name = _table(path.stem.removeprefix("table"), results, config)
    if path.suffix == ".csv":
        return frame.to_csv(index=False)
    return {".md": markdown, ".tex": latex}[path.suffix](page(frame, name, config))


def _table(table: str, results: list[Result], config: dict) -> tuple[pd.DataFrame, str]:
    if table.isdigit():
        return paper_table(int(table), results, config), f"Table {table}"
    return attribute_table(table, results, config), table
