"""The public ASEN and ASEN++ checkpoints, read into our networks.

Forms: {"epoch", "state_dict", "prec"} of ASEN and ASENv2, with keys under `embeddingnet.`;
{"epoch", "model", "mAP"} of ASEN++, with keys under `choices.{global,local}.`. Their backbones may
hold a classifier that is never used.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from modc.errors import UserError
from modc.networks.build import PUBLISHED, build
from modc.networks.safe_load import state_dict

_WRAPPER = "embeddingnet."

# Public prefix -> ours. Layers that share a prefix share the rest of the key.
_ASEN = {
    "backbonenet.": "backbone.",
    "mask_fc1.": "spatial_attribute.",
    "mask_fc2.": "channel_attribute.",
    "conv1.": "spatial_image.",
    "conv2.": "spatial_score.",
    "fc1.": "channel.squeeze.",
    "fc2.": "channel.excite.",
    "feature_fc.": "projection.",
}
_ASEN_V2 = {
    "backbonenet.": "backbone.",
    "attr_embedding.": "attribute_embedding.",
    "attr_transform1.": "spatial.query.",
    "conv1.": "spatial.keys.0.",
    "img_bn1.": "spatial.keys.1.",
    "attr_transform2.": "channel_attribute.",
    "fc1.": "channel.squeeze.",
    "fc2.": "channel.excite.",
}
_BRANCH = {
    "basenet.": "backbone.",
    "attnnet.attr_transform1.": "spatial.query.",
    "attnnet.conv.": "spatial.keys.",
    "attnnet.attr_transform2.": "channel_attribute.",
    "attnnet.fc1.": "channel.squeeze.",
    "attnnet.fc2.": "channel.excite.",
    "attnnet.feature_fc.": "projection.",
}
_ASEN_PP = {
    "choices.global.attrnet.attr_embedding.": "attribute_embedding.",
    **{
        f"choices.{branch}.{public}": f"{branch}_branch.{ours}"
        for branch in ("global", "local")
        for public, ours in _BRANCH.items()
    },
}
_PREFIXES = {"ASEN": _ASEN, "ASENv2": _ASEN_V2, "ASEN++": _ASEN_PP}
# ASEN++'s branches share one attribute embedding, which its checkpoints hold under two names.
_SHARED = (
    "choices.local.attrnet.attr_embedding.weight",
    "choices.global.attrnet.attr_embedding.weight",
)
_UNUSED = ("backbone.fc.", "backbone.layer4.")


def restore(content: dict, path: Path, network: str, attributes: int) -> nn.Module:
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
            f"{path}: no checkpoint of ours and no public ASEN, ASENv2 or ASEN++ checkpoint; "
            f"its first key is {next(iter(public), 'absent')!r}"
        )
    if found != network:
        raise UserError(f"{path}: holds {found}, not {network}; pass --network {found}")
    made = build(network, PUBLISHED[network], attributes)
    made.load_state_dict(_translated(public, made.state_dict(), path, network))
    return made.eval()


def _identify(public: dict[str, Tensor]) -> str | None:
    if any(key.startswith("choices.") for key in public):
        return "ASEN++"
    if "mask_fc1.weight" in public:
        return "ASEN"
    return "ASENv2" if "attr_transform1.weight" in public else None


def _translated(
    public: dict[str, Tensor], wanted: dict[str, Tensor], path: Path, network: str
) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    names: dict[str, str] = {}
    for key, tensor in public.items():
        if key == _SHARED[0]:
            if _SHARED[1] in public and not torch.equal(tensor, public[_SHARED[1]]):
                raise UserError(
                    f"{path}: {_SHARED[0]} and {_SHARED[1]} differ; they are one tensor"
                )
            continue
        ours = _our_name(key, network)
        if ours is not None and any(part in ours for part in _UNUSED):
            continue
        if ours is None or ours not in wanted:
            raise UserError(f"{path}: unexpected key {key!r} for {network}")
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


def _our_name(key: str, network: str) -> str | None:
    for public, ours in _PREFIXES[network].items():
        if key.startswith(public):
            return ours + key.removeprefix(public)
    return None


def _public_name(key: str, network: str) -> str:
    for public, ours in _PREFIXES[network].items():
        if key.startswith(ours):
            return public + key.removeprefix(ours)
    return key
