"""Attribute-specific embeddings of a dataset's packed images."""

from functools import partial

import numpy as np
import pandas as pd
import torch

from modc.ahead import ahead
from modc.data.device_images import DeviceImages
from modc.networks.folded import folded
from modc.networks.network import Network
from modc.networks.normalize import normalize
from modc.networks.region import look_at_details
from modc.tf32 import without_tf32


@torch.no_grad()
def embed_rows(
    network: Network,
    packed: dict[str, DeviceImages],
    rows: pd.DataFrame,
    device: torch.device,
    batch: int,
    precision: torch.dtype = torch.float32,
) -> np.ndarray:
    """Return the float32 embeddings (len(rows), D) of the (image, attribute) pairs in `rows`.

    packed: images of S pixels under "image" and, where the network looks closer, "detail". An
    image that several rows name passes the backbone once. `batch` bounds the images and the rows of
    one pass. The network is left in evaluation mode.
    """
    without_tf32()
    network = folded(network.eval())
    size = packed["image"].shape[1]
    order = np.argsort(rows["image"].to_numpy(), kind="stable")
    images = rows["image"].to_numpy()[order]
    attributes = torch.from_numpy(rows["attribute"].to_numpy(np.int64)[order])
    unique, position = np.unique(images, return_inverse=True)
    embeddings: np.ndarray | None = None
    parts = [unique[start : start + batch] for start in range(0, len(unique), batch)]
    for number, gathered in enumerate(ahead(partial(packed["image"].gather, device=device), parts)):
        start = number * batch
        first, last = np.searchsorted(position, [start, start + len(parts[number])])
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            features = network.features(normalize(packed["image"].send(gathered, device)))
            for low in range(first, last, batch):
                high = min(low + batch, last)
                look = None
                if "detail" in packed:
                    look = look_at_details(packed["detail"].take(images[low:high], device), size)
                part = torch.from_numpy(position[low:high] - start).to(device)
                attribute = attributes[low:high].to(device)
                embedded = network.embed(features[part], attribute, look).embedding
                if embeddings is None:
                    embeddings = np.empty((len(rows), embedded.shape[1]), np.float32)
                embeddings[order[low:high]] = embedded.float().cpu().numpy()
    return embeddings if embeddings is not None else np.empty((0, 0), np.float32)
