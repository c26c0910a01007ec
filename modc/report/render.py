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
from modc.report.layout import Page, page
from modc.report.markdown import markdown, plain
from modc.report.results import Result, collect
from modc.report.stages import markdown_stages, stages
from modc.report.tables import Source, all_frames, most_seeds

# What the CSV files call the plain ranking.
PLAIN = "plain"


def render_all(run_folder: Path, config: dict, output_folder: Path) -> list[Path]:
    """Write the results frame, the files of `table_files`, and summary.txt; return the paths.

    output_folder: used in place of the run's folder. The papers' tables, and one for each dataset
    not in a paper, are written as Markdown, LaTeX (for \\input, and as a document), CSV and HTML.
    CSV has fractions in long form, the others percent. Missing numbers are listed with their
    reasons, so an empty run renders too. The checked claims, how each training went, and the
    assumptions complete them.
    """
    results = _results(run_folder, config)
    source = Source(results, config)
    frames = all_frames(source)
    pages = {name: page(frame, name, config) for name, frame in frames.items()}
    texts = _notes(results, frames, source) | {paths.SUMMARY: _summary(pages, config)}
    for name, frame in frames.items():
        texts |= _rendered(name, frame, pages[name])
    written = [Path(output_folder) / paths.FRAME]
    write_text(written[0], _csv(source.frame))
    for file in (*table_files(config), paths.SUMMARY):
        written.append(Path(output_folder) / paths.TABLES / file)
        write_text(written[-1], texts[file])
    return written


def _summary(pages: dict[str, Page], config: dict) -> str:
    """Return as plain text the first table, if the grid has it, and those not in any paper."""
    table = next(iter(tables(config).values()))
    first = [table.name] if table.dataset in config["grid"]["datasets"] else []
    shown = [*first, *other_datasets(config)]
    return "".join(f"{plain(pages[name])}\n" for name in shown)


def _results(run_folder: Path, config: dict) -> list[Result]:
    """Return the results; missing ones carry the reason found in the logs."""
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


def _csv(frame: pd.DataFrame) -> str:
    """Return a frame as CSV in which no ranking is an empty cell, which pandas takes as missing."""
    ways = {"query_label": PLAIN, "top_n": "0"}
    return frame.assign(**{k: frame[k].replace("", v) for k, v in ways.items()}).to_csv(index=False)


def _rendered(name: str, frame: pd.DataFrame, laid_out: Page) -> dict[str, str]:
    """Return the texts of a table's files by name."""
    return {
        f"{name}.md": markdown(laid_out),
        f"{name}.tex": latex.fragment(laid_out, name),
        f"{name}-standalone.tex": latex.standalone(laid_out, name),
        f"{name}.csv": _csv(frame.rename(columns={"status": "notes"})),
        f"{name}.html": html.standalone(laid_out),
    }
