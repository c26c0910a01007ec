"""ASEN++'s region of interest, against its definition pixel by pixel."""

import numpy as np
import pytest
import torch
from PIL import Image

from modc.networks.region import crop_detail, crop_original, region_of_interest


def naive_region(attention: np.ndarray, size: int) -> list[int]:
    """The definition, for one (h, w) attention, in loops over pixels."""
    height, width = attention.shape
    grid = np.empty((size, size), np.float32)
    for y in range(size):
        for x in range(size):
            sy = max(0.0, (y + 0.5) * height / size - 0.5)
            sx = max(0.0, (x + 0.5) * width / size - 0.5)
            y0, x0 = int(sy), int(sx)
            y1, x1 = min(y0 + 1, height - 1), min(x0 + 1, width - 1)
            fy, fx = sy - y0, sx - x0
            top = attention[y0, x0] * (1 - fx) + attention[y0, x1] * fx
            bottom = attention[y1, x0] * (1 - fx) + attention[y1, x1] * fx
            grid[y, x] = top * (1 - fy) + bottom * fy
    levels = ((grid - grid.min()) / (grid.max() - grid.min()) * 255).astype(np.uint8)
    rows, columns = np.nonzero(levels > 25.5)
    x, w = columns.min(), columns.max() - columns.min() + 1
    y, h = rows.min(), rows.max() - rows.min() + 1
    d = max(w, h)
    corner = []
    for start, length in ((x, w), (y, h)):
        center = start + length // 2
        corner.append(size - d if center + d // 2 > size else max(0, center - d // 2))
    return [*map(int, corner), int(d)]


@pytest.mark.parametrize(("cells", "size"), [(14, 224), (4, 64), (2, 32)])
def test_it_is_the_square_around_what_is_attended_to(cells, size):
    attention = torch.rand(4, cells, cells, generator=torch.Generator().manual_seed(0)) ** 6
    attention[0] = 0
    attention[0, 0, cells - 1] = 1  # a corner, so that the square is moved into the view
    regions = region_of_interest(attention, size)
    for ours, one in zip(regions.tolist(), attention.numpy(), strict=True):
        assert np.abs(np.array(ours) - naive_region(one, size)).max() <= 1
        left, top, side = ours
        # An odd side may reach one pixel beyond the view, by the public code's rounding.
        assert left >= 0 and top >= 0
        assert left + side <= size + side % 2 and top + side <= size + side % 2


def test_a_region_one_pixel_beyond_the_view_is_cut_all_the_same():
    image = np.full((64, 64, 3), 200, np.uint8)
    region = (1, 0, 64)
    original = crop_original(image, region, 64)
    assert original.shape == (32, 32, 3)
    details = torch.from_numpy(image).permute(2, 0, 1)[None]
    crop = crop_detail(details, torch.tensor([region]), 64)
    assert np.allclose(crop, 200, atol=1e-3)


def test_a_constant_attention_gives_the_whole_view():
    assert region_of_interest(torch.full((2, 14, 14), 1 / 196), 224).tolist() == [[0, 0, 224]] * 2


@pytest.mark.parametrize("shape", [(300, 260), (240, 320), (512, 512)])
def test_the_original_is_cut_in_its_center_square(shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    short = min(shape)
    top, left = ((length - short) // 2 for length in shape)
    square = Image.fromarray(image[top : top + short, left : left + short])
    whole = crop_original(image, (0, 0, 224), 224)
    assert np.array_equal(whole, np.asarray(square.resize((112, 112), Image.Resampling.BILINEAR)))
    part = crop_original(image, (56, 28, 112), 224)
    box = [int(28 / 224 * short), int(56 / 224 * short), int(112 / 224 * short)]
    cut = square.crop((box[1], box[0], box[1] + box[2], box[0] + box[2]))
    assert np.array_equal(part, np.asarray(cut.resize((112, 112), Image.Resampling.BILINEAR)))


def test_lengths_are_rounded_as_by_the_public_code():
    """Divided by the view's side first, which may give another pixel."""
    differ = [
        (length, short)
        for short in range(224, 1025)
        for length in range(180)
        if int(length / 224 * short) != int(length * (short / 224))
    ]
    assert differ
    for length, short in differ[:20]:
        image = np.zeros((short, short, 3), np.uint8)
        edge = int(length / 224 * short)
        image[:, edge:] = 255
        crop = crop_original(image, (length, 0, 28), 224)
        assert crop.min() == 255, (length, short)


@pytest.mark.parametrize("detail", [64, 96, 100])
def test_squares_cut_at_once_are_those_cut_one_by_one(detail):
    rng = np.random.default_rng(0)
    size, count = 64, 40
    details = torch.from_numpy(rng.integers(0, 256, (count, 3, detail, detail)).astype(np.uint8))
    side = rng.integers(1, size + 1, count)
    left, top = (rng.integers(0, size - side + 1) for _ in range(2))
    regions = torch.from_numpy(np.stack([left, top, side], axis=1))
    crops = crop_detail(details, regions, size)
    for image, region, crop in zip(details, regions.tolist(), crops, strict=True):
        x, y, length = (int(value * (detail / size)) for value in region)
        part = image[None, :, y : y + length, x : x + length].float()
        expected = torch.nn.functional.interpolate(
            part, size=(32, 32), mode="bilinear", align_corners=False, antialias=True
        )[0]
        assert torch.allclose(crop, expected, atol=1e-3)


def test_cutting_ignores_autocast():
    details = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    region = torch.tensor([[3, 5, 40]])
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(crop_detail(details, region, 64), crop_detail(details, region, 64))
        assert crop_detail(details, region, 64).dtype is torch.float32


def test_packed_squares_are_cut_like_originals():
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (24, 24, 3)).astype(np.uint8))
    image = np.asarray(coarse.resize((448, 448), Image.Resampling.BICUBIC))
    details = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].repeat(3, 1, 1, 1)
    regions = torch.tensor([[0, 0, 224], [100, 3, 60], [17, 150, 74]])
    crops = crop_detail(details, regions, 224)
    assert crops.shape == (3, 3, 112, 112)
    for crop, region in zip(crops, regions.tolist(), strict=True):
        expected = crop_original(image, region, 224).astype(np.float32)
        difference = np.abs(crop.permute(1, 2, 0).numpy() - expected)
        assert difference.mean() < 0.6  # half a gray level is PIL's rounding
        assert difference.max() <= 2
