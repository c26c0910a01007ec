"""What several commands share."""

from pathlib import Path

import click

from modc import paths
from modc.errors import UserError

# In the project's folder.
DEFAULT_CONFIG = Path("config.yaml")
PATH = click.Path(path_type=Path)


def config_option(command):
    """Add --config, the files of the configuration, later ones overriding earlier ones."""
    return click.option(
        "--config", "configs", type=PATH, multiple=True, required=True, help="Repeatable."
    )(command)


def default_config_option(command):
    """Add --config, which is config.yaml where it is not given."""
    return click.option(
        "--config",
        "configs",
        type=PATH,
        multiple=True,
        default=[DEFAULT_CONFIG],
        show_default=True,
        help="Repeatable.",
    )(command)


def load_config(configs: tuple[Path, ...], instead: str, needed: bool) -> dict:
    """Return the configuration of --config.

    instead: the option that does without, "" if there is none; needed: it is not given. Then a
    config.yaml that is not there raises UserError, else it is as if it were empty.
    """
    if configs == (DEFAULT_CONFIG,) and not DEFAULT_CONFIG.exists():
        if not needed:
            return {}
        raise UserError(
            f"{DEFAULT_CONFIG}: no such configuration file here; run this in the project's folder, "
            f"or pass --config FILE" + (f" or {instead}" if instead else "")
        )
    from modc import config as configuration

    return configuration.load(list(configs))


def run_folder(results: Path | None, config: dict) -> Path:
    """Return the run's folder: --results, which has to be there, or results/<run>."""
    if results and not results.is_dir():
        raise UserError(f"{results}: no such folder; expected a run's, such as results/paper")
    return results or paths.run_folder(config)
