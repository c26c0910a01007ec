"""The commands that render what a run has, from its tables to its report."""

from pathlib import Path

import click

from modc import paths
from modc.cli.options import PATH, config_option, run_folder
from modc.errors import UserError


@click.command()
@config_option
@click.option("--results", type=PATH, help="The run's folder; by default results/<run>.")
def tables(configs: tuple[Path, ...], results: Path | None) -> None:
    """Render Tables 1 to 5 from whatever the run has, beside the published numbers."""
    from modc.config import load
    from modc.grid import seeds_without_cell
    from modc.report import rendered
    from modc.report.printed import tables_summary
    from modc.report.render import render_all

    config = load(list(configs))
    for line in seeds_without_cell(config):
        click.echo(line, err=True)
    folder = run_folder(results, config)
    written = render_all(folder, config, folder / paths.TABLES)
    text = tables_summary(folder, config)
    rendered.note(folder, "tables", written, {f"{paths.TABLES}/{paths.SUMMARY}": text})
    click.echo(text, nl=False)
    for path in written:
        click.echo(path)


@click.command()
@config_option
@click.option("--results", type=PATH, help="The run's folder; by default results/<run>.")
def figures(configs: tuple[Path, ...], results: Path | None) -> None:
    """Draw the figures from whatever the run has, each with its numbers as CSV.

    Spaces and retrieval examples (the paper's Figures 1 and 2) of the cell that `report.figures` of
    the configuration names, MAP by labels, gain against Acc, learning curves of all seeds. What
    cannot be drawn is named with the reason.
    """
    from modc.config import load
    from modc.report import rendered
    from modc.report.figures.render import render

    config = load(list(configs))
    folder = run_folder(results, config)
    written, left_out = render(folder, config)
    rendered.note(folder, "figures", written)
    for path in written:
        click.echo(path)
    for file, reason in left_out.items():
        click.echo(f"{file} is left out: {reason}")


@click.command()
@config_option
@click.option("--results", type=PATH, help="The run's folder; by default results/<run>.")
def report(configs: tuple[Path, ...], results: Path | None) -> None:
    """Render report.html from whatever the run has: one page that opens from disk."""
    from modc.config import load
    from modc.report import rendered
    from modc.report.page.page import render

    config = load(list(configs))
    folder = run_folder(results, config)
    path = render(folder, config)
    rendered.note(folder, "report", [path])
    click.echo(path)


@click.command()
@config_option
def assumptions(configs: tuple[Path, ...]) -> None:
    """List every assumption: what is done, who says so, how it is set, what else could be done."""
    from modc.config import load
    from modc.report.assumptions import listing

    click.echo(listing(load(list(configs))))


@click.command()
@config_option
@click.option("--results", type=PATH, help="The run's folder; by default results/<run>.")
def ablation(configs: tuple[Path, ...], results: Path | None) -> None:
    """Render the ablation of the assumptions from whatever the run has.

    `snakemake ablation` trains what it needs.
    """
    from modc.config import load
    from modc.report import rendered
    from modc.report.ablation import render

    config = load(list(configs))
    folder = run_folder(results, config)
    written, text = render(folder, config)
    rendered.note(folder, "ablation", written, {f"{paths.ABLATION}/{paths.SUMMARY}": f"{text}\n"})
    click.echo(text)
    for path in written:
        click.echo(path)


@click.command()
@config_option
@click.option("--dataset", help="One dataset alone; by default all of the grid that are there.")
@click.option("--results", type=PATH, help="The run's folder; by default results/<run>.")
def coverage(configs: tuple[Path, ...], dataset: str | None, results: Path | None) -> None:
    """Render how many of the listed pictures there are, by split, attribute and value.

    It reads the index and the manifest of each dataset. One that is not there yet is named and left
    out, unless it was asked for.
    """
    from modc.config import load
    from modc.report.coverage import render
    from modc.report.files import listed_datasets

    config = load(list(configs))
    folder = run_folder(results, config)
    datasets = listed_datasets(config)
    if dataset is not None and dataset not in datasets:
        raise UserError(f"--dataset {dataset}: expected one of {', '.join(datasets) or 'none'}")
    for name in [dataset] if dataset else datasets:
        try:
            written = render(folder, config, name)
        except UserError as error:
            if dataset:
                raise
            click.echo(f"{name} is left out: {error}")
            continue
        for path in written:
            click.echo(path)
