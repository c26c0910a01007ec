"""The command that exports a trained model."""

import shlex
from pathlib import Path

import click

from modc.cli.options import PATH, cell_option, config_option, described_cell, run_folder
from modc.errors import UserError


@click.command()
@config_option
@cell_option
@click.option("--method", required=True, help="A method of the configuration, such as modc.")
@click.option("--results", type=PATH, help="Folder of the run; by default results/<run>.")
@click.option("--output", type=PATH, required=True, help="The folder to write.")
def export_model(
    configs: tuple[Path, ...], name: str, method: str, results: Path | None, output: Path
) -> None:
    """Write a trained model as a folder to use elsewhere.

    It holds model.safetensors, config.json (network, attributes, preprocessing) and README.md, a
    model card with the scores of the run. `modc embed --checkpoint FOLDER` takes it. An earlier
    export is replaced.
    """
    from modc.config import load
    from modc.grid import last_stage, network_class
    from modc.jobs import stage_folder
    from modc.networks import exported, model_file
    from modc.paths import MODEL
    from modc.report.model_card import card
    from modc.report.results import result_of
    from modc.runs.folder import replaced

    config = load(list(configs))
    cell = described_cell(config, name, configs)
    if method not in config["grid"]["methods"]:
        raise UserError(
            f"--method {method}: expected one of {', '.join(config['grid']['methods'])}"
        )
    if output.exists() and not (output.is_dir() and _may_go(output)):
        raise UserError(f"{output}: exists and is no exported model; expected another folder")
    run = run_folder(results, config)
    stage = last_stage(config, cell, method)
    trained = run / stage_folder(config, cell, method, stage) / MODEL
    if not trained.is_file():
        raise UserError(f"{trained}: no such model; train it first, or pass --results FOLDER")
    model = model_file.load(trained)
    named = network_class(config, cell.network)
    about = {"cell": cell.name, "method": method}
    with replaced(output) as folder:
        exported.write(folder, model, named, about)
        text = card(model, named, result_of(run, config, cell, method), config)
        (folder / exported.CARD).write_text(text, encoding="utf-8")
    size = (output / exported.WEIGHTS).stat().st_size
    click.echo(f"{output}: {cell.name} {method}, {size / 1e6:.1f} MB")
    click.echo(
        f"use: modc embed --network {named} --checkpoint {shlex.quote(str(output))} "
        f"--attributes {len(model.attributes)} --output embedded.npz IMAGE..."
    )


def _may_go(folder: Path) -> bool:
    from modc.networks.exported import is_exported

    return is_exported(folder) or not any(folder.iterdir())
