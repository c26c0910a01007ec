"""Files are whole or absent, whatever happens while they are written."""

import errno
import json
import os
import signal
import subprocess
import sys

import pytest

from modc import atomic
from modc.atomic import atomic_path, write_json, write_text


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    write_text(path, "old")
    with pytest.raises(ZeroDivisionError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert [found.name for found in path.parent.iterdir()] == ["file.txt"]


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "file.txt"
    code = (
        "import resource, sys; from modc.atomic import write_text\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_text(sys.argv[1], 'x' * 5000)\n"
        "except OSError as error: print(error.errno, error.filename)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert said == [str(errno.EFBIG), str(path)]
    assert not list(tmp_path.iterdir())


def test_a_kill_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old")
    code = (
        "import sys, time; from modc.atomic import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half'); print('written', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert path.read_text() == "old"


def test_json_refuses_nan_and_writes_nothing(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "scores.json", {"MAP@100": float("nan")})
    assert not (tmp_path / "scores.json").exists()
    write_json(tmp_path / "scores.json", {"MAP@100": 0.5})
    assert json.loads((tmp_path / "scores.json").read_text()) == {"MAP@100": 0.5}


def test_what_a_killed_process_left_is_removed_and_a_living_ones_is_not(tmp_path):
    code = "import os; print(os.getpid())"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True)
    leftover = tmp_path / f".a.txt.{atomic.HOST}.{int(dead.stdout)}.tmp"
    living = tmp_path / f".a.txt.{atomic.HOST}.{os.getppid()}.tmp"
    elsewhere = tmp_path / f".a.txt.another-machine.{int(dead.stdout)}.tmp"
    for path in (leftover, living, elsewhere):
        path.write_text("half")
    atomic.write_text(tmp_path / "a.txt", "whole")
    assert not leftover.exists() and living.exists() and elsewhere.exists()
