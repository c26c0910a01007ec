"""Deterministic algorithms, and memory that is left as it is."""

import subprocess
import sys

# What is so large comes from the system, full of zeros.
SCRIPT = """
import torch
from modc.training.determinism import be_deterministic

be_deterministic()
assert torch.are_deterministic_algorithms_enabled()
assert not torch.empty(50_000_000).isnan().any()
"""


def test_nothing_is_filled_before_it_is_written():
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
