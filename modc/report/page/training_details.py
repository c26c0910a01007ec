"""The trainings behind the numbers: settings, data, code, machine and stages of each."""

import json
from pathlib import Path

import yaml

from modc import datasets, paths
from modc.cell import Cell
from modc.datasets.dataset import Dataset
from modc.grid import cells, methods, stage_spec, stages
from modc.jobs import stage_folder
from modc.learning_curve import small_drawing
from modc.report.anchors import run_id
from modc.report.results import Result
from modc.report.row_names import row_name

# What scores may say about their making, in the order of the page.
MADE_BY = {
    "code": "code of training (fingerprint)",
    "device": "device",
    "precision": "precision",
    "threads": "CPU threads",
    "machine": "machine",
    "python": "Python",
    "modc": "modc",
    "torch": "torch",
    "torchvision": "torchvision",
    "numpy": "numpy",
    "pandas": "pandas",
    "pillow": "Pillow",
    "simplejpeg": "simplejpeg",
}
LONGEST = 300


def runs(run_folder: Path, config: dict, results: list[Result], known: dict) -> list[dict]:
    """Return one entry per dataset, network, percentage and method, with all of its seeds.

    Keys: id, dataset, network, labeled_percent, method, name, settings (a list of stage and YAML:
    the changes from the stage before), seeds (see `_seed`). known: why scores are missing
    (`modc.report.failures.explained`).
    """
    by_key: dict[tuple, list[Result]] = {}
    for result in results:
        cell = result.cell
        key = (cell.dataset, cell.network, cell.labeled_percent, result.method)
        by_key.setdefault(key, []).append(result)
    return [
        {
            "id": run_id(*key),
            **dict(zip(("dataset", "network", "labeled_percent", "method"), key, strict=True)),
            "name": row_name(config, own[0].cell.network, own[0].method),
            "settings": _settings(config, own[0].cell, own[0].method),
            "seeds": [_seed(run_folder, config, result, known) for result in own],
        }
        for key, own in by_key.items()
    ]


def absences(config: dict, known: dict[tuple[Cell, str], dict]) -> list[dict]:
    """Return why scores are missing, each reason once: text, and places.

    A place has name, and log, said and progress from `modc.report.failures`.
    """
    found: dict[str, list[dict]] = {}
    for (cell, method), why in known.items():
        place = {key: why[key] for key in ("log", "said", "progress")}
        found.setdefault(why["text"], []).append({"name": _name(config, cell, method), **place})
    return [{"text": text, "places": places} for text, places in found.items()]


def counts(config: dict, results: list[Result]) -> dict:
    """Return how many scores the run has and the grid expects: scores, expected, cells, seeds."""
    return {
        "scores": sum(not result.status for result in results),
        "expected": len(cells(config)) * len(methods(config)),
        "cells": len(cells(config)),
        "seeds": len(config["grid"]["seeds"]),
    }


def made_by(result: Result) -> list[tuple[str, str]]:
    """Return what the scores say about their making, as (name, text) in the order of MADE_BY."""
    made = (result.scores or {}).get("provenance")
    made = made if isinstance(made, dict) else {}
    return [(name, _text(made[key])) for key, name in MADE_BY.items() if key in made]


def _seed(run_folder: Path, config: dict, result: Result, known: dict) -> dict:
    """Return how one seed went: its files, what made it, its stages and learning curve.

    missing: None, or what is known about its missing scores; not_comparable: "" or why.
    """
    cell, scores = result.cell, result.scores or {}
    chain = stages(config, cell, result.method)
    own = datasets.of(config, cell.dataset)
    folders = [
        Path(run_folder) / stage_folder(config, cell, result.method, stage) for stage in chain
    ]
    finished = [folder for folder in folders if (folder / paths.MODEL).exists()]
    return {
        "seed": cell.seed,
        "folder": str(paths.method_folder(cell, result.method)),
        "missing": known.get((cell, result.method)),
        "not_comparable": result.not_comparable,
        "finished": f"{len(finished)} of {len(chain)} stages have finished",
        "seconds": sum(stage["seconds"] for stage in result.stages),
        "stages": result.stages,
        "absent_values": [_value(pair, own) for pair in result.absent_values],
        "labeled_images": result.labeled_images,
        "manifest": scores.get("manifest_sha256", ""),
        "index": _text(scores.get("index_sha256", "")),
        "made_by": made_by(result),
        "curve": small_drawing(folders),
        "chain": chain,
    }


def _value(pair: list, dataset: Dataset) -> str:
    """Return the attribute and name of a value without a labeled image."""
    match pair:
        case [str(attribute), int(value)]:
            return f"{attribute.replace('_', ' ')} {dataset.value_name(attribute, value)}"
    return _text(pair)


def _settings(config: dict, cell: Cell, method: str) -> list[tuple[str, str]]:
    """Return each stage with its settings as YAML: all of the first, then the changes."""
    before: dict = {}
    found = []
    for stage in stages(config, cell, method):
        # Through JSON, since YAML has no tuples.
        own = json.loads(json.dumps(stage_spec(config, cell, method, stage).plain()))
        named = ("cell", "method", "stage", "before")
        own = {key: value for key, value in own.items() if key not in named}
        changed = {key: value for key, value in own.items() if before.get(key) != value}
        found.append((stage, yaml.safe_dump(changed, sort_keys=False) if changed else ""))
        before = own
    return found


def _name(config: dict, cell: Cell, method: str) -> str:
    name = row_name(config, cell.network, method)
    return f"{cell.dataset} {cell.labeled_percent} % {name}, seed {cell.seed}"


def _text(value: object) -> str:
    """Return any value from a file as a short text."""
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
