"""One step of a part of `gpu.py`: a generator of rows that runs in a process of its own.

So a step that crashes, hangs, fills the memory or spoils its CUDA context costs no other one.
"""

import importlib
import json
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Seconds after its time at which a step ends itself, should nobody be left to do so.
GRACE = 10


@dataclass(frozen=True)
class Context:
    """What a step is given.

    device: cuda or cpu, where everything is small; work: a folder for what it makes; ends: when
    its time is over, as time.time() counts; public_repo, fashion_mnist: the options' folders.
    """

    device: str
    work: str
    ends: float
    public_repo: str | None = None
    fashion_mnist: str | None = None

    @property
    def small(self) -> bool:
        """Whether all sizes are small, for a test."""
        return self.device == "cpu"

    @property
    def left(self) -> float:
        """The seconds left to the step."""
        return self.ends - time.time()


class Skipped(Exception):
    """What cannot be done here, and is no failure: the message says why."""


def gate(what: str, value: float, limit: float, **more: object) -> dict:
    """Return the row of a gate: ok where value <= limit, which no NaN is."""
    return {"what": what, "value": value, "limit": limit, "ok": bool(value <= limit), **more}


def rows(call: str, context: Context) -> Iterator[dict]:
    """Yield the rows of `call`, "module:function"; at last one of why, if it cannot go on."""
    module, _, function = call.partition(":")
    try:
        yield from getattr(importlib.import_module(module), function)(context)
    except Skipped as error:
        yield {"what": "left out", "note": str(error)}
    except Exception as error:
        traceback.print_exc()
        yield {"what": "failed", "ok": False, "note": _why(error)}


def _why(error: Exception) -> str:
    """Return an error in one line."""
    first = (str(error).strip() or "no message").splitlines()[0]
    name = type(error).__name__
    if name == "OutOfMemoryError":
        return f"the GPU's memory is too small for this, or in use: {first}"
    return first if name == "UserError" else f"{name}: {first}"


def as_arguments(call: str, context: Context, rows_file: Path) -> list[str]:
    """Return the command of the step's process, which appends a line of JSON a row to a file."""
    code = "import gpu_step; gpu_step.main()"
    return [sys.executable, "-c", code, call, json.dumps(asdict(context)), str(rows_file)]


def main() -> None:
    """Run one step."""
    call, context, rows_file = sys.argv[1:]
    context = Context(**json.loads(context))
    # What a shell starts in the background ignores it, and pytest would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.alarm(max(1, int(context.left) + GRACE))
    with open(rows_file, "a", buffering=1) as file:  # noqa: PTH123
        for row in rows(call, context):
            file.write(json.dumps(row, default=float) + "\n")
