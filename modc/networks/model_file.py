"""Our own model files: weights, what they are the weights of, and where they come from."""

import io
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from modc.atomic import write_bytes
from modc.errors import UserError
from modc.networks.build import build
from modc.networks.network import Network
from modc.networks.safe_load import read

FORMAT = "modc model 1"


@dataclass(frozen=True)
class ModelFile:
    """The content of a model file.

    facts: plain values: key (what names the model: settings, code, data), stage, settings, sizes
    ({"image": side, perhaps "detail": side}), epoch, valid_MAP@all (a fraction), index_sha256,
    provenance. training: what the next stage starts from: optimizer (Adam's state), epochs (of its
    schedule that are done), centers (A, V, D) and predictor (a state dict), the latter two under
    MODC alone.
    """

    network: str
    architecture: dict
    attributes: tuple[str, ...]
    state_dict: dict[str, Tensor]
    facts: dict
    training: dict = field(default_factory=dict)


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
    return from_content(content, path)


def is_ours(content: dict) -> bool:
    """Return whether `read` found a model file of this project and of this version."""
    return content.get("format") == FORMAT


def from_content(content: dict, path: Path) -> ModelFile:
    """Return the ModelFile that `read` found at `path`. Raises UserError if a part is missing."""
    fields = {name: content.get(name) for name in ("architecture", "state_dict", "facts")}
    network, attributes = content.get("network"), content.get("attributes")
    if not isinstance(network, str) or not attributes or not all(fields.values()):
        raise UserError(f"{path}: damaged model file; train it again")
    training = content.get("training", {})
    return ModelFile(network=network, attributes=tuple(attributes), training=training, **fields)


def restore(model: ModelFile, network_class: str | None = None) -> Network:
    """Return the network of a model file with its weights, in evaluation mode, on the CPU.

    network_class: as `modc.networks.build.find` takes it, by default the name in the file. A file
    names no class to import, since it may be a stranger's. Raises UserError if the weights are not
    those of that network.
    """
    network = build(network_class or model.network, model.architecture, len(model.attributes))
    try:
        network.load_state_dict(model.state_dict)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        if network_class in (None, model.network):
            raise UserError(
                f"damaged: the weights do not fit {model.network} ({reason}); train it again"
            ) from None
        raise UserError(
            f"the weights are of {model.network} and do not fit {network_class} ({reason}); pass "
            f"--network {model.network}"
        ) from None
    return network.eval()
