"""The universal space: pooled features of a network's backbone, before any attribute enters."""

from pathlib import Path

import numpy as np
import torch

from modc.errors import UserError
from modc.networks import model_file
from modc.networks.normalize import normalize

BATCH = 32


@torch.no_grad()
def pooled_features(model: Path, key: str, images: np.ndarray) -> np.ndarray:
    """Return unit float32 (N, F): the normalized mean of the feature map of each image.

    model: a model file of the training named by `key`; images: uint8 (N, S, S, 3). Runs on one
    CPU thread, so that results are reproducible. Raises UserError if the file is absent or from
    another training.
    """
    content = model_file.load(model)
    if content.facts.get("key") != key:
        raise UserError(f"{model}: not the model that made the embeddings; train this cell again")
    network = model_file.restore(content)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        pooled = [
            network.features(normalize(part)).mean(dim=(2, 3)).numpy()
            for part in torch.from_numpy(images).permute(0, 3, 1, 2).split(BATCH)
        ]
    finally:
        torch.set_num_threads(threads)
    features = np.concatenate(pooled)
    return features / np.linalg.norm(features, axis=1, keepdims=True).clip(1e-12)
