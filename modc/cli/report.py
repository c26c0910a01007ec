"""The commands that render a run: tables, figures, report, coverage, ablation."""

from pathlib import Path

import click

from modc import paths
from modc.cli.options import PATH, config_option, run_folder
from modc.errors import UserError


@click.command()
@config_option
@click.option("--results", type=PATH, help="Folder of the run; by default results/<run>.")
def tables(configs: tuple[Path, ...], results: Path | None) -> None:
    """Render Tables 1 to 5 and the claims of a run.

    Ours stand beside the published numbers. A run may be incomplete: each missing number has its
    reason. Table 1 and the files written are printed.
    """
    from modc.config import load
    from modc.grid import seeds_without_cell
    from modc.report import rendered
    from modc.report.printed import tables_summary
    from modc.report.render import render_all

    config = load(list(configs))
    for line in seeds_without_cell(config):
        click.echo(line, err=True)
    folder = run_folder(results, config)
    written = render_all(folder, config, folder)
    text = tables_summary(folder, config)
    rendered.note(folder, "tables", written, {f"{paths.TABLES}/{paths.SUMMARY}": text})
    click.echo(text, nl=False)
    for path in written:
        click.echo(path)


@click.command()
@config_option
@click.option("--results", type=PATH, help="Folder of the run; by default results/<run>.")
def figures(configs: tuple[Path, ...], results: Path | None) -> None:
    """Draw the figures of a run, each with its numbers as CSV.

    Embedding spaces and retrieval examples (the paper's Figures 1 and 2) of the cell selected by
    `report.figures`, MAP by label share, gain against Acc, and learning curves of all seeds. A
    figure that cannot be drawn is named with the reason.
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
@click.option("--results", type=PATH, help="Folder of the run; by default results/<run>.")
def report(configs: tuple[Path, ...], results: Path | None) -> None:
    """Render a run as one HTML page, report.html.

    It opens from disk, without a network. A run may be incomplete.
    """
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
    """List the assumptions, their settings and alternatives.

    Each has its statement, its nearest source, and which numbers it could change.
    """
    from modc.config import load
    from modc.report.assumptions import listing

    click.echo(listing(load(list(configs))))


@click.command()
@config_option
@click.option("--results", type=PATH, help="Folder of the run; by default results/<run>.")
def ablation(configs: tuple[Path, ...], results: Path | None) -> None:
    """Render the ablation of the assumptions.

    `snakemake ablation` trains what it needs, and calls it.
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
@click.option(
    "--dataset", help="Only this dataset; by default all those of the grid that are present."
)
@click.option("--results", type=PATH, help="Folder of the run; by default results/<run>.")
def coverage(configs: tuple[Path, ...], dataset: str | None, results: Path | None) -> None:
    """Count the images obtained of those that a dataset lists.

    By split, attribute and value, from the index and manifest of each dataset. A dataset that is
    not present yet is named and left out, unless requested by --dataset.
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
