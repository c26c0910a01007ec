"""The command that trains stages of a cell."""

from pathlib import Path

import click

from modc.cli.options import PATH, config_option
from modc.errors import UserError
from modc.grid import Cell, packed_forms, previous_stage, training_settings


@click.command()
@config_option
@click.option("--dataset", required=True, help="A dataset of the configuration.")
@click.option("--network", required=True, help="A network of the configuration.")
@click.option("--percent", type=click.IntRange(1, 100), required=True, help="Labelled percentage.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--stage",
    "stages",
    multiple=True,
    required=True,
    help="Such as warm_up or supervised. Repeatable: several are trained in a row.",
)
@click.option("--index", "index_folder", type=PATH, required=True, help="Folder of the index.")
@click.option("--packed", type=PATH, required=True, help="Folder of the packed images.")
@click.option("--labeled", type=PATH, required=True, help="The labelled part, from `modc subset`.")
@click.option("--initial", type=PATH, help="Model of the stage before, where there is one.")
@click.option(
    "--assume",
    "assumed",
    multiple=True,
    metavar="A3=memory_bank",
    help="Repeatable. Train under an alternative of an assumption; `modc assumptions` lists them.",
)
@click.option(
    "--output",
    type=PATH,
    required=True,
    help="The cell's folder; <stage>/ in it gets model.pt, last.pt, curve.csv and curve.png.",
)
@click.option("--resume", type=PATH, required=True, help="Folder of the checkpoints to go on from.")
@click.option(
    "--embed-test", is_flag=True, help="Also write the last stage's test.npz, for `modc score`."
)
@click.option("--threads", type=click.IntRange(1), default=4, show_default=True)
def train(
    configs: tuple[Path, ...],
    dataset: str,
    network: str,
    percent: int,
    seed: int,
    stages: tuple[str, ...],
    index_folder: Path,
    packed: Path,
    labeled: Path,
    initial: Path | None,
    assumed: tuple[str, ...],
    output: Path,
    resume: Path,
    embed_test: bool,
    threads: int,
) -> None:
    """Train stages of one cell of the grid on one GPU, or on the CPU if there is none.

    Safe to kill: the same command goes on from the last finished epoch, after SIGTERM from the last
    step.
    """
    from modc.config import load
    from modc.data import subsets
    from modc.data.index import read
    from modc.data.packed import open_packed

    config = _assumed(load(list(configs)), assumed)
    for option, name, section in (
        ("dataset", dataset, "datasets"),
        ("network", network, "networks"),
    ):
        described = [key for key in config[section] if key != "weights"]
        if name not in described:
            raise UserError(
                f"--{option} {name}: not in {configs[-1]}, which has {', '.join(described)}"
            )
    cell = Cell(dataset, network, percent, seed)
    _check_stages(config, cell, stages, initial)
    listed = read(index_folder)
    forms = packed_forms(config, dataset, network, stages[-1])
    arrays = {
        name: open_packed(packed / f"{form.name}.npy", listed, form) for name, form in forms.items()
    }

    import torch

    from modc.data.device_images import Budget, DeviceImages
    from modc.networks.model_file import load as load_model
    from modc.training.device import lease, torch_device, training_dtype
    from modc.training.freed_memory import keep_freed_memory
    from modc.training.task import LAST, MODEL, Task
    from modc.training.train import train as train_task

    torch.set_num_threads(threads)
    jobs_per_gpu = config["training"]["jobs_per_gpu"]
    for folder in (output, resume):
        folder.mkdir(parents=True, exist_ok=True)  # a folder that cannot be is better known now
    following = {"best": MODEL, "last": LAST}[config["training"]["checkpoint"]]
    # One GPU for all stages: what the first one leaves in its memory is still there.
    with lease(jobs_per_gpu) as leased:
        if leased is None:
            keep_freed_memory()
        precision = training_dtype(config["training"]["precision"], torch_device(leased))
        budget = Budget(jobs=jobs_per_gpu, precision=precision)
        packed_images = {name: DeviceImages(array, budget) for name, array in arrays.items()}
        for stage in stages:
            settings = training_settings(config, cell, stage)
            public = settings.get("public_checkpoint")
            task = Task(
                settings,
                listed,
                {name: packed_images[name] for name in settings["sizes"]},
                subsets.read(labeled),
                load_model(initial) if initial else None,
                output / stage,
                resume / f"{stage}.pt",
                output / stage / "test.npz" if embed_test and stage == stages[-1] else None,
                Path(public) if public else None,
            )
            train_task(task, leased)
            initial = output / stage / following


def _assumed(config: dict, assumed: tuple[str, ...]) -> dict:
    from modc.published import assumptions

    for assume in assumed:
        name, equals, alternative = assume.partition("=")
        if not equals:
            raise UserError(f"--assume {assume}: expected a name and an alternative, as A4=margin")
        config = assumptions.assume(config, name, alternative)
    return config


def _check_stages(config: dict, cell: Cell, stages: tuple[str, ...], initial: Path | None) -> None:
    before = [previous_stage(config, cell, stage) for stage in stages]
    for stage, expected, previous in zip(stages[1:], before[1:], stages, strict=False):
        if expected != previous:
            raise UserError(f"--stage: {stage} does not follow {previous}; expected {expected}")
    if (initial is None) != (before[0] is None):
        takes = "takes no" if before[0] is None else "needs"
        raise UserError(f"{cell.network} {stages[0]} {takes} --initial model")
