"""The golden outputs of the public networks, and checkpoints in the public forms."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import recipe
import torch
from PIL import Image

GOLDEN = Path(__file__).resolve().parents[1] / "golden"

PUBLIC_NAMES = {
    "ASEN": "ASENet",
    "ASENv2": "ASENet_V2",
    "ASEN++": "ASENpp",
    "CSN": "ConditionalSimNet",
}
KEYS = {
    **json.loads((GOLDEN / "networks_FashionAI_keys.json").read_text()),
    "ConditionalSimNet": json.loads((GOLDEN / "csn_FashionAI_keys.json").read_text()),
}


@pytest.fixture(scope="session")
def golden() -> dict[str, np.ndarray]:
    """What the public code computes from the drawn weights and pictures."""
    files = ("networks_FashionAI.npz", "csn_FashionAI.npz")
    return {name: array for file in files for name, array in np.load(GOLDEN / file).items()}


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> list[Path]:
    """Three pictures of 260 x 300 and one of 320 x 240, as lossless files."""
    folder = tmp_path_factory.mktemp("pictures")
    drawn = [*recipe.images("public", 3, 300, 260), *recipe.images("public/wide", 1, 240, 320)]
    paths = [folder / f"{number}.png" for number in range(len(drawn))]
    for path, pixels in zip(paths, drawn, strict=True):
        Image.fromarray(pixels).save(path)
    return paths


def public_state(network: str) -> dict[str, torch.Tensor]:
    """Return the state dict of a public network under its public keys."""
    return dict(_drawn(network))


@cache
def _drawn(network: str) -> dict[str, torch.Tensor]:
    return {
        key: torch.from_numpy(np.array(recipe.draw("public", key, shape)))
        for key, shape in KEYS[PUBLIC_NAMES[network]]
    }


def public_content(network: str, state: dict) -> dict:
    """Return `state` in the form of the public code's checkpoint."""
    if network == "ASEN++":
        return {"epoch": 20, "model": state, "mAP": 0.6}
    return {"epoch": 200, "state_dict": state, "prec": 0.6}


@pytest.fixture(scope="session")
def public_checkpoint(tmp_path_factory):
    """Return a function from a network's name to a checkpoint file in the public form."""
    folder = tmp_path_factory.mktemp("checkpoints")

    def path(network: str) -> Path:
        file = folder / f"{PUBLIC_NAMES[network]}.pth.tar"
        if not file.exists():
            torch.save(public_content(network, public_state(network)), file)
        return file

    return path
