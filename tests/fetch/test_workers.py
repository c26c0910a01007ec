"""Processes that keep pictures: what they say, that they outlive nobody, and survive a crash."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modc.fetch.workers import Workers


@pytest.fixture
def workers(tmp_path, settings):
    with Workers(tmp_path, settings) as running:
        yield running


def test_pictures_are_kept_by_other_processes(workers, tmp_path, picture):
    outcome = asyncio.run(workers.put("a/b", picture(1), 200))
    assert (outcome.state, outcome.http_status) == ("ok", 200)
    assert (tmp_path / "pic" / "a" / "b.jpg").read_bytes() == picture(1)
    assert asyncio.run(workers.put("c", b"<html>", 200)).state == "not_an_image"
    assert [found and found.state for found in workers.adopt(["a/b"])] == ["ok"]


def test_a_picture_that_kills_its_process_stops_no_other(workers, tmp_path, picture, monkeypatch):
    # A large PNG, decoded slowly enough for its process to be found and killed each time.
    deadly = picture(2, (6000, 4000), "PNG")

    async def together():
        bodies = {str(number): picture(number) for number in range(20)} | {"deadly": deadly}
        killer = asyncio.create_task(kill_whoever_decodes(bodies))
        found = await asyncio.gather(*(workers.put(n, body, 200) for n, body in bodies.items()))
        killer.cancel()
        return {outcome.name: outcome.state for outcome in found}

    async def kill_whoever_decodes(bodies):
        while True:
            # The workers alone: the fork server, which is our own child, imports as long as that.
            for process in children(os.getpid()):
                if parent_of(process) != os.getpid() and cpu_seconds(process) > 0.2:
                    os.kill(process, signal.SIGKILL)
            await asyncio.sleep(0.01)

    monkeypatch.setattr("modc.fetch.workers.MOST", 2)
    states = asyncio.run(together())
    assert states.pop("deadly") == "not_an_image"
    assert set(states.values()) == {"ok"}


def children(parent: int) -> list[int]:
    """Return the processes below `parent`, the fork server's too."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        if int(fields[1]) == parent:
            number = int(path.parent.name)
            found += [number, *children(number)]
    return found


def parent_of(process: int) -> int:
    try:
        return int(Path("/proc", str(process), "stat").read_text().rpartition(")")[2].split()[1])
    except FileNotFoundError:
        return os.getpid()


def cpu_seconds(process: int) -> float:
    try:
        fields = Path("/proc", str(process), "stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


SCRIPT = """
import asyncio, sys, time, yaml
from pathlib import Path
from modc.fetch.workers import Workers
if __name__ == "__main__":
    settings = yaml.safe_load(Path(sys.argv[1]).read_text())["download"]
    with Workers(Path(sys.argv[2]), settings) as workers:
        asyncio.run(workers.put("a", b"<html>", 200))
        print("ready", flush=True)
        time.sleep(60)
"""


def test_they_die_with_the_process_that_downloads(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    config = Path(__file__).resolve().parents[2] / "config.yaml"
    process = subprocess.Popen(
        [sys.executable, script, config, tmp_path], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    started = children(process.pid)
    assert len(started) >= 2
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while alive := [number for number in started if Path("/proc", str(number)).exists()]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.05)
