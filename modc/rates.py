"""Measured images a second of each network and stage, kept from one forecast to the next.

A rate says what it is of (`subject`), on which machine and with which code it was measured, and
what else was seen on the way: memory, the size of a model, whether the machine was busy, and the
batch of the probe where a whole one would have taken too long.
"""

import json
import math
import os
from pathlib import Path

from modc.atomic import write_json
from modc.cell import Cell
from modc.errors import UserError
from modc.grid import chain, method_of, methods, stage_spec
from modc.home import in_home
from modc.provenance import training_code
from modc.stage import WHOLE, fingerprint

# What is measured of a network beside its stages: embedding images without gradients.
EVALUATION = "evaluation"
ON = ("device", "threads", "code")
# What was seen while measuring, None where there was nothing of the kind.
_SEEN = ("model_bytes", "embedding_dim", "gpu_bytes", "host_bytes")


def default_store() -> Path:
    """Return where rates are kept: $XDG_CACHE_HOME/modc/rates.json, by default in ~/.cache.

    Raises UserError where there is neither.
    """
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else in_home("~/.cache", "XDG_CACHE_HOME")) / "modc/rates.json"


def subject(config: dict, cell: Cell, method: str, stage: str) -> dict:
    """Return what of the configuration decides how fast a stage is."""
    spec = stage_spec(config, cell, method, stage)
    warm_up = method_of(config, spec.method).warm_up_stage(cell, stage)
    return {
        **_network(config, cell, warm_up or stage),
        # A warm-up is the same work under every method.
        **({} if warm_up else {"method": spec.method_class}),
        "sizes": dict(spec.sizes),
        "batch": spec.batch_size,
        # With the views and the unlabeled ones.
        "images_a_step": spec.batch_size * spec.images_per_triplet,
    }


def evaluation_subject(config: dict, cell: Cell) -> dict:
    """Return what of the configuration decides how fast a network embeds without gradients."""
    return {
        **_network(config, cell, EVALUATION),
        "sizes": evaluation_sizes(config, cell),
        "batch": config["training"]["evaluation_batch"],
    }


def evaluation_sizes(config: dict, cell: Cell) -> dict[str, int]:
    """Return the sides of the packed images that a whole network embeds, by their names."""
    last = chain(config, cell, methods(config)[0])[-1]
    sizes = stage_spec(config, cell, *last).sizes
    return {name: side for name, side in sizes.items() if name in WHOLE}


def _network(config: dict, cell: Cell, stage: str) -> dict:
    return {
        "network": cell.network,
        "stage": stage,
        "precision": config["training"]["precision"],
        "architecture": {
            key: value
            for key, value in config["networks"][cell.network].items()
            if key.endswith("backbone")
        },
    }


def here(device: str, config: dict) -> dict:
    """Return on what a rate of this machine is measured; device: its name."""
    # A GPU is as fast with any number of CPU threads, or nearly so.
    count = threads(config) if device.startswith("CPU") else None
    return {"device": device, "threads": count, "code": training_code()}


def threads(config: dict) -> int:
    """Return the CPU threads of a job here: the configuration's, at most one a core."""
    return min(config["threads"], len(os.sched_getaffinity(0)))


def read(path: Path) -> list[dict]:
    """Return the rates in a file, [] if there is none. Raises UserError if it is none of ours."""
    try:
        rates = json.loads(path.read_bytes())
    except FileNotFoundError:
        return []
    except (ValueError, RecursionError):
        rates = None
    if not isinstance(rates, list) or not all(map(_is_rate, rates)):
        raise UserError(
            f"{path}: no rates in it; expected what `modc plan --probe` writes; delete it or name "
            f"another file"
        )
    return rates


def add(path: Path, new: list[dict]) -> None:
    """Add rates to a file, in the place of those of the same subject, machine and code.

    One that was measured while the machine was busy does not replace one of an idle machine.
    """
    kept = {_name(rate): rate for rate in read(path)}
    for rate in new:
        before = kept.get(_name(rate))
        if before is None or is_busy(before) or not is_busy(rate):
            kept[_name(rate)] = rate
    write_json(path, list(kept.values()))


def find(rates: list[dict], wanted: dict, on: dict | None) -> dict | None:
    """Return the newest rate of a subject, measured on `on`, or anywhere if that is None.

    One of a busy machine is taken only if there is no other.
    """
    found = [
        rate
        for rate in rates
        if rate["subject"] == wanted and (on is None or all(rate[key] == on[key] for key in ON))
    ]
    return max(found, key=lambda rate: (not is_busy(rate), rate["measured"]), default=None)


def is_busy(rate: dict) -> bool:
    """Return whether a rate is too low, as others worked on the machine meanwhile."""
    return rate.get("busy") is True


def only_device(rates: list[dict], path: Path) -> str:
    """Return the device of all rates of a file. Raises UserError if there is none, or several."""
    devices = sorted({rate["device"] for rate in rates})
    if len(devices) != 1:
        found = " and ".join(devices) or "no rates"
        raise UserError(f"{path}: {found}; expected the rates of one device")
    return devices[0]


def _name(rate: dict) -> str:
    return fingerprint([rate["subject"], *(rate[key] for key in ON)])


def _is_rate(rate: object) -> bool:
    return (
        isinstance(rate, dict)
        and isinstance(rate.get("subject"), dict)
        and isinstance(rate["subject"].get("sizes"), dict)
        and all(isinstance(rate.get(key), str) for key in ("device", "code", "measured"))
        and "threads" in rate
        and _is_positive(rate.get("images_per_second"))
        and all(key in rate and (rate[key] is None or _is_positive(rate[key])) for key in _SEEN)
    )


def _is_positive(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value > 0
