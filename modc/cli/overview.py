"""The commands about a run as a whole: its progress, and its cost."""

import json
import platform
import sys
import time
from pathlib import Path

import click

from modc.cli.options import PATH, default_config_option, load_config, run_folder

# Moves the cursor to the top left and clears everything below.
CLEAR = "\x1b[H\x1b[J"


@click.command()
@default_config_option
@click.option("--results", type=PATH, help="Folder of the run; by default results/<run>.")
@click.option(
    "--watch",
    type=click.FloatRange(min=0.1),
    is_flag=False,
    flag_value=5.0,
    metavar="[SECONDS]",
    help="Repeat every SECONDS (default 5) until all cells are done. Control-C exits with 130.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print JSON; with --watch, one line each time.",
)
def status(
    configs: tuple[Path, ...], results: Path | None, watch: float | None, as_json: bool
) -> None:
    """Show the progress of each cell of the grid.

    It only reads files, so it is safe at any time, also before a run or after a kill. A cell is
    done, training, stopped (its process is gone), failed (with the last line of its log) or
    waiting. A cell with scores is done even without its models, as after `modc merge`. The
    remaining time is that of training, with the maximum of epochs: MODC's stages end earlier if
    they converge. docs/running.md describes the keys of --json.
    """
    from modc.grid import seeds_without_cell
    from modc.report.status import DONE, data_failures, run_status
    from modc.report.status_file import status_record, workflow_state
    from modc.report.status_text import status_text

    config = load_config(configs, "", needed=True)
    remarks = seeds_without_cell(config)
    folder = run_folder(results, config)
    redraws = watch is not None and sys.stdout.isatty() and not as_json
    try:
        while True:
            statuses = run_status(folder, config)
            if as_json:
                record = status_record(folder, config, statuses, workflow_state(folder))
                text = json.dumps(record, indent=2 if watch is None else None, allow_nan=False)
            else:
                text = status_text(statuses, data_failures(folder, config), folder)
            click.echo((CLEAR if redraws else "") + text)
            for line in remarks:
                click.echo(line, err=True)
            remarks = remarks if redraws else []
            if watch is None or all(cell.state == DONE for cell in statuses):
                return
            time.sleep(watch)
            if not redraws and not as_json:
                click.echo()
    except KeyboardInterrupt:
        sys.exit(130)


@click.command()
@default_config_option
@click.option(
    "--gpus", type=click.IntRange(1), help="Number of GPUs; by default those of this machine."
)
@click.option("--probe", is_flag=True, help="First measure this machine, for about a minute.")
@click.option(
    "--rates",
    "file",
    type=PATH,
    help="With --probe, the file that keeps the rates; without it, rates of another machine.",
)
def plan(configs: tuple[Path, ...], gpus: int | None, probe: bool, file: Path | None) -> None:
    """Estimate a run's hours, disk and memory.

    Images are counted from the configuration, by network and dataset. Hours also need the images
    per second that one device trains and embeds: --probe measures them on random pixels and keeps
    them in $XDG_CACHE_HOME/modc/rates.json, by device, network, sizes, precision, batch and code.
    On a slow CPU it uses smaller batches to finish in time. Rates of a busy machine are marked, and
    replaced by those of an idle one. The output ends with what is missing on this machine: space,
    permissions, locks, a GPU, weights, archives.
    """
    from modc import rates
    from modc.report.beforehand import beforehand
    from modc.report.plan import plan as planned
    from modc.report.plan_text import plan_text
    from modc.training.gpus import visible_gpus

    config = load_config(configs, "", needed=True)
    store = file or rates.default_store()
    devices = visible_gpus()
    measured: list[dict] = []
    if probe:
        # An unusable file is better reported before the minute of measuring.
        rates.read(store)
        store.parent.mkdir(parents=True, exist_ok=True)
        measured = _probed(config)
        rates.add(store, measured)
    known = rates.read(store)
    if file and not probe:
        device, on = rates.only_device(known, file), None
    else:
        device = measured[0]["device"] if measured else _device_name(devices)
        on = rates.here(device, config)
    now = {rate["measured"] for rate in measured}
    found = planned(config, known, on)
    gpus = gpus or max(1, len(devices))
    click.echo(plan_text(found, device, gpus, now, str(store)))
    lines = beforehand(found, gpus * config["training"]["jobs_per_gpu"])
    click.echo("\nBefore the run, on this machine:")
    click.echo("\n".join(f"- {line}" for line in lines or ["nothing is missing"]))


def _probed(config: dict) -> list[dict]:
    """Measure the grid on the device that a training would use."""
    import torch

    from modc import rates
    from modc.grid import cells
    from modc.training.device import lease, torch_device, training_dtype
    from modc.training.probe import probe
    from modc.training.train import Machine

    torch.set_num_threads(rates.threads(config))
    with lease() as leased:
        device = torch_device(leased)
        machine = Machine(device, training_dtype(config["training"]["precision"], device))
        on = rates.here(_device_name([leased] if leased else []), config)
        return probe(config, cells(config), machine, on)


def _device_name(devices: list[str]) -> str:
    """Return the name of the first device, or "CPU ..."; only a GPU's needs torch."""
    if not devices:
        return _cpu_name()
    import torch

    if not torch.cuda.is_available():
        return "GPU that PyTorch cannot use"
    return torch.cuda.get_device_name(0)


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"CPU {names[0] if names else platform.machine()}"
