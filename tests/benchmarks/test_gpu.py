"""benchmarks/gpu.py: what a step may do to the others, exit statuses, and every part on the CPU."""

import json
import subprocess
import sys
from pathlib import Path

import gpu
import gpu_record
import pytest
from click.testing import CliRunner
from gpu import Step, run_part
from gpu_record import Record
from gpu_step import Context, gate

BENCHMARK = Path(gpu.__file__)
MADE_UP = """
import os, signal, subprocess, sys, time
from gpu_step import Skipped, gate

def good(context):
    yield {"what": "sum", "value": 3}
    yield gate("difference", 0.5, 1)

def wrong(context):
    yield gate("difference", 2.0, 1)

def not_a_number(context):
    yield gate("difference", float("nan"), 1)

def crashes(context):
    yield {"what": "before", "value": 1}
    raise ValueError("no such thing\\nand more")

def hangs(context):
    yield {"what": "before", "value": context.left < 4}
    grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield {"what": "grandchild", "value": grandchild.pid}
    time.sleep(600)

def killed(context):
    yield {"what": "before", "value": 1}
    os.kill(os.getpid(), signal.SIGKILL)

def absent(context):
    raise Skipped("there is none here")
    yield

def exits(context):
    print("the last line")
    os._exit(3)
    yield
"""
FACTS = {"card": "made up"}


@pytest.fixture
def steps(tmp_path, monkeypatch):
    """Return a function from names to the steps of a module made up for the test."""
    (tmp_path / "made_up_steps.py").write_text(MADE_UP)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return lambda *names: tuple(Step(name, f"made_up_steps:{name}", 0.2) for name in names)


@pytest.fixture
def found(tmp_path):
    """Return a function that runs steps and returns the record as it lies on disk."""

    def run(steps: tuple[Step, ...], seconds: float) -> dict:
        record = Record(tmp_path / "out", "part", FACTS)
        context = Context("cpu", str(tmp_path / "work"), 0.0)
        run_part(record, steps, context, seconds)
        return json.loads((tmp_path / "out" / "part.json").read_text())

    return run


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_rows_are_recorded_with_their_step(steps, found):
    record = found(steps("good"), 60)
    assert record["part"] == "part" and record["facts"] == FACTS
    assert record["rows"] == [
        {"step": "good", "what": "sum", "value": 3},
        {"step": "good", "what": "difference", "value": 0.5, "limit": 1, "ok": True},
    ]


def test_what_fails_leaves_the_rows_of_the_others(steps, found):
    rows = found(steps("crashes", "killed", "exits", "absent", "good"), 60)["rows"]
    of = {name: [row for row in rows if row["step"] == name] for name in ("crashes", "killed")}
    for name, note in (("crashes", "ValueError: no such thing"), ("killed", "killed by SIGKILL")):
        assert [row["what"] for row in of[name]] == ["before", "failed"]
        assert of[name][1]["ok"] is False
        assert of[name][1]["note"].startswith(note)
    (ended,) = [row for row in rows if row["step"] == "exits"]
    assert ended["ok"] is False and ended["note"].startswith("the last line")
    (skipped,) = [row for row in rows if row["step"] == "absent"]
    assert "ok" not in skipped and skipped["note"] == "there is none here"
    assert sum(row["step"] == "good" for row in rows) == 2


def test_a_step_that_hangs_is_stopped_with_all_it_started(steps, found):
    rows = found(steps("hangs", "good"), 15)["rows"]  # three seconds each
    assert [row["what"] for row in rows[:3]] == ["before", "grandchild", "stopped"]
    assert rows[0]["value"] is True and "ok" not in rows[2]
    assert not alive(rows[1]["value"])
    assert [row["step"] for row in rows[3:]] == ["good", "good"]


def test_what_there_is_no_time_for_is_said(steps, found):
    rows = found(steps("good", "wrong"), 0.5)["rows"]
    assert [(row["step"], row["what"]) for row in rows] == [
        ("good", "not begun"),
        ("wrong", "not begun"),
    ]


@pytest.mark.parametrize(
    ("names", "status"),
    [(["good", "absent"], 0), (["good", "wrong"], 1), (["not_a_number"], 1), (["crashes"], 1)],
)
def test_the_exit_status_says_whether_all_gates_held(steps, tmp_path, monkeypatch, names, status):
    monkeypatch.setattr(gpu, "PARTS", {"correctness": steps(*names)})
    monkeypatch.setattr(gpu, "machine", lambda device: FACTS)
    monkeypatch.setattr(gpu.signal, "signal", lambda *_: None)
    monkeypatch.setattr(gpu, "_one_device", lambda device: None)
    call = ["correctness", "--device", "cpu", "--output", str(tmp_path / "out")]
    run = CliRunner().invoke(gpu.main, call)
    assert run.exit_code == status, run.output
    assert run.output.count("FAILED") == status
    text = (tmp_path / "out" / "correctness.md").read_text()
    assert ("**NO**" in text) == bool(status)


