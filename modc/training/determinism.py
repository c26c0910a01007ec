"""The same numbers every time, on one device."""

import torch


def be_deterministic() -> None:
    """Let torch take algorithms whose results do not change from run to run.

    A few have none; torch warns of them. What it allocates is not filled with NaN first, as it
    would be by default: that serves programs that read what they have not written, and takes a
    twentieth of a step on a CPU (docs/performance.md).
    """
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False
