"""What several commands share."""

from pathlib import Path

import click

from modc import paths
from modc.cell import Cell
from modc.errors import UserError

# In the project's folder.
DEFAULT_CONFIG = Path("config.yaml")
PATH = click.Path(path_type=Path)
CONFIG_HELP = "Configuration file. Repeatable; later ones override earlier ones."


def config_option(command):
    """Add --config: configuration files, later ones overriding earlier ones."""
    return click.option(
        "--config", "configs", type=PATH, multiple=True, required=True, help=CONFIG_HELP
    )(command)


def default_config_option(command):
    """Add --config, with config.yaml as the default."""
    return click.option(
        "--config",
        "configs",
        type=PATH,
        multiple=True,
        default=[DEFAULT_CONFIG],
        show_default=True,
        help=CONFIG_HELP,
    )(command)


def cell_option(command):
    """Add --cell: a cell of the grid by its name."""
    return click.option(
        "--cell",
        "name",
        required=True,
        metavar="DATASET/NETWORK/PERCENT/SEED",
        help="Names of the configuration, percent of the labels, seed.",
    )(command)


def described_cell(config: dict, name: str, configs: tuple[Path, ...]) -> Cell:
    """Return the cell of --cell. Raises UserError if its dataset or network is not described."""
    cell = Cell.named(name)
    for section, one in {"datasets": cell.dataset, "networks": cell.network}.items():
        known = [key for key in config[section] if key != "weights"]
        if one not in known:
            raise UserError(
                f"--cell {cell.name}: {one} is not in {section} of {configs[-1]}, which has "
                f"{', '.join(known)}"
            )
    return cell


def load_config(configs: tuple[Path, ...], instead: str, needed: bool) -> dict:
    """Return the configuration of --config.

    instead: an option that makes it unnecessary, "" if there is none; needed: that option is not
    given. Then a missing config.yaml raises UserError; otherwise it counts as empty.
    """
    if configs == (DEFAULT_CONFIG,) and not DEFAULT_CONFIG.exists():
        if not needed:
            return {}
        raise UserError(
            f"{DEFAULT_CONFIG}: no such file in the working directory; run this in the project's "
            f"folder, or pass --config FILE" + (f" or {instead}" if instead else "")
        )
    from modc import config as configuration

    return configuration.load(list(configs))


def run_folder(results: Path | None, config: dict) -> Path:
    """Return the run's folder: --results, which must exist, or results/<run>."""
    if results and not results.is_dir():
        raise UserError(
            f"{results}: no such folder; expected a run's folder, such as results/paper"
        )
    return results or paths.run_folder(config)
