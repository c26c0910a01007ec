"""Our own model files: weights, what they are the weights of, and where they come from."""

import io
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from modc.atomic import write_bytes
from modc.errors import UserError
from modc.networks.build import build
from modc.networks.safe_load import read

FORMAT = "modc model 1"


@dataclass(frozen=True)
class ModelFile:
    """The content of a model file.

    facts: plain values: key (what names the model: settings, code, data), stage, settings, sizes
    ({"image": side, perhaps "detail": side}), epoch, valid_MAP@all (a fraction), index_sha256,
    provenance.
    """

    network: str
    architecture: dict
    attributes: tuple[str, ...]
    state_dict: dict[str, Tensor]
    facts: dict


def save(path: Path, model: ModelFile) -> None:
    """Write `model` to `path`, whole or not at all."""
    buffer = io.BytesIO()
    content = {"format": FORMAT, **vars(model), "attributes": list(model.attributes)}
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def load(path: Path) -> ModelFile:
    """Return the model file at `path`, its tensors on the CPU. Raises UserError if it is none."""
    content = read(path)
    if not is_ours(content):
        raise UserError(f"{path}: not a model file of this project (expected format {FORMAT!r})")
    return from_content(content)


def is_ours(content: dict) -> bool:
    """Return whether `read` found a model file of this project and of this version."""
    return content.get("format") == FORMAT


def from_content(content: dict) -> ModelFile:
    """Return the ModelFile that `read` found."""
    fields = {name: content[name] for name in ("network", "architecture", "state_dict", "facts")}
    return ModelFile(attributes=tuple(content["attributes"]), **fields)


def restore(model: ModelFile) -> nn.Module:
    """Return the network of a model file with its weights, in evaluation mode, on the CPU."""
    network = build(model.network, model.architecture, len(model.attributes))
    network.load_state_dict(model.state_dict)
    return network.eval()
