"""The commands on whole runs: check one, put several together."""

import json
import shlex
from pathlib import Path

import click

from modc import paths
from modc.cli.options import PATH
from modc.errors import UserError

# How many contradictions are printed.
SHOWN = 10


@click.command()
@click.argument("run", type=PATH)
@click.option(
    "--config",
    "configs",
    type=PATH,
    multiple=True,
    help="Repeatable; by default the run's own config.yaml.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Fail too on what is not compared or cannot be checked; on other code, data, packages.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all that was found as JSON.")
def verify(run: Path, configs: tuple[Path, ...], strict: bool, as_json: bool) -> None:
    """Check a run's folder, such as results/paper: make its tables and scores again and compare.

    Each table, report.html and the numbers of the figures that come from scores and curves are
    rendered again and compared, words included; the means of each scores.json are made from its
    queries.csv. Pictures, and figures of embeddings, are not drawn again: their hashes are
    compared with those that were noted. What another version rendered is compared by its numbers
    and by the entries of its CSV files. Settings, code, frozen data and packages are compared with
    those that are here. The run is only read.

    Exit status: 0 if nothing contradicts it, though the last line may name what is not checked; 1
    if a file or a score is not what it was or is missing, and for a mistake such as a folder that
    is no run; with --strict also for all that was not rendered, not compared or not checked
    (coverage/, data that are not there), or was made by other code, data or packages; 2 for a
    mistyped option; 130 after Control-C.
    """
    from modc.runs.verify import as_json as plain_values
    from modc.runs.verify import text
    from modc.runs.verify import verify as check

    if not run.is_dir():
        raise UserError(f"{run}: no such folder; expected a run's, such as results/paper")
    verified = check(run, _config(run, configs))
    told = json.dumps(plain_values(verified), indent=2) if as_json else ""
    click.echo(told or text(run, verified, is_own=not configs))
    if verified.broken or (strict and (verified.remarks or verified.not_checked)):
        raise SystemExit(1)


@click.command()
@click.argument("output", type=PATH)
@click.argument("runs", type=PATH, nargs=-1, required=True)
@click.option("--prefer", type=PATH, help="The run that is right where runs disagree.")
@click.option("--models", is_flag=True, help="Copy model.pt, last.pt and test.npz too.")
@click.option(
    "--defaults",
    type=PATH,
    multiple=True,
    help="Repeatable. A configuration for keys that a run's own, of an older version, lacks.",
)
def merge(
    output: Path, runs: tuple[Path, ...], prefer: Path | None, models: bool, defaults: tuple[Path]
) -> None:
    """Put runs of one configuration, such as one seed a machine, together in the folder OUTPUT.

    Scores, queries and curves are copied, and config.yaml gets the grid of all together. If two
    runs disagree about settings, data or the scores of the same result, that is said and nothing is
    written. OUTPUT may be what an earlier merge made; then the results of RUNS are added to it.
    """
    from modc.runs.merge import Contradicted
    from modc.runs.merge import merge as put_together

    try:
        merged = put_together(output, list(runs), prefer, models, defaults)
    except Contradicted as error:
        for line in _lines(error.contradictions):
            click.echo(line)
        raise
    for remark in merged.remarks:
        click.echo(f"note: {remark}")
    counts = ", ".join(f"{count} of {name}" for name, count in merged.runs.items())
    total = sum(merged.runs.values())
    done = f"{merged.added} added" if merged.is_written else "nothing to add"
    click.echo(f"{output}: {total} of {merged.possible} results ({counts}); {done}")
    folder = shlex.quote(str(output))
    for step in ("tables", "report"):
        click.echo(f"{step}: modc {step} --config {folder}/config.yaml --results {folder}")


def _lines(contradictions: list) -> list[str]:
    """Return the contradictions as lines, their details below; the first few."""
    lines = []
    for one in contradictions[:SHOWN]:
        lines += [one.line, *(f"    {detail}" for detail in one.details)]
    more = len(contradictions) - SHOWN
    return lines + ([f"and {more} more"] if more > 0 else [])


def _config(run: Path, configs: tuple[Path, ...]) -> dict:
    from modc.config import load

    if configs:
        return load(list(configs))
    own = run / paths.CONFIG
    try:
        return load([own])
    except UserError as error:
        raise UserError(
            f"{error}; if an older version wrote it: --config config.yaml --config {own}"
        ) from None
