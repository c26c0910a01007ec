"""The command that fetches a dataset, with the options of its class."""

from collections.abc import Callable
from pathlib import Path

import click

from modc import datasets
from modc.cli.options import PATH, default_config_option, load_config
from modc.datasets.dataset import Dataset, Option

# --help is the dataset's, whose options are known once the configuration is read.
FORWARDED = {"ignore_unknown_options": True, "help_option_names": []}


@click.command(context_settings=FORWARDED, add_help_option=False, options_metavar="")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="DATASET [OPTIONS]")
@click.pass_context
def fetch(context: click.Context, arguments: tuple[str, ...]) -> None:
    """Fetch a dataset: its images, labels and manifest.

    `modc fetch DATASET --help` describes how a dataset is fetched, and its options.
    """
    if not set(arguments) - {"-h", "--help"}:
        click.echo(context.get_help())
        return
    config = load_config(_configs(arguments), "", needed=True)
    words = [word for word in arguments if not word.startswith("-")]
    known = [word for word in words if word in config["datasets"]]
    dataset = [*known, *words, ""][0]
    chosen = datasets.of(config, dataset)
    others = list(arguments)
    others.remove(dataset)
    command = click.Command(
        f"fetch {dataset}",
        callback=_fetcher(chosen),
        params=[
            *_common(chosen),
            *map(_option, chosen.options),
        ],
        help=type(chosen).fetch.__doc__ or Dataset.fetch.__doc__,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    # Not command.main, which turns Control-C into Abort.
    with command.make_context(f"modc fetch {dataset}", others) as inner:
        command.invoke(inner)


def _configs(arguments: tuple[str, ...]) -> tuple[Path, ...]:
    """Return the configuration files among the arguments; the rest are the dataset's."""

    @default_config_option
    def given(configs: tuple[Path, ...]) -> tuple[Path, ...]:
        return configs

    parser = click.command(context_settings={**FORWARDED, "allow_extra_args": True})(given)
    with parser.make_context("modc fetch", list(arguments)) as inner:
        return parser.invoke(inner)


def _common(dataset: Dataset) -> list[click.Parameter]:
    def configs() -> None: ...

    options = [
        *default_config_option(click.command()(configs)).params,
        click.Option(
            ["--folder"], type=PATH, help="Folder of the dataset; by default <data>/<dataset>."
        ),
    ]
    if dataset.listing:
        options.append(
            click.Option(
                ["--part"],
                type=click.Choice(["listing", "images"]),
                help="Fetch only the files that list the images, or only the images.",
            )
        )
    return options


def _option(option: Option) -> click.Option:
    if option.kind is bool:
        return click.Option([f"--{option.name}"], is_flag=True, help=option.help)
    kinds = {Path: PATH, int: click.IntRange(0)}
    return click.Option(
        [f"--{option.name}"],
        type=click.Choice(option.choices) if option.choices else kinds.get(option.kind, str),
        multiple=option.repeated,
        help=f"{option.help} Repeatable." if option.repeated else option.help,
    )


def _fetcher(dataset: Dataset) -> Callable[..., None]:
    def run(configs: tuple[Path, ...], folder: Path | None, **options: object) -> None:
        chosen = dataset
        if folder is not None:
            chosen = type(dataset)(dataset.name, folder, dataset.settings, dataset.download)
        # Options that were not given have their defaults in the dataset.
        said = chosen.fetch(**{key: value for key, value in options.items() if value is not None})
        if said:
            click.echo(said)

    return run
