"""What several commands share."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)


def config_option(command):
    """Add --config, the files of the configuration, later ones overriding earlier ones."""
    return click.option(
        "--config", "configs", type=PATH, multiple=True, required=True, help="Repeatable."
    )(command)
