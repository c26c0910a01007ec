# Names and input functions that the rules share. What is trained is decided in modc/grid.py.
import re
import shlex
import shutil
import sys
import time
from pathlib import Path

from snakemake.exceptions import WorkflowError

from modc import ablation, datasets, grid, plugins, provenance
from modc import config as configuration
from modc.data.packed import DECODING
from modc.errors import UserError, file_system
from modc.published import assumptions
from modc.report.beforehand import stops
from modc.report.files import (
    ABLATION_FILES,
    REPORT_FILE,
    coverage_files,
    listed_datasets,
    table_files,
)
from modc.report.job_logs import error_of
from modc.runs import in_use
from modc.training.gpus import VARIABLE, asked_for, visible_gpus

# In a locale without a character, "?" is better than the end of a run.
sys.stdout.reconfigure(errors="replace")
try:
    config.update(plugins.with_folders(config, workflow.configfiles))
    config.update(configuration.from_command_line(config))
    configuration.check(config, name="configuration")
    DATASETS = {name: datasets.of(config, name) for name in config["datasets"]}
    VARIANTS = {variant.name: variant for variant in ablation.variants(config)}
except UserError as error:
    raise WorkflowError(str(error)) from None

RUN = f"results/{config['run']}"
# The merged configuration, as the jobs read it.
CONFIG = f"{RUN}/config.yaml"
# {variant} is "" in the run itself and ablation/<name>/ under an alternative of an assumption.
CELL = f"{RUN}/{{variant}}cells/{{dataset}}/{{network}}/{{percent}}/seed-{{seed}}"
RESUME = f"{RUN}/{{variant}}resume/{{dataset}}/{{network}}/{{percent}}/seed-{{seed}}"
LOGS = f"{RUN}/logs"
CELL_LOG = "{variant}{dataset}-{network}-{percent}-{seed}"
DATA = f"{config['data']}/{{dataset}}"
PREPARED = f"{DATA}/prepared"
# Runs that share the data may label other parts of it.
LABELED = f"{PREPARED}/labeled-{{part_rule}}-{{at_least}}-{{part_seed}}/{{percent}}.csv"
# Says that {form}.npy is there beside it.
PACKED = f"{PREPARED}/packed/{{form}}.done"
TABLES = [f"{RUN}/tables/{name}" for name in table_files(config)]
REPORT = f"{RUN}/{REPORT_FILE}"
# The datasets that have a manifest, by the name of their files.
LISTED = {name.lower(): name for name in listed_datasets(config)}
COVERAGE = [f"{RUN}/coverage/{name}" for own in LISTED.values() for name in coverage_files(own)]
# From which coverage on a number is comparable: what is rendered depends on it, no training does.
COMPARABLE = {
    name: config["datasets"][name]["comparable_coverage"] for name in config["grid"]["datasets"]
}
VERDICTS = {key: config["report"][key] for key in ("margin", "training_sd")}
# What the run assumes: the report shows it, whether it changes a model of this grid or not.
ASSUMED = grid.fingerprint([assumptions.setting(config, one) for one in assumptions.load()])
ABLATION = [f"{RUN}/ablation/{name}" for name in ABLATION_FILES]
# What the run prints at its end.
SUMMARY = f"{RUN}/tables/summary.txt"
ABLATION_SUMMARY = f"{RUN}/ablation/summary.txt"
FIGURES = f"{RUN}/figures"
# Which figures were drawn, and why the others were not.
FIGURES_SUMMARY = f"{RUN}/figures.txt"
STARTED = time.time()
# The rules that train.
TRAINING = ("warm_up", "supervised", "semi_supervised")


wildcard_constraints:
    dataset="|".join(map(re.escape, DATASETS)),
    listed="|".join(re.escape(name.lower()) for name in DATASETS),
    method="|".join(grid.METHODS),
    network="|".join(map(re.escape, config["grid"]["networks"])),
    percent=r"\d+",
    seed=r"\d+",
    stage="|".join(map(re.escape, grid.all_stages(config))),
    variant="|".join(["", *(re.escape(f"ablation/{name}/") for name in VARIANTS)]),
    part_rule="stratified|uniform",
    at_least=r"\d+",
    part_seed=r"\d+",


# --resources gpu=N bounds the jobs that hold a place on a GPU. Without it, as many run as there are
# places. Without a GPU the limit would only stop CPU jobs that the cores allow, so none is asked for.
GPUS = visible_gpus()
IS_BOUND = "gpu" in workflow.global_resources
GPU_PER_JOB = 1 if GPUS or IS_BOUND else 0
if GPUS and not IS_BOUND:
    workflow.register_resource("gpu", len(GPUS) * config["training"]["jobs_per_gpu"])