def test_without_a_gpu_it_ends_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    run = CliRunner().invoke(gpu.main, ["correctness", "--output", str(tmp_path / "out")])
    assert run.exit_code == 2
    assert len(run.stderr.splitlines()) == 1 and "--device cpu" in run.stderr
    assert not (tmp_path / "out").exists()


def test_a_table_has_the_columns_of_all_rows_and_texts_below():
    record = Record(Path("nowhere"), "speed", {"card": "made | up"})
    record.rows += [
        {"step": "one", "what": "a", "value": 1234567},
        {"step": "one", "what": "b", "seconds": 0.25},
        {"step": "two", "text": "a plan"},
    ]
    assert record.markdown().splitlines() == [
        "# speed",
        "",
        "| what | value |",
        "| --- | --- |",
        "| card | made \\| up |",
        "",
        "## one",
        "",
        "| what | value | seconds |",
        "| --- | --- | --- |",
        "| a | 1,234,567 |  |",
        "| b |  | 0.25 |",
        "",
        "## two",
        "",
        "```",
        "a plan",
        "```",
    ]


def test_what_json_lacks_is_written_as_text(tmp_path):
    record = Record(tmp_path, "part", {})
    record.add({"step": "one", **gate("loss", float("nan"), 1e-4)})
    (row,) = json.loads((tmp_path / "part.json").read_text())["rows"]
    assert row == {"step": "one", "what": "loss", "value": "nan", "limit": 1e-4, "ok": False}
    assert record.failed == record.rows
    assert gpu_record.table([]) == ""


def test_the_time_of_kernels_is_counted_once_where_they_overlap():
    from gpu_speed import union

    assert union([]) == 0
    assert union([(0, 4), (1, 2), (3, 6), (8, 9), (8, 9)]) == 7


@pytest.fixture
def one_thread():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_decisions_are_taken_from_the_other_device_and_its_own_are_told(one_thread):
    import gpu_correctness
    import gpu_stages
    import torch

    spec = gpu_stages.spec(gpu_stages.config(small=True), "ASEN++", "warm_up")
    machine = gpu_stages.machine("cpu", "float32")
    here, decided = gpu_correctness.losses(spec, machine, steps=1)
    again, own = gpu_correctness.losses(spec, machine, steps=1, pinned=decided)
    assert here == again and torch.equal(own["regions"], decided["regions"])
    moved = {"regions": torch.tensor([[0, 0, 8]]).expand_as(decided["regions"])}
    other, own = gpu_correctness.losses(spec, machine, steps=1, pinned=moved)
    assert other[0]["local_triplet"] != here[0]["local_triplet"]
    assert other[0]["triplet"] == here[0]["triplet"]
    assert torch.equal(own["regions"], decided["regions"])


def test_it_needs_few_packages():
    code = (
        "import sys, gpu_correctness, gpu_trainings, gpu_speed, gpu_jobs, gpu_end_to_end\n"
        "print([name for name in ('tabulate', 'snakemake', 'simplejpeg', 'gdown', 'aiohttp') "
        "if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], env=gpu._environment(), capture_output=True, text=True
    )
    assert run.stdout.strip() == "[]", run.stderr


EXPECTED = {
    "correctness": {
        "golden networks": 4,
        "stages": 12,
        "waits": 1,
        "metrics": 4,
        "trainings": 3,
        "tests": 4,
        "a step of full size": 1,
    },
    "speed": {
        "ASENv2": 3,
        "the public way": 7,
        "ASEN++": 3,
        "jobs on one card": 2,
        "plan": 1,
        "metrics": 2,
        "ASEN": 3,
    },
    "end-to-end": {"smoke grid": 3, "Fashion-MNIST": 1},
}


@pytest.mark.slow
@pytest.mark.parametrize("part", EXPECTED)
def test_every_part_runs_on_the_cpu(tmp_path, part):
    command = [sys.executable, str(BENCHMARK), part, "--device", "cpu", "--minutes", "20"]
    run = subprocess.run(
        [*command, "--output", str(tmp_path)], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    rows = json.loads((tmp_path / f"{part}.json").read_text())["rows"]
    counts = {step: sum(row["step"] == step for row in rows) for step in EXPECTED[part]}
    assert counts == EXPECTED[part], rows
    assert all(f"## {step}\n" in (tmp_path / f"{part}.md").read_text() for step in counts)
    if part == "speed":  # the plan counts on the rate that the stages' table has
        rate = next(row["real input"] for row in rows if row.get("stage") == "warm_up")
        (plan,) = (row["text"] for row in rows if row["step"] == "plan")
        assert (f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}") in plan
