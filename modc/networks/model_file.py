"""Our own model files: weights, what they are the weights of, and where they come from."""

import io
import pickle
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from modc.atomic import write_bytes
from modc.errors import UserError
from modc.networks.build import build

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


def read(path: Path) -> dict:
    """Return what a .pt file of anybody holds, without running any code that it carries.

    Raises UserError if it is absent, truncated, no PyTorch file, or holds more than plain values
    and tensors.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{path}: no such checkpoint") from None
    except IsADirectoryError:
        raise UserError(f"{path}: a folder; expected a checkpoint file") from None
    except pickle.UnpicklingError:
        raise UserError(
            f"{path}: holds more than tensors and plain values, or is no PyTorch file; it was not "
            f"loaded, since it could run code. Expected a checkpoint made by torch.save"
        ) from None
    except Exception as error:  # what torch raises for a damaged file is not documented
        if isinstance(error, OSError) and error.errno:
            raise
        raise UserError(f"{path}: truncated or no PyTorch file; fetch or train it again") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected a checkpoint dictionary, found {type(content).__name__}")
    return content


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