onstart:
    jobs = list(workflow.dag.needrun_jobs())
    if not GPUS and workflow.local_exec and any(job.rule.name in TRAINING for job in jobs):
        without_a_gpu()
    names = {job.rule.name for job in jobs}
    # With --keep-going the other datasets are trained all the same.
    goes_on = workflow.execution_settings.keep_going
    fetched = [name for name in DATASETS if f"fetch_{name}" in names and not goes_on]
    for line in stops(config, bool(names & {*TRAINING}), fetched):
        sys.exit(f"Error: {line}")
    for line in grid.seeds_without_cell(config):
        print(line, file=sys.stderr)
    claim_folders(jobs)
    try:
        configuration.write(CONFIG, config)
    except OSError as error:
        sys.exit(f"Error: {file_system(error)}")


def without_a_gpu():
    """Say that the CPU trains, or end where GPUs were asked for."""
    asked = "--resources gpu" if IS_BOUND else asked_for()
    advice = f"leave it out and set {VARIABLE}= (empty) to train on the CPU"
    if asked:
        sys.exit(f"Error: {asked} asks for GPUs, but none is visible; {advice}")
    print("NO GPU IS VISIBLE: everything is trained on the CPU.", file=sys.stderr)


def claim_folders(jobs):
    """Keep a second Snakemake from the run, and from the datasets that this one makes or reads."""
    made = [str(file) for job in jobs for file in job.output]
    read = [str(file) for job in jobs for file in job.input]
    try:
        in_use.claim(Path(RUN))
        for dataset in config["datasets"]:
            folder = DATA.format(dataset=dataset)
            is_made, is_read = (
                any(file.startswith(f"{folder}/") for file in files) for files in (made, read)
            )
            if is_made or is_read:
                in_use.claim(Path(folder), shared=not is_made)
    except UserError as error:
        sys.exit(f"Error: {error}")
    except OSError as error:
        sys.exit(f"Error: {file_system(error)}")


def dataset_folder(wildcards):
    """Where the dataset lies."""
    return DATA.format(dataset=wildcards.dataset)


def fetched_files(dataset):
    """What fetching a dataset ends in, apart from what lists its images."""
    return [f"{DATA.format(dataset=dataset)}/{file}" for file in DATASETS[dataset].files]


def listing_files(dataset):
    """What lists a dataset's images, where that is fetched by itself."""
    return [f"{DATA.format(dataset=dataset)}/{file}" for file in DATASETS[dataset].listing]


def dataset_files(wildcards):
    """What an index is made of."""
    # What lists the images does not count by its age: what depends on the manifest takes days. Its
    # content is compared with the manifest.
    listing = ancient(listing_files(wildcards.dataset))
    return [*fetched_files(wildcards.dataset), *listing]


def packings():
    """Each packing job: its rule's name, its dataset, its forms, and those that are packed before.

    What only an alternative of the ablation reads (A20, A21) is packed apart, after the others, since
    one job at a time writes to a folder.
    """
    for dataset in config["datasets"]:
        own = [form.name for form in grid.forms_of_dataset(config, dataset)]
        yield f"pack_{dataset}", dataset, own, []
        others = [form.name for form in ablation.other_forms(config, VARIANTS.values(), dataset)]
        if others:
            yield f"pack_{dataset}_ablation", dataset, others, own


def coverage_inputs(wildcards):
    """The index of a dataset that has a manifest, and the coverage beside it."""
    folder = PREPARED.format(dataset=LISTED[wildcards.listed])
    return [f"{folder}/index/{name}" for name in ("index.json", "coverage.csv")]


def failures(since):
    """The mistakes that jobs ended with, each with its log; `since`: when this run began."""
    for path in sorted(Path(LOGS).rglob("*.log")):
        error = error_of(path)
        if path.stat().st_mtime >= since and error:
            yield f"FAILED ({path}): {error}"


def cell_of(wildcards):
    """The cell of the grid that a job works on."""
    return grid.Cell(
        wildcards.dataset, wildcards.network, int(wildcards.percent), int(wildcards.seed)
    )


def variant_of(wildcards):
    """The alternative that a job tries, None in the run itself."""
    name = Path(wildcards.variant).name
    return VARIANTS[name] if name else None


def config_of(wildcards):
    """The configuration that a job works under."""
    variant = variant_of(wildcards)
    return variant.config if variant else config


def is_the_runs(wildcards, stage):
    """Whether a variant's model of `stage` is that of the run itself."""
    variant = variant_of(wildcards)
    return variant and ablation.same_model(config, variant, cell_of(wildcards), stage)


def cell_folder(wildcards, stage):
    """Where the cell's model of `stage` lies."""
    where = "" if is_the_runs(wildcards, stage) else wildcards.variant
    return CELL.format(**{**wildcards, "variant": where})


def embeddings_of(wildcards):
    """The embeddings of the method's last stage."""
    stage = grid.last_stage(config_of(wildcards), cell_of(wildcards), wildcards.method)
    return f"{cell_folder(wildcards, stage)}/{stage}/test.npz"
