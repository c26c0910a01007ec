"""How fast we train and embed, beside the public way, in one run.

The public way: the public code itself, from a clone (`public_clones.py`), or a plain rendering of
it (`public_way.py`). Ours: packed images, the training's own step and precision. "Fixed batch": our
step again and again on one batch that is on the device, which is what real input is compared with.

One round takes every way once, so that a busy machine disturbs all alike; a ratio is the median
over the rounds. Then the same batches are trained by the public way in float32, by ours in float32
and by ours in its own precision, from the same weights: how far losses and embeddings part.
"""

import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import click
import numpy as np
import pandas as pd
import public_way
import torch
from PIL import Image
from public_clones import cloned
from public_way import PublicWay, rendered
from torch.nn import functional

from modc import config as configuration
from modc.cell import Cell
from modc.data.decode import squares
from modc.data.device_images import DeviceImages
from modc.data.images import ImageFolder
from modc.data.square import Form, short_side_square
from modc.errors import UserError
from modc.evaluation.embed import embed_rows
from modc.grid import stage_spec
from modc.networks import region
from modc.networks.network import Network
from modc.stage import StageSpec
from modc.training.batches import batches
from modc.training.determinism import be_deterministic
from modc.training.device import lease, torch_device, training_dtype
from modc.training.forward import embedded
from modc.training.freed_memory import keep_freed_memory
from modc.training.groups import Images
from modc.training.optimizer import set_learning_rate
from modc.training.probe import ATTRIBUTES, endless_batches, made_up_task
from modc.training.train import Learner, Machine, set_up, train_batch

ROOT = Path(__file__).resolve().parents[1]
NETWORKS = ("ASEN", "ASENv2", "ASEN++")
PUBLIC, OURS, FIXED = "public way", "ours", "ours, fixed batch"
IMAGES_OF_AGREEMENT = 32


@dataclass(frozen=True)
class Drawn:
    """Images as JPEG files and packed, "image" of a size and "detail" of twice that."""

    files: list[Path]
    packed: dict[str, DeviceImages]

    @property
    def size(self) -> int:
        """The side of "image" in pixels."""
        return self.packed["image"].shape[1]

    def seen_by(self, network: str) -> dict[str, DeviceImages]:
        """Return what `network` trains on: only ASEN++ looks at details."""
        return self.packed if network == "ASEN++" else {"image": self.packed["image"]}


def draw(folder: Path, how_many: int, size: int) -> Drawn:
    """Write so many JPEGs into a new folder and pack them as `modc pack` does.

    They have 500 x 600 pixels, smooth with some noise, and about 80 KB each.
    """
    folder.mkdir()
    rng = np.random.default_rng(0)
    files = []
    for number in range(how_many):
        files.append(folder / f"{number}.jpg")
        Image.fromarray(_noisy(rng, 500, 600)).save(files[-1], quality=80)
    images = ImageFolder(folder)
    each = (squares(images, file.name, [Form(size), Form(2 * size)]) for file in files)
    packed = {}
    for name, arrays in zip(("image", "detail"), zip(*each, strict=True), strict=True):
        np.save(folder / f"{name}.npy", np.stack(arrays))
        packed[name] = DeviceImages(np.load(folder / f"{name}.npy", mmap_mode="r"))
    return Drawn(files, packed)


def _noisy(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    coarse = Image.fromarray(rng.integers(0, 256, (40, 30, 3)).astype(np.uint8))
    pixels = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.float32)
    return (pixels + rng.normal(0, 6, pixels.shape)).clip(0, 255).astype(np.uint8)


