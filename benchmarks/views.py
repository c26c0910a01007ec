"""How fast the random views are, beside torchvision's and kornia's of the same augmentation.

Every way takes a uint8 batch and gives one back, with parameters drawn anew. One round measures
each way once, so that a busy machine disturbs all alike; a ratio is the median over the rounds. The
last row of a size is what a view has to be small beside: a backbone's forward and backward pass.

Why the project has its own version: torchvision draws once for a batch, so it must go image by
image. kornia 0.9 draws the order of the color changes once for a batch, draws from torch's global
generator, and would be one more dependency.

Measured on one thread of a virtual machine with two AMD EPYC cores (family 25, model 17), shared
with other work, with torch 2.14.1, torchvision 0.29.1 and kornia 0.9.0; 48 images a batch, median
of 41 rounds at 64 pixels, of 3 at 224:

| pixels | ours, images/s | tensors, times ours | Pillow | kornia | of a step     |
|--------|----------------|---------------------|--------|--------|---------------|
|     64 |           3166 |                3.0  |   2.1  |   1.6  | 8 %, resnet10 |
|    224 |            268 |                1.6  |   1.0  |   2.2  | 1 %, resnet50 |

On one thread at 224 pixels, Pillow is as fast. No GPU was measured.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import torch
import torchvision
from PIL import Image, ImageFilter
from tabulate import tabulate
from torch import Tensor, nn
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from modc.networks.backbone import NAMES, build
from modc.networks.normalize import normalize
from modc.training import views

try:
    import kornia
except ImportError:
    kornia = None

COLORS = (views.BRIGHTNESS, views.CONTRAST, views.SATURATION, views.HUE)
STEP = "forward and backward of {}"


def ours(images: Tensor, rng: np.random.Generator) -> Callable[[], Tensor]:
    """Return what makes one view of each image: `draw` and `view`."""
    keep_color = np.zeros(len(images), bool)
    return lambda: views.view(images, views.draw(len(images), keep_color, rng))


def of_torchvision(images: Tensor) -> Callable[[], Tensor]:
    """Return the same with torchvision.transforms.v2, image by image on uint8 tensors."""
    kernel, sigma = _blur(images.shape[2])
    transform = _composed(images.shape[2], v2.GaussianBlur(kernel, sigma))
    return lambda: torch.stack([transform(image) for image in images])


def of_pillow(images: Tensor) -> Callable[[], Tensor]:
    """Return the same on Pillow's images, as SimSiam's loader does; decoding is not measured."""
    pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in images.cpu()]
    rng = np.random.default_rng(0)
    _, sigma = _blur(images.shape[2])

    def blur(picture: Image.Image) -> Image.Image:
        return picture.filter(ImageFilter.GaussianBlur(rng.uniform(*sigma)))

    transform = _composed(images.shape[2], blur)
    return lambda: torch.stack([functional.pil_to_tensor(transform(p)) for p in pictures]).to(
        images.device
    )


def of_kornia(images: Tensor) -> Callable[[], Tensor]:
    """Return the same with kornia.augmentation, in one batch with a draw for each image."""
    size = images.shape[2]
    kernel, sigma = _blur(size)
    augmentation = kornia.augmentation
    transform = nn.Sequential(
        augmentation.RandomResizedCrop((size, size), views.AREA, views.ASPECT),
        augmentation.ColorJitter(*COLORS, p=views.JITTER_SHARE),
        augmentation.RandomGrayscale(p=views.GREY_SHARE),
        augmentation.RandomGaussianBlur((kernel, kernel), sigma, p=views.BLUR_SHARE),
        augmentation.RandomHorizontalFlip(p=views.FLIP_SHARE),
    )
    return lambda: (transform(images / 255) * 255).round().clamp(0, 255).to(torch.uint8)


def training_step(images: Tensor, backbone: str) -> Callable[[], None]:
    """Return a forward and backward pass of a backbone, as training runs it, in float32."""
    network = build(backbone, "none").to(images.device, memory_format=torch.channels_last)
    return lambda: network(normalize(images)).mean().backward()


def _composed(size: int, blur: Callable) -> v2.Compose:
    return v2.Compose(
        [
            v2.RandomResizedCrop(size, views.AREA, views.ASPECT),
            v2.RandomApply([v2.ColorJitter(*COLORS)], views.JITTER_SHARE),
            v2.RandomGrayscale(views.GREY_SHARE),
            v2.RandomApply([v2.Lambda(blur)], views.BLUR_SHARE),
            v2.RandomHorizontalFlip(views.FLIP_SHARE),
        ]
    )


def _blur(size: int) -> tuple[int, tuple[float, float]]:
    """Return the kernel's side and the range of sigma in pixels, scaled with the image as ours."""
    low, high = (sigma * size / views.SIGMA_SIZE for sigma in views.SIGMA)
    return 2 * int(np.ceil(3 * high)) + 1, (low, high)


