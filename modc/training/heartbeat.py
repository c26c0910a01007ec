"""How far a training is: a small file beside its checkpoint, which `modc status` reads.

Training writes it every few seconds and reads nothing of it. It stays when the stage is done, since
it says how fast the stage went. No torch here, so that a reader starts fast.
"""

import json
import logging
import os
import time
from pathlib import Path

from modc import paths, provenance
from modc.atomic import HOST, write_json
from modc.stage import StageSpec

log = logging.getLogger(__name__)


class Heartbeat:
    """The file of one stage; checkpoint: where its resumable checkpoint goes."""

    def __init__(self, checkpoint: Path, spec: StageSpec):
        self.path = paths.heartbeat(checkpoint)
        self.origin = origin(spec)

    def beat(self, **facts: object) -> None:
        """Replace the file. If that fails, it is no reason to stop a training."""
        process = {"pid": os.getpid(), "host": HOST, "written": round(time.time(), 1)}
        try:
            write_json(self.path, {**self.origin, **facts, **process})
        except (OSError, ValueError) as error:
            log.warning("%s: %s", self.path, error)

    def finish(self) -> None:
        """Note that the stage is done."""
        self.beat(**{**(read(self.path) or {}), **self.origin, "done": True})


def origin(spec: StageSpec) -> dict[str, str]:
    """Return what a heartbeat says of the training that it is of: its spec and its code."""
    code = provenance.training_code(spec.network_class, spec.method_class)
    return {"spec": spec.fingerprint, "code": code}


def read(path: Path) -> dict | None:
    """Return what a heartbeat says, None if there is none that can be read."""
    try:
        facts = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) else None
