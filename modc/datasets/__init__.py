"""The datasets: the interface, and one file each. The configuration says which class is which."""

from pathlib import Path

from modc import paths, plugins
from modc.datasets.dataset import Dataset
from modc.errors import UserError


def class_of(settings: dict, name: str) -> type[Dataset]:
    """Return the class of a dataset by its entry in the configuration."""
    return plugins.load(settings["class"], f"datasets.{name}.class", Dataset)


def of(config: dict, name: str, folder: Path | None = None) -> Dataset:
    """Return the dataset that the configuration calls `name`.

    folder: where it lies, by default <data>/<name>. Raises UserError for an unknown name.
    """
    if name not in config["datasets"]:
        known = ", ".join(config["datasets"])
        raise UserError(f"{name}: not a dataset of the configuration; expected one of {known}")
    settings = config["datasets"][name]
    folder = paths.dataset_folder(config, name) if folder is None else folder
    return class_of(settings, name)(name, folder, settings, config["download"])
