"""The command that exports a trained model."""

import shlex
from pathlib import Path

import click

from modc.cli.options import PATH, cell_option, described_cell
from modc.errors import UserError


@click.command()
@click.argument("run", type=PATH)
@cell_option
@click.option("--method", required=True, help="A method of the run, such as modc.")
@click.option("--output", type=PATH, required=True, help="The folder to write.")
@click.option(
    "--config",
    "configs",
    type=PATH,
    multiple=True,
    help="Configuration of the run; by default its config.yaml. Repeatable.",
)
def export_model(
    run: Path, name: str, method: str, output: Path, configs: tuple[Path, ...]
) -> None:
    """Write a trained model as a folder to use elsewhere.

    RUN is a run's folder, such as results/paper. The new folder holds model.safetensors,
    config.json (network, attributes, preprocessing) and README.md, a model card with the scores of
    the run. `modc embed --checkpoint FOLDER` takes it. An earlier export is replaced.
    """
    from modc.config import load
    from modc.grid import last_stage, network_class, settings_chain
    from modc.jobs import stage_folder
    from modc.networks import exported, model_file
    from modc.paths import CONFIG, MODEL
    from modc.report.model_card import card
    from modc.report.results import result_of
    from modc.runs.folder import replaced

    configs = configs or (run / CONFIG,)
    config = load(list(configs))
    cell = described_cell(config, name, configs)
    if method not in config["grid"]["methods"]:
        raise UserError(
            f"--method {method}: expected one of {', '.join(config['grid']['methods'])}"
        )
    if output.exists() and not (output.is_dir() and _may_go(output)):
        raise UserError(
            f"{output}: already exists and was not written by modc export-model; choose another "
            f"name"
        )
    stage = last_stage(config, cell, method)
    trained = run / stage_folder(config, cell, method, stage) / MODEL
    if not trained.is_file():
        raise UserError(f"{trained}: no such model; train it first")
    model = model_file.load(trained)
    if model.facts["settings_chain"] != settings_chain(config, cell, method, stage):
        raise UserError(
            f"{trained}: trained with settings other than those of {configs[-1]}; pass the "
            f"configuration of its run"
        )
    named = network_class(config, cell.network)
    about = {"cell": cell.name, "method": method}
    with replaced(output) as folder:
        exported.write(folder, model, named, about)
        text = card(model, named, result_of(run, config, cell, method), config)
        (folder / exported.CARD).write_text(text, encoding="utf-8")
    size = (output / exported.WEIGHTS).stat().st_size
    click.echo(f"{output}: {cell.name} {method}, {size / 1e6:.1f} MB")
    click.echo(f"use: {exported.command(named, shlex.quote(str(output)))}")


def _may_go(folder: Path) -> bool:
    from modc.networks.exported import is_exported

    return is_exported(folder) or not any(folder.iterdir())
