# Names and input functions that the rules share. What is trained is decided in modc/grid.py.
import re
import shlex
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
# Runs that share the data may label other parts of it.
LABELED = "{PREPARED}/labeled-{rule}-{at_least}-{seed}".format(
    PREPARED=PREPARED, **config["labeled_part"]
)
TABLES = [f"{RUN}/tables/{name}" for name in table_files(config)]
# What the run prints at its end.
SUMMARY = f"{RUN}/tables/summary.txt"
STARTED = time.time()


wildcard_constraints:
    dataset="|".join(config["datasets"]),
    method="|".join(grid.METHODS),
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
        error = re.fullmatch(r"(?:modc: error|Error|\w*Error): (.*)", lines[-1])
        if path.stat().st_mtime >= since and error:
            yield f"FAILED ({path}): {error[1]}"


def settings_of(stages):
    """A fingerprint, by wildcards, of what training the stages reads of the configuration."""

    def settings(wildcards):
        cell = grid.Cell(
            wildcards.dataset, wildcards.network, int(wildcards.percent), int(wildcards.seed)
        )
        return grid.fingerprint([grid.training_settings(config, cell, stage) for stage in stages])

    return settings


def inputs_of(stages):
    """What training the stages reads, by wildcards: index, labelled part, packed images, model."""

    def inputs(wildcards):
        prepared = PREPARED.format(dataset=wildcards.dataset)
        sizes = grid.packed_sizes(config, wildcards.dataset, wildcards.network, stages[-1])
        files = {
            "index": f"{prepared}/index/index.json",
            "labeled": f"{LABELED}/{wildcards.percent}.csv".format(dataset=wildcards.dataset),
            # Packed images are named by the index they are made of, so their age says nothing.
            **{name: ancient(f"{prepared}/packed/{size}.npy") for name, size in sizes.items()},
        }
        previous = grid.previous_stage(wildcards.network, stages[0])
        if previous is not None:
            # A2: the model that the stage starts from.
            name = {"best": "model.pt", "last": "last.pt"}[config["training"]["checkpoint"]]
            files["initial"] = f"{CELL}/{previous}/{name}".format(**wildcards)
        return files

    return inputs


def options_of(stages):
    """The arguments of `modc train`, by wildcards and input."""

    def options(wildcards, input):
        values = {
            "--config": CONFIG,
            "--dataset": wildcards.dataset,
            "--network": wildcards.network,
            "--percent": wildcards.percent,
            "--seed": wildcards.seed,
            "--index": Path(input.index).parent,
            "--labeled": input.labeled,
            "--packed": input.image,
            "--detail": input.get("detail"),
            "--initial": input.get("initial"),
            "--output": CELL.format(**wildcards),
            "--resume": RESUME.format(**wildcards),
        }
        words = [f"{name} {shlex.quote(str(value))}" for name, value in values.items() if value]
        words += [f"--stage {stage}" for stage in stages]
        # No row of the tables comes from the first part of ASEN++'s warm-up.
        return " ".join(words + ([] if "warm_up_global" in stages else ["--embed-test"]))

    return options