def our_spec(network: str, size: int, triplets: int) -> StageSpec:
    """Return the spec of a warm-up, with the public code's numbers."""
    cell = Cell("FashionAI", network, 100, 0)
    read = stage_spec(configuration.load([ROOT / "config.yaml"]), cell, "baseline", "warm_up")
    spec = replace(
        read,
        before=None,
        sizes={"image": size},
        triplets_per_epoch=triplets,
        batch=public_way.BATCH,
        margin=public_way.MARGIN,
        learning_rate=public_way.RATE,
    )
    if network != "ASEN++":
        return spec
    return replace(
        spec,
        sizes={"image": size, "detail": 2 * size},
        learning_rate=public_way.GLOBAL_RATE,
        local_learning_rate=public_way.RATE,
        local_weight=public_way.LOCAL_WEIGHT,
        alignment_weight=public_way.ALIGNMENT_WEIGHT,
    )


def our_learner(
    network: str, packed: dict[str, DeviceImages], size: int, triplets: int, machine: Machine
) -> Learner:
    """Return our warm-up at its beginning; all images are labeled."""
    task = made_up_task(our_spec(network, size, triplets), packed)
    learner = set_up(replace(task, labeled=np.arange(len(packed["image"]))), machine)
    learner.network.train()
    set_learning_rate(learner.adam, learner.spec, 0)
    return learner


def public(
    network: str, size: int, device: torch.device, files: list[Path], public_repo: Path | None
) -> PublicWay:
    """Return the public way: that of a clone, or the plain rendering.

    Raises UserError as `public_clones.cloned`. Leaves the process set up as `modc train` does.
    """
    as_in_training(ours=True)  # before the first product: a GPU's cuBLAS reads its setting once
    if public_repo:
        return cloned(public_repo, network, ATTRIBUTES, size, device, files)
    return rendered(network, ATTRIBUTES, size, device, files)


def as_in_training(ours: bool, cudnn_benchmark: bool = True) -> None:
    """Set the process up as `modc train` does, or as the public way is.

    That leaves torch's defaults, TF32 in cuDNN's convolutions among them, but for
    `torch.backends.cudnn.benchmark`: ASEN's main.py sets it, ASEN++'s does not.
    """
    keep_freed_memory(ours)
    torch.backends.cudnn.benchmark = cudnn_benchmark and not ours
    if ours:
        be_deterministic()
    else:
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.allow_tf32 = True


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


def compare(
    ways: dict[str, tuple],
    rounds: int,
    seconds: float,
    machine: Machine,
    cudnn_benchmark: bool = True,
) -> list[list]:
    """Return a row for each way: images/s, and its ratio to the first way, over the rounds.

    ways: a step and its images; the one named PUBLIC runs under the public code's settings.
    """
    for name, (step, images) in ways.items():
        as_in_training(name != PUBLIC, cudnn_benchmark)
        per_second(step, images, min(seconds, 2), machine)  # what is done once
    found = {name: [] for name in ways}
    for number in range(rounds):
        for name, (step, images) in ways.items():
            as_in_training(name != PUBLIC, cudnn_benchmark)
            found[name].append(per_second(step, images, seconds, machine))
        click.echo(f"round {number + 1} of {rounds}", err=True)
    first = next(iter(found.values()))
    rows = []
    for name, rates in found.items():
        ratios = [rate / of_first for rate, of_first in zip(rates, first, strict=True)]
        rows.append([name, statistics.median(rates), statistics.median(ratios)])
    return rows


def measure_training(
    network: str,
    drawn: Drawn,
    rounds: int,
    seconds: float,
    machine: Machine,
    public_repo: Path | None = None,
) -> list[list]:
    """Return a row for PUBLIC, OURS and FIXED: images/s and ratio to PUBLIC, as `compare`.

    Ours trains the warm-up: of ASEN++ both branches, its public code's second stage.
    """
    theirs = public(network, drawn.size, machine.device, drawn.files, public_repo)
    their_batches = theirs.batches()
    learner = our_learner(network, drawn.seen_by(network), drawn.size, public_way.TRIPLETS, machine)
    our_batches = endless_batches(learner)
    fixed = next(our_batches)
    per_step = 3 * public_way.BATCH
    ways = {
        PUBLIC: (lambda: theirs.step(next(their_batches)), per_step),
        OURS: (lambda: train_batch(learner, next(our_batches)), per_step),
        FIXED: (lambda: train_batch(learner, fixed), per_step),
    }
    return compare(ways, rounds, seconds, machine, theirs.cudnn_benchmark)


