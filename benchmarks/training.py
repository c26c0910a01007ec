"""How fast we train and embed, beside the public way, in one run.

The public way (`public_way.py`): Pillow decodes with four workers, three passes of 16 images in
float32. Ours: packed images, the training's own step and precision. "Fixed batch": our step again
and again on one batch that is on the device, which is what real input is to be compared with.

One round takes every way once, so that a busy machine disturbs all alike; a ratio is the median
over the rounds. Then the same batches are trained by the public way in float32, by ours in float32
and by ours in its own precision, from the same weights: how far losses and embeddings part.
"""

import copy
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import chain, count
from pathlib import Path

import click
import numpy as np
import pandas as pd
import public_way
import torch
from PIL import Image
from tabulate import tabulate
from torch.nn import functional

from modc.data.decode import squares
from modc.data.device_images import DeviceImages
from modc.data.images import ImageFolder
from modc.data.triplets import Triplets
from modc.errors import UserError
from modc.evaluation.embed import embed_rows
from modc.networks.build import PUBLISHED, build
from modc.networks.normalise import normalise
from modc.training.determinism import be_deterministic
from modc.training.device import lease, torch_device, training_dtype
from modc.training.freed_memory import keep_freed_memory
from modc.training.optimizer import optimizer
from modc.training.train import Machine, train_batch
from modc.training.warm_up import WarmUp

ATTRIBUTES, VALUES = 8, 4
PUBLIC, OURS, FIXED = "public way", "ours", "ours, fixed batch"


def pictures(folder: Path, how_many: int) -> list[Path]:
    """Write JPEGs of 500 x 600 pixels, smooth with some noise, about 80 KB each."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    files = []
    for number in range(how_many):
        coarse = Image.fromarray(rng.integers(0, 256, (40, 30, 3)).astype(np.uint8))
        pixels = np.asarray(coarse.resize((500, 600), Image.Resampling.BICUBIC), np.float32)
        noisy = (pixels + rng.normal(0, 6, pixels.shape)).clip(0, 255).astype(np.uint8)
        files.append(folder / f"{number}.jpg")
        Image.fromarray(noisy).save(files[-1], quality=80)
    return files


def packed(files: list[Path], size: int) -> DeviceImages:
    """Return the pictures packed, as `modc pack` makes them, in a memory map beside them."""
    images = ImageFolder(files[0].parent)
    path = files[0].parent / "packed.npy"
    np.save(path, np.stack([squares(images, file.name, [size])[0] for file in files]))
    return DeviceImages(np.load(path, mmap_mode="r"))


def settings(network: str, size: int, triplets: int) -> dict:
    """Return the settings of a warm-up that the steps read."""
    return {
        "dataset": "FashionAI",
        "network": network,
        "labeled_percent": 100,
        "seed": 0,
        "stage": "warm_up",
        "sizes": {"image": size},
        "triplets_per_epoch": triplets,
        "batch": public_way.BATCH,
        "margin": public_way.MARGIN,
        "learning_rate": 1e-4,
        "flip": True,
    }


def our_stage(network: str, images: DeviceImages, size: int, triplets: int, machine: Machine):
    """Return our warm-up stage and its Adam."""
    made = build(network, PUBLISHED[network], ATTRIBUTES)
    made = made.to(machine.device, memory_format=torch.channels_last)
    labels = pd.DataFrame(
        [(i, a, (i + a) % VALUES) for i in range(len(images)) for a in range(ATTRIBUTES)],
        columns=["image", "attribute", "value"],
    )
    chosen = settings(network, size, triplets)
    stage = WarmUp(made, Triplets(labels, "image"), {"image": images}, chosen, machine.device)
    stage.network.train()
    return stage, optimizer(made, chosen)


def per_second(step: Callable[[], object], images: int, seconds: float, machine: Machine) -> float:
    """Return images a second of `step`, repeated for so long, at least once."""
    wait = torch.cuda.synchronize if machine.device.type == "cuda" else lambda: None
    wait()
    begun, made = time.perf_counter(), 0
    while not made or time.perf_counter() - begun < seconds:
        step()
        made += 1
        if made % 8 == 0:  # a GPU's queue is kept full, and short
            wait()
    wait()
    return made * images / (time.perf_counter() - begun)


def as_in_training(ours: bool) -> None:
    """Set the process up as `modc train` does, or as the public way is, with torch's defaults."""
    keep_freed_memory(ours)
    if ours:
        be_deterministic()
    else:
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.allow_tf32 = True


