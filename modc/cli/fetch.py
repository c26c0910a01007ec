"""The commands that put a dataset on disk."""

from pathlib import Path

import click

from modc.cli.options import PATH, default_config_option, load_config
from modc.data.states import FINAL
from modc.home import in_home


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
    Google Drive, or else from a public git mirror, unless --file names it, and are checked against
    the public release's counts and contents. Files that are there and right are left alone.
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
    archives = archives or (in_home(named, "datasets.FashionAI.archives") if named else folder)
    may_miss = settings.get("missing_images", "leave_out") == "leave_out"
    click.echo(fashionai_archives.fetch(folder, archives, refreeze, may_miss))


@fetch.command()
@default_config_option
@click.option("--folder", type=PATH, help="The dataset's folder, instead of --config's.")
@click.option("--file", "list_file", type=PATH, help="The list of URLs; by default urls.txt there.")
@click.option(
    "--limit", type=click.IntRange(0), help="Ask for so many URLs; freeze only with --refreeze."
)
@click.option(
    "--retry",
    multiple=True,
    type=click.Choice(["failed", *FINAL]),
    help="Ask once more for what failed for good, or for one such state. Repeatable.",
)
@click.option("--status", is_flag=True, help="Say what became of the URLs so far; ask for nothing.")
@click.option("--refreeze", is_flag=True, help="Replace the manifest that is there.")
def darn(
    configs: tuple[Path, ...],
    folder: Path | None,
    list_file: Path | None,
    limit: int | None,
    retry: tuple[str, ...],
    status: bool,
    refreeze: bool,
) -> None:
    """Download DARN's pictures from its list of URLs, many of which are dead.

    The list is fetched from Google Drive unless it is there. Stop the download at any time: the
    same command goes on where it was. It asks for what it did not ask for yet and for what failed
    in a way that may pass. At its end it freezes what there is in a manifest, which later runs
    leave as it is unless told otherwise.
    """
    from modc.fetch import darn as dataset

    config = load_config(configs, "", needed=True)
    folder = folder or Path(config["data"]) / dataset.DATASET
    if status:
        click.echo(dataset.status(folder, config["download"]["placeholders"]))
        return
    again = FINAL if "failed" in retry else retry
    dataset.fetch(folder, config["download"], list_file, again, limit, refreeze)
