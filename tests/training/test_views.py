"""The two views: torchvision's changes image by image, and colors kept where they must be."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from torchvision.transforms import RandomResizedCrop
from torchvision.transforms import functional as reference

from modc.training import views
from modc.training.augment import random_views, skip_views
from modc.training.batches import Images

COUNT = 6


def images(size: int = 32) -> torch.Tensor:
    coarse = torch.rand(COUNT, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic")
    return (smooth.clamp(0, 1) * 255).to(torch.uint8)


def nothing(**changed) -> views.Draw:
    """Return a draw that leaves the images as they are, but for what is given."""
    neutral = {
        "box": np.tile([0.0, 0.0, 1.0, 1.0], (COUNT, 1)),
        "flip": np.zeros(COUNT, bool),
        "jitter": np.zeros(COUNT, bool),
        "factors": np.tile([1.0, 1.0, 1.0, 0.0], (COUNT, 1)),
        "order": np.tile(np.arange(4), (COUNT, 1)),
        "gray": np.zeros(COUNT, bool),
        "sigma": np.zeros(COUNT),
    }
    return views.Draw(**{**neutral, **changed})


def test_all_groups_at_once_are_as_one_after_the_other():
    color = np.array([False, True])
    attributes = np.array([0, 1] * (COUNT // 2))
    group = Images(np.arange(COUNT), attributes, images(), None, torch.from_numpy(attributes))
    groups = [group, replace(group, pixels=images().flip(2))]
    one, other = np.random.default_rng(3), np.random.default_rng(3)
    found = random_views(groups, color, one, 2)
    for own in found:
        for seen, of in zip(own, groups, strict=True):
            expected = views.view(of.pixels, views.draw(COUNT, color[attributes], other))
            # The blur's window is that of the widest blur of all.
            assert (seen.pixels.int() - expected.int()).abs().max() <= 1
            assert np.array_equal(seen.numbers, of.numbers)
    again = np.random.default_rng(3)
    skip_views(4, COUNT, again)
    assert one.bit_generator.state == other.bit_generator.state == again.bit_generator.state


def test_nothing_drawn_changes_nothing():
    assert torch.equal(views.view(images(), nothing()), images())


def test_flip_is_exact_and_image_by_image():
    flip = np.array([True, False] * 3)
    flipped = views.view(images(), nothing(flip=flip))
    for number in range(COUNT):
        expected = images()[number].flip(2) if flip[number] else images()[number]
        assert (flipped[number].int() - expected.int()).abs().max() <= 1


def test_each_image_is_cut_in_its_own_box():
    size = 32
    box = np.array([[0.25, 0.125, 0.5, 0.75]] * 3 + [[0, 0, 1, 1]] * 3, float)
    cut = views.view(images(size), nothing(box=box))
    part = images(size)[0][:, 4:28, 8:24]
    expected = reference.resize(part, [size, size], antialias=False)
    inside = slice(2, -2)  # at the border, what lies beside the box may be seen
    difference = (cut[0].int() - expected.int()).abs()[:, inside, inside]
    assert difference.max() <= 2
    assert torch.equal(cut[3], images(size)[3])


def test_a_crop_of_a_squeezed_picture_has_the_share_and_aspect_of_torchvisions():
    count = 4000
    aspect = np.repeat([512 / 682, 2.0, 1.0, 0.2], count // 4)
    drawn = views.draw(count, np.zeros(count, bool), np.random.default_rng(0), aspect)
    left, top, width, height = drawn.box.T
    assert (drawn.box >= 0).all() and (left + width).max() <= 1 and (top + height).max() <= 1
    shown = width / height * aspect
    assert shown.min() >= 3 / 4 - 1e-9 and shown.max() <= 4 / 3 + 1e-9
    share = width * height
    fits = share >= 0.8
    # Of 2:1 the widest crop allowed is two thirds, and of 1:5 less: the center, as in torchvision.
    assert fits[aspect == 1].all() and not fits[(aspect == 2) | (aspect == 0.2)].any()
    found = drawn.box[aspect == 2]
    assert np.allclose(found, [(1 - 2 / 3) / 2, 0, 2 / 3, 1])
    # The others as RandomResizedCrop draws them of a picture of the same shape.
    pixels = torch.empty(3, 682, 512)
    torch.manual_seed(0)
    theirs = np.array(
        [RandomResizedCrop.get_params(pixels, views.AREA, views.ASPECT) for _ in range(count // 4)]
    )
    ours = drawn.box[: count // 4]
    their_share = theirs[:, 2] * theirs[:, 3] / (682 * 512)
    assert abs(share[: count // 4].mean() - their_share.mean()) < 0.01
    assert abs(ours[:, 0].mean() - (theirs[:, 1] / 512).mean()) < 0.01
    assert abs(ours[:, 1].mean() - (theirs[:, 0] / 682).mean()) < 0.01


@pytest.mark.parametrize(
    ("change", "adjust"),
    [
        (0, reference.adjust_brightness),
        (1, reference.adjust_contrast),
        (2, reference.adjust_saturation),
        (3, reference.adjust_hue),
    ],
)
def test_a_color_change_is_torchvisions(change, adjust):
    pixels = images().float() / 255
    rng = np.random.default_rng(change)
    factors = rng.uniform(-0.1, 0.1, COUNT) if change == 3 else rng.uniform(0.6, 1.4, COUNT)
    ours = views.CHANGES[change](pixels, torch.from_numpy(factors).float()[:, None, None, None])
    for number in range(COUNT):
        expected = adjust(pixels[number], float(factors[number]))
        assert torch.allclose(ours[number], expected, atol=2e-4)


def test_hue_is_torchvisions_for_every_color_and_for_greys():
    levels = torch.linspace(0, 1, 16)
    pixels = torch.cartesian_prod(levels, levels, levels).T.reshape(1, 3, 64, 64)
    for shift in (-0.1, 0.1, 0.5):
        ours = views.hue(pixels, torch.full((1, 1, 1, 1), shift))
        assert torch.allclose(ours, reference.adjust_hue(pixels, shift), atol=2e-4)


def test_each_image_has_its_changes_in_its_own_order():
    adjust = (
        reference.adjust_brightness,
        reference.adjust_contrast,
        reference.adjust_saturation,
        reference.adjust_hue,
    )
    order = np.array(
        [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1], [0, 3, 1, 2], [3, 1, 2, 0]]
    )
    jitter = np.array([True, True, True, True, False, True])
    same = images()[:1].expand(COUNT, -1, -1, -1).contiguous()
    factors = np.tile([1.4, 0.6, 1.4, 0.1], (COUNT, 1))
    seen = views.view(same, nothing(jitter=jitter, factors=factors, order=order))
    for number in range(COUNT):
        expected = same[number].float() / 255
        for step in order[number] if jitter[number] else ():
            expected = adjust[step](expected, float(factors[number, step]))
        assert (seen[number] - expected * 255).abs().max() <= 1
    # The order is seen: no two of the six are the same.
    for one, other in combinations(seen.int(), 2):
        assert (one - other).abs().max() > 3


def test_grey_and_blur_are_torchvisions():
    gray = views.view(images(), nothing(gray=np.array([True] + [False] * 5)))
    expected = reference.rgb_to_grayscale(images()[0], num_output_channels=3)
    assert (gray[0].int() - expected.int()).abs().max() <= 1
    assert torch.equal(gray[1:], images()[1:])
    sigma = np.array([0.0, 14.0, 7.0, 0.0, 0.7, 14.0])  # at 224 pixels: a seventh at 32
    blurred = views.view(images(), nothing(sigma=sigma))
    for number in (1, 2, 5):
        kernel = 2 * int(np.ceil(3 * sigma.max() / 7)) + 1
        expected = reference.gaussian_blur(images()[number], kernel, sigma[number] / 7)
        assert (blurred[number].int() - expected.int()).abs().max() <= 1
    assert torch.equal(blurred[[0, 3]], images()[[0, 3]])


def test_colors_are_kept_where_asked_and_images_differ_elsewhere():
    keep = np.array([True, False] * 3)
    for seed in range(20):
        drawn = views.draw(COUNT, keep, np.random.default_rng(seed))
        assert not drawn.jitter[keep].any() and not drawn.gray[keep].any()
    plain = torch.full((COUNT, 3, 16, 16), 90, dtype=torch.uint8)
    plain[:, 0] = 200
    seen = torch.stack(
        [views.view(plain, views.draw(COUNT, keep, np.random.default_rng(s))) for s in range(10)]
    )
    assert (seen[:, keep] == plain[keep]).all()
    assert (seen[:, ~keep] != plain[~keep]).any(dim=(0, 2, 3, 4)).all()


def test_what_is_drawn_has_the_stated_ranges_and_shares():
    count = 20_000
    drawn = views.draw(count, np.zeros(count, bool), np.random.default_rng(0))
    left, top, width, height = drawn.box.T
    assert (left >= 0).all() and (left + width <= 1 + 1e-9).all()
    assert (top >= 0).all() and (top + height <= 1 + 1e-9).all()
    assert ((width * height >= 0.8 - 1e-9) & (width * height <= 1 + 1e-9)).all()
    assert (drawn.factors[:, :3] >= 0.6).all() and (drawn.factors[:, :3] <= 1.4).all()
    assert np.abs(drawn.factors[:, 3]).max() <= 0.1
    shares = [drawn.jitter, drawn.gray, drawn.sigma > 0, drawn.flip]
    for share, expected in zip(shares, (0.8, 0.2, 0.5, 0.5), strict=True):
        assert abs(share.mean() - expected) < 0.02
    assert drawn.sigma.max() <= 2 and drawn.sigma[drawn.sigma > 0].min() >= 0.1
    assert (np.sort(drawn.order, axis=1) == np.arange(4)).all()
    _, times = np.unique(drawn.order, axis=0, return_counts=True)
    assert len(times) == 24 and np.abs(times / count - 1 / 24).max() < 0.01
