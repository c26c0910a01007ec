"""Two random views of each image, on the device: SimSiam's augmentation, drawn for every image.

Source: the supplement ("Training details"): SimSiam's, with crops of 0.8 to 1.0 of the area; no
color distortion for color attributes. A part that is not drawn for an image leaves it untouched.
"""

from dataclasses import dataclass, fields
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

AREA = (0.8, 1.0)
ASPECT = (3 / 4, 4 / 3)
BRIGHTNESS = CONTRAST = SATURATION = 0.4
HUE = 0.1
JITTER_SHARE, GREY_SHARE, BLUR_SHARE, FLIP_SHARE = 0.8, 0.2, 0.5, 0.5
# The supplement's blur is for images of 224 pixels; it is scaled with the image.
SIGMA = (0.1, 2.0)
SIGMA_SIZE = 224
GREY = (0.2989, 0.587, 0.114)  # luma of red, green and blue, as in torchvision
UNCHANGED = -1  # an image to which nothing is done
TRIES = 10  # of a crop that fits, as in torchvision's RandomResizedCrop


@dataclass(frozen=True)
class Draw:
    """What is drawn for B views; arrays (B,) unless said otherwise."""

    box: np.ndarray  # (B, 4): left, top, width, height as fractions of the image
    flip: np.ndarray
    jitter: np.ndarray  # whether the colors are changed
    factors: np.ndarray  # (B, 4): brightness, contrast, saturation, hue
    order: np.ndarray  # (B, 4): which of CHANGES comes first, second, third, last
    gray: np.ndarray
    sigma: np.ndarray  # of the blur, in pixels at SIGMA_SIZE; 0 for none


def draw(
    count: int,
    keep_color: np.ndarray,
    rng: np.random.Generator,
    aspect: np.ndarray | None = None,
) -> Draw:
    """Draw `count` views.

    keep_color: bool (count,), images whose colors must not change; aspect: (count,), width over
    height of the images that were squeezed into squares, None for squares.
    """
    jitter = rng.random(count) < JITTER_SHARE
    gray = rng.random(count) < GREY_SHARE
    factors = np.stack(
        [rng.uniform(1 - s, 1 + s, count) for s in (BRIGHTNESS, CONTRAST, SATURATION)]
        + [rng.uniform(-HUE, HUE, count)],
        axis=1,
    )
    blurred = rng.random(count) < BLUR_SHARE
    return Draw(
        box=_boxes(np.ones(count) if aspect is None else aspect, rng),
        flip=rng.random(count) < FLIP_SHARE,
        jitter=jitter & ~keep_color,
        factors=factors,
        order=rng.permuted(np.tile(np.arange(len(CHANGES)), (count, 1)), axis=1),
        gray=gray & ~keep_color,
        sigma=np.where(blurred, rng.uniform(*SIGMA, count), 0.0),
    )


def joined(draws: list[Draw]) -> Draw:
    """Return several draws as one."""
    return Draw(*(np.concatenate([getattr(one, f.name) for one in draws]) for f in fields(Draw)))


