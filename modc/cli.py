"""The command `modc`: one subcommand a step, from the data to the tables."""

import errno
import logging
import os
import sys
from pathlib import Path

import click

from modc.errors import UserError
from modc.grid import NETWORKS, STAGES, Cell, packed_sizes, previous_stage, training_settings

PATH = click.Path(path_type=Path)
FORMATS = ("fashionai", "darn", "fashion_mnist")


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


@cli.command()
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


@cli.group()
def fetch() -> None:
    """Download a dataset. So far: fashion-mnist."""


@fetch.command("fashion-mnist")
@click.option("--folder", type=PATH, required=True, help="Where the four files go.")
def fetch_fashion_mnist(folder: Path) -> None:
    """Put Fashion-MNIST (MIT licence) into a folder.

    It is copied from Debian's package dataset-fashion-mnist where that is installed, else
    downloaded (30 MB) through torchvision.
    """
    from modc.data import fashion_mnist

    fashion_mnist.fetch(folder)


@cli.command()
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


@cli.command()
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


@cli.command()
@click.option("--index", "index_folder", type=PATH, required=True, help="Folder of the index.")
@click.option("--folder", type=PATH, required=True, help="The dataset's folder.")
@click.option("--size", type=click.IntRange(16), required=True, help="Side of the squares, pixels.")
@click.option("--threads", type=click.IntRange(1), default=4, show_default=True)
@click.option("--output", type=PATH, required=True, help="The array, a .npy file.")
def pack(index_folder: Path, folder: Path, size: int, threads: int, output: Path) -> None:
    """Decode every image once into one array of uint8 squares that all jobs share."""
    from modc.data.index import read
    from modc.data.pack import pack as pack_images

    pack_images(read(index_folder), folder, size, output, threads)


@cli.command()
@click.option("--config", "configs", type=PATH, multiple=True, required=True, help="Repeatable.")
@click.option("--dataset", required=True, help="A dataset of the configuration, e.g. FashionAI.")
@click.option("--network", type=click.Choice(NETWORKS), required=True)
@click.option("--percent", type=click.IntRange(1, 100), required=True, help="Labelled percentage.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--stage",
    "stages",
    multiple=True,
    required=True,
    help=f"{', '.join(STAGES)}. Repeatable: several are trained in a row.",
)
@click.option("--index", "index_folder", type=PATH, required=True, help="Folder of the index.")
@click.option("--packed", type=PATH, required=True, help="Packed images as the network sees them.")
@click.option("--detail", type=PATH, help="Larger packed images, for ASEN++'s local view.")
@click.option("--labeled", type=PATH, required=True, help="The labelled part, from `modc subset`.")
@click.option("--initial", type=PATH, help="Model of the stage before, where there is one.")
@click.option(
    "--assume",
    metavar="A3=memory_bank",
    help="Train under an alternative of an assumption; `modc assumptions` lists them.",
)
@click.option(
    "--output",
    type=PATH,
    required=True,
    help="The cell's folder; <stage>/ in it gets model.pt, last.pt, curve.csv and curve.png.",
)
@click.option("--resume", type=PATH, required=True, help="Folder of the checkpoints to go on from.")
@click.option(
    "--embed-test", is_flag=True, help="Also write the last stage's test.npz, for `modc score`."
)
@click.option("--threads", type=click.IntRange(1), default=4, show_default=True)
def train(
    configs: tuple[Path, ...],
    dataset: str,
    network: str,
    percent: int,
    seed: int,
    stages: tuple[str, ...],
    index_folder: Path,
    packed: Path,
    detail: Path | None,
    labeled: Path,
    initial: Path | None,
    assume: str | None,
    output: Path,
    resume: Path,
    embed_test: bool,
    threads: int,
) -> None:
    """Train stages of one cell of the grid on one GPU, or on the CPU if there is none.

    Safe to kill: the same command goes on from the last finished epoch.
    """
    from modc.config import load
    from modc.data import subsets
    from modc.data.index import read
    from modc.data.pack import open_packed

    config = _assumed(load(list(configs)), assume)
    if dataset not in config["datasets"]:
        raise UserError(
            f"--dataset {dataset}: not in {configs[-1]}, which has {', '.join(config['datasets'])}"
        )
    cell = Cell(dataset, network, percent, seed)
    _check_stages(config, cell, stages, initial)
    sizes = packed_sizes(config, dataset, network, stages[-1])
    if "detail" in sizes and detail is None:
        raise UserError(
            f"{network} {stages[-1]} needs --detail, images packed at {sizes['detail']} pixels"
        )
    listed = read(index_folder)
    paths = {"image": packed, "detail": detail}
    arrays = {name: open_packed(paths[name], listed) for name in sizes}
    for name, side in sizes.items():
        if arrays[name].shape[1] != side:
            raise UserError(
                f"{paths[name]}: packed at {arrays[name].shape[1]} pixels, but the configuration "
                f"asks for {side} ({name}_size of {dataset})"
            )

    # CUDA reads this when it starts; without it, matrix products may differ from run to run.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    from modc.networks.model_file import load as load_model
    from modc.training.task import LAST, MODEL, Task
    from modc.training.train import train as train_task

    torch.set_num_threads(threads)
    for folder in (output, resume):
        folder.mkdir(parents=True, exist_ok=True)  # a folder that cannot be is better known now
    following = {"best": MODEL, "last": LAST}[config["training"]["checkpoint"]]
    for stage in stages:
        settings = training_settings(config, cell, stage)
        public = settings.get("public_checkpoint")
        task = Task(
            settings,
            listed,
            {name: arrays[name] for name in packed_sizes(config, dataset, network, stage)},
            subsets.read(labeled),
            load_model(initial) if initial else None,
            output / stage,
            resume / f"{stage}.pt",
            output / stage / "test.npz" if embed_test and stage == stages[-1] else None,
            Path(public) if public else None,
        )
        train_task(task)
        initial = output / stage / following


