"""Embeddings of image files by every attribute of a network: the work behind `modc embed`."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from modc.data.images import ImageFolder
from modc.data.square import short_side_square
from modc.errors import UserError
from modc.networks import exported, model_file, public_checkpoints, safe_load
from modc.networks.build import find
from modc.networks.network import Network
from modc.networks.normalize import normalize
from modc.networks.region import look_at_originals
from modc.tf32 import without_tf32

log = logging.getLogger(__name__)

# The side of the view that the public networks were trained on.
PUBLIC_IMAGE_SIZE = 224


def load_network(
    checkpoint: Path, network: str | None = None, attributes: int | None = None
) -> tuple[Network, int]:
    """Return the network of a checkpoint, in evaluation mode, and the side of its view in pixels.

    The checkpoint is one of ours, a folder of `modc export-model`, or a public one. network and
    attributes: by default as a checkpoint of ours says; a public one does not. Raises UserError if
    it holds another network or another number of attributes.
    """
    if checkpoint.is_dir():
        model = exported.read(checkpoint)
    elif checkpoint.name == exported.WEIGHTS:
        raise UserError(f"{checkpoint}: expected its folder, which has {exported.CONFIG} too")
    else:
        content = safe_load.read(checkpoint)
        if not model_file.is_ours(content):
            if network is None or attributes is None:
                raise UserError(
                    f"{checkpoint}: a public checkpoint does not say what it holds; pass --network "
                    f"and --attributes"
                )
            restored = public_checkpoints.restore(content, checkpoint, network, attributes)
            return restored, PUBLIC_IMAGE_SIZE
        model = model_file.from_content(content, checkpoint)
    network, attributes = network or model.network, attributes or len(model.attributes)
    if ":" not in network and model.network != network:
        raise UserError(
            f"{checkpoint}: holds {model.network}, not {network}; pass --network {model.network}"
        )
    if len(model.attributes) != attributes:
        raise UserError(
            f"{checkpoint}: knows {len(model.attributes)} attributes, not {attributes}: "
            f"{', '.join(model.attributes)}; pass --attributes {len(model.attributes)}"
        )
    if find(network).looks_closer and "detail" not in model.facts["sizes"]:
        raise UserError(
            f"{checkpoint}: {network} whose closer look is not trained yet (stage "
            f"{model.facts['stage']}); pass the model of stage warm_up"
        )
    return model_file.restore(model, network), model.facts["sizes"]["image"]


def image_files(places: list[Path]) -> list[Path]:
    """Return files as they are, and of each folder the images in it, by name.

    Raises UserError if a folder holds no file named like an image.
    """
    found = []
    for place in places:
        if place.is_dir():
            suffixes = {
                s for s, kind in Image.registered_extensions().items() if kind in Image.OPEN
            }
            within = [path for path in sorted(place.rglob("*")) if path.suffix.lower() in suffixes]
            if not within:
                raise UserError(f"{place}: no images in this folder")
            found += within
        else:
            found.append(place)
    return found


@contextmanager
def _plain_convolutions() -> Iterator[None]:
    """Leave oneDNN's convolutions aside: on some CPUs they lose a digit, and are no faster here."""
    before = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = False
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = before


@torch.no_grad()
@_plain_convolutions()
def embed(network: Network, images: list[Path], size: int, batch: int = 16) -> dict:
    """Return float32 `embedding` (N, A, D), `images`, the N paths, and `attention` (N, A, h, w).

    The latter if the network has any.
    Each image is resized by its short side to `size`, cropped to its center square, and passes the
    backbone once. ASEN++ cuts its local view, one an attribute, from the original image. What
    cannot be read is left out and logged. Raises UserError if nothing can be read.
    """
    without_tf32()
    embeddings, attentions, embedded = [], [], []
    for opened in _batches(images, batch):
        embedded += [path for path, _ in opened]
        pictures = [picture for _, picture in opened]
        squares = np.stack([short_side_square(picture, size) for picture in pictures])
        features = network.features(normalize(torch.from_numpy(squares).permute(0, 3, 1, 2)))
        originals = [np.asarray(picture) for picture in pictures]
        look = look_at_originals(originals, size)
        found = [
            network.embed(features, torch.full((len(pictures),), attribute), look)
            for attribute in range(network.attributes)
        ]
        embeddings.append(torch.stack([one.embedding for one in found], dim=1))
        if all(one.attention is not None for one in found):
            attentions.append(torch.stack([one.attention for one in found], dim=1))
    if not embedded:
        raise UserError(f"none of {len(images)} images could be read; they are named above")
    return {
        "embedding": torch.cat(embeddings).numpy(),
        **({"attention": torch.cat(attentions).numpy()} if attentions else {}),
        "images": np.array([str(path) for path in embedded]),
    }


def _batches(images: list[Path], batch: int) -> Iterator[list[tuple[Path, Image.Image]]]:
    """Walk over the images that can be read; why others cannot is logged, or raised of only one."""
    folder = ImageFolder(Path())
    opened = []
    for path in images:
        try:
            if path.exists() and not path.is_file():  # such as a pipe, which might never end
                raise UserError(f"{path}: not a regular file; expected an image")
            opened.append((path, folder.open(str(path))))
        except UserError as error:
            if len(images) == 1:
                raise
            log.warning("%s", error)
        if len(opened) == batch:
            yield opened
            opened = []
    if opened:
        yield opened
