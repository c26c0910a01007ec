"""The configuration of several runs put together: one grid, everything else the same."""

from pathlib import Path

from modc import config as configuration
from modc import paths
from modc.errors import UserError
from modc.runs.differences import Difference

# Where the runs may differ: their names, their grids, and what changes no number.
FREE = ("run", "grid", "data", "threads", "download", "ablation")
FREE_OF_DATASET = ("archives",)
FREE_OF_TRAINING = ("jobs_per_gpu",)
ABSENT = "nothing"


def read(run: Path, defaults: tuple[Path, ...] = ()) -> dict:
    """Return the configuration of the run in the folder `run`, laid over those of `defaults`."""
    try:
        return configuration.load([*defaults, run / paths.CONFIG])
    except UserError as error:
        if defaults:
            raise
        raise UserError(f"{error}; if an older version wrote it: --defaults config.yaml") from None


def contradictions(first: dict, second: dict) -> list[Difference]:
    """Return the keys in which two configurations differ that must not, as "training.batch".

    A dataset that only one of them describes is no contradiction.
    """
    return [d for d in _differences(first, second) if not _is_free(d)]


def free_differences(first: dict, second: dict) -> list[str]:
    """Return the keys outside the grid in which two configurations differ and may."""
    found = (d.place for d in _differences(first, second) if _is_free(d))
    return [place for place in found if place != "run" and not place.startswith("grid.")]


def union(configs: list[dict], name: str) -> dict:
    """Return the first configuration under another name, its grid that of all together.

    Raises UserError if the name is none that a run may have.
    """
    grids = [config["grid"] for config in configs]
    used = {name for grid in grids for name in grid["datasets"]}
    # What an earlier one says comes before what a later one says.
    described = {
        section: {
            name: one for config in reversed(configs) for name, one in config[section].items()
        }
        for section in ("datasets", "networks", "methods")
    }
    percents = {
        dataset: sorted(
            {
                percent
                for grid in grids
                if dataset in grid["datasets"] or dataset not in used
                for percent in grid["labeled_percent"].get(dataset, [])
            }
        )
        for dataset in dict.fromkeys(d for grid in grids for d in grid["labeled_percent"])
    }
    networks = {network for grid in grids for network in grid["networks"]}
    methods = {method for grid in grids for method in grid["methods"]}
    merged = {
        **configs[0],
        "run": name,
        **described,
        "grid": {
            **grids[0],
            "datasets": [name for name in described["datasets"] if name in used],
            "networks": [name for name in described["networks"] if name in networks],
            "methods": [name for name in described["methods"] if name in methods],
            "labeled_percent": percents,
            "seeds": sorted({seed for grid in grids for seed in grid["seeds"]}),
            "extra_seeds": [
                extra
                for number, grid in enumerate(grids)
                for extra in grid["extra_seeds"]
                if all(extra not in before["extra_seeds"] for before in grids[:number])
            ],
        },
    }
    configuration.check(merged, name="the runs put together")
    return merged


def _differences(first: dict, second: dict, place: str = "") -> list[Difference]:
    found = []
    for key in dict.fromkeys([*first, *second]):
        where = f"{place}.{key}" if place else key
        pair = first.get(key, ABSENT), second.get(key, ABSENT)
        if all(isinstance(value, dict) for value in pair):
            found += _differences(*pair, where)
        elif pair[0] != pair[1]:
            found.append(Difference(where, *pair))
    return found


def _is_free(difference: Difference) -> bool:
    section, *keys = difference.place.split(".")
    if section == "datasets":
        is_one_sided = len(keys) == 1 and ABSENT in (difference.first, difference.second)
        return is_one_sided or keys[1:] == list(FREE_OF_DATASET)
    if section == "training":
        return keys == list(FREE_OF_TRAINING)
    return section in FREE
