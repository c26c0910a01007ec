"""What a GPU does, in one command: is it right, how fast is it, does a whole run come out.

Three parts, each for so many minutes at most: `correctness`, `speed`, `end-to-end`. Each writes
<output>/<part>.json and <part>.md after every row, so that what was found is there whatever comes.
It runs from the source tree; README.md says what it needs and what the limits mean.

Exit status: 0 if every gate that was reached held and nothing failed, 1 if not, 2 without a usable
GPU. What was not finished in time is named.
"""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from gpu_record import Record  # noqa: E402
from gpu_step import Context, as_arguments  # noqa: E402

from modc.training.gpus import show_only, visible_gpus  # noqa: E402

# Seconds within which the machine has to say what it is.
ASKED = 120
POLL = 0.1


@dataclass(frozen=True)
class Step:
    """A step of a part; call: "module:function"; share: of the part's time, at most."""

    name: str
    call: str
    share: float = 1.0


PARTS = {
    "correctness": (
        Step("golden networks", "gpu_correctness:golden", 0.3),
        Step("stages", "gpu_correctness:stages", 0.4),
        Step("waits", "gpu_correctness:waits", 0.4),
        Step("metrics", "gpu_correctness:metrics", 0.2),
        Step("trainings", "gpu_trainings:trainings", 0.5),
        Step("tests", "gpu_correctness:tests", 0.5),
        Step("a step of full size", "gpu_correctness:full_size"),
    ),
    "speed": (
        Step("ASENv2", "gpu_speed:asen_v2", 0.3),
        Step("the public way", "gpu_speed:public", 0.3),
        Step("ASEN++", "gpu_speed:asen_pp", 0.4),
        Step("jobs on one card", "gpu_jobs:jobs", 0.4),
        Step("ASEN", "gpu_speed:asen", 0.3),
        Step("plan", "gpu_speed:plan", 0.1),
        Step("metrics", "gpu_speed:metrics", 0.2),
    ),
    "end-to-end": (
        Step("smoke grid", "gpu_end_to_end:smoke", 0.65),
        Step("Fashion-MNIST", "gpu_end_to_end:fashion_mnist"),
    ),
}


def machine(device: str) -> dict:
    """Return the facts of the machine; exits with 2 and one line if it has not the device."""
    command = [sys.executable, str(ROOT / "benchmarks" / "gpu_machine.py"), device]
    try:
        asked = subprocess.run(
            command, capture_output=True, text=True, timeout=ASKED, check=False, env=_environment()
        )
        why = (asked.stderr.strip().splitlines() or [f"exit status {asked.returncode}"])[-1]
    except subprocess.TimeoutExpired:
        asked, why = None, f"no answer within {ASKED} seconds"
    if asked is None or asked.returncode:
        advice = "" if device == "cpu" else "; --device cpu runs everything small on the CPU"
        click.echo(f"gpu.py: no usable {device} device: {why}{advice}", err=True)
        raise SystemExit(2)
    return json.loads(asked.stdout)


def run_part(record: Record, steps: tuple[Step, ...], context: Context, seconds: float) -> None:
    """Run the steps one after the other, within so many seconds in all."""
    begun = time.time()
    record.write()
    for step in steps:
        left = begun + seconds - time.time()
        if left < 1:
            record.add({"step": step.name, "what": "not begun", "note": "time is over"})
            continue
        click.echo(f"{record.part}: {step.name}", err=True)
        limit = min(left, step.share * seconds)
        run_step(record, step, replace(context, ends=time.time() + limit))


def run_step(record: Record, step: Step, context: Context) -> None:
    """Run one step in a process group of its own, and take its rows as they come."""
    work = Path(context.work)
    work.mkdir(parents=True, exist_ok=True)
    name = f"{record.part}-{step.name}".replace(" ", "-")
    rows, log = work / f"{name}.rows", work / f"{name}.log"
    rows.write_text("")
    command = as_arguments(step.call, context, rows)
    with log.open("wb") as output, rows.open("rb") as found:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_environment(),
            start_new_session=True,
        )
        try:
            while True:
                ended = process.poll() is not None  # asked first, so that no row is missed
                for row in _lines(found):
                    record.add({"step": step.name, **row})
                if ended or context.left <= 0:
                    break
                time.sleep(POLL)
        finally:
            _kill(process)
    if not ended:
        record.add({"step": step.name, "what": "stopped", "note": "time is over"})
    elif process.returncode:
        why = _signal_name(process.returncode) or _last_line(log)
        record.add({"step": step.name, "what": "failed", "ok": False, "note": f"{why}; see {log}"})


def _lines(file) -> list[dict]:
    """Return the rows of the whole lines that came since the last time."""
    found = []
    while True:
        place, line = file.tell(), file.readline()
        if not line.endswith(b"\n"):
            file.seek(place)
            return found
        found.append(json.loads(line))


def _kill(process: subprocess.Popen) -> None:
    """Kill the group, also what a process left that ended by itself."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _signal_name(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else ""


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"


def _environment() -> dict[str, str]:
    """Return the environment in which the tree is imported without being installed."""
    paths = [str(ROOT), str(ROOT / "benchmarks"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}


def _one_device(device: str) -> None:
    """Let every process see one card, which a training's lease then takes as well, or none."""
    visible = visible_gpus()
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    elif visible:
        show_only(visible[0])
    if device == "cpu":  # more threads would wait for each other on what is so small
        os.environ.setdefault("OMP_NUM_THREADS", "1")


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
@click.option("--minutes", type=click.FloatRange(0.1), default=9.0, show_default=True)
@click.option("--device", type=click.Choice(["cuda", "cpu"]), default="cuda", show_default=True)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results/gpu"),
    show_default=True,
)
@click.option(
    "--public-repo",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A clone of the public code, for speed.",
)
@click.option(
    "--fashion-mnist",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of its four files; by default data/FashionMNIST or Debian's.",
)
def main(parts, minutes, device, output, public_repo, fashion_mnist) -> None:
    """Run the parts and exit with what came of them."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    _one_device(device)
    facts = {**machine(device), "command": shlex.join(["gpu.py", *sys.argv[1:]])}
    output = output.resolve()
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        click.echo(f"gpu.py: --output {output}: {error.strerror}; name another folder", err=True)
        raise SystemExit(2) from None
    context = Context(
        device,
        str(output / "work"),
        0.0,
        str(public_repo.resolve()) if public_repo else None,
        str(fashion_mnist.resolve()) if fashion_mnist else None,
    )
    failed = False
    for part in parts or PARTS:
        record = Record(output, part, facts)
        run_part(record, PARTS[part], context, 60 * minutes)
        failed |= bool(record.failed)
        click.echo(f"{output / f'{part}.md'}: {len(record.rows)} rows", err=True)
        unfinished = {row["step"]: None for row in record.rows if row.get("note") == "time is over"}
        if unfinished:
            click.echo(f"NOT FINISHED {part}: {', '.join(unfinished)}", err=True)
        for row in record.failed:
            click.echo(f"FAILED {part}, {row['step']}: {_said(row)}", err=True)
    sys.exit(1 if failed else 0)


def _said(row: dict) -> str:
    compared = f", {row['value']} instead of at most {row['limit']}" if "limit" in row else ""
    return f"{row['what']}{compared}" + (f": {row['note']}" if row.get("note") else "")


if __name__ == "__main__":
    main()
