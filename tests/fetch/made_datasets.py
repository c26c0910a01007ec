"""Datasets as the tests make them: a class, a folder, few settings."""

from pathlib import Path

import yaml

from modc.datasets.dataset import Dataset

CONFIG = Path(__file__).resolve().parents[2] / "config.yaml"
# Of `download`, for drawn pictures.
QUICK = {
    "silence_timeout": 0.8,
    "attempts": 2,
    "backoff": 0.01,
    "placeholders": {"same_bytes": 5, "same_look": 0},
}


def made(kind: type[Dataset], folder: Path, missing_images: str = "error", **settings) -> Dataset:
    """Return a dataset that lies in `folder`, with its class's name as the configuration's key."""
    download = yaml.safe_load(CONFIG.read_text())["download"] | QUICK
    name = kind.__name__.removeprefix("Drawn")
    return kind(name, folder, {"missing_images": missing_images, **settings}, download)
