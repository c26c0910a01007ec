# Names shared by the rules. The jobs are defined in modc/jobs.py, all paths in modc/paths.py.
import re
import shlex
import shutil
import sys
import time
from pathlib import Path

from snakemake.exceptions import WorkflowError

from modc import ablation, datasets, grid, jobs, paths, plugins, provenance
from modc import config as configuration
from modc.cell import Cell
from modc.data.packed import DECODING
from modc.errors import UserError, file_system
from modc.papers import assumptions, paper
from modc.report.beforehand import stops
from modc.report.files import ABLATION_FILES, coverage_files, listed_datasets, table_files
from modc.report.job_logs import failures
from modc.report.status import FAILED
from modc.report.status_file import SUCCEEDED, StatusFile
from modc.runs import in_use
from modc.stage import fingerprint
from modc.training.gpus import VARIABLE, asked_for, visible_gpus

# If the locale lacks a character, print "?" rather than abort the run.
sys.stdout.reconfigure(errors="replace")
try:
    config.update(plugins.with_folders(config, workflow.configfiles))
    config.update(configuration.from_command_line(config))
    configuration.check(config, name="configuration")
    paper.papers(config)
    FETCHINGS = list(jobs.fetchings(config))
    VARIANTS = {variant.name: variant for variant in ablation.variants(config)}
except UserError as error:
    raise WorkflowError(str(error)) from None

RUN = paths.run_folder(config)
# The merged configuration that the jobs read.
CONFIG = str(RUN / paths.CONFIG)
CELL = paths.WILDCARDS
# {variant} is "" in the run itself and ablation/<name>/ under an alternative of an assumption.
METHOD = f"{RUN}/{{variant}}{paths.method_folder(CELL, '{method}')}"
STAGE = f"{RUN}/{{variant}}{paths.stage_folder(CELL, '{method}', '{stage}')}"
DATA = paths.dataset_folder(config, "{dataset}")
PACKED = paths.packed_mark(paths.packed_folder(DATA), "{form}")
FRAME = RUN / paths.FRAME
TABLES = [RUN / paths.TABLES / name for name in table_files(config)]
REPORT = RUN / paths.REPORT
# The datasets that have a manifest, by the stem of their file names.
LISTED = {name.lower(): name for name in listed_datasets(config)}
COVERAGE = [RUN / paths.COVERAGE / name for own in LISTED.values() for name in coverage_files(own)]
# What makes a number comparable: what is rendered depends on it, no training does.
COMPARABLE = {
    name: (
        config["datasets"][name]["comparable_coverage"],
        config["report"].get("not_comparable", ""),
    )
    for name in config["grid"]["datasets"]
}
VERDICTS = {key: config["report"][key] for key in ("margin", "training_sd")}
# The run's assumptions: the report shows them whether or not they change a model of this grid.
ASSUMED = fingerprint([assumptions.setting(config, one) for one in paper.assumptions(config)])
ABLATION = [RUN / paths.ABLATION / name for name in ABLATION_FILES]
# Printed at the end of the run.
SUMMARY = RUN / paths.TABLES / paths.SUMMARY
ABLATION_SUMMARY = RUN / paths.ABLATION / paths.SUMMARY
FIGURES = RUN / paths.FIGURES
# Which figures were drawn, and why the others were not.
FIGURES_SUMMARY = RUN / paths.FIGURES_SUMMARY
STARTED = time.time()


wildcard_constraints:
    dataset="|".join(map(re.escape, config["datasets"])),
    listed="|".join(re.escape(name.lower()) for name in config["datasets"]),
    # Includes methods outside the grid that others start from.
    method="|".join(map(re.escape, config["methods"])),
    network="|".join(map(re.escape, config["grid"]["networks"])),
    percent=r"\d+",
    seed=r"\d+",
    stage=r"\w+",
    variant="|".join(["", *(re.escape(f"{paths.variant_folder(name)}/") for name in VARIANTS)]),
    part_rule="stratified|uniform",
    at_least=r"\d+",
    part_seed=r"\d+",


# --resources gpu=N limits the jobs on GPUs; the default is all slots. Without a GPU, jobs request none:
# the limit would only hold back CPU jobs that the cores allow.
GPUS = visible_gpus()
IS_BOUND = "gpu" in workflow.global_resources
GPU_PER_JOB = 1 if GPUS or IS_BOUND else 0
if GPUS and not IS_BOUND:
    workflow.register_resource("gpu", len(GPUS) * config["training"]["jobs_per_gpu"])


onstart:
    due = list(workflow.dag.needrun_jobs())
    names = {job.rule.name for job in due}
    if not GPUS and workflow.local_exec and "train" in names:
        without_a_gpu()
    # With --keep-going the other datasets are trained anyway.
    goes_on = workflow.execution_settings.keep_going
    fetched = [name for name in config["datasets"] if f"fetch_{name}" in names and not goes_on]
    for line in stops(config, "train" in names, fetched):
        sys.exit(f"Error: {line}")
    for line in grid.seeds_without_cell(config):
        print(line, file=sys.stderr)
    try:
        in_use.claim_run(
            config,
            made=[str(file) for job in due for file in job.output],
            read=[str(file) for job in due for file in job.input],
        )
        configuration.write(Path(CONFIG), config)
    except UserError as error:
        sys.exit(f"Error: {error}")
    except OSError as error:
        sys.exit(f"Error: {file_system(error)}")
    global STATUS_FILE
    STATUS_FILE = StatusFile(RUN, config)


def without_a_gpu():
    """Warn that training runs on the CPU, or stop if GPUs were requested."""
    asked = "--resources gpu" if IS_BOUND else asked_for()
    advice = f"omit it and set {VARIABLE}= (empty) to train on the CPU"
    if asked:
        sys.exit(f"Error: {asked} asks for GPUs, but none is visible; {advice}")
    print("NO GPU IS VISIBLE: all training runs on the CPU.", file=sys.stderr)


def variant_of(wildcards):
    """The alternative that a job runs under, None in the run itself."""
    return VARIANTS.get(Path(wildcards.variant).name)


def config_of(wildcards):
    """The configuration that a job runs under."""
    variant = variant_of(wildcards)
    return variant.config if variant else config


def training(wildcards):
    """The training of the job's method, up to {stage} if the rule has it."""
    cell = Cell(wildcards.dataset, wildcards.network, int(wildcards.percent), int(wildcards.seed))
    stage = wildcards.get("stage")
    return jobs.Training(config, cell, wildcards.method, variant_of(wildcards), stage)
