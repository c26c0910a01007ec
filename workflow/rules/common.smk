# Names and input functions that the rules share. What is trained is decided in modc/grid.py.
import sys
import time
from pathlib import Path

from snakemake.exceptions import WorkflowError

from modc import config as configuration
from modc import grid, provenance
from modc.errors import UserError
from modc.report.files import table_files
from modc.training.device import visible_devices

try:
    configuration.check(config, name="configuration")
except UserError as error:
    raise WorkflowError(str(error)) from None

RUN = f"results/{config['run']}"
# The merged configuration, as the jobs read it.
CONFIG = f"{RUN}/config.yaml"
CELL = f"{RUN}/cells/{{dataset}}/{{network}}/{{percent}}/seed-{{seed}}"
RESUME = f"{RUN}/resume/{{dataset}}/{{network}}/{{percent}}/seed-{{seed}}"
LOGS = f"{RUN}/logs"
DATA = f"{config['data']}/{{dataset}}"
PREPARED = f"{DATA}/prepared"
TABLES = [f"{RUN}/tables/{name}" for name in table_files(config)]
# What the run prints at its end.
SUMMARY = f"{RUN}/tables/summary.txt"
STARTED = time.time()


wildcard_constraints:
    dataset="|".join(config["datasets"]),
    network="|".join(network.replace("+", r"\+") for network in grid.NETWORKS),
    percent=r"\d+",
    seed=r"\d+",
    size=r"\d+",


# --resources gpu=N bounds the jobs that hold a GPU. Without it, as many run as there are GPUs.
# Without a GPU the limit would only stop CPU jobs that the cores allow, so none is asked for.
GPUS = visible_devices()
GPU_PER_JOB = 1 if GPUS or "gpu" in workflow.global_resources else 0
if GPUS and "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", len(GPUS))


onstart:
    configuration.write(CONFIG, config)
    if not GPUS:
        print("NO GPU IS VISIBLE: everything is trained on the CPU.", file=sys.stderr)


def dataset_folder(wildcards):
    """Where the dataset lies."""
    return DATA.format(dataset=wildcards.dataset)


def dataset_files(wildcards):
    """What a rule makes of the dataset itself; nothing where a person has to fetch it."""
    settings = config["datasets"][wildcards.dataset]
    if "generate" in settings:
        return rules.garments.output
    if settings["format"] == "fashion_mnist":
        return rules.fetch_fashion_mnist.output
    return []


def failures(since):
    """The mistakes that jobs ended with, each with its log; `since`: when this run began."""
    for path in sorted(Path(LOGS).rglob("*.log")):
        lines = path.read_text(errors="replace").splitlines() or [""]
        if path.stat().st_mtime >= since and lines[-1].startswith("modc: error: "):
            yield f"FAILED ({path}): {lines[-1].removeprefix('modc: error: ')}"


def settings_of(wildcards, stage):
    """What training `stage` of the wildcards' cell reads of the configuration."""
    cell = grid.Cell(
        wildcards.dataset, wildcards.network, int(wildcards.percent), int(wildcards.seed)
    )
    return grid.training_settings(config, cell, stage)


def packed(wildcards, stage):
    """The packed images that the stage reads, by their option of `modc train`."""
    sizes = grid.packed_sizes(config, wildcards.dataset, wildcards.network, stage)
    folder = PREPARED.format(dataset=wildcards.dataset)
    return {name: f"{folder}/packed/{size}.npy" for name, size in sizes.items()}


def initial_model(wildcards, stage):
    """The model that the stage starts from (A2), or nothing for a first stage."""
    previous = grid.previous_stage(wildcards.network, stage)
    if previous is None:
        return []
    name = {"best": "model.pt", "last": "last.pt"}[config["training"]["checkpoint"]]
    return f"{CELL}/{previous}/{name}".format(**wildcards)
