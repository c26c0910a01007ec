"""The commands that embed images and score a retrieval."""

import logging
from pathlib import Path

import click

from modc.cli.options import PATH
from modc.errors import UserError

log = logging.getLogger(__name__)

# From this many similarities, some ten seconds of one core, a GPU is worth the seconds that PyTorch
# and CUDA take to start.
PAIRS_FOR_A_GPU = 300_000_000


@click.command()
@click.option(
    "--network",
    help="A network of config.yaml, or module:Class. A public checkpoint needs it, and a network "
    "with an own class.",
)
@click.option(
    "--checkpoint",
    type=PATH,
    required=True,
    help="A model.pt, a folder of `modc export-model`, or a public checkpoint.",
)
@click.option(
    "--attributes",
    type=click.IntRange(1),
    help="Number of attributes of the network. A public checkpoint needs it.",
)
@click.option("--output", type=PATH, required=True, help="The .npz file to write.")
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True, help="Batch size.")
@click.argument("images", nargs=-1, required=True, type=PATH)
def embed(
    network: str | None,
    checkpoint: Path,
    attributes: int | None,
    output: Path,
    batch: int,
    images: tuple[Path, ...],
) -> None:
    """Embed images with a trained network, for every attribute.

    IMAGES are files, or folders with all images in them. Writes `embedding` (images, attributes,
    dim), `attention` (images, attributes, h, w), both computed in float32, and `images`, the paths.
    Unreadable images are named and left out; the exit status is then 1.
    """
    import numpy as np

    from modc import plugins
    from modc.atomic import atomic_path
    from modc.evaluation.embed_images import embed as embed_images
    from modc.evaluation.embed_images import image_files, load_network

    files = image_files(list(images))
    taken = {path.resolve() for path in (*files, checkpoint)}
    if output.resolve() in taken or checkpoint.resolve() == output.resolve().parent:
        raise UserError(f"--output {output}: an input of this command; expected another file")
    plugins.make_importable({})
    model, size = load_network(checkpoint, network, attributes)
    arrays = embed_images(model, files, size, batch)
    with atomic_path(output) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)
    click.echo(f"{output}: embedding {arrays['embedding'].shape}")
    unread = len(files) - len(arrays["images"])
    if unread:
        raise UserError(
            f"{output}: {unread} of {len(files)} images could not be read; they are named above"
        )


@click.command()
@click.option("--embeddings", type=PATH, required=True, help="The .npz file described above.")
@click.option("--output", type=PATH, required=True, help="The .json file to write.")
@click.option("--queries", type=PATH, help="Also write the scores of every query to this CSV file.")
@click.option(
    "--map-at-100",
    type=click.Choice(["hits", "min", "R"]),
    default="hits",
    show_default=True,
    help="Divisor of MAP@100: retrieved relevant items, min(R, 100), or R.",
)
@click.option(
    "--unanswerable",
    type=click.Choice(["zero", "exclude"]),
    default="zero",
    show_default=True,
    help="A query without a relevant candidate: score it 0, or exclude it.",
)
@click.option(
    "--prioritized-order",
    type=click.Choice(["query", "center"]),
    default="query",
    show_default=True,
    help="Order of the candidates within each group of prioritized retrieval: by similarity to the "
    "query, or to the center of its value.",
)
@click.option(
    "--acc-over",
    type=click.Choice(["queries", "queries_and_candidates"]),
    default="queries",
    show_default=True,
    help="Images over which Acc, the share whose nearest center is right, is computed.",
)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
def score(
    embeddings: Path,
    output: Path,
    queries: Path | None,
    map_at_100: str,
    unanswerable: str,
    prioritized_order: str,
    acc_over: str,
    threads: int,
) -> None:
    """Score a retrieval: MAP@all, MAP@100, Recall@100, Acc.

    The .npz file holds query_embedding (Q, D), query_attribute (Q,), query_value (Q,) and the same
    three for candidates. A query ranks the candidates of its own attribute by cosine similarity.
    With centers (attributes, values, D), NaN where a value has none, prioritized retrieval and Acc
    are scored too. Scores are fractions, per attribute and overall. From 300 million similarities
    on, a GPU is used if there is one; CUDA_VISIBLE_DEVICES= (empty) hides it.
    """
    from modc.atomic import write_bytes, write_json
    from modc.evaluation.prioritized import right
    from modc.evaluation.scores import pairs, read_embeddings, read_facts, summarize
    from modc.evaluation.scores import score as score_queries
    from modc.evaluation.scoring import scoring

    for written in (output, queries):
        if written and written.resolve() == embeddings.resolve():
            raise UserError(f"{written}: would overwrite the embeddings; expected another name")
    arrays, facts = read_embeddings(embeddings), read_facts(embeddings)
    how = {"prioritized_order": prioritized_order, "threads": threads}
    device = _device(pairs(arrays["query_attribute"], arrays["candidate_attribute"]))
    try:
        scored = score_queries(**arrays, **how, device=device)
    except RuntimeError as error:
        if device is None:
            raise
        # Its memory may be full of trainings.
        log.warning("scoring on the GPU failed (%s); using the CPU", str(error).split("\n")[0])
        scored = score_queries(**arrays, **how)
    attributes = len(facts["attribute_names"]) if facts else None
    candidate_right = right(arrays, "candidate", arrays["centers"]) if "centers" in arrays else None
    summary = summarize(
        scored,
        arrays["candidate_attribute"],
        attributes,
        map_at_100,
        unanswerable,
        candidate_right,
        acc_over,
    )
    table = scored.to_csv(index=False).encode() if queries else None
    if queries:
        write_bytes(queries, table)
    made_by = scoring(
        table,
        map_at_100=map_at_100,
        unanswerable=unanswerable,
        prioritized_order=prioritized_order,
        acc_over=acc_over,
    )
    write_json(output, {**facts, **summary, "scoring": made_by})
    overall = summary["overall"]["MAP@100"]
    mean = "no queries to average" if overall is None else f"MAP@100 {100 * overall:.2f}"
    click.echo(f"{output}: {mean}, {len(scored)} queries")


def _device(pairs: int) -> str | None:
    """Return the PyTorch device for this many similarities, None for the CPU."""
    from modc.training.gpus import visible_gpus

    if pairs < PAIRS_FOR_A_GPU or not visible_gpus():
        return None
    import torch

    return "cuda" if torch.cuda.is_available() else None
