"""What the workflow costs beside the work: planning, finding nothing to do, starting jobs.

The paper's grid with several seeds is planned; then every output is made as an empty file and taken
as it is (`snakemake --touch`), so that a run has nothing to do. Nothing is trained. For each step
of `modc`, what its imports cost is measured in a process of its own. CPU seconds hardly depend on
what else the machine does.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
from survival import copied
from tabulate import tabulate

# What a step imports, beside its command line.
STEPS = {
    "garments": ["modc.drawn.garments"],
    "fetch": ["modc.datasets.fashionai_archives", "modc.fetch.url_pictures"],
    "index": ["modc.data.listed_images", "modc.data.index"],
    "subset": ["modc.data.subsets", "modc.data.index"],
    "pack": ["modc.data.pack"],
    "train": ["modc.training.train"],
    "score": ["modc.evaluation.scores", "modc.evaluation.scoring"],
    "tables": ["modc.report.render"],
    "coverage": ["modc.report.coverage"],
    "figures": ["modc.report.figures.render", "modc.report.figures.universal"],
    "report": ["modc.report.page.page"],
}
IMPORTED = """
import importlib, os, sys
for module in ["modc.cli", *sys.argv[1:]]: importlib.import_module(module)
large = ("torch", "torchvision", "pandas", "matplotlib", "sklearn")
print(sum(os.times()[:2]), *(name for name in large if name in sys.modules))
"""


def snakemake(folder: Path, *arguments: str) -> tuple[float, float, str]:
    """Run Snakemake in the copy; return its seconds, its CPU seconds, and what it said."""
    binaries = Path(sys.executable).parent
    path = f"{binaries}:{os.environ['PATH']}"
    begun, used = time.monotonic(), sum(os.times()[2:4])
    done = subprocess.run(
        ["snakemake", "--configfile", "run.yaml", *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    seconds = time.monotonic() - begun
    if done.returncode:
        sys.exit(done.stderr)
    return seconds, sum(os.times()[2:4]) - used, done.stdout + done.stderr


def pretend(folder: Path) -> None:
    """Make every output an empty file of one time, and have Snakemake take them as they are."""
    now = time.time()
    for line in snakemake(folder, "--summary")[-1].splitlines():
        name, *rest = line.split("\t")
        if not rest or name == "output_file":
            continue
        output = folder / name
        if name.endswith("/figures"):
            output.mkdir(parents=True)
        else:
            output.parent.mkdir(parents=True, exist_ok=True)
            output.touch()
        os.utime(output, (now, now))
    snakemake(folder, "--touch", "--cores", "1")


def planning(seeds: int, rounds: int) -> list[tuple[str, float, float]]:
    """Return of each way of doing nothing its name, and the medians of seconds and CPU seconds."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = copied(Path(temporary))
        (folder / "run.yaml").write_text(f"grid: {{seeds: {list(range(seeds))}}}\n")
        rows = [
            _timed("dry run", folder, ("-n",), rounds),
            _timed("dry run, --quiet rules", folder, ("-n", "--quiet", "rules"), rounds),
        ]
        pretend(folder)
        said = snakemake(folder, "--cores", "1")[-1]
        if "Nothing to be done" not in said:
            sys.exit(said)
        rows.append(_timed("nothing to do", folder, ("--cores", "1"), rounds))
        rows.append(_timed("nothing to do, dry run", folder, ("-n",), rounds))
    return rows


def _timed(name: str, folder: Path, arguments: tuple[str, ...], rounds: int) -> tuple:
    runs = [snakemake(folder, *arguments) for _ in range(rounds)]
    return name, *(statistics.median(run[which] for run in runs) for which in (0, 1))


def starting(rounds: int) -> list[tuple[str, float, str]]:
    """Return of each step its name, the CPU seconds of its imports, and the large ones of them."""
    rows = []
    for step, modules in STEPS.items():
        command = [sys.executable, "-c", IMPORTED, *modules]
        runs = [subprocess.check_output(command, text=True).split() for _ in range(rounds)]
        seconds = statistics.median(float(run[0]) for run in runs)
        rows.append((step, seconds, ", ".join(runs[0][1:])))
    return rows


@click.command(help="Measure what planning, finding nothing to do, and starting a job cost.")
@click.option("--seeds", default=5, show_default=True, help="Of the paper's grid.")
@click.option("--rounds", default=5, show_default=True)
def main(seeds: int, rounds: int) -> None:
    """Print two tables."""
    rows = planning(seeds, rounds)
    click.echo(tabulate(rows, [f"{seeds} seeds", "seconds", "CPU seconds"], floatfmt=".2f"))
    click.echo()
    rows = starting(rounds)
    click.echo(tabulate(rows, ["modc", "CPU seconds", "imports"], floatfmt=".2f"))


if __name__ == "__main__":
    main()
