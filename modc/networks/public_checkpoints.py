"""Checkpoints of the public repositories, read into our networks.

Forms: {"epoch", "state_dict", "prec"} of the ASEN repository, with keys under `embeddingnet.`;
{"epoch", "model", "mAP"} of ASEN++'s. Each network says what its keys are called there
(`Network.public_prefixes`). Backbones may hold a classifier that is never used.
"""

from pathlib import Path

import torch
from torch import Tensor

from modc.errors import UserError
from modc.networks.build import build, find, own
from modc.networks.network import Network
from modc.networks.safe_load import state_dict

_WRAPPER = "embeddingnet."
_UNUSED = ("backbone.fc.", "backbone.layer4.")


def restore(content: dict, path: Path, network: str, attributes: int) -> Network:
    """Return `network` with the weights of a public checkpoint, in evaluation mode.

    content: what `modc.networks.safe_load.read` found in `path`; attributes: how many the network
    knows (FashionAI 8, DARN 9). Raises UserError naming the first key that is missing, unexpected
    or of another shape, and the network that the file holds if it is another one.
    """
    if "key" in content and "state" in content:
        raise UserError(f"{path}: a checkpoint to resume from; name the stage's model.pt instead")
    public = {
        key.removeprefix(_WRAPPER): tensor for key, tensor in state_dict(content, path).items()
    }
    found = _identify(public)
    if found is None:
        raise UserError(
            f"{path}: neither a checkpoint of this project nor a public one of "
            f"{', '.join(_public())}; its first key is {next(iter(public), 'absent')!r}"
        )
    if found != network:
        raise UserError(f"{path}: holds {found}, not {network}; pass --network {found}")
    made = build(network, find(network).published, attributes)
    made.load_state_dict(_translated(public, made.state_dict(), path, made))
    return made.eval()


def _public() -> dict[str, type[Network]]:
    return {name: kind for name, kind in own().items() if kind.public_mark}


def _identify(public: dict[str, Tensor]) -> str | None:
    for name, kind in _public().items():
        if any(key.startswith(kind.public_mark) for key in public):
            return name
    return None


def _translated(
    public: dict[str, Tensor], wanted: dict[str, Tensor], path: Path, network: Network
) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    names: dict[str, str] = {}
    for key, tensor in public.items():
        if key in network.public_copies:
            original = network.public_copies[key]
            if original in public and not torch.equal(tensor, public[original]):
                raise UserError(f"{path}: {key} and {original} differ; they should be one tensor")
            continue
        ours = _our_name(key, network)
        if ours is not None and any(part in ours for part in _UNUSED):
            continue
        if ours is None or ours not in wanted:
            raise UserError(f"{path}: unexpected key {key!r} for {network.name}")
        state[ours], names[ours] = tensor, key
    for ours, tensor in wanted.items():
        if ours not in state:
            raise UserError(f"{path}: the key {_public_name(ours, network)!r} is missing")
        if state[ours].shape != tensor.shape:
            raise UserError(
                f"{path}: {names[ours]} has shape {tuple(state[ours].shape)}, expected "
                f"{tuple(tensor.shape)}; is the number of attributes right?"
            )
    return state


def _our_name(key: str, network: Network) -> str | None:
    for public, ours in network.public_prefixes.items():
        if key.startswith(public):
            return ours + key.removeprefix(public)
    return None


def _public_name(key: str, network: Network) -> str:
    for public, ours in network.public_prefixes.items():
        if key.startswith(ours):
            return public + key.removeprefix(ours)
    return key
