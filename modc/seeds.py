"""Seeds from names: the same axes give the same draw on every machine and Python."""

import hashlib
import json

import numpy as np


def derive(seed: int, **axes: object) -> int:
    """Return a seed in [0, 2**63) that depends on `seed` and the named axes alone.

    Axes are, for example, dataset, percent, network, stage and epoch. Python's own `hash` is
    salted a process and so is of no use here.
    """
    text = json.dumps({"seed": seed, **axes}, sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, **axes: object) -> np.random.Generator:
    """Return a NumPy generator seeded by `derive`."""
    return np.random.default_rng(derive(seed, **axes))
