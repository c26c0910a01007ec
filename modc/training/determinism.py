"""The same numbers every time, on one device."""

import os

import torch

from modc.tf32 import without_tf32


def be_deterministic() -> None:
    """Let torch take algorithms whose results do not change from run to run.

    A few have none; torch warns of them. float32 means float32 (`modc.tf32`). What torch allocates
    is not filled with NaN first, as it would be by default: that serves programs that read what
    they have not written, and takes a twentieth of a step on a CPU (docs/performance.md).
    """
    # Read with the first matrix product on a GPU.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    without_tf32()
