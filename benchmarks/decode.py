"""How fast a JPEG becomes the center squares that are packed, beside other ways to make them.

The peer is what the public code does: Pillow decodes, torchvision's Resize and CenterCrop make each
square. A round takes all images by each way, on one thread whose seconds on a core are counted; a
ratio is the median over the rounds. The images are photographs that matplotlib and scikit-learn
bring along, saved as JPEGs of several shapes, qualities and subsamplings. Mean and worst are
absolute differences from the peer's squares in gray levels: over all images, and of the image
that differs most on average; a number a size.

Why the project decodes as it does: at a reduced scale, decoding is faster for one small square, but
differs by more than a gray level. torchvision's own decoder is deprecated. README.md has figures.
"""

import os
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import click
import numpy as np
import simplejpeg
import torch
from matplotlib.cbook import get_sample_data
from PIL import Image
from sklearn.datasets import load_sample_images
from tabulate import tabulate
from torch.nn.functional import interpolate
from torchvision.transforms import CenterCrop, Resize

from modc.data import decode
from modc.data.images import ImageFolder
from modc.data.square import Form, center_corner, resized_sides

PEER = "Pillow, torchvision"
SHAPES = ((512, 512), (512, 683), (500, 600))
QUALITIES = (75, 85, 95)
SUBSAMPLINGS = ("4:2:0", "4:4:4")

Way = Callable[[Path, list[int]], list[np.ndarray]]


def peer(path: Path, sizes: list[int]) -> list[np.ndarray]:
    """Return the squares by Pillow's decoder and torchvision's transforms; one decode for all."""
    with Image.open(path) as file:
        picture = file.convert("RGB")
    return [np.asarray(CenterCrop(size)(Resize(size)(picture))) for size in sizes]


def ours(path: Path, sizes: list[int]) -> list[np.ndarray]:
    """Return the squares as `modc pack` makes them."""
    return decode.squares(ImageFolder(path.parent), path.name, [Form(size) for size in sizes])


def pillow_and_torch(path: Path, sizes: list[int]) -> list[np.ndarray]:
    """Return the squares by Pillow's decoder and torch's resize: what needs no simplejpeg."""
    with Image.open(path) as file:
        pixels = np.array(file.convert("RGB"))
    return [_square(pixels, file.size, size) for size in sizes]


def pillow_draft(path: Path, sizes: list[int]) -> list[np.ndarray]:
    """Return the squares by Pillow alone, decoded at 1/2 or 1/4 where that suffices."""
    with Image.open(path) as file:
        width, height = file.size
        drafted = file.draft("RGB", resized_sides(width, height, max(sizes)))
        box = drafted[1] if drafted else (0, 0, width, height)
        made = []
        for size in sizes:
            sides = resized_sides(width, height, size)
            left, top = center_corner(*sides, size)
            resized = file.resize(sides, Image.Resampling.BILINEAR, box)
            made.append(np.asarray(resized.crop((left, top, left + size, top + size))))
    return made


def simplejpeg_reduced(path: Path, sizes: list[int]) -> list[np.ndarray]:
    """Return the squares from the smallest scale, in eighths, that suffices, with fast decoding."""
    data = path.read_bytes()
    height, width = simplejpeg.decode_jpeg_header(data)[:2]
    least = resized_sides(width, height, max(sizes))
    pixels = simplejpeg.decode_jpeg(
        data, fastdct=True, fastupsample=True, min_width=least[0], min_height=least[1], min_factor=1
    )
    return [_square(pixels, (width, height), size) for size in sizes]


def torchvision_decoder(path: Path, sizes: list[int]) -> list[np.ndarray]:
    """Return the squares by torchvision's decoder and torch's resize."""
    data = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)
    pixels = torch.ops.image.decode_jpeg(data, 3, False).permute(1, 2, 0).numpy()
    return [_square(pixels, (pixels.shape[1], pixels.shape[0]), size) for size in sizes]


WAYS: dict[str, Way] = {
    PEER: peer,
    "ours": ours,
    "Pillow, torch": pillow_and_torch,
    "Pillow at a reduced scale": pillow_draft,
    "simplejpeg at a reduced scale, torch": simplejpeg_reduced,
    "torchvision's decoder, torch": torchvision_decoder,
}


def _square(pixels: np.ndarray, sides: tuple[int, int], size: int) -> np.ndarray:
    """Return the square that an image of `sides` has, from its pixels at any scale."""
    width, height = resized_sides(*sides, size)
    left, top = center_corner(width, height, size)
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    resized = interpolate(image, (height, width), mode="bilinear", antialias=True)
    return resized[0, :, top : top + size, left : left + size].permute(1, 2, 0).numpy()


