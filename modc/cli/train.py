"""The command that trains a cell by one method."""

from pathlib import Path

import click

from modc.cli.options import cell_option, config_option, described_cell
from modc.errors import UserError
from modc.grid import packed_forms


@click.command()
@config_option
@cell_option
@click.option(
    "--method", required=True, help="A method of the configuration, such as baseline or modc."
)
@click.option("--stage", help="The last stage to train, such as supervised; by default all.")
@click.option(
    "--assume",
    metavar="A3=memory_bank",
    help="Train under an alternative of an assumption (see `modc assumptions`).",
)
@click.option("--threads", type=click.IntRange(1), default=4, show_default=True)
def train(
    configs: tuple[Path, ...],
    name: str,
    method: str,
    stage: str | None,
    assume: str | None,
    threads: int,
) -> None:
    """Train one cell of the grid by one method.

    It trains on one GPU, or on the CPU if there is none. It reads the dataset's index, labeled part
    and packed images in <data>/<dataset>/prepared/. In results/<run>/cells/<cell>/<method>/ each
    stage gets a folder with model.pt, last.pt, curve.csv and curve.png; the last one also gets
    test.npz for `modc score`. With --assume they go to results/<run>/ablation/, and stages that the
    alternative does not change are those of the run.

    Safe to kill: the same command resumes from the last finished epoch, or after SIGTERM from the
    last step.
    """
    from modc import paths
    from modc.ablation import variant
    from modc.config import load
    from modc.data import subsets
    from modc.data.index import read
    from modc.data.packed import open_packed
    from modc.jobs import Training

    config = load(list(configs))
    cell = described_cell(config, name, configs)
    job = Training(config, cell, method, variant(config, assume) if assume else None, stage)
    if not job.stages:
        raise UserError(f"--assume {assume}: changes no stage of {method} in this cell")
    settings = job.settings
    listed = read(job.index)
    forms = {name: form for own in job.stages for name, form in packed_forms(job.spec(own)).items()}
    arrays = {
        name: open_packed(paths.packed_array(job.packed, form.name), listed, form)
        for name, form in forms.items()
    }
    labeled = subsets.read(job.labeled)

    import torch

    from modc.data.device_images import Budget, DeviceImages
    from modc.networks.model_file import load as load_model
    from modc.training.device import lease, torch_device, training_dtype
    from modc.training.freed_memory import keep_freed_memory
    from modc.training.task import Task
    from modc.training.train import train as train_task

    torch.set_num_threads(threads)
    jobs_per_gpu = settings["training"]["jobs_per_gpu"]
    initial = job.initial
    # A folder that cannot be created is better reported now.
    for own in job.stages:
        for folder in (job.stage_folder(own).parent, job.checkpoint(own).parent):
            folder.mkdir(parents=True, exist_ok=True)
    # One GPU for all stages: images that the first one cached are still in its memory.
    with lease(jobs_per_gpu) as leased:
        if leased is None:
            keep_freed_memory()
        precision = training_dtype(settings["training"]["precision"], torch_device(leased))
        budget = Budget(jobs=jobs_per_gpu, precision=precision)
        packed = {name: DeviceImages(array, budget) for name, array in arrays.items()}
        for own in job.stages:
            spec = job.spec(own)
            public = spec.public_checkpoint
            output = job.stage_folder(own)
            task = Task(
                spec,
                listed,
                {name: packed[name] for name in spec.sizes},
                labeled,
                load_model(initial) if initial else None,
                output,
                job.checkpoint(own),
                output / paths.EMBEDDINGS if own == job.stages[-1] else None,
                Path(public) if public else None,
            )
            train_task(task, leased)
            initial = output / paths.following_model(settings)
