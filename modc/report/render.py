"""The tables of a run, as files and on the terminal."""

from pathlib import Path

import pandas as pd

from modc import paths
from modc.atomic import write_text
from modc.papers.paper import tables
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
from modc.report.tables import Source, attribute_table, paper_table


def render_all(run_folder: Path, config: dict, output_folder: Path) -> list[Path]:
    """Write the results frame and every table of `table_files`; return the paths.

    output_folder: what stands for the run's own. The papers' tables and that of each dataset that
    no paper has come as Markdown, LaTeX (for
    \\input, and as a document), CSV and HTML. CSV has fractions in long form, the others
    percent. What a run does not have stands there with its reason; a run that has nothing renders
    too. Beside them the papers' claims checked, how each training went, and the assumptions.
    """
    results = _results(run_folder, config)
    source = Source(results, config)
    frames = all_frames(source)
    texts = _notes(results, frames, source)
    for name, frame in frames.items():
        texts |= _rendered(frame, name, config)
    written = [Path(output_folder) / paths.FRAME]
    write_text(written[0], source.frame.to_csv(index=False))
    for file in table_files(config):
        written.append(Path(output_folder) / paths.TABLES / file)
        write_text(written[-1], texts[file])
    return written


def all_frames(source: Source) -> dict[str, pd.DataFrame]:
    """Return the long form of each table, by its name or that of a dataset that no paper has."""
    config = source.config
    found = {name: paper_table(table, source) for name, table in tables(config).items()}
    return found | {name: attribute_table(name, source) for name in other_datasets(config)}


def most_seeds(frames: dict[str, pd.DataFrame]) -> int:
    """Return the most seeds that a number of ours is the mean of."""
    return max((int(frame["seeds"].max()) for frame in frames.values() if len(frame)), default=0)


def terminal(run_folder: Path, config: dict, name: str) -> str:
    """Return a paper's table, or that of a dataset that no paper has, as plain text."""
    source = Source(_results(run_folder, config), config)
    table = tables(config).get(name)
    frame = paper_table(table, source) if table else attribute_table(name, source)
    return plain(page(frame, name, config))


def _results(run_folder: Path, config: dict) -> list[Result]:
    """Return the results, those that are absent with the reason that the logs give."""
    return explained(run_folder, config, collect(run_folder, config))[0]


def _notes(results: list[Result], frames: dict, source: Source) -> dict[str, str]:
    config = source.config
    checked = claims(frames, config, source.trainings.difference)
    trained = stages(results)
    return {
        "claims.md": markdown_claims(checked, most_seeds(frames)),
        "claims.csv": long_form(checked).to_csv(index=False),
        "stages.md": markdown_stages(trained),
        "stages.csv": trained.to_csv(index=False),
        "assumptions.md": markdown_ledger(config),
    }


def _rendered(frame: pd.DataFrame, name: str, config: dict) -> dict[str, str]:
    """Return the texts of a table's files by their names."""
    laid_out = page(frame, name, config)
    return {
        f"{name}.md": markdown(laid_out),
        f"{name}.tex": latex.fragment(laid_out, name),
        f"{name}-standalone.tex": latex.standalone(laid_out, name),
        f"{name}.csv": frame.to_csv(index=False),
        f"{name}.html": html.standalone(laid_out),
    }