def compare(ways: dict[str, tuple], rounds: int, seconds: float, machine: Machine) -> list[list]:
    """Return a row for each way: images/s, and its ratio to the first way, over the rounds."""
    for name, (step, images) in ways.items():
        as_in_training(name != PUBLIC)
        per_second(step, images, min(seconds, 2), machine)  # what is done once
    found = {name: [] for name in ways}
    for number in range(rounds):
        for name, (step, images) in ways.items():
            as_in_training(name != PUBLIC)
            found[name].append(per_second(step, images, seconds, machine))
        click.echo(f"round {number + 1} of {rounds}", err=True)
    first = next(iter(found.values()))
    rows = []
    for name, rates in found.items():
        ratios = [rate / of_first for rate, of_first in zip(rates, first, strict=True)]
        rows.append([name, statistics.median(rates), statistics.median(ratios)])
    return rows


def agreement(network: str, stage: WarmUp, steps: int, machine: Machine) -> list[list]:
    """Return how far losses and embeddings part from the public way's after `steps` steps."""
    batches = [batch for batch, _ in zip(stage.batches(0), range(steps), strict=False)]
    begin = copy.deepcopy(stage.network)
    tensors = [
        [normalise(i.pixels).contiguous() for i in batch] + [batch[0].attribute]
        for batch in batches
    ]
    plain = public_way.Embedding(copy.deepcopy(begin).to(memory_format=torch.contiguous_format))
    adam = torch.optim.Adam(plain.parameters(), lr=stage.settings["learning_rate"])
    plain.train()
    losses = {
        PUBLIC: [
            float(public_way.train_step(plain, adam, batch, machine.device)) for batch in tensors
        ]
    }
    embeddings = {PUBLIC: _embedded(plain.network, tensors)}
    for precision in dict.fromkeys((torch.float32, machine.precision)):
        name = f"ours, {str(precision).removeprefix('torch.')}"
        stage.network = copy.deepcopy(begin).train()
        adam = optimizer(stage.network, stage.settings)
        here = Machine(machine.device, precision)
        losses[name] = [float(train_batch(stage, adam, batch, here)["loss"]) for batch in batches]
        embeddings[name] = _embedded(stage.network, tensors)
    return [
        [
            name,
            np.abs(np.subtract(losses[name], losses[PUBLIC])).max(),
            functional.cosine_similarity(embeddings[name], embeddings[PUBLIC]).min().item(),
        ]
        for name in losses
    ]


