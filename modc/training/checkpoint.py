"""The resumable checkpoint: where a killed training goes on, as if it had not been killed.

It lies outside every declared output of the workflow, since those are deleted when a job fails.
"""

import io
import logging
from pathlib import Path

import torch

from modc.atomic import write_bytes
from modc.errors import UserError
from modc.networks.safe_load import read

log = logging.getLogger(__name__)


def save(path: Path, key: str, state: dict) -> None:
    """Replace the checkpoint at `path` by `state`, under `key`, whole or not at all."""
    buffer = io.BytesIO()
    torch.save({"key": key, "state": state}, buffer)
    write_bytes(path, buffer.getvalue())


def load(path: Path, key: str) -> dict | None:
    """Return the state saved under `key`, on the CPU.

    None if there is no checkpoint, if it was made under another key (other settings, code, data,
    precision or kind of device), or if it cannot be read: then training starts anew, which is
    always right.
    """
    if not path.exists():
        return None
    try:
        saved = read(path)
    except UserError as error:
        log.warning("%s; starting anew", error)
        return None
    if saved.get("key") == key and "state" in saved:
        return saved["state"]
    log.warning(
        "%s: made with other settings, code, data, precision or kind of device; starting anew", path
    )
    return None
