"""`modc status` and `modc plan` from the command line."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modc import paths
from modc.cell import Cell
from modc.config import load, merge, write
from modc.cost import cell_stages

METHODS = ("baseline", "modc")

REPOSITORY = Path(__file__).resolve().parents[1]
GRID = {
    "datasets": ["FashionAI"],
    "networks": ["ASENv2"],
    "labeled_percent": {"FashionAI": [100]},
    "extra_seeds": [],
}


@pytest.fixture
def place(tmp_path) -> Path:
    """A folder with the configuration of one cell."""
    change = {"grid": GRID, "methods": {"modc": {"warm_up": {"ASENv2": "shared"}}}}
    write(tmp_path / "config.yaml", merge(load([REPOSITORY / "config.yaml"]), change))
    return tmp_path


def finish(place: Path) -> None:
    """Make the run one that is done."""
    config = load([place / "config.yaml"])
    cell = Cell("FashionAI", "ASENv2", 100, 0)
    folder = place / "results" / "paper"
    for method, stage in cell_stages(config, cell):
        model = folder / paths.stage_folder(cell, method, stage) / "model.pt"
        model.parent.mkdir(parents=True)
        model.touch()
    for method in METHODS:
        (folder / paths.scores(cell, method)).write_text("{}")


def environment(place: Path) -> dict:
    """No GPU, and a cache of its own."""
    more = {"PYTHONPATH": str(REPOSITORY), "CUDA_VISIBLE_DEVICES": ""}
    return {**os.environ, **more, "XDG_CACHE_HOME": str(place / "cache")}


def without_torch(place: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run `modc` in a folder where torch cannot be imported."""
    code = "import sys; sys.modules['torch'] = None; from modc.cli import main; main()"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, cwd=place, env=environment(place), capture_output=True, text=True, timeout=60
    )


def started(place: Path, **options) -> subprocess.Popen:
    """Start `modc status --watch`."""
    command = [sys.executable, "-m", "modc.cli", "status", "--watch", "0.1"]
    return subprocess.Popen(
        command, cwd=place, env=environment(place), stderr=subprocess.PIPE, **options
    )


def test_status_needs_no_torch_no_pandas_and_no_run(place):
    code = (
        "import sys; sys.modules['torch'] = sys.modules['pandas'] = None\n"
        "from modc.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "status"],
        cwd=place,
        env=environment(place),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 of 1 cells done, 1 waiting" in done.stdout
    assert not (place / "results").exists()


def test_json_is_one_document_or_one_line_each_time(place):
    done = without_torch(place, "status", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["workflow"], found["totals"]["waiting"]) == (None, 1)
    assert not (place / "results").exists()
    finish(place)
    lines = without_torch(place, "status", "--json", "--watch", "0.1").stdout.splitlines()
    assert [json.loads(line)["totals"]["done"] for line in lines] == [1]


def test_a_watch_says_it_again_until_all_is_done_without_escape_codes(place):
    with started(place, stdout=subprocess.PIPE, text=True) as process:
        seen = 0
        for line in process.stdout:
            assert "\x1b" not in line
            seen += "0 of 1 cells done" in line
            if seen == 2:
                break
        finish(place)
        rest = process.stdout.read()
        assert process.wait(20) == 0
    assert rest.rstrip().endswith("1 of 1 cells done")


def test_control_c_ends_a_watch_quietly(place):
    with started(place, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "results/paper\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr.read() == ""


def test_a_terminal_is_redrawn(place):
    finish(place)
    control, terminal = pty.openpty()
    with started(place, stdout=terminal) as process:
        assert process.wait(20) == 0
    os.close(terminal)
    shown = os.read(control, 10_000).decode()
    os.close(control)
    assert shown.startswith("\x1b[H\x1b[J") and "1 of 1 cells done" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("status", "--watch", "0"), "0.0 is not in the range x>=0.1"),
        (("status", "--config", "absent.yaml"), "absent.yaml: no such configuration file"),
        (
            ("status", "--results", "nosuch"),
            "nosuch: no such folder; expected a run's folder, such as",
        ),
        (("plan", "--gpus", "0"), "0 is not in the range x>=1"),
        (("plan", "--rates", "absent.json"), "absent.json: no rates; expected the rates of one"),
    ],
)
def test_a_mistake_is_named(place, modc, arguments, said, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setitem(sys.modules, "torch", None)
    status, _, err = modc(*arguments)
    assert status != 0
    assert said in err and "Traceback" not in err


def test_a_probe_that_could_not_be_kept_is_not_made(place):
    (place / "rates.json").write_text("no rates")
    done = without_torch(place, "plan", "--probe", "--rates", "rates.json")
    assert done.returncode == 1
    assert "rates.json: no rates in it; expected what `modc plan --probe` writes" in done.stderr


def test_without_rates_the_plan_counts_images_and_says_how_to_get_hours(place):
    done = without_torch(place, "plan")
    assert (done.returncode, done.stderr) == (0, "")
    assert "measure them with --probe" in done.stdout
    assert not (place / "cache").exists()


def test_a_file_of_rates_of_another_machine_is_taken_as_it_is(place):
    from modc import rates

    config = load([place / "config.yaml"])
    cell = Cell("FashionAI", "ASENv2", 100, 0)
    known = [
        {
            "subject": subject,
            "device": "H100",
            "threads": None,
            "code": "of another version",
            "images_per_second": 1000.0,
            "model_bytes": 1,
            "embedding_dim": 1024,
            "gpu_bytes": 8_000_000_000,
            "host_bytes": 1,
            "measured": "2026-01-01T00:00:00+00:00",
        }
        for subject in (
            rates.subject(config, cell, "baseline", "warm_up"),
            rates.evaluation_subject(config, cell),
        )
    ]
    (place / "h100.json").write_text(json.dumps(known))
    done = without_torch(place, "plan", "--rates", "h100.json", "--gpus", "2")
    assert (done.returncode, done.stderr) == (0, "")
    # 50 epochs of 300,000 images in each stage; 18,000 more a validation.
    assert "Hours on one H100" in done.stdout
    assert "stored on 2026-01-01 with other code" in done.stdout
    assert "On 2 x H100: 8 h 53 min" in done.stdout
