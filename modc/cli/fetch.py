"""The commands that put a dataset on disk."""

import sys
from pathlib import Path

import click

from modc.cli.options import PATH, default_config_option, load_config


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
@default_config_option
@click.option("--file", "source", type=PATH, help="data.zip, or a folder with its content.")
@click.option("--data", type=PATH, help="The folder of all datasets, instead of --config's `data`.")
def splits(configs: tuple[Path, ...], source: Path | None, data: Path | None) -> None:
    """Put the public split files of FashionAI and DARN into <data>/<dataset>/splits/.

    They come out of the public ASEN++ repository's data.zip (11 MB), which is downloaded from
    Google Drive unless --file names it, and are checked against the public release's counts. Files
    that are there and right are left alone.
    """
    from modc.fetch import split_archive
    from modc.fetch.split_check import COUNTS

    config = load_config(configs, "--data FOLDER", needed=data is None)
    data = data or Path(config["data"])
    drawn = {
        name for name, settings in config.get("datasets", {}).items() if "generate" in settings
    }
    folders = {name: data / name for name in COUNTS if name not in drawn}
    for name, done in split_archive.fetch(folders, source).items():
        counts = ", ".join(f"{COUNTS[name][s]['filenames']:,} {s}" for s in COUNTS[name])
        click.echo(f"{folders[name] / 'splits'}: {done} ({counts})")
    for name in sorted(drawn & set(COUNTS)):
        click.echo(f"{data / name}: is drawn (`generate`), and its split files with it")


@fetch.command()
@default_config_option
@click.option("--archives", type=PATH, help="Where the archives lie, as they are or unpacked.")
@click.option("--folder", type=PATH, help="The dataset's folder, instead of --config's.")
@click.option("--refreeze", is_flag=True, help="Replace the manifest that is there.")
def fashionai(
    configs: tuple[Path, ...], archives: Path | None, folder: Path | None, refreeze: bool
) -> None:
    """Take FashionAI's listed pictures out of its two archives, and freeze a manifest of them.

    The archives need a registration: without them, the command says where to register, what to
    download and where to put it (datasets.FashionAI.archives in the configuration, else the
    dataset's folder). A run that was stopped goes on with the same command. Pictures that the
    archives lack are counted and listed in missing.csv.
    """
    from modc.fetch import fashionai_archives

    config = load_config(configs, "--folder FOLDER", needed=folder is None)
    settings = config.get("datasets", {}).get(fashionai_archives.DATASET, {})
    folder = folder or Path(config["data"]) / fashionai_archives.DATASET
    # Drawn archives lie where they were drawn.
    named = None if "generate" in settings else settings.get("archives")
    archives = archives or (Path(named) if named else folder)
    click.echo(fashionai_archives.fetch(folder, archives, refreeze))
