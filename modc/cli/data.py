"""The commands that make data ready: garments, index, subset, pack."""

from pathlib import Path

import click

from modc.cli.options import PATH

FORMATS = ("fashionai", "darn", "fashion_mnist")


@click.command()
@click.option("--format", "layout", type=click.Choice(FORMATS[:2]), required=True)
@click.option("--folder", type=PATH, required=True, help="Where to write; made if need be.")
@click.option("--images", type=click.IntRange(300), default=1500, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def garments(layout: str, folder: Path, images: int, seed: int) -> None:
    """Draw a small dataset of garments in FashionAI's or DARN's own files.

    The pictures stand in for the real ones where those cannot be had: for a first try, for tests.
    Numbers made from them say nothing about the paper.
    """
    from modc.data import garments as drawn

    write = {"fashionai": drawn.write_fashionai, "darn": drawn.write_darn}[layout]
    write(folder, images, seed)


@click.command()
@click.option("--format", "layout", type=click.Choice(FORMATS), required=True)
@click.option("--folder", type=PATH, required=True, help="Pictures or archives, and splits/.")
@click.option(
    "--missing-images",
    type=click.Choice(["error", "leave_out"]),
    default="error",
    show_default=True,
    help="What to do when a listed picture is not there.",
)
@click.option("--output", type=PATH, required=True, help="Folder of the index.")
def index(layout: str, folder: Path, missing_images: str, output: Path) -> None:
    """List a dataset's images, labels, splits, queries and candidates, and check them."""
    from modc.data.index import write
    from modc.data.sources import FORMATS as READERS

    listed = READERS[layout](folder, missing_images)
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
