"""A trained network as a folder to use elsewhere: weights as safetensors, what embeds as JSON."""

import json
from hashlib import sha256
from pathlib import Path

from modc.atomic import write_json
from modc.errors import UserError
from modc.networks.model_file import ModelFile
from modc.networks.normalize import DEVIATION, MEAN

FORMAT = "modc exported model 1"
WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
_KINDS = {
    **{"network": str, "architecture": dict, "attributes": list, "stage": str, "sizes": dict},
    "weights_sha256": str,
}
# Of an image's side: four times as many need 16 GB.
MOST_PIXELS = 4096
# What is kept of a model file's facts besides stage and sizes.
_ORIGIN = ("epoch", "valid_MAP@all", "key", "settings_chain", "index_sha256", "labeled_sha256")


def write(folder: Path, model: ModelFile, named: str, about: dict) -> None:
    """Write weights and configuration into an existing folder.

    named: the network as `modc.networks.build.find` takes it; about: plain values on the training.
    """
    from safetensors.torch import save_file

    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict.items()}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    facts = model.facts
    content = {
        "format": FORMAT,
        "network": model.network,
        "class": named,
        "architecture": model.architecture,
        "attributes": list(model.attributes),
        "stage": facts["stage"],
        "sizes": facts["sizes"],
        "preprocessing": _preprocessing(facts["sizes"]["image"]),
        "weights_sha256": sha256((folder / WEIGHTS).read_bytes()).hexdigest(),
        "training": {
            **about,
            **{name: facts[name] for name in _ORIGIN if name in facts},
            "provenance": facts.get("provenance", {}),
        },
    }
    write_json(folder / CONFIG, content)


def _preprocessing(side: int) -> dict:
    """Return what `modc embed` does to an image before the network, as JSON gives it back."""
    return {
        "exif_orientation": "applied",
        "mode": "RGB",
        "resize_short_side": side,
        "interpolation": "bilinear, antialiased, as Pillow's Image.resize",
        "center_crop": side,
        "scale": 1 / 255,
        "mean": list(MEAN),
        "std": list(DEVIATION),
    }


def command(named: str, folder: str) -> str:
    """Return the command that embeds images with the network `named`, exported to a folder."""
    own = f"--network {named} " if ":" in named else ""
    return f"modc embed {own}--checkpoint {folder} --output embedded.npz IMAGES"


def is_exported(folder: Path) -> bool:
    """Return whether a folder holds a model that `write` wrote, and nothing else."""
    names = {path.name for path in folder.iterdir()}
    try:
        return names <= {WEIGHTS, CONFIG, CARD} and bool(_configuration(folder))
    except UserError:
        return False


def read(folder: Path) -> ModelFile:
    """Return the model in `folder`, its tensors on the CPU. Raises UserError if it is none."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    content = _configuration(folder)
    try:
        data = (folder / WEIGHTS).read_bytes()
        state_dict = load(data)
    except FileNotFoundError:
        raise UserError(f"{folder / WEIGHTS}: no such file; export the model again") from None
    except SafetensorError as error:
        raise UserError(f"{folder / WEIGHTS}: damaged ({error}); export it again") from None
    if sha256(data).hexdigest() != content["weights_sha256"]:
        raise UserError(
            f"{folder / WEIGHTS}: other weights than those of {CONFIG} (SHA-256); export it again"
        )
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
    for key, kind in _KINDS.items():
        if not content.get(key) or not isinstance(content[key], kind):
            raise UserError(f"{path}: {key} is absent or damaged; export the model again")
    if not all(isinstance(name, str) for name in content["attributes"]):
        raise UserError(f"{path}: attributes: expected names; export the model again")
    for name, side in content["sizes"].items():
        if type(side) is not int or not 0 < side <= MOST_PIXELS:
            raise UserError(
                f"{path}: sizes.{name}: {side!r} is not a number of pixels up to {MOST_PIXELS}; "
                f"export the model again"
            )
    if content.get("preprocessing") != _preprocessing(content["sizes"].get("image")):
        raise UserError(
            f"{path}: preprocessing: not what `modc embed` does; expected as exported; export the "
            f"model again"
        )
    return content
