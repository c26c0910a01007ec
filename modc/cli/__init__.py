"""The command `modc`: one subcommand a step, from the data to the tables."""

import io
import logging
import sys

import click

from modc import __version__
from modc.cli import data, evaluate, export_model, fetch, overview, report, runs, train
from modc.errors import UserError, file_system

# After Control-C: 128 plus the number of the signal, as in shells.
STOPPED = 130


# Packages that may be missing when run from the source tree, by module.
PACKAGES = {"PIL": "pillow", "sklearn": "scikit-learn", "yaml": "pyyaml"} | {
    name: name
    for name in (
        *("aiohttp", "gdown", "jinja2", "jsonschema", "matplotlib", "numpy", "pandas", "requests"),
        *("rocrate", "safetensors", "scipy", "simplejpeg", "tabulate", "threadpoolctl", "torch"),
        *("torchvision", "tqdm", "yarl"),
    )
}


class Steps(click.Group):
    """The commands, in the order of a run; on Control-C each prints one line and exits with 130."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names in the order of addition."""
        return list(self.commands)

    def invoke(self, context: click.Context) -> object:
        """Run the given command."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            click.echo("modc: stopped; run the same command again", err=True)
            context.exit(STOPPED)
        except EOFError as error:
            # click would mistake it for the end of keyboard input, and print "Aborted!".
            raise RuntimeError("a file or a stream ended too early") from error


@click.group(
    cls=Steps,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__)
def cli() -> None:
    """Reproduce Tables 1 to 5 of MODC (ECCV 2022), step by step.

    The workflow (`snakemake`) calls these steps in order: fetch, index, subset, pack, coverage,
    train, score, tables, figures, report. `embed` and `score` also work on your own images and
    embeddings.

    Exit status: 0 on success, 1 on an error (one line on stderr), 2 for an invalid command line,
    130 after Control-C.
    """
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )
    logging.getLogger("torch").setLevel(logging.WARNING)  # it logs cache statistics at exit


for command in (
    fetch.fetch,
    data.garments,
    data.index,
    data.subset,
    data.pack,
    report.coverage,
    train.train,
    evaluate.embed,
    evaluate.score,
    report.tables,
    report.figures,
    report.report,
    overview.status,
    overview.plan,
    runs.verify,
    runs.merge,
    runs.export,
    export_model.export_model,
    report.ablation,
    report.assumptions,
):
    cli.add_command(command)


def main() -> None:
    """Run `modc`; a user's error is one line on stderr and exit status 1."""
    for stream in (sys.stdout, sys.stderr):
        # In a locale without the character, "?" is better than an exception.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        cli(prog_name="modc")
    except UserError as error:
        sys.exit(f"modc: error: {error}")
    except OSError as error:
        sys.exit(f"modc: error: {file_system(error)}")
    except ModuleNotFoundError as error:
        if error.name not in PACKAGES:
            raise
        package = PACKAGES[error.name]
        sys.exit(f"modc: error: {package} is not installed; pip install {package}")
