"""A copy of the project in which Snakemake runs a tiny grid."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import warm
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "workflow", "profiles", "config.yaml", "configs", "modc")
# The smallest grid: one cell of drawn pictures, and one whose dataset is not there.
TINY = {
    "run": "tiny",
    "datasets": {
        "FashionAI": {
            "class": "modc.drawn.fashionai:DrawnFashionAI",
            "image_size": 32,
            "detail_size": 32,
            "generate": {"images": 300, "seed": 0},
        }
    },
    "grid": {
        "networks": ["ASENv2"],
        "labeled_percent": {"FashionAI": [100], "DARN": [10]},
        "extra_seeds": [],
    },
    "networks": {"ASENv2": {"backbone": "resnet10"}},
    "training": {
        "triplets_per_epoch": 32,
        "stages": {"ASENv2": {"warm_up": {"epochs": 1}}},
    },
    "methods": {
        "modc": {
            "warm_up": {"ASENv2": "shared", "ASEN++": "shared"},
            "stages": {"ASENv2": {"epochs": {"supervised": 1, "semi_supervised": 1}}},
        }
    },
    # Of the dataset that is not there: Figures 1 and 2 take longer than a training.
    "report": {"figures": {"dataset": "DARN"}},
    "threads": 1,
}
TINY_RUN = ("--configfile", "tiny.yaml", "--cores", "2", "--quiet", "rules")


def copied(folder: Path, tiny: dict = TINY) -> Path:
    """Copy the project to `folder`, so that its files may be changed, with `tiny` as tiny.yaml."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, folder / part)
        else:
            shutil.copy(source, folder / part)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(tiny))
    return folder


def started(folder: Path, *arguments: str, **more: str) -> subprocess.Popen:
    """Start Snakemake in the copy, with the copy's package; its output is run.log.

    more: of the environment.
    """
    with (folder / "run.log").open("w") as log:
        return subprocess.Popen(
            ["snakemake", *arguments],
            cwd=folder,
            env=_environment(folder, Path(sys.executable).parent) | more,
            stdout=log,
            stderr=log,
        )


def snakemake(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run Snakemake in the copy, with warm jobs; return exit status and all output."""
    environment = _environment(folder, warm.commands(), Path(sys.executable).parent)
    log = folder / "run.log"
    status = warm.run("snakemake", list(arguments), folder, environment, log)
    return status, log.read_text()


def _environment(folder: Path, *commands: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": os.pathsep.join([*map(str, commands), os.environ["PATH"]]),
        "PYTHONPATH": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        # No test asks Google Drive: nobody answers at this proxy.
        **dict.fromkeys(("https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9"),
    }


def stats(output: str) -> dict[str, int]:
    """Return how often each rule would run, by a plan that Snakemake printed."""
    table = output[output.index("Job stats:") :].split("\n\n")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)}
