"""The commands that prepare data: garments, index, subset, pack."""

from pathlib import Path

import click

from modc.cli.options import PATH, default_config_option, load_config
from modc.errors import UserError


@click.command()
@click.argument("dataset")
@default_config_option
@click.option("--folder", type=PATH, help="Output folder; by default <data>/<dataset>.")
@click.option(
    "--images",
    type=click.IntRange(300),
    help="Number of images; by default as in the configuration.",
)
@click.option("--seed", type=click.IntRange(0), help="By default as in the configuration.")
def garments(
    dataset: str,
    configs: tuple[Path, ...],
    folder: Path | None,
    images: int | None,
    seed: int | None,
) -> None:
    """Draw a small dataset in the format of a real one.

    DATASET must have a drawn class in the configuration (configs/smoke.yaml); `modc fetch` draws it
    too. Drawn images replace the real ones for a first try and for tests. Numbers computed on them
    say nothing about the paper.
    """
    from modc import datasets

    drawn = datasets.of(load_config(configs, "", needed=True), dataset, folder)
    if not hasattr(drawn, "draw"):
        raise UserError(
            f"datasets.{dataset}.class: {drawn.settings['class']} does not draw images; expected a "
            f"class as in configs/smoke.yaml"
        )
    drawn.draw(images, seed)


@click.command()
@click.argument("dataset")
@default_config_option
@click.option("--folder", type=PATH, help="Folder of the dataset; by default <data>/<dataset>.")
@click.option(
    "--missing-images",
    type=click.Choice(["error", "leave_out"]),
    help="What to do if a listed image is missing; by default as in the configuration.",
)
@click.option(
    "--output", type=PATH, help="Folder of the index; by default prepared/index in --folder."
)
def index(
    dataset: str,
    configs: tuple[Path, ...],
    folder: Path | None,
    missing_images: str | None,
    output: Path | None,
) -> None:
    """Build the index of a dataset: images, labels and splits.

    It also holds the queries and candidates. All of it is checked against the dataset's definition.
    """
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
@click.option("--percent", type=click.IntRange(1, 100), required=True, help="Percentage of labels.")
@click.option(
    "--rule",
    type=click.Choice(["stratified", "uniform"]),
    default="stratified",
    show_default=True,
    help="The percentage of each (attribute, value), or of all images.",
)
@click.option(
    "--at-least",
    type=click.IntRange(0),
    default=2,
    show_default=True,
    help="Minimum number of labeled images per value.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--output", type=PATH, required=True, help="CSV of image numbers to write.")
def subset(
    index_folder: Path, percent: int, rule: str, at_least: int, seed: int, output: Path
) -> None:
    """Choose the training images that keep their labels (A8)."""
    from modc.data import subsets
    from modc.data.index import read

    labels = read(index_folder).rows("train", "train")
    chosen = subsets.labeled_part(labels, percent, rule, at_least, seed)
    subsets.write(output, chosen)
    click.echo(f"{output}: {len(chosen)} of {labels['image'].nunique()} training images labeled")


@click.command()
@click.option("--index", "index_folder", type=PATH, required=True, help="Folder of the index.")
@click.option("--folder", type=PATH, required=True, help="The dataset's folder.")
@click.option(
    "--size",
    "names",
    multiple=True,
    required=True,
    metavar="PIXELS[-whole][-unturned]",
    help="Side of the squares: center crops, or whole images resized (-whole); -unturned ignores "
    "EXIF orientation. Repeatable.",
)
@click.option("--threads", type=click.IntRange(1), default=4, show_default=True)
@click.option(
    "--output", type=PATH, required=True, help="Folder of the arrays, one <size>.npy each."
)
def pack(
    index_folder: Path, folder: Path, names: tuple[str, ...], threads: int, output: Path
) -> None:
    """Decode the images once into arrays that all jobs share.

    Each size is an array of uint8 squares. Existing arrays are kept. Safe to kill: the same command
    resumes.
    """
    from modc.data.index import read
    from modc.data.pack import pack as pack_images
    from modc.data.square import Form

    forms = [Form.named(name) for name in names]
    pack_images(read(index_folder), folder, forms, output, threads)