def _assumed(config: dict, assume: str | None) -> dict:
    from modc.published import assumptions

    if assume is None:
        return config
    name, _, alternative = assume.partition("=")
    return assumptions.assume(config, name, alternative)


def _check_stages(config: dict, cell: Cell, stages: tuple[str, ...], initial: Path | None) -> None:
    before = [previous_stage(config, cell, stage) for stage in stages]
    for stage, expected, previous in zip(stages[1:], before[1:], stages, strict=False):
        if expected != previous:
            raise UserError(f"--stage: {stage} does not follow {previous}; expected {expected}")
    if (initial is None) != (before[0] is None):
        takes = "takes no" if before[0] is None else "needs"
        raise UserError(f"{cell.network} {stages[0]} {takes} --initial model")


@cli.command()
@click.option("--network", type=click.Choice(NETWORKS), required=True)
@click.option("--checkpoint", type=PATH, required=True, help="Ours, or a public ASEN / ASEN++ one.")
@click.option("--attributes", type=click.IntRange(1), required=True, help="How many it knows.")
@click.option("--output", type=PATH, required=True, help="The .npz to write.")
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True)
@click.argument("images", nargs=-1, required=True, type=PATH)
def embed(
    network: str, checkpoint: Path, attributes: int, output: Path, batch: int, images: tuple[Path]
) -> None:
    """Embed pictures by every attribute of a trained network, in float32.

    Writes `embedding` (images, attributes, dim), `attention` (images, attributes, h, w) and
    `images`, the paths.
    """
    import numpy as np

    from modc.atomic import atomic_path
    from modc.evaluation.embed_images import embed as embed_images
    from modc.evaluation.embed_images import load_network

    model, size = load_network(network, checkpoint, attributes)
    arrays = embed_images(model, list(images), size, batch)
    with atomic_path(output) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)
    click.echo(f"{output}: embedding {arrays['embedding'].shape}")


