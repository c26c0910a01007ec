"""The networks compute what the public ones do, from the same weights and pictures."""

from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image

from modc.data.square import short_side_square
from modc.evaluation.embed_images import embed, load_network
from modc.losses.alignment import alignment_loss
from modc.losses.triplet import triplet_loss
from modc.networks.normalize import normalize

NAMES = {"ASEN": "ASENet", "ASENv2": "ASENet_V2", "ASEN++": "ASENpp", "CSN": "ConditionalSimNet"}


def relative(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the largest difference as a share of the largest entry."""
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def test_the_pixels_are_the_same(golden, pictures):
    squares = np.stack([short_side_square(Image.open(path), 224) for path in pictures[:3]])
    pixels = normalize(torch.from_numpy(squares).permute(0, 3, 1, 2))[:, :, ::37, ::37]
    assert relative(pixels.numpy(), golden["pixels"]) < 1e-6


@pytest.fixture(scope="module")
def embedded(pictures, public_checkpoint):
    """Return a function from a network's name to the embeddings of the images, made once."""

    @cache
    def arrays(network: str) -> dict:
        loaded, size = load_network(public_checkpoint(network), network, 8)
        return embed(loaded, pictures if network == "ASEN++" else pictures[:3], size, batch=3)

    return arrays


@pytest.mark.parametrize("network", NAMES)
def test_embeddings_and_attention_are_the_same(golden, embedded, network):
    arrays = embedded(network)
    # CSN attends to no place.
    for name in ("embedding",) if network == "CSN" else ("embedding", "attention"):
        expected = golden[f"{NAMES[network]}_{name}"]
        assert arrays[name].dtype == np.float32
        assert arrays[name].shape == expected.shape
        assert relative(arrays[name], expected) < 1e-4


def test_asenpps_branches_and_losses_are_the_same(golden, embedded):
    embedding = torch.from_numpy(embedded("ASEN++")["embedding"])
    # The halves are unit vectors scaled by the roots of 0.6 and 0.4.
    halves = embedding[..., :1024] / 0.6**0.5, embedding[..., 1024:] / 0.4**0.5
    for ours, name in zip(halves, ("global", "local"), strict=True):
        theirs = torch.nn.functional.normalize(torch.from_numpy(golden[f"ASENpp_{name}"]), dim=2)
        assert relative(ours.numpy(), theirs.numpy()) < 1e-4
    globals_, locals_ = (
        [torch.from_numpy(golden[f"ASENpp_{name}"][image : image + 1, 0]) for image in range(3)]
        for name in ("global", "local")
    )
    losses = [
        triplet_loss(*globals_, margin=0.2),
        triplet_loss(*locals_, margin=0.2),
        sum(alignment_loss(g, v) for g, v in zip(globals_, locals_, strict=True)),
    ]
    assert np.allclose([float(loss) for loss in losses], golden["ASENpp_losses"], rtol=1e-4)