def measure_embedding(
    network: str,
    drawn: Drawn,
    rounds: int,
    seconds: float,
    machine: Machine,
    public_repo: Path | None = None,
) -> list[list]:
    """Return a row for PUBLIC and for ours, as tests and validations embed, as `compare`."""
    theirs = public(network, drawn.size, machine.device, drawn.files, public_repo)
    their_images = theirs.singles()
    packed = drawn.seen_by(network)
    made = our_learner(network, packed, drawn.size, public_way.BATCH, machine).network
    how_many = len(drawn.files)
    once = pd.DataFrame({"image": np.arange(how_many), "attribute": 0})
    by_all = pd.DataFrame(
        [(i, a) for i in range(max(1, how_many // 4)) for a in range(ATTRIBUTES)],
        columns=["image", "attribute"],
    )

    def embed(precision: torch.dtype, rows: pd.DataFrame) -> tuple:
        batch = 128 if machine.device.type == "cuda" else 32
        return (
            lambda: embed_rows(made, packed, rows, machine.device, batch, precision),
            len(rows),
        )

    precision = _name(machine.precision)
    ways = {
        PUBLIC: (lambda: theirs.embed(next(their_images)), theirs.test_batch),
        f"{OURS}, float32 (test)": embed(torch.float32, once),
        f"{OURS}, {precision} (validation)": embed(machine.precision, once),
        f"{OURS}, {precision}, an image by {ATTRIBUTES} attributes": embed(
            machine.precision, by_all
        ),
    }
    return compare(ways, rounds, seconds, machine, theirs.cudnn_benchmark)


def agreement(
    network: str, size: int, steps: int, machine: Machine, public_repo: Path | None = None
) -> list[list]:
    """Return how far losses and embeddings part from the public way's over `steps` steps.

    A row for the public way and for ours in float32 and in the machine's precision: the largest
    difference of a loss, and the lowest cosine of an embedding after the last step. The reference
    is the clone's own network with weights of its own, which ours takes over; without a clone, the
    plain rendering. All run with deterministic algorithms and without TF32, so that in float32 only
    the order of sums differs. The public ASEN passes negatives before positives: that moves no
    loss, only the running statistics of batch normalization, which an embedding is made with.
    ASEN++'s crops are not rounded to gray levels by us, as Pillow does twice: a row with Pillow's
    shows what is left without that. The images are squares of twice `size`, from which both ways
    make the same views.
    """
    torch.manual_seed(0)
    theirs = public(network, size, machine.device, [], public_repo)
    begin = theirs.ours().state_dict()
    rng = np.random.default_rng(0)
    details = np.stack([_noisy(rng, 2 * size, 2 * size) for _ in range(IMAGES_OF_AGREEMENT)])
    images = np.stack([short_side_square(Image.fromarray(square), size) for square in details])
    packed = {"image": DeviceImages(images)}
    ways = {"float32": (torch.float32, region.crop_detail)}
    if network == "ASEN++":
        packed["detail"] = DeviceImages(details)
        ways["float32, Pillow's crops"] = (torch.float32, _cropped_by_pillow)
    ways[_name(machine.precision)] = (machine.precision, region.crop_detail)
    how = (network, packed, size, steps * public_way.BATCH)
    drawn = list(batches(our_learner(*how, machine).source, epoch=0))
    triplets = [batch.labeled[0] for batch in drawn]  # one view
    losses = {PUBLIC: [theirs.step(theirs.triplets_of(roles)) for roles in triplets]}
    shown = triplets[0][0]
    embeddings = {PUBLIC: torch.from_numpy(theirs.embed(theirs.singles_of(shown)))}
    for way, (precision, crops) in ways.items():
        name = f"{OURS}, {way}"
        learner = our_learner(*how, Machine(machine.device, precision))
        learner.network.load_state_dict(begin)
        with patch.object(region, "crop_detail", crops):
            trained = [train_batch(learner, batch)[0] for batch in drawn]
            embeddings[name] = _embedding(learner.network, shown)
        losses[name] = [float(terms["loss"]) for terms in trained]
    return [
        [
            name,
            float(np.abs(np.subtract(losses[name], losses[PUBLIC])).max()),
            functional.cosine_similarity(embeddings[name], embeddings[PUBLIC]).min().item(),
        ]
        for name in losses
    ]


def _cropped_by_pillow(details: torch.Tensor, regions: torch.Tensor, size: int) -> torch.Tensor:
    """Return what `region.crop_detail` does, rounded to gray levels."""
    squares_of = details.permute(0, 2, 3, 1).cpu().numpy()
    crops = [
        region.crop_original(square, of_square, size)
        for square, of_square in zip(squares_of, regions.tolist(), strict=True)
    ]
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).to(details.device)


@torch.no_grad()
def _embedding(network: Network, images: Images) -> torch.Tensor:
    return embedded(network.eval(), images).embedding.cpu()


def _name(precision: torch.dtype) -> str:
    return str(precision).removeprefix("torch.")


@click.command(help=__doc__.split("\n\n")[0])
@click.option(
    "--network",
    type=click.Choice(["ASEN", "ASENv2", "ASEN++"]),
    default="ASENv2",
    show_default=True,
)
@click.option("--size", default=224, show_default=True, help="Side of the view in pixels.")
@click.option("--pictures", "how_many", default=256, show_default=True)
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=3.0, show_default=True, help="Of each way in a round, at least.")
@click.option("--steps", default=5, show_default=True, help="Of the comparison of the losses.")
@click.option("--threads", default=2, show_default=True)
@click.option(
    "--public-repo",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A clone of github.com/Maryeon/asen, for ASEN++ of github.com/Maryeon/asenpp, instead of "
    "the plain rendering.",
)
def main(network, size, how_many, rounds, seconds, steps, threads, public_repo) -> None:
    """Measure and print."""
    torch.set_num_threads(threads)
    with lease() as leased, tempfile.TemporaryDirectory() as temporary:
        device = torch_device(leased)
        machine = Machine(device, training_dtype("auto", device))
        kind = torch.cuda.get_device_name() if device.type == "cuda" else platform.processor()
        way = f"the clone {public_repo.name}" if public_repo else "a plain rendering"
        click.echo(
            f"{network}, {size} pixels, {kind or platform.machine()}, {threads} threads, torch "
            f"{torch.__version__}; public way: {way}; ours in {machine.precision}; median of "
            f"{rounds} rounds\n"
        )
        drawn = draw(Path(temporary) / "images", how_many, size)
        how = (network, drawn, rounds, seconds, machine, public_repo)
        try:
            rows = measure_training(*how)
            _show(["training", "images/s", "of the public way"], rows, (".1f", ".2f"))
            rate = {name: images for name, images, _ in rows}
            click.echo(f"real input is {rate[OURS] / rate[FIXED]:.1%} of the fixed batch\n")
            rows = measure_embedding(*how)
            _show(["embedding", "embeddings/s", "of the public way"], rows, (".1f", ".2f"))
            rows = agreement(network, size, steps, machine, public_repo)
        except UserError as error:
            raise click.ClickException(str(error)) from None
        headers = [
            f"{steps} steps beside {way}",
            "largest difference of a loss",
            "lowest cosine",
        ]
        _show(headers, rows, (".2e", ".6f"))


def _show(headers: list[str], rows: list[list], formats: tuple[str, ...]) -> None:
    from tabulate import tabulate  # not where only the functions above are called

    table = tabulate(rows, headers, tablefmt="github", floatfmt=("", *formats))
    click.echo(f"{table}\n")


if __name__ == "__main__":
    main()
