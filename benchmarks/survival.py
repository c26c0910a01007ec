"""A whole run killed again and again: does it end by itself, and in the same tables?

The run starts from nothing in a copy of the project, once left alone and once killed at random
moments in the ways of `WAYS`, each time started again with the same command. Nothing is unlocked
or tidied up in between. Jobs that outlive their Snakemake are left to themselves.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import click
import yaml
from tabulate import tabulate

REPOSITORY = Path(__file__).resolve().parents[1]
# Seconds in which a Snakemake that was asked to end has to: it may wait for a training.
PATIENCE = 600
PARTS = ("Snakefile", "workflow", "profiles", "config.yaml", "configs", "modc")
# What is compared: path in the run's folder. The tables by their bytes, the others without what a
# clock put there.
CLOCK = re.compile(rb'"\w*seconds": [\d.]+|>[\d.]+ (s|min|h)<|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d')
COMPARED = {
    "tables": "tables/*",
    "scores": "cells/**/scores.json",
    "scores of the queries": "cells/**/queries.csv",
    "learning curves": "cells/**/curve.csv",
    "figures and their numbers": "figures/*",
    "coverage": "coverage/*",
    "page": "report.html",
}


def copied(folder: Path) -> Path:
    """Copy what a run needs to `folder`."""
    skip = shutil.ignore_patterns("__pycache__")
    for part in PARTS:
        source, target = REPOSITORY / part, folder / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=skip)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return folder


def started(folder: Path, config: Path, cores: int) -> subprocess.Popen:
    """Start the workflow in a process group of its own; what it says goes to run.log."""
    shutil.copy(config, folder / "run.yaml")
    binaries = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "PYTHONPATH": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    command = ["snakemake", "--configfile", "run.yaml", "--cores", str(cores), "--quiet", "rules"]
    with (folder / "run.log").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def jobs(folder: Path) -> dict[int, str]:
    """Return the step of each `modc` at work in `folder`, by its process."""
    found = {}
    for process in Path("/proc").iterdir():
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            here = (process / "cwd").readlink() == folder
        except OSError:  # not a process, or gone by now
            continue
        # python .../bin/modc train ...
        if here and len(words) > 2 and words[1].endswith(b"/modc"):
            found[int(process.name)] = words[2].decode()
    return found


def kill_group(process: subprocess.Popen, folder: Path, rng: random.Random) -> None:
    """Kill Snakemake and its jobs."""
    os.killpg(process.pid, signal.SIGKILL)


def kill_snakemake(process: subprocess.Popen, folder: Path, rng: random.Random) -> None:
    """Kill Snakemake; its jobs go on without it."""
    process.kill()


def kill_trainer(process: subprocess.Popen, folder: Path, rng: random.Random) -> None:
    """Kill one training, the first that there is if there is none now."""
    while process.poll() is None:
        trainers = sorted(pid for pid, step in jobs(folder).items() if step == "train")
        if trainers:
            os.kill(rng.choice(trainers), signal.SIGKILL)
            return
        time.sleep(0.02)


def ask_snakemake(process: subprocess.Popen, folder: Path, rng: random.Random) -> None:
    """Ask Snakemake to end: it waits for its jobs."""
    process.terminate()


def ask_group(process: subprocess.Popen, folder: Path, rng: random.Random) -> None:
    """Ask Snakemake and its jobs to end."""
    os.killpg(process.pid, signal.SIGTERM)


def interrupt(process: subprocess.Popen, folder: Path, rng: random.Random) -> None:
    """Do what Ctrl-C in a terminal does."""
    os.killpg(process.pid, signal.SIGINT)


WAYS: dict[str, Callable[[subprocess.Popen, Path, random.Random], None]] = {
    "SIGKILL to all": kill_group,
    "SIGKILL to Snakemake alone": kill_snakemake,
    "SIGKILL to one trainer": kill_trainer,
    "SIGTERM to Snakemake": ask_snakemake,
    "SIGTERM to all": ask_group,
    "SIGINT to all": interrupt,
}


def undisturbed(folder: Path, config: Path, cores: int) -> float:
    """Run to the end; return the seconds it took."""
    begun = time.monotonic()
    if started(folder, config, cores).wait():
        sys.exit((folder / "run.log").read_text())
    return time.monotonic() - begun


def disturbed(
    folder: Path, config: Path, cores: int, kills: int, longest: float, seed: int
) -> list[str]:
    """Kill the run `kills` times, at most `longest` seconds after each start, then let it end.

    Return the ways, each as often as the others. The run may end before that often.
    """
    rng = random.Random(seed)
    ways = [list(WAYS)[number % len(WAYS)] for number in range(kills)]
    rng.shuffle(ways)
    for number, way in enumerate(ways, 1):
        process = started(folder, config, cores)
        moment = rng.uniform(0, longest)
        try:
            status = process.wait(moment)
        except subprocess.TimeoutExpired:
            at_work = Counter(jobs(folder).values())
            WAYS[way](process, folder, rng)
            try:
                status = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                sys.exit(f"kill {number}, {way}: Snakemake was still there after {PATIENCE} s")
        else:
            if status:
                sys.exit((folder / "run.log").read_text())
            click.echo(f"the run ended before kill {number}")
            return ways[: number - 1]
        steps = ", ".join(f"{count} {step}" for step, count in sorted(at_work.items())) or "none"
        click.echo(f"kill {number} after {moment:.1f} s: {way}; at work: {steps}; exit {status}")
    if started(folder, config, cores).wait():
        sys.exit((folder / "run.log").read_text())
    return ways


def compared(one: Path, other: Path) -> list[tuple[str, int, int, str]]:
    """Return of each kind of file how many there are, how many differ, and names of those."""
    rows = []
    for kind, pattern in COMPARED.items():
        names = {str(path.relative_to(run)) for run in (one, other) for path in run.glob(pattern)}
        unlike = sorted(name for name in names if not _same(one / name, other / name))
        rows.append((kind, len(names), len(unlike), " ".join(unlike[:3])))
    return rows


def _same(one: Path, other: Path) -> bool:
    if not one.exists() or not other.exists():
        return False
    contents = one.read_bytes(), other.read_bytes()
    if one.parent.name != "tables":
        contents = (CLOCK.sub(b"", content) for content in contents)
    return len(set(contents)) == 1


@click.command(help="Kill a whole run again and again, and compare its tables with one left alone.")
@click.option(
    "--config",
    type=click.Path(exists=True, path_type=Path),
    default=REPOSITORY / "configs" / "smoke.yaml",
    help="Overrides config.yaml, as --configfile does; configs/smoke.yaml if not given.",
)
@click.option("--kills", default=20, show_default=True)
@click.option("--seed", default=0, show_default=True, help="Of the moments and the ways.")
@click.option("--cores", default=2, show_default=True)
@click.option("--scratch", type=click.Path(path_type=Path), help="Where the two runs go; kept.")
def main(config: Path, kills: int, seed: int, cores: int, scratch: Path | None) -> None:
    """Print a line a kill and the table; exit with status 1 if a table differs."""
    name = yaml.safe_load(config.read_text())["run"]
    with tempfile.TemporaryDirectory() as temporary:
        place = (scratch or Path(temporary)).resolve()
        alone, killed = (copied(place / kind) for kind in ("alone", "killed"))
        seconds = undisturbed(alone, config, cores)
        click.echo(f"left alone: {seconds:.0f} s")
        begun = time.monotonic()
        ways = disturbed(killed, config, cores, kills, 1.5 * seconds / max(kills, 1), seed)
        click.echo(f"killed {len(ways)} times: {time.monotonic() - begun:.0f} s")
        rows = compared(*(folder / "results" / name for folder in (alone, killed)))
        click.echo(tabulate(rows, ["files", "all", "differ", "such as"]))
        sys.exit(1 if rows[0][2] or not rows[0][1] else 0)


if __name__ == "__main__":
    main()
