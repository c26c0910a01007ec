"""Two random views of each image, on the device: SimSiam's augmentation, drawn for every image.

Source: the supplement ("Training details"): SimSiam's, with crops of 0.8 to 1.0 of the area; no
colour distortion for colour attributes. The order of the four colour changes is drawn for a batch.
"""

from dataclasses import dataclass

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
TRIES = 10  # of a crop that fits, as in torchvision's RandomResizedCrop


@dataclass(frozen=True)
class Draw:
    """What is drawn for B views; arrays (B,) unless said otherwise."""

    box: np.ndarray  # (B, 4): left, top, width, height as fractions of the image
    flip: np.ndarray
    jitter: np.ndarray  # whether the colours are changed
    factors: np.ndarray  # (B, 4): brightness, contrast, saturation, hue
    order: np.ndarray  # (4,): in which order
    grey: np.ndarray
    sigma: np.ndarray  # of the blur, in pixels at SIGMA_SIZE; 0 for none


def draw(count: int, keep_colour: np.ndarray, rng: np.random.Generator) -> Draw:
    """Draw `count` views; keep_colour: bool (count,), images whose colours must not change."""
    jitter = rng.random(count) < JITTER_SHARE
    grey = rng.random(count) < GREY_SHARE
    factors = np.stack(
        [rng.uniform(1 - s, 1 + s, count) for s in (BRIGHTNESS, CONTRAST, SATURATION)]
        + [rng.uniform(-HUE, HUE, count)],
        axis=1,
    )
    blurred = rng.random(count) < BLUR_SHARE
    return Draw(
        box=_boxes(count, rng),
        flip=rng.random(count) < FLIP_SHARE,
        jitter=jitter & ~keep_colour,
        factors=factors,
        order=rng.permutation(4),
        grey=grey & ~keep_colour,
        sigma=np.where(blurred, rng.uniform(*SIGMA, count), 0.0),
    )


def _boxes(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return crops of a share of the area and an aspect, the first of TRIES that fits."""
    area = rng.uniform(*AREA, (count, TRIES))
    aspect = np.exp(rng.uniform(*np.log(ASPECT), (count, TRIES)))
    width, height = np.sqrt(area * aspect), np.sqrt(area / aspect)
    fits = (width <= 1) & (height <= 1)
    chosen = fits.argmax(axis=1)
    rows = np.arange(count)
    fitting = fits.any(axis=1)
    width = np.where(fitting, width[rows, chosen], 1.0)
    height = np.where(fitting, height[rows, chosen], 1.0)
    left, top = rng.random(count) * (1 - width), rng.random(count) * (1 - height)
    return np.stack([left, top, width, height], axis=1)


def view(images: Tensor, drawn: Draw) -> Tensor:
    """Return the views, uint8 like `images` (B, 3, S, S)."""
    device = images.device

    def tensor(array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(device, torch.float32)

    pixels = _cropped(images.float() / 255, tensor(drawn.box), tensor(drawn.flip))
    jitter = tensor(drawn.jitter)[:, None, None, None].bool()
    factors = tensor(drawn.factors)[:, :, None, None, None]
    for step in drawn.order:
        pixels = torch.where(jitter, CHANGES[step](pixels, factors[:, step]), pixels)
    grey = tensor(drawn.grey)[:, None, None, None].bool()
    pixels = torch.where(grey, luma(pixels).expand_as(pixels), pixels)
    pixels = _blurred(pixels, tensor(drawn.sigma) * images.shape[2] / SIGMA_SIZE)
    return (pixels * 255).round().clamp(0, 255).to(torch.uint8)


def brightness(pixels: Tensor, factor: Tensor) -> Tensor:
    """Scale the pixels; here and below (B, 3, S, S) in 0..1, factor (B, 1, 1, 1)."""
    return (pixels * factor).clamp(0, 1)


def contrast(pixels: Tensor, factor: Tensor) -> Tensor:
    """Blend with the image's mean grey."""
    return _blend(pixels, luma(pixels).mean(dim=(1, 2, 3), keepdim=True), factor)


def saturation(pixels: Tensor, factor: Tensor) -> Tensor:
    """Blend with the grey image."""
    return _blend(pixels, luma(pixels), factor)


def hue(pixels: Tensor, shift: Tensor) -> Tensor:
    """Turn the hue by `shift` of a full circle, in HSV."""
    high, low = pixels.amax(dim=1), pixels.amin(dim=1)
    chroma = high - low
    red, green, blue = pixels.unbind(dim=1)
    safe = torch.where(chroma > 0, chroma, 1)
    sector = torch.where(
        high == red,
        ((green - blue) / safe) % 6,
        torch.where(high == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    turned = (sector / 6 + shift[:, 0]) % 1 * 6
    # A channel falls from `high` to `low` with its distance from its own place in the circle.
    places = pixels.new_tensor([5.0, 3.0, 1.0])[None, :, None, None]
    k = (places + turned[:, None]) % 6
    return high[:, None] - chroma[:, None] * torch.minimum(k, 4 - k).clamp(0, 1)


CHANGES = (brightness, contrast, saturation, hue)


def luma(pixels: Tensor) -> Tensor:
    """Return the grey image (B, 1, S, S)."""
    return (pixels * pixels.new_tensor(GREY)[None, :, None, None]).sum(dim=1, keepdim=True)


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


def _blurred(pixels: Tensor, sigma: Tensor) -> Tensor:
    """Blur each image by its own Gaussian; sigma (B,) in pixels, 0 for none."""
    count, channels, side, _ = pixels.shape
    radius = min(int(np.ceil(3 * float(sigma.max()))), side - 1)
    if radius == 0:
        return pixels
    offsets = torch.arange(-radius, radius + 1, device=pixels.device, dtype=pixels.dtype)
    # A sigma of almost nothing leaves the image as it is.
    weights = torch.exp(-(offsets**2) / (2 * sigma.clamp_min(1e-3)[:, None] ** 2))  # (B, K)
    weights = (weights / weights.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)
    flat = pixels.reshape(1, count * channels, side, side)
    flat = functional.pad(flat, (radius, radius, radius, radius), mode="reflect")
    flat = functional.conv2d(flat, weights[:, None, None, :], groups=count * channels)
    flat = functional.conv2d(flat, weights[:, None, :, None], groups=count * channels)
    return flat.view(count, channels, side, side)
