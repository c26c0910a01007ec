"""The configurations of several runs merged into one: a joint grid, all else the same."""

from collections.abc import Iterable

from modc import config as configuration
from modc.runs.compare import Difference, values

# Keys in which runs may differ, since they change no number: at the top, and inside datasets and
# training.
FREE = {"run", "grid", "data", "threads", "download", "ablation"}
FREE_INSIDE = {"archives", "jobs_per_gpu"}


def contradictions(first: dict, second: dict) -> list[Difference]:
    """Return the keys, such as "training.batch", in which two configurations differ but must not.

    A dataset that only one of them describes is not a contradiction.
    """
    shared = first["datasets"].keys() & second["datasets"].keys()
    settled = [
        {key: value for key, value in config.items() if key not in FREE}
        | {"training": _without(FREE_INSIDE, config["training"])}
        | {"datasets": {k: _without(FREE_INSIDE, config["datasets"][k]) for k in sorted(shared)}}
        for config in (first, second)
    ]
    return [found._replace(place=found.place.replace(" ", ".")) for found in values(*settled)]


def union(configs: list[dict], name: str) -> dict:
    """Return the first configuration under a new name, with the joint grid of all.

    Raises UserError if the name is not a valid name of a run.
    """
    grids = [config["grid"] for config in configs]
    # Earlier configurations take precedence.
    described = {
        section: _first(config[section] for config in configs)
        for section in ("datasets", "networks", "methods")
    }
    used = {
        section: list(dict.fromkeys(name for grid in grids for name in grid[section]))
        for section in described
    }
    percents: dict[str, set[int]] = {}
    for grid in grids:
        for dataset, own in grid["labeled_percent"].items():
            # Percentages of a dataset that a run does not train on count only if no run does.
            if dataset in grid["datasets"] or dataset not in used["datasets"]:
                percents.setdefault(dataset, set()).update(own)
    extra = [one for grid in grids for one in grid["extra_seeds"]]
    merged = {
        **configs[0],
        "run": name,
        **described,
        "grid": {
            **grids[0],
            **used,
            "labeled_percent": {dataset: sorted(own) for dataset, own in percents.items()},
            "seeds": sorted({seed for grid in grids for seed in grid["seeds"]}),
            "extra_seeds": [one for at, one in enumerate(extra) if one not in extra[:at]],
        },
    }
    configuration.check(merged, name="the merged configuration")
    return merged


def _first(mappings: Iterable[dict]) -> dict:
    """Return all entries; of equal keys the first wins."""
    found: dict = {}
    for mapping in mappings:
        found |= {key: value for key, value in mapping.items() if key not in found}
    return found


def _without(keys: set[str], mapping: dict) -> dict:
    return {key: value for key, value in mapping.items() if key not in keys}
