"""Whole runs killed, and beside each other: the same tables, no device shared, no cell twice."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import project_copy
import pytest
import survival
import yaml

from modc.config import merge

# Two cells, so that two trainings can be at work at once.
TWO_CELLS = {
    "data": "data/tiny",
    "grid": {"datasets": ["FashionAI"], "labeled_percent": {"FashionAI": [10, 100]}},
    "training": {"stages": {"ASENv2": {"warm_up": {"epochs": 2}}}},
    # --cores 1 must not make another model of it.
    "threads": 2,
}
TINY = merge(project_copy.TINY, TWO_CELLS)
# Leases a device as `modc train` does on a GPU, notes it, and trains on the CPU.
ON_A_DEVICE = """#!{python}
import os, sys, time
from modc.cli import main
from modc.training.device import lease
if sys.argv[1:2] != ["train"]:
    sys.exit(main())
with lease() as device:
    begun = time.monotonic()
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    try:
        main()
    finally:
        with open(os.environ["LEASES"], "a") as file:
            print(device, begun, time.monotonic(), file=file)
"""
pytestmark = pytest.mark.slow


def project(folder: Path) -> Path:
    """Return a copy of the project with the tiny grid, in which trainings lease devices."""
    project_copy.copied(folder, TINY)
    (folder / "bin").mkdir()
    command = folder / "bin" / "modc"
    command.write_text(ON_A_DEVICE.format(python=sys.executable))
    command.chmod(0o755)
    return folder


def run(folder: Path, *arguments: str, devices: str = "", **more: str) -> subprocess.Popen:
    """Start Snakemake in the copy, on devices that need not be there; more: of the environment."""
    environment = {
        "PATH": f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "CUDA_VISIBLE_DEVICES": devices,
        "TMPDIR": str(folder.parent),
        "LEASES": str(folder / "leases"),
        # More threads than cores: those that wait must not spin.
        "OMP_WAIT_POLICY": "passive",
        **more,
    }
    call = ("--configfile", "tiny.yaml", "--quiet", "rules", *arguments)
    return project_copy.started(folder, *call, **environment)


def ended(process: subprocess.Popen, folder: Path) -> None:
    """Wait for the end, which must be a good one."""
    assert process.wait() == 0, (folder / "run.log").read_text()


def wait_for(something: Callable[[], bool], process: subprocess.Popen) -> None:
    """Wait until something is so, which must be before the end of the process."""
    while not something():
        assert process.poll() is None
        time.sleep(0.05)


def leases(folder: Path) -> list[tuple[str, float, float]]:
    """Return device, begin and end of each training."""
    lines = (folder / "leases").read_text().split("\n")[:-1]
    return [(name, float(begun), float(end)) for name, begun, end in map(str.split, lines)]


def results(folder: Path) -> Path:
    return folder / "results" / "tiny"


@pytest.fixture(scope="module")
def one_device(tmp_path_factory) -> Path:
    """A run left alone, a job at a time on one device; the logs list what each job imports."""
    folder = project(tmp_path_factory.mktemp("one") / "run")
    ended(run(folder, "--cores", "1", devices="GPU-0", PYTHONPROFILEIMPORTTIME="1"), folder)
    return folder


@pytest.fixture(scope="module")
def side_by_side(tmp_path_factory) -> list[Path]:
    """Two runs at the same time in folders of their own, with the same two devices."""
    place = tmp_path_factory.mktemp("two")
    folders = [project(place / name) for name in ("a", "b")]
    # Each begins with another cell.
    ways = [
        ["--scheduler", "greedy", "--prioritize", f"results/tiny/cells/FashionAI/ASENv2/{cell}"]
        for cell in ("10/seed-0/modc/scores.json", "100/seed-0/modc/scores.json")
    ]
    runs = [
        run(folder, "--cores", "4", *way, "--", "all", devices="GPU-3,GPU-5")
        for folder, way in zip(folders, ways, strict=True)
    ]
    for process, folder in zip(runs, folders, strict=True):
        ended(process, folder)
    return folders


def test_two_snakemakes_never_share_a_device(side_by_side):
    taken = sorted(lease for folder in side_by_side for lease in leases(folder))
    assert len(taken) == 8 and {name for name, _, _ in taken} == {"GPU-3", "GPU-5"}
    for (device, _, end), (other, begun, _) in pairwise(taken):
        assert device != other or end <= begun
    # They did work at the same time.
    first, second = ([lease for lease in taken if lease[0] == name] for name in ("GPU-3", "GPU-5"))
    assert any(a[1] < b[2] and b[1] < a[2] for a in first for b in second)


def test_order_and_devices_change_no_number(one_device, side_by_side):
    from modc.networks import model_file

    models = sorted(path.relative_to(one_device) for path in one_device.rglob("model.pt"))
    assert len(models) == 8  # two warm-ups, MODC's five stages, one at 100 %
    for other in side_by_side:
        rows = survival.compared(results(one_device), results(other))
        assert [row[2] for row in rows[:4]] == [0, 0, 0, 0] and all(row[1] for row in rows)
        for model in models:
            a, b = (model_file.load(folder / model) for folder in (one_device, other))
            assert a.facts["key"] == b.facts["key"]
            assert all(value.equal(b.state_dict[name]) for name, value in a.state_dict.items())


def test_jobs_that_need_no_torch_do_not_import_it(one_device):
    logs = results(one_device) / "logs"
    imports = {"pandas": set(), "torch": set()}
    for path in logs.rglob("*.log"):
        for name, jobs in imports.items():
            if re.search(rf"^import time: .*\| +{name}$", path.read_text(), re.M):
                jobs.add(path.relative_to(logs).parts[0].removesuffix(".log"))
    # Figure 1 shows features of a network.
    assert imports["torch"] == {"pack", "train", "figures"}
    others = {"fetch", "index", "subset", "coverage", "score"}
    assert imports["pandas"] - imports["torch"] == others | {"tables", "report"}


def test_a_second_snakemake_on_a_run_is_refused_until_the_first_is_killed(tmp_path, one_device):
    folder = project(tmp_path / "run")
    first = run(folder, "--cores", "2")
    wait_for((results(folder) / "config.yaml").exists, first)
    before = (results(folder) / "config.yaml").read_text()
    (folder / "tiny.yaml").write_text(yaml.safe_dump({**TINY, "threads": 1}))
    assert run(folder, "--cores", "2").wait() == 1
    said = (folder / "run.log").read_text()
    assert f"results/tiny: process {first.pid} of " in said and "Traceback" not in said
    assert (results(folder) / "config.yaml").read_text() == before
    # Nor may another run take the pictures that are being made.
    (folder / "tiny.yaml").write_text(yaml.safe_dump({**TINY, "run": "other"}))
    assert run(folder, "--cores", "2").wait() == 1
    said = (folder / "run.log").read_text()
    assert f"data/tiny/FashionAI: process {first.pid} of " in said and "Traceback" not in said
    assert run(folder, "-n").wait() == 0
    assert (folder / "run.log").read_text().count(": in use by ") == 0
    # Its trainings go on, and the next Snakemake's wait for them.
    (folder / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    wait_for(lambda: "train" in survival.jobs(folder).values(), first)
    first.send_signal(signal.SIGKILL)
    first.wait()
    left = survival.jobs(folder)
    ended(run(folder, "--cores", "2"), folder)
    assert left and not left.keys() & survival.jobs(folder).keys()
    rows = survival.compared(results(one_device), results(folder))
    assert rows[0][1] and not rows[0][2], rows


def test_killed_in_every_way_it_ends_in_the_same_tables(tmp_path):
    config = tmp_path / "tiny.yaml"
    config.write_text(yaml.safe_dump({**TINY, "threads": 1}))
    command = [sys.executable, survival.__file__, "--config", config, "--kills", len(survival.WAYS)]
    done = subprocess.run(
        [*map(str, command), "--scratch", str(tmp_path / "runs")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ways = re.findall(r"^kill \d+ after [\d.]+ s: (.*); at work", done.stdout, re.M)
    assert set(ways) == set(survival.WAYS), done.stdout
    assert re.search(r"^tables +\d\d +0$", done.stdout, re.M)