@torch.no_grad()
def _embedded(network, tensors: list) -> torch.Tensor:
    network.eval()
    return network(tensors[0][0], tensors[0][-1])[0].float()


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--network", type=click.Choice(["ASEN", "ASENv2"]), default="ASENv2")
@click.option("--size", default=224, show_default=True, help="Side of the view in pixels.")
@click.option("--pictures", "how_many", default=256, show_default=True)
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=3.0, show_default=True, help="Of each way in a round, at least.")
@click.option("--steps", default=5, show_default=True, help="Of the comparison of the losses.")
@click.option("--threads", default=2, show_default=True)
@click.option(
    "--public-repo",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A clone of github.com/Maryeon/asen instead of the plain rendering.",
)
def main(network, size, how_many, rounds, seconds, steps, threads, public_repo) -> None:
    """Measure and print."""
    torch.set_num_threads(threads)
    with lease() as leased, tempfile.TemporaryDirectory() as temporary:
        device = torch_device(leased)
        machine = Machine(device, training_dtype("auto", device))
        files = pictures(Path(temporary) / "pictures", how_many)
        images = packed(files, size)
        epoch = 16 * public_way.BATCH
        make = partial(public_way.cloned, public_repo) if public_repo else public_way.rendered
        try:
            theirs, dataset = make(network, files, ATTRIBUTES, size, epoch)
        except UserError as error:
            raise click.ClickException(str(error)) from None
        theirs = theirs.to(device).train()
        their_adam = torch.optim.Adam(theirs.parameters(), lr=1e-4)
        their_batches = public_way.endless(dataset, device)
        stage, adam = our_stage(network, images, size, epoch, machine)
        batches = chain.from_iterable(stage.batches(number) for number in count())
        fixed = next(batches)
        per_step = 3 * public_way.BATCH
        training = {
            PUBLIC: (
                lambda: public_way.train_step(theirs, their_adam, next(their_batches), device),
                per_step,
            ),
            OURS: (lambda: train_batch(stage, adam, next(batches), machine), per_step),
            FIXED: (lambda: train_batch(stage, adam, fixed, machine), per_step),
        }
        kind = torch.cuda.get_device_name() if device.type == "cuda" else platform.processor()
        click.echo(
            f"{network}, {size} pixels, {kind or platform.machine()}, {threads} threads, torch "
            f"{torch.__version__}; ours in {machine.precision}; median of {rounds} rounds\n"
        )
        rows = compare(training, rounds, seconds, machine)
        _show(["training", "images/s", "of the public way"], rows, (".1f", ".2f"))
        real, once = (next(row[1] for row in rows if row[0] == name) for name in (OURS, FIXED))
        click.echo(f"real input is {real / once:.1%} of the fixed batch\n")

        seen = public_way.Pictures(files, ATTRIBUTES, size, epoch, flip=False)
        their_images = public_way.endless(seen, device)
        theirs.eval()
        rows_of = pd.DataFrame({"image": np.arange(how_many), "attribute": 0})
        by_all = pd.DataFrame(
            [(i, a) for i in range(how_many // 4) for a in range(ATTRIBUTES)],
            columns=["image", "attribute"],
        )
        view = {"image": images}

        @torch.no_grad()
        def embed_publicly() -> None:
            pixels, attribute = next(their_images)
            theirs(pixels.to(device), attribute.to(device)).cpu().numpy()

        def embed(precision: torch.dtype, rows: pd.DataFrame = rows_of) -> Callable[[], object]:
            batch = 128 if device.type == "cuda" else 32
            return lambda: embed_rows(stage.network, view, rows, device, batch, precision)

        precision = str(machine.precision).removeprefix("torch.")
        evaluation = {
            PUBLIC: (embed_publicly, public_way.BATCH),
            f"{OURS}, float32 (test)": (embed(torch.float32), how_many),
            f"{OURS}, {precision} (validation)": (embed(machine.precision), how_many),
            f"{OURS}, {precision}, an image by {ATTRIBUTES} attributes": (
                embed(machine.precision, by_all),
                len(by_all),
            ),
        }
        rows = compare(evaluation, rounds, seconds, machine)
        _show(["embedding", "embeddings/s", "of the public way"], rows, (".1f", ".2f"))
        stage.network.train()
        rows = agreement(network, stage, steps, machine)
        headers = [f"after {steps} steps", "largest difference of a loss", "lowest cosine"]
        _show(headers, rows, (".2e", ".6f"))


def _show(headers: list[str], rows: list[list], formats: tuple[str, ...]) -> None:
    table = tabulate(rows, headers, tablefmt="github", floatfmt=("", *formats))
    click.echo(f"{table}\n")


if __name__ == "__main__":
    main()
