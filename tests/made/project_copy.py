"""A copy of the project in which Snakemake runs a tiny grid."""

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

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
    """Copy the project to `folder`, so that its files may be changed, with `tiny` as tiny.yaml.

    What Python has compiled comes with it: every job would compile the package again.
    """
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
            env=_environment(folder, more),
            stdout=log,
            stderr=log,
        )


def snakemake(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run Snakemake in the copy; return exit status and all output."""
    call = {"folder": str(folder), "environment": _environment(folder), "arguments": arguments}
    server = _server()
    server.stdin.write(json.dumps(call) + "\n")
    server.stdin.flush()
    return int(server.stdout.readline()), (folder / "run.log").read_text()


def _environment(folder: Path, more: dict[str, str] | None = None) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        # No test asks Google Drive: nobody answers at this proxy.
        **dict.fromkeys(("https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9"),
        **(more or {}),
    }


# Importing Snakemake takes longer than planning the tiny grid: one process imports it, none of this
# package, and forks for each call.
_FORKING = """
import json, os, sys
from snakemake.cli import main

for line in sys.stdin:
    call = json.loads(line)
    child = os.fork()
    if child:
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    os.chdir(call["folder"])
    os.environ.clear()
    os.environ.update(call["environment"])
    sys.path.insert(0, call["folder"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    log = os.open("run.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = ["snakemake", *call["arguments"]]
    main()
"""


@cache
def _server() -> subprocess.Popen:
    server = subprocess.Popen(
        [sys.executable, "-c", _FORKING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(server.stdin.close)
    return server


def stats(output: str) -> dict[str, int]:
    """Return how often each rule would run, by a plan that Snakemake printed."""
    table = output[output.index("Job stats:") :].split("\n\n")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)}
