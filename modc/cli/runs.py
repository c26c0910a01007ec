"""The commands on whole runs: check or export one, merge several."""

import json
import logging
import shlex
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from modc import paths
from modc.cli.options import PATH
from modc.errors import UserError

# How many contradictions and notes are printed.
SHOWN = 10


@click.command()
@click.argument("run", type=PATH)
@click.option(
    "--config",
    "configs",
    type=PATH,
    multiple=True,
    help="Configuration that the tables were rendered with; by default the run's config.yaml. "
    "Repeatable.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Also fail if settings, code, data or packages differ or are unknown, or a file is not "
    "checked.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def verify(run: Path, configs: tuple[Path, ...], strict: bool, as_json: bool) -> None:
    """Check the numbers of a run's folder or of an exported run.

    Recomputes each scores.json from its queries.csv, renders the tables, report.html and the CSV
    files of the figures again, and compares the images by their SHA-256. Also says whether the
    settings, code, data and packages here are those that made the run. The folder is only read. Of
    an archive of `modc export`, the checksum of each file is checked too.

    Exit status: 0 if everything holds; 1 if a file or a score changed or is missing, or RUN is no
    run; 2 for a mistyped option.
    """
    from modc.config import load
    from modc.runs.archive import verify_archive
    from modc.runs.verify import own_config, text
    from modc.runs.verify import verify as check

    if not run.exists():
        raise UserError(
            f"{run}: no such folder or archive; expected a run, such as results/paper, or an export"
        )
    with _warnings_left_out():
        if run.is_dir():
            verified = check(run, load(list(configs)) if configs else own_config(run))
        else:
            verified = verify_archive(run, list(configs))
    click.echo(json.dumps(verified.as_json(), indent=2) if as_json else text(run, verified))
    if verified.broken or (strict and verified.remarks):
        raise SystemExit(1)


@click.command()
@click.argument("run", type=PATH)
@click.option("--output", type=PATH, required=True, help="The .zip file to write.")
@click.option(
    "--author",
    "authors",
    multiple=True,
    metavar="NAME",
    help="Who made the run, as NAME or 'NAME <https://orcid.org/...>'. Repeatable.",
)
@click.option(
    "--license",
    "license",
    default="MIT",
    show_default=True,
    help="License of the results, as an SPDX id such as CC-BY-4.0, or a URL.",
)
@click.option("--partial", is_flag=True, help="Also export a run with missing results.")
@click.option("--force", is_flag=True, help="Also export a run that `modc verify` refuses.")
def export(
    run: Path,
    output: Path,
    authors: tuple[str, ...],
    license: str,
    partial: bool,
    force: bool,
) -> None:
    """Write a run as one archive to publish, an RO-Crate.

    RUN is a run's folder, such as results/paper, with its tables rendered. It is verified first.
    The archive holds what `modc verify` needs and opens without a network. Datasets, models,
    embeddings and every figure that shows images of a dataset are left out, and paths of this
    machine are replaced by their last part. The same run gives the same bytes; its date is that of
    the tables, or SOURCE_DATE_EPOCH.
    """
    from modc.runs.compare import first_few
    from modc.runs.export import export as write

    with _warnings_left_out():
        made = write(run, output, authors, license, partial, force)
    for name in made.left_out:
        click.echo(f"{name} is left out: it shows images of the dataset")
    if made.missing:
        click.echo(f"missing: {first_few(made.missing, ', ')}")
    if made.broken:
        click.echo(f"does not hold, exported by --force: {first_few(made.broken, ', ')}")
    size = f"{output.stat().st_size / 1e6:.1f} MB"
    click.echo(f"{output}: {made.share}, {made.files} files, {size}")
    if not authors:
        click.echo("Zenodo asks for a creator: pass --author")
    click.echo(f"check: modc verify {shlex.quote(str(output))}")


@click.command()
@click.argument("output", type=PATH)
@click.argument("runs", type=PATH, nargs=-1, required=True)
@click.option("--prefer", type=PATH, help="The run to take where runs have other scores.")
@click.option("--models", is_flag=True, help="Copy model.pt, last.pt and test.npz too.")
def merge(output: Path, runs: tuple[Path, ...], prefer: Path | None, models: bool) -> None:
    """Merge several runs into one folder.

    RUNS are, for example, one seed or one dataset per machine, OUTPUT is the folder to write.
    Copies scores, queries and learning curves; config.yaml gets the grid of all runs together.
    Nothing is written if the runs disagree about settings, data or the scores of a result. OUTPUT
    may be the result of an earlier merge. The ablation is not copied.
    """
    from modc.config import load
    from modc.grid import cells, methods
    from modc.runs.merge import Contradicted
    from modc.runs.merge import merge as merged_into

    try:
        merged = merged_into(output, list(runs), prefer, models)
    except Contradicted as error:
        _print(error.lines)
        raise
    _print([f"note: {note}" for note in merged.notes])
    config = load([output / paths.CONFIG])
    possible = len(methods(config)) * len(cells(config))
    counts = (f"{count} of {run}" for run, count in Counter(merged.origins.values()).items())
    click.echo(f"{output}: {len(merged.origins)} of {possible} results: {', '.join(counts)}")
    folder = shlex.quote(str(output))
    for step in ("tables", "figures", "report"):
        click.echo(f"{step}: modc {step} --config {folder}/config.yaml --results {folder}")


@contextmanager
def _warnings_left_out() -> Iterator[None]:
    """Leave out what rendering warns of, since verification says it of the run's own files."""
    log = logging.getLogger("modc.report")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _print(lines: list[str]) -> None:
    for line in lines[:SHOWN]:
        click.echo(line)
    if len(lines) > SHOWN:
        click.echo(f"and {len(lines) - SHOWN} more")
