"""Embedding image files, some of which cannot be read."""

import numpy as np
import pytest
import torch
from PIL import Image

from modc.errors import UserError
from modc.evaluation.embed_images import embed
from modc.networks.build import build

TINY = {"backbone": "resnet10"}


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build("ASENv2", TINY, 2).eval()


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8)).save(path)
    return paths


def test_what_cannot_be_read_is_left_out_and_named(network, images, caplog):
    whole = embed(network, images, 32, batch=2)
    images[1].write_bytes(images[1].read_bytes()[:50])
    images[4].unlink()
    found = embed(network, images, 32, batch=2)
    assert found["images"].tolist() == [str(images[number]) for number in (0, 2, 3)]
    assert np.allclose(found["embedding"], whole["embedding"][[0, 2, 3]], atol=1e-5)
    assert found["attention"].shape == (3, 2, 2, 2)
    named = [record.getMessage() for record in caplog.records]
    assert len(named) == 2 and str(images[1]) in named[0] and str(images[4]) in named[1]


def test_without_any_image_it_is_an_error(network, tmp_path):
    with pytest.raises(UserError, match=r"absent.png: no such image"):
        embed(network, [tmp_path / "absent.png"], 32)
    with pytest.raises(UserError, match=r"none of 2 images"):
        embed(network, [tmp_path / "absent.png", tmp_path], 32)
