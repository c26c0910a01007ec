"""Packed images: a dataset's images as one memory-mapped array of uint8 squares.

Row i is image i. A JSON file beside the array, its facts, says what it is made of.
"""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from modc.data.index import Index
from modc.data.square import Form
from modc.errors import UserError

# How images become squares; raised when that changes, so that arrays are made again.
# 1: Pillow alone; 2: simplejpeg and torch.
DECODING = 2


def array_facts(index: Index, form: Form) -> dict:
    """Return what an array of `index` in this form says of itself."""
    return {
        "index_sha256": index.sha256,
        "images": len(index.images),
        "form": asdict(form),
        "decoding": DECODING,
    }


def facts_path(array: Path) -> Path:
    """Return where an array's facts lie."""
    return array.with_suffix(".json")


def read_facts(array: Path) -> dict | None:
    """Return an array's facts, None if it is absent or has none that can be read."""
    try:
        facts = json.loads(facts_path(array).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return facts if array.exists() and isinstance(facts, dict) else None


def open_packed(path: Path, index: Index, form: Form) -> np.ndarray:
    """Return the read-only array uint8 (N, S, S, 3) of `index` that `modc pack` wrote to `path`.

    Raises UserError if it is absent, damaged, of another form, or made of another index.
    """
    facts = read_facts(path)
    if facts is None:
        raise UserError(f"{path}: no packed images; run `modc pack`")
    if facts.get("index_sha256") != index.sha256:
        raise UserError(f"{path}: packed from another index; run `modc pack` again")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError):
        raise UserError(f"{path}: damaged array; delete it and run `modc pack` again") from None
    if facts.get("form") != asdict(form):
        found = facts["form"] if isinstance(facts.get("form"), dict) else {}
        is_form = found.keys() == asdict(form).keys()
        name = Form(**found).name if is_form else "unknown"
        raise UserError(f"{path}: packed as {name}; expected {form.name}, as configured")
    if array.shape != (len(index.images), form.size, form.size, 3) or array.dtype != np.uint8:
        raise UserError(f"{path}: an array {array.shape}; delete it and run `modc pack` again")
    return array
