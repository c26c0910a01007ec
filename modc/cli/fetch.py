"""The commands that put a dataset on disk."""

import sys
from pathlib import Path

import click

from modc.cli.options import PATH, config_option
from modc.fetch.states import FINAL


@click.group()
def fetch() -> None:
    """Put a dataset on disk: its pictures, its split files, a manifest of what there is."""


@fetch.command("fashion-mnist")
@click.option("--folder", type=PATH, required=True, help="Where the four files go.")
def fashion_mnist(folder: Path) -> None:
    """Put Fashion-MNIST (MIT licence) into a folder.

    It is copied from Debian's package dataset-fashion-mnist where that is installed, else
    downloaded (30 MB) through torchvision.
    """
    from modc.data import fashion_mnist as dataset

    dataset.fetch(folder)


@fetch.command()
@config_option
@click.option("--folder", type=PATH, help="Where the pictures go; by default <data>/DARN.")
@click.option("--file", "list_file", type=PATH, help="The list of URLs; by default urls.txt there.")
@click.option("--limit", type=click.IntRange(0), help="Ask for at most so many URLs.")
@click.option(
    "--retry",
    multiple=True,
    type=click.Choice(["failed", *FINAL]),
    help="Ask once more for what failed for good, or for one such state. Repeatable.",
)
@click.option("--status", is_flag=True, help="Say what became of the URLs so far; ask for nothing.")
@click.option("--refreeze", is_flag=True, help="Replace the manifest that is there.")
def darn(configs, folder, list_file, limit, retry, status, refreeze) -> None:
    """Download DARN's pictures from its list of URLs, many of which are dead.

    The list is fetched from Google Drive unless it is there. Stop the download at any time: the
    same command goes on where it was. It asks for what it did not ask for yet and for what failed
    in a way that may pass. At its end it freezes what there is in a manifest, which later runs
    leave as it is unless told otherwise.
    """
    from modc.config import load
    from modc.fetch import darn as dataset

    config = load(list(configs))
    folder = folder or Path(config["data"]) / "DARN"
    if status:
        click.echo(dataset.status(folder, config["download"]["placeholders"]))
        return
    again = FINAL if "failed" in retry else retry
    try:
        dataset.fetch(folder, config["download"], list_file, again, limit, refreeze)
    except KeyboardInterrupt:
        click.echo("modc: stopped; the same command goes on where it was", err=True)
        sys.exit(130)