@cli.command()
@click.option("--embeddings", type=PATH, required=True, help="An .npz, see below.")
@click.option("--output", type=PATH, required=True, help="The .json to write.")
@click.option("--queries", type=PATH, help="Also write every query's scores, as CSV.")
@click.option(
    "--map-at-100",
    type=click.Choice(["hits", "min", "R"]),
    default="hits",
    show_default=True,
    help="What MAP@100 divides by: retrieved relevant items, min(R, 100), or R.",
)
@click.option(
    "--unanswerable",
    type=click.Choice(["zero", "exclude"]),
    default="zero",
    show_default=True,
    help="A query without a relevant candidate: score 0, or leave it out.",
)
@click.option(
    "--prioritized-order",
    type=click.Choice(["query", "centre"]),
    default="query",
    show_default=True,
    help="Prioritized retrieval: candidates that come first stand by similarity to the query, or "
    "to the centre of its value.",
)
def score(
    embeddings: Path,
    output: Path,
    queries: Path | None,
    map_at_100: str,
    unanswerable: str,
    prioritized_order: str,
) -> None:
    """Score a retrieval: MAP@all, MAP@100, Recall@100, per attribute and overall.

    The .npz holds query_embedding (Q, D), query_attribute (Q,), query_value (Q,) and the same three
    for candidates. A query is ranked against the candidates of its own attribute by cosine. With
    centres (attributes, values, D), rows of NaN where a value has none, also prioritized retrieval
    and Acc. All scores are fractions.
    """
    from modc.atomic import atomic_path, write_json
    from modc.evaluation.scores import read_embeddings, read_facts, summarize
    from modc.evaluation.scores import score as score_queries

    for written in (output, queries):
        if written and written.resolve() == embeddings.resolve():
            raise UserError(f"{written}: is the file of embeddings; expected another name")
    arrays, facts = read_embeddings(embeddings), read_facts(embeddings)
    scored = score_queries(**arrays, prioritized_order=prioritized_order)
    attributes = len(facts["attribute_names"]) if facts else None
    summary = summarize(scored, arrays["candidate_attribute"], attributes, map_at_100, unanswerable)
    if queries:
        with atomic_path(queries) as temporary:
            scored.to_csv(temporary, index=False)
    write_json(output, {**facts, **summary})
    overall = summary["overall"]["MAP@100"]
    mean = "no query left to average" if overall is None else f"MAP@100 {100 * overall:.2f}"
    click.echo(f"{output}: {mean}, {len(scored)} queries")


@cli.command()
@click.option("--config", "configs", type=PATH, multiple=True, required=True, help="Repeatable.")
@click.option("--results", type=PATH, help="The run's folder; by default results/<run>.")
def tables(configs: tuple[Path, ...], results: Path | None) -> None:
    """Render Tables 1 to 5 from whatever the run has, beside the published numbers."""
    from modc.config import load
    from modc.report.files import other_datasets
    from modc.report.render import render_all, terminal

    config = load(list(configs))
    folder = _run_folder(results, config)
    written = render_all(folder, config, folder / "tables")
    first = [1] if "FashionAI" in config["grid"]["datasets"] else []
    for table in [*first, *other_datasets(config)]:
        click.echo(terminal(folder, config, table))
    for path in written:
        click.echo(path)


@cli.command()
@click.option("--config", "configs", type=PATH, multiple=True, required=True, help="Repeatable.")
def assumptions(configs: tuple[Path, ...]) -> None:
    """List every assumption: what is done, who says so, how it is set, what else could be done."""
    from modc.config import load
    from modc.report.assumptions import listing

    click.echo(listing(load(list(configs))))


@cli.command()
@click.option("--config", "configs", type=PATH, multiple=True, required=True, help="Repeatable.")
@click.option("--results", type=PATH, help="The run's folder; by default results/<run>.")
def ablation(configs: tuple[Path, ...], results: Path | None) -> None:
    """Render the ablation of the assumptions from whatever the run has.

    `snakemake ablation` trains what it needs.
    """
    from modc.config import load
    from modc.report.ablation import render

    config = load(list(configs))
    written, text = render(_run_folder(results, config), config)
    click.echo(text)
    for path in written:
        click.echo(path)


def _run_folder(results: Path | None, config: dict) -> Path:
    if results and not results.is_dir():
        raise UserError(f"{results}: no such folder; expected a run's, such as results/paper")
    return results or Path("results") / config["run"]


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


if __name__ == "__main__":
    main()
