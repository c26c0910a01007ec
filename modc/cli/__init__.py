"""The command `modc`: one subcommand a step, from the data to the tables."""

import errno
import logging
import sys

import click

from modc.cli import data, evaluate, fetch, overview, report, runs, train
from modc.errors import UserError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="modc")
def cli() -> None:
    """Reproduce Tables 1 to 5 of MODC (ECCV 2022), step by step.

    The workflow (`snakemake`) calls these steps in order: index, subset, pack, train, score,
    tables. `embed` and `score` are of use on your own pictures and embeddings too.
    """
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )


for command in (
    data.garments,
    fetch.fetch,
    data.index,
    data.subset,
    data.pack,
    train.train,
    evaluate.embed,
    evaluate.score,
    report.tables,
    report.figures,
    report.report,
    report.assumptions,
    report.ablation,
    report.coverage,
    runs.verify,
    runs.merge,
    overview.plan,
    overview.status,
):
    cli.add_command(command)


def main() -> None:
    """Run `modc`; a mistake of the user's ends in one line and exit status 1."""
    try:
        cli(prog_name="modc")
    except UserError as error:
        sys.exit(f"modc: error: {error}")
    except OSError as error:
        sys.exit(f"modc: error: {_file_system(error)}")


_ADVICE = {
    errno.ENOSPC: "free some space and run the same command again",
    errno.EFBIG: "raise the limit on file sizes and run the same command again",
    errno.EROFS: "choose a folder that can be written",
    errno.EACCES: "choose a folder that you may read and write",
}


def _file_system(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    advice = _ADVICE.get(error.errno)
    return f"{where}{error.strerror or error}" + (f"; {advice}" if advice else "")
