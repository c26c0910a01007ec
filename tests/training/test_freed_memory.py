"""Freed memory stays with the process, or goes back."""

import os
import platform
import subprocess
import sys

import pytest

# Prints how many MiB of 400 a process still has after it freed them.
SCRIPT = """
import ctypes, sys
from modc.training.freed_memory import keep_freed_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

assert keep_freed_memory(sys.argv[1] == "keep")
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
before = resident()
blocks = [libc.malloc(ctypes.c_size_t(40 * 2**20)) for _ in range(10)]
for block in blocks:
    ctypes.memset(block, 1, 40 * 2**20)
for block in blocks:
    libc.free(block)
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's malloc alone has it")
@pytest.mark.parametrize(("word", "low", "high"), [("keep", 390, 410), ("return", -5, 70)])
def test_freed_memory_stays_or_goes(word, low, high):
    call = [sys.executable, "-c", SCRIPT, word]
    result = subprocess.run(call, capture_output=True, text=True, env=os.environ)
    assert result.returncode == 0, result.stderr
    assert low < float(result.stdout) < high