def milliseconds(run: Callable[[], object], device: torch.device) -> float:
    """Return how long one call takes, until a GPU has done it."""

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    wait()
    start = time.perf_counter()
    run()
    wait()
    return 1000 * (time.perf_counter() - start)


def rows(size: int, backbone: str, count: int, repeats: int, device: torch.device) -> list[list]:
    """Return a size's lines of the table: way, ms, images/s, times ours, share of the step."""
    # Packed images are channels last in memory.
    rng = np.random.default_rng(0)
    packed = rng.integers(0, 256, (count, size, size, 3), np.uint8)
    images = torch.from_numpy(packed).to(device).permute(0, 3, 1, 2)
    step = STEP.format(backbone)
    ways = {
        "ours": ours(images, rng),
        "torchvision v2, tensors": of_torchvision(images),
        "torchvision v2, Pillow": of_pillow(images),
    }
    if kornia:
        ways["kornia"] = of_kornia(images)
    ways[step] = training_step(images, backbone)
    for run in ways.values():
        run()
    rounds = [{way: milliseconds(run, device) for way, run in ways.items()} for _ in range(repeats)]
    lines = []
    for way in ways:
        taken = statistics.median(r[way] for r in rounds)
        ratio = statistics.median(r[way] / r["ours"] for r in rounds)
        share = statistics.median(r[way] / r[step] for r in rounds)
        lines.append([size, way, taken, 1000 * count / taken, ratio, f"{share:.1%}"])
    return lines


def machine(device: torch.device) -> str:
    """Say what is measured on."""
    cpuinfo = Path("/proc/cpuinfo")
    named = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in named if line.startswith("model name")]
    cpu = models[0] if models else platform.processor() or platform.machine()
    gpu = f", {torch.cuda.get_device_name(device)}" if device.type == "cuda" else ""
    load = f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    return (
        f"{cpu}, {os.cpu_count()} cores{gpu}{load}\ntorch {torch.__version__}, torchvision "
        f"{torchvision.__version__}, {torch.get_num_threads()} threads"
        + (f", kornia {kornia.__version__}" if kornia else "")
    )


@click.command(help="Measure the random views beside torchvision's and kornia's.")
@click.option(
    "--case",
    "cases",
    type=(int, click.Choice(NAMES)),
    multiple=True,
    default=[(64, "resnet10"), (224, "resnet50")],
    help="Side in pixels and backbone; may be given again.  [default: 64 resnet10, 224 resnet50]",
)
@click.option("--images", "count", default=48, show_default=True, help="Images of a batch.")
@click.option("--repeats", default=5, show_default=True, help="Rounds, of which the median is.")
@click.option("--threads", default=torch.get_num_threads(), help="Of torch.  [default: all]")
def main(cases: list[tuple[int, str]], count: int, repeats: int, threads: int) -> None:
    """Print the table."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    click.echo(machine(device))
    if kornia is None:
        click.echo("kornia is not installed and left out: pip install kornia")
    click.echo(f"{count} images a batch, median of {repeats} rounds")
    lines = [line for case in cases for line in rows(*case, count, repeats, device)]
    headers = ["pixels", "way", "ms a batch", "images/s", "times ours", "of a step"]
    click.echo(tabulate(lines, headers, floatfmt=("", "", ".1f", ".0f", ".2f", "")))


if __name__ == "__main__":
    main()