def _boxes(of_image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return crops of a share of the area and an aspect, the first of TRIES that fits.

    of_image: (B,), the images' own aspects. Where none fits, the largest center crop of an aspect
    in ASPECT, as in torchvision.
    """
    count = len(of_image)
    area = rng.uniform(*AREA, (count, TRIES))
    aspect = np.exp(rng.uniform(*np.log(ASPECT), (count, TRIES))) / of_image[:, None]
    width, height = np.sqrt(area * aspect), np.sqrt(area / aspect)
    fits = (width <= 1) & (height <= 1)
    chosen = fits.argmax(axis=1)
    rows = np.arange(count)
    fitting = fits.any(axis=1)
    largest = np.clip(of_image, *ASPECT) / of_image
    width = np.where(fitting, width[rows, chosen], np.minimum(largest, 1.0))
    height = np.where(fitting, height[rows, chosen], np.minimum(1 / largest, 1.0))
    # A center crop's place is drawn too, and not used.
    left, top = (np.where(fitting, rng.random(count), 0.5) * (1 - side) for side in (width, height))
    return np.stack([left, top, width, height], axis=1)


def view(images: Tensor, drawn: Draw) -> Tensor:
    """Return the views, uint8 like `images` (B, 3, S, S)."""
    device = images.device
    pixels = _cropped(images / 255, _sent(drawn.box, device), _sent(drawn.flip, device))
    factors = _sent(drawn.factors, device)[:, :, None, None, None]
    colors = [(change, factors[:, number]) for number, change in enumerate(CHANGES)]
    sigma = drawn.sigma * images.shape[2] / SIGMA_SIZE
    radius = min(int(np.ceil(3 * sigma.max())), images.shape[2] - 1)
    blur = (partial(_blurred, radius=radius), _sent(sigma, device))
    steps = [(np.where(drawn.jitter, place, UNCHANGED), colors) for place in drawn.order.T]
    steps += [(np.where(drawn.gray, 0, UNCHANGED), [(_greyed,)])]
    steps += [(np.where(sigma > 0, 0, UNCHANGED), [blur])]
    at = np.arange(len(images))  # where each image stands in `pixels`
    for which, changes in steps:
        pixels, at = _changed(pixels, at, which, changes)
    pixels = pixels.index_select(0, _rows(at, device))
    return pixels.mul_(255).round_().clamp_(0, 255).to(torch.uint8)


def _sent(array: np.ndarray, device: torch.device) -> Tensor:
    """Return a small array as float32 on the device."""
    return torch.from_numpy(array.astype(np.float32)).to(device, non_blocking=True)


def _rows(numbers: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(numbers).to(device, non_blocking=True)


def _changed(
    pixels: Tensor, at: np.ndarray, which: np.ndarray, changes: list[tuple]
) -> tuple[Tensor, np.ndarray]:
    """Return the images as their changes make them, and where each then stands.

    which: (B,), the number of each image's change, UNCHANGED for none; changes: each a function of
    images (b, 3, S, S) and its options, tensors (B, ...). The groups are made where the draw is, on
    the CPU, so that a GPU is not waited for; and they are put together whole, as index_copy_ is a
    sort and a dozen kernels on a GPU that must be deterministic.
    """
    order = np.argsort(which, kind="stable")
    sizes = [np.count_nonzero(which == number) for number in range(UNCHANGED, len(changes))]
    if sizes[0] == len(which):
        return pixels, at
    unchanged, *groups = pixels.index_select(0, _rows(at[order], pixels.device)).split(sizes)
    parts = [unchanged]
    _, *images = _rows(order, pixels.device).split(sizes)
    for (change, *options), group, own in zip(changes, groups, images, strict=True):
        parts.append(change(group, *(option[own] for option in options)) if len(own) else group)
    return torch.cat(parts), np.argsort(order)


def brightness(pixels: Tensor, factor: Tensor) -> Tensor:
    """Scale the pixels; here and below (B, 3, S, S) in 0..1, factor (B, 1, 1, 1)."""
    return (pixels * factor).clamp(0, 1)


def contrast(pixels: Tensor, factor: Tensor) -> Tensor:
    """Blend with the image's mean gray."""
    return _blend(pixels, luma(pixels).mean(dim=(1, 2, 3), keepdim=True), factor)


def saturation(pixels: Tensor, factor: Tensor) -> Tensor:
    """Blend with the gray image."""
    return _blend(pixels, luma(pixels), factor)


def hue(pixels: Tensor, shift: Tensor) -> Tensor:
    """Turn the hue by `shift` of a full circle, in HSV."""
    red, green, blue = pixels.unbind(dim=1)
    high = torch.maximum(torch.maximum(red, green), blue)
    low = torch.minimum(torch.minimum(red, green), blue)
    chroma = high - low
    # The place in the circle times the chroma, as red, green and blue lie at 0, 2 and 4 of 6.
    place = torch.where(
        high == red,
        green - blue,
        torch.where(high == green, blue - red + 2 * chroma, red - green + 4 * chroma),
    )
    # Grey has no hue; any divisor does.
    turned = place / torch.where(chroma > 0, chroma, 1) + 6 * shift[:, 0]
    turned -= 6 * (turned / 6).floor()
    # A channel falls from `high` to `low` with its distance from its own place in the circle.
    shares = [(turned - 3).abs() - 1, 2 - (turned - 2).abs(), 2 - (turned - 4).abs()]
    return low[:, None] + chroma[:, None] * torch.stack(shares, dim=1).clamp_(0, 1)


CHANGES = (brightness, contrast, saturation, hue)


def luma(pixels: Tensor) -> Tensor:
    """Return the gray image (B, 1, S, S)."""
    red, green, blue = pixels.split(1, dim=1)
    return GREY[0] * red + GREY[1] * green + GREY[2] * blue


def _greyed(pixels: Tensor) -> Tensor:
    return luma(pixels).expand_as(pixels)


def _blend(pixels: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    return (factor * pixels + (1 - factor) * other).clamp(0, 1)


def _cropped(pixels: Tensor, box: Tensor, flip: Tensor) -> Tensor:
    """Cut each image's box out, mirrored or not, and bring it to the image's size, bilinearly."""
    left, top, width, height = box.unbind(dim=1)
    zero = torch.zeros_like(left)
    mirrored = torch.where(flip > 0, -width, width)
    matrix = torch.stack(
        [
            torch.stack([mirrored, zero, 2 * left + width - 1], dim=1),
            torch.stack([zero, height, 2 * top + height - 1], dim=1),
        ],
        dim=1,
    )
    grid = functional.affine_grid(matrix, list(pixels.shape), align_corners=False)
    return functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)


def _blurred(pixels: Tensor, sigma: Tensor, radius: int) -> Tensor:
    """Blur each image by its own Gaussian; sigma (B,) and the kernel's radius in pixels."""
    count, channels, side, _ = pixels.shape
    offsets = torch.arange(-radius, radius + 1, device=pixels.device, dtype=pixels.dtype)
    # A sigma of almost nothing leaves the image as it is.
    weights = torch.exp(-(offsets**2) / (2 * sigma.clamp_min(1e-3)[:, None] ** 2))  # (B, K)
    weights = (weights / weights.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)
    flat = pixels.reshape(1, count * channels, side, side)
    flat = functional.pad(flat, (radius, radius, radius, radius), mode="reflect")
    flat = functional.conv2d(flat, weights[:, None, None, :], groups=count * channels)
    flat = functional.conv2d(flat, weights[:, None, :, None], groups=count * channels)
    return flat.view(count, channels, side, side)
