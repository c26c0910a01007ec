"""The commands that put a dataset on disk."""

from pathlib import Path

import click

from modc.cli.options import PATH


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
