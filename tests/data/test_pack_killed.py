"""Packing, really killed: at each of its steps in the file system, and two packers at once."""

import subprocess
import sys

import pytest

from modc.data import index as index_module

# Forks, so that torch is imported once. `kill_at(n)` kills the process before the n-th time that it
# opens, renames or removes a file of the output folder; `pack` takes the folder's name.
SCRIPT = """
import os, signal, sys
from pathlib import Path
import numpy as np
from modc.data import index as index_module, pack as pack_module

place = Path(sys.argv[1])
index = index_module.read(place / "index")
pack_module.BLOCK = pack_module.SAVE_EVERY = 1


def pack(name):
    pack_module.pack(index, place / "pictures", [16, 32], place / name, 2)


def forked(run):
    child = os.fork()
    if child:
        return child
    run()
    os._exit(0)


def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_at(count, name):
    left = [count]

    def hook(event, arguments):
        if event in ("open", "os.rename", "os.remove") and f"/{name}/" in str(arguments[0]):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def files(name):
    return {p.name: p.read_bytes() for p in (place / name).iterdir() if p.suffix != ".lock"}
"""

KILLED = (
    SCRIPT
    + """
pack("alone")
for step in range(1, 1000):
    name = f"killed-{step}"

    def first():
        kill_at(step, name)
        pack(name)

    status = ended(forked(first))
    if not status:
        break
    assert status == -signal.SIGKILL
    for array in ("16", "32"):
        # Facts never stand beside an array that is not theirs.
        if (place / name / f"{array}.json").exists():
            assert files(name)[f"{array}.npy"] == files("alone")[f"{array}.npy"]
    assert ended(forked(lambda: pack(name))) == 0
    assert files(name) == files("alone"), name
print(step)
"""
)

TOGETHER = (
    SCRIPT
    + """
pack("alone")
children = [forked(lambda: pack("together")) for _ in range(3)]
assert [ended(child) for child in children] == [0, 0, 0]
assert files("together") == files("alone")
"""
)


@pytest.fixture
def place(tmp_path, pictures, index):
    index_module.write(index, tmp_path / "index")
    return tmp_path


def output_of(script: str, place) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, str(place)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_killed_at_any_step_it_ends_with_the_same_files(place):
    # Ten rows of two arrays are each saved: a file opened, one renamed.
    assert int(output_of(KILLED, place)) > 40


def test_packers_at_the_same_time_do_not_disturb_each_other(place):
    output_of(TOGETHER, place)