def photographs(folder: Path, shapes, qualities, subsamplings) -> list[Path]:
    """Write the sample photographs to `folder`, once for each setting; return their paths."""
    with get_sample_data("grace_hopper.jpg") as file:
        samples = [Image.open(file).convert("RGB")]
    samples += map(Image.fromarray, load_sample_images().images)
    paths = []
    for number, sample in enumerate(samples):
        for sides in shapes:
            picture = _filled(sample, *sides)
            for quality in qualities:
                for subsampling in subsamplings:
                    paths.append(folder / f"{number}-{len(paths)}.jpg")
                    picture.save(paths[-1], quality=quality, subsampling=subsampling)
    return paths


def _filled(sample: Image.Image, width: int, height: int) -> Image.Image:
    """Return the largest center part of that aspect, resized."""
    scale = max(width / sample.width, height / sample.height)
    left = (sample.width - width / scale) / 2
    top = (sample.height - height / scale) / 2
    box = (left, top, sample.width - left, sample.height - top)
    return sample.resize((width, height), Image.Resampling.LANCZOS, box)


def seconds(way: Way, paths: list[Path], sizes: list[int]) -> float:
    """Return the seconds of a core that a way takes over all images, whatever else is running."""
    start = time.thread_time()
    for path in paths:
        way(path, sizes)
    return time.thread_time() - start


def rows(paths: list[Path], sizes: list[int], repeats: int) -> list[list]:
    """Return the lines of the table for some sizes: images/s, times the peer, differences."""
    expected = {path: peer(path, sizes) for path in paths}
    differences = {
        name: [
            [
                np.abs(a.astype(int) - b).mean()
                for a, b in zip(way(path, sizes), squares, strict=True)
            ]
            for path, squares in expected.items()
        ]
        for name, way in WAYS.items()
    }
    rounds = [
        {name: seconds(way, paths, sizes) for name, way in WAYS.items()} for _ in range(repeats)
    ]
    lines = []
    for name in WAYS:
        taken = statistics.median(r[name] for r in rounds)
        ratio = statistics.median(r[PEER] / r[name] for r in rounds)
        of_size = np.array(differences[name])
        means, worst = of_size.mean(axis=0), of_size.max(axis=0)
        lines.append(
            [
                " and ".join(map(str, sizes)),
                name,
                len(paths) / taken,
                f"{ratio:.2f}",
                ", ".join(f"{mean:.3f}" for mean in means),
                ", ".join(f"{mean:.3f}" for mean in worst),
            ]
        )
    return lines


def machine() -> str:
    """Say what is measured on."""
    cpuinfo = Path("/proc/cpuinfo")
    named = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in named if line.startswith("model name")]
    cpu = models[0] if models else platform.processor() or platform.machine()
    load = f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    packages = ("torch", "torchvision", "pillow", "simplejpeg")
    return f"{cpu}, {os.cpu_count()} cores{load}; one thread\n" + ", ".join(
        f"{name} {version(name)}" for name in packages
    )


@click.command(help="Measure decoding and resizing beside Pillow and torchvision.")
@click.option("--repeats", default=9, show_default=True, help="Rounds, of which the median is.")
@click.option("--quick", is_flag=True, help="One shape, quality and subsampling.")
@click.option("--each", is_flag=True, help="A table for each quality and subsampling.")
def main(repeats: int, quick: bool, each: bool) -> None:
    """Print the table."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    click.echo(machine())
    shapes = SHAPES[-1:] if quick else SHAPES
    qualities = QUALITIES[1:2] if quick else QUALITIES
    subsamplings = SUBSAMPLINGS[:1] if quick else SUBSAMPLINGS
    settings = [(qualities, subsamplings)]
    if each:
        settings += [([quality], [sampling]) for quality in qualities for sampling in subsamplings]
    for some_qualities, some_subsamplings in settings:
        with tempfile.TemporaryDirectory() as folder:
            paths = photographs(Path(folder), shapes, some_qualities, some_subsamplings)
            size = statistics.mean(path.stat().st_size for path in paths) / 1000
            lines = [line for sizes in ([224], [224, 448]) for line in rows(paths, sizes, repeats)]
        click.echo(
            f"\nquality {', '.join(map(str, some_qualities))}; {', '.join(some_subsamplings)}: "
            f"{len(paths)} JPEGs of {size:.0f} KB, median of {repeats} rounds"
        )
        headers = ["pixels", "way", "images/s a core", "times the peer", "mean", "worst"]
        click.echo(tabulate(lines, headers, floatfmt=".0f", disable_numparse=[3]))


if __name__ == "__main__":
    main()
