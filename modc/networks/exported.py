"""A trained network as a folder to use elsewhere: weights as safetensors, what embeds as JSON."""

import json
from pathlib import Path

from modc.atomic import write_json
from modc.errors import UserError
from modc.networks.model_file import ModelFile
from modc.networks.normalize import DEVIATION, MEAN

FORMAT = "modc exported model 1"
WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
# What is kept of a model file's facts besides stage and sizes.
_ORIGIN = ("epoch", "valid_MAP@all", "key", "settings_chain", "index_sha256", "labeled_sha256")


def write(folder: Path, model: ModelFile, named: str, about: dict) -> None:
    """Write weights and configuration into an existing folder.

    named: the network as `modc.networks.build.find` takes it; about: plain values on the training.
    """
    from safetensors.torch import save_file

    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict.items()}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    sizes, facts = model.facts["sizes"], model.facts
    content = {
        "format": FORMAT,
        "network": model.network,
        "class": named,
        "architecture": model.architecture,
        "attributes": list(model.attributes),
        "stage": facts["stage"],
        "sizes": sizes,
        "preprocessing": {
            "mode": "RGB",
            "resize_short_side": sizes["image"],
            "center_crop": sizes["image"],
            "scale": 1 / 255,
            "mean": MEAN,
            "std": DEVIATION,
        },
        "training": {
            **about,
            **{name: facts[name] for name in _ORIGIN if name in facts},
            "provenance": facts.get("provenance", {}),
        },
    }
    write_json(folder / CONFIG, content)


def is_exported(folder: Path) -> bool:
    """Return whether a folder holds a model that `write` wrote, and nothing else."""
    names = {path.name for path in folder.iterdir()}
    try:
        return names <= {WEIGHTS, CONFIG, CARD} and bool(_configuration(folder))
    except UserError:
        return False


def load(folder: Path) -> ModelFile:
    """Return the model in `folder`, its tensors on the CPU. Raises UserError if it is none."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    content = _configuration(folder)
    try:
        state_dict = load_file(folder / WEIGHTS)
    except FileNotFoundError:
        raise UserError(f"{folder / WEIGHTS}: no such file; export the model again") from None
    except SafetensorError as error:
        raise UserError(f"{folder / WEIGHTS}: damaged ({error}); export it again") from None
    return ModelFile(
        network=content["network"],
        architecture=content["architecture"],
        attributes=tuple(content["attributes"]),
        state_dict=state_dict,
        facts={"stage": content["stage"], "sizes": content["sizes"]},
    )


def _configuration(folder: Path) -> dict:
    path = folder / CONFIG
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UserError(
            f"{folder}: a folder without {CONFIG}; expected a checkpoint file, or a folder of "
            f"modc export-model"
        ) from None
    except (ValueError, RecursionError):
        raise UserError(f"{path}: damaged; export the model again") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UserError(f"{path}: not of modc export-model (expected format {FORMAT!r})")
    kinds = {"network": str, "architecture": dict, "attributes": list, "stage": str, "sizes": dict}
    for key, kind in kinds.items():
        if not content.get(key) or not isinstance(content[key], kind):
            raise UserError(f"{path}: {key} is absent or damaged; export the model again")
    if not isinstance(content["sizes"].get("image"), int):
        raise UserError(f"{path}: sizes.image is no number of pixels; export the model again")
    statistics = content.get("preprocessing", {})
    if [statistics.get("mean"), statistics.get("std")] != [list(MEAN), list(DEVIATION)]:
        raise UserError(f"{path}: preprocessing: another mean or std than ImageNet's")
    return content
