"""The workflow on Slurm: what the profile plans, and a whole run on a cluster that loses a node.

The run is the smoke run, 21 minutes on two cores; MODC_SLURM_CONFIG=tiny.yaml takes two cells, and
seven.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import cluster
import project_copy
import pytest
from project_copy import copied, snakemake, started

from modc.config import merge

# Two cells that take long enough to be stopped in the middle.
LONGER = {
    "datasets": {"FashionAI": {"generate": {"images": 400}}},
    "grid": {"datasets": ["FashionAI"], "labeled_percent": {"FashionAI": [10, 100]}},
    "training": {"triplets_per_epoch": 160},
    "methods": {
        "modc": {"unlabeled_ratio": 0.34, "stages": {"ASENv2": {"epochs": {"supervised": 4}}}}
    },
}
TINY = merge(project_copy.TINY, LONGER)
# No accounting here; jobs end after seconds, not hours.
SLURM = (
    *("--workflow-profile", "profiles/slurm", "--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "10"),
)
# Minutes until a run that should end by itself is given up.
LONGEST = 40

needs_plugin = pytest.mark.skipif(
    find_spec("snakemake_executor_plugin_slurm") is None,
    reason="not installed: the extra `slurm` (pip install -e .[slurm])",
)


@pytest.fixture(autouse=True)
def environment(monkeypatch) -> None:
    """Whatever is started finds the commands of this Python's environment, and no GPU."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def trainers(folder: Path) -> list[str]:
    """Return the methods of cells that are trained in `folder`, once for each process."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if (path / "cwd").readlink() == folder and {"train", "--cell"} <= {*words}:
                found.append(" ".join(words[words.index("--cell") :]))
        except OSError:  # it ended meanwhile
            continue
    return found


def beats(folder: Path, job: dict) -> Iterator[dict]:
    """Yield how far the stages after a cell's warm-up are, of those that said so just now."""
    *cell, seed, method = job["name"].split("-")
    place = "/".join([*cell, f"seed-{seed}", method])
    for path in (folder / "results").glob(f"*/resume/{place}/*.json"):
        beat = json.loads(path.read_text())
        fresh = time.time() - beat["written"] < 1 and not beat.get("done")
        if fresh and not path.stem.startswith("warm_up"):
            yield beat


def log_of(folder: Path, job: dict) -> Path:
    (found,) = (folder / "results").glob(f"*/logs/train/{job['name']}-*.log")
    return found


def wait_for(condition, snakemake: subprocess.Popen, folder: Path):
    """Return what `condition` returns once it is true; meanwhile no cell is trained twice."""
    deadline = time.monotonic() + 60 * LONGEST
    while not (found := condition()):
        twice = [cell for cell, times in Counter(trainers(folder)).items() if times > 1]
        assert not twice
        assert time.monotonic() < deadline, (folder / "run.log").read_text()
        assert snakemake.poll() is None, (folder / "run.log").read_text()
        time.sleep(0.1)
    return found


def disturbed(slurm: cluster.Cluster, snakemake: subprocess.Popen, folder: Path) -> list[dict]:
    """Preempt a job and lose the node of one, each in a stage after a warm-up; return both."""

    def under_way(epochs: int) -> dict | None:
        for job in slurm.jobs():
            for beat in beats(folder, job):
                if epochs <= beat["epochs_done"] < beat["epochs"]:
                    return job
        return None

    preempted = wait_for(lambda: under_way(0), snakemake, folder)
    slurm.ask(f"scancel --signal=TERM {preempted['number']}")
    asked = time.monotonic()
    numbers = lambda: [job["number"] for job in slurm.jobs()]  # noqa: E731
    wait_for(lambda: preempted["number"] not in numbers(), snakemake, folder)
    assert time.monotonic() - asked < 30
    assert "stopped by SIGTERM" in log_of(folder, preempted).read_text()
    # Its checkpoint is of the last epoch that was finished.
    lost = wait_for(lambda: under_way(1), snakemake, folder)
    slurm.lose(lost["node"])
    return [preempted, lost]


def tables(run: Path) -> dict[str, bytes]:
    """Return the bytes of a run's tables."""
    return {path.name: path.read_bytes() for path in (run / "tables").iterdir()}


def left_over(folder: Path) -> list[str]:
    """Return the processes that still run for this test, some seconds after its end."""
    for _ in range(50):
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                texts = [(path / name).read_bytes() for name in ("cmdline", "environ")]
            except OSError:
                continue
            if path.name != str(os.getpid()) and any(str(folder).encode() in t for t in texts):
                found.append(texts[0].decode(errors="replace"))
        if not found:
            break
        time.sleep(0.1)
    return found


@needs_plugin
def test_the_profile_plans_the_same_jobs_a_method_of_a_cell_in_one_job_with_one_gpu(tmp_path):
    folder = copied(tmp_path / "project")
    status, output = snakemake(folder, "-n", "--workflow-profile", "profiles/slurm")
    assert status == 0, output
    assert re.search(r"^total +151$", output, re.M)
    groups = re.split(r"Group job (\S+) .*\n", output)
    rules: dict[str, list] = {}
    for name, jobs in zip(groups[1::2], groups[2::2], strict=True):
        parts = re.findall(r"^    rule (\w+):\n((?: {8}.*\n)+)", jobs, re.M)
        rules.setdefault(name, []).append(sorted(rule for rule, _ in parts))
        assert all(("gpu=1" in text) == (rule == "train") for rule, text in parts)
    # The baseline and MODC do not wait for each other.
    assert len(rules) == 2 * 31 and "DARN-ASEN++-10-0-modc" in rules
    assert all(jobs == [["score", "train"]] for jobs in rules.values())
    assert re.search(r"^rule pack_DARN:\n(    .*\n)*    resources: .*runtime=1200", output, re.M)
    assert not re.search(r"^    rule (index|tables|pack_\w+):", output, re.M)


@pytest.mark.slow
@needs_plugin
@pytest.mark.skipif(bool(cluster.missing()), reason=cluster.missing())
def test_a_node_is_lost_and_a_job_preempted_and_the_tables_are_those_of_a_quiet_run(tmp_path):
    config = os.environ.get("MODC_SLURM_CONFIG", "configs/smoke.yaml")
    alone, shared = (copied(tmp_path / name, TINY) for name in ("alone", "shared"))
    quiet = started(alone, "--cores", "2", "--configfile", config)
    assert quiet.wait() == 0, (alone / "run.log").read_text()
    with cluster.running(tmp_path / "slurm") as slurm:
        running = started(shared, *SLURM, "--configfile", config, **slurm.environment)
        try:
            events = disturbed(slurm, running, shared)
            wait_for(lambda: running.poll() is not None, running, shared)
            output = (shared / "run.log").read_text()
            assert running.returncode == 0, output
        finally:
            running.kill()
            running.wait()
        devices = (tmp_path / "slurm" / "devices").read_text().splitlines()
    assert not left_over(tmp_path)
    one, other = (next(folder.glob("results/*/config.yaml")).parent for folder in (alone, shared))
    assert tables(one) == tables(other)
    # Each went on where it was.
    for job in events:
        assert re.search(r"resumed after epoch \d+", log_of(shared, job).read_text())
    # Slurm gave one device to whatever ran on a GPU.
    assert {line.split()[2] for line in devices} <= {"0", "none"}
    assert not list(other.glob("resume/**/model.pt")) and not list(other.rglob("*.tmp"))
