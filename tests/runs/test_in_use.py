"""A folder at work: one writer or several readers, until their processes are gone."""

import subprocess
import sys

import pytest

from modc.errors import UserError
from modc.runs import in_use

HOLDER = """
import sys, time
from pathlib import Path
from modc.runs.in_use import claim
claim(Path(sys.argv[1]), shared=sys.argv[2:] == ["shared"])
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def hold():
    """Return a function that starts a process which claims a folder, and waits until it has it."""
    started = []

    def start(folder, *how):
        command = [sys.executable, "-c", HOLDER, str(folder), *how]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout.readline() == "held\n"
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_folder_at_work_is_refused_with_its_process_until_that_is_killed(tmp_path, hold):
    folder = tmp_path / "results" / "run"
    first = hold(folder)
    for shared in (False, True):
        with pytest.raises(UserError, match=f"run: in use by process {first.pid} of "):
            in_use.claim(folder, shared)
    first.kill()
    first.wait()
    hold(folder)
    assert not folder.exists()


def test_readers_share_a_folder_and_keep_a_writer_out(tmp_path, hold):
    folder = tmp_path / "data"
    readers = [hold(folder, "shared"), hold(folder, "shared")]
    with pytest.raises(UserError, match="data: in use by another run"):
        in_use.claim(folder)
    for reader in readers:
        reader.kill()
        reader.wait()
    hold(folder)


def test_a_folder_beside_is_free(tmp_path, hold):
    hold(tmp_path / "one")
    hold(tmp_path / "two")
