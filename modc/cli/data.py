"""The commands that make data ready: garments, index, subset, pack."""

from pathlib import Path

import click

from modc.cli.options import PATH, default_config_option, load_config
from modc.errors import UserError


@click.command()
@click.argument("dataset")
@default_config_option
@click.option("--folder", type=PATH, help="Where to write; by default <data>/<dataset>.")
@click.option("--images", type=click.IntRange(300), help="By default as its `generate` says.")
@click.option("--seed", type=click.IntRange(0), help="By default as its `generate` says.")
def garments(
    dataset: str,
    configs: tuple[Path, ...],
    folder: Path | None,
    images: int | None,
    seed: int | None,
) -> None:
    """Draw a small dataset of garments in the files of the one that it stands for.

    DATASET has a drawn class in the configuration (configs/smoke.yaml); `modc fetch` draws it, too.
    The pictures stand in for the real ones where those cannot be had: for a first try, for tests.
    Numbers made from them say nothing about the paper.
    """
    from modc import datasets

    drawn = datasets.of(load_config(configs, "", needed=True), dataset, folder)
    if not hasattr(drawn, "draw"):
        raise UserError(
            f"datasets.{dataset}.class: {drawn.settings['class']} is not drawn; expected a class "
            f"as in configs/smoke.yaml"
        )
    drawn.draw(images, seed)


@click.command()
@click.argument("dataset")
@default_config_option
@click.option("--folder", type=PATH, help="Where it lies; by default <data>/<dataset>.")
@click.option(
    "--missing-images",
    type=click.Choice(["error", "leave_out"]),
    help="What to do when a listed picture is not there; by default as the configuration says.",
)
@click.option("--output", type=PATH, help="Folder of the index; by default prepared/index there.")
def index(
    dataset: str,
    configs: tuple[Path, ...],
    folder: Path | None,
    missing_images: str | None,
    output: Path | None,
) -> None:
    """List a dataset's images, labels, splits, queries and candidates, and check them."""
    from modc import datasets, paths
    from modc.data.index import write

    chosen = datasets.of(load_config(configs, "", needed=True), dataset, folder)
    if missing_images is not None:
        chosen.settings = {**chosen.settings, "missing_images": missing_images}
    listed = chosen.index()
    output = output or paths.index_folder(chosen.folder)
    write(listed, output)
    click.echo(
        f"{output}: {len(listed.images)} images, {len(listed.labels)} labels, "
        f"{sum(listed.missing.values())} listed images left out"
    )


@click.command()
@click.option("--index", "index_folder", type=PATH, required=True, help="Folder of the index.")
@click.option("--percent", type=click.IntRange(1, 100), required=True, help="Labelled percentage.")
@click.option("--rule", type=click.Choice(["stratified", "uniform"]), default="stratified")
@click.option("--at-least", type=click.IntRange(0), default=2, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--output", type=PATH, required=True, help="CSV of image numbers.")
def subset(
    index_folder: Path, percent: int, rule: str, at_least: int, seed: int, output: Path
) -> None:
    """Choose the training images that keep their labels (assumption A8)."""
    from modc.data import subsets
    from modc.data.index import read

    labels = read(index_folder).rows("train", "train")
    chosen = subsets.labeled_part(labels, percent, rule, at_least, seed)
    subsets.write(output, chosen)
    click.echo(f"{output}: {len(chosen)} of {labels['image'].nunique()} training images labelled")


@click.command()
@click.option("--index", "index_folder", type=PATH, required=True, help="Folder of the index.")
@click.option("--folder", type=PATH, required=True, help="The dataset's folder.")
@click.option(
    "--size",
    "names",
    multiple=True,
    required=True,
    metavar="PIXELS[-whole][-unturned]",
    help="Side of the squares: centre squares, or whole pictures squeezed. Repeatable.",
)
@click.option("--threads", type=click.IntRange(1), default=4, show_default=True)
@click.option("--output", type=PATH, required=True, help="Folder of the arrays, <size>.npy each.")
def pack(
    index_folder: Path, folder: Path, names: tuple[str, ...], threads: int, output: Path
) -> None:
    """Decode every image once into an array of uint8 squares a size, which all jobs share.

    Arrays that are there already are kept. Safe to kill: the same command goes on where it was.
    """
    from modc.data.index import read
    from modc.data.pack import pack as pack_images
    from modc.data.square import Form

    forms = [Form.named(name) for name in names]
    pack_images(read(index_folder), folder, forms, output, threads)
