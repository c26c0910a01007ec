"""Whether what made a result is what is here now: settings, code, data, packages."""

from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from modc import paths, provenance
from modc.data import index, manifest
from modc.errors import UserError
from modc.grid import network_class, settings_chain, stages
from modc.report.results import Result
from modc.runs.rescored import facts

SAME, OTHER, UNKNOWN = "same", "other", "cannot be checked"
NOT_STORED = "not stored"


@dataclass(frozen=True)
class Origin:
    """what: the thing compared; state: SAME, OTHER or UNKNOWN; detail: both sides, or why not."""

    what: str
    state: str
    detail: str = ""


@dataclass(frozen=True)
class Present:
    """The data of a dataset as they lie there now: a SHA-256 each, or why there is none.

    Missing data say UNKNOWN, altered ones OTHER.
    """

    manifest: Origin | str
    index: Origin | str


def present(config: dict, dataset: str) -> Present:
    """Return the manifest and the index of a dataset's folder; no picture is read."""
    folder = paths.dataset_folder(config, dataset)
    prepared = paths.index_folder(folder)
    return Present(
        _sha256("manifest", folder, lambda: manifest.read(folder), manifest.FACTS),
        _sha256("index", prepared, lambda: index.read(prepared), paths.INDEX),
    )


def origins(result: Result, config: dict, data: Present) -> list[Origin]:
    """Return a comparison each of settings, code, data and packages, for a result with scores."""
    scores, dataset = result.scores, result.cell.dataset
    made, scored = facts(scores, "provenance"), facts(scores, "scoring")
    evaluation = {key: scored[key] for key in config["evaluation"] if key in scored}
    code = provenance.code_of("modc.evaluation.scores")
    classes = (
        network_class(config, result.cell.network),
        config["methods"][result.method]["class"],
    )
    return [
        _training(result, config),
        compare("settings of scoring", evaluation or None, config["evaluation"]),
        compare("code of training", made.get("code"), provenance.training_code(*classes)),
        compare("code of scoring", scored.get("code"), code),
        _data(f"manifest of {dataset}", scores["manifest_sha256"], data.manifest),
        _data(f"index of {dataset}", scores.get("index_sha256"), data.index),
        _packages("packages of training", made),
        _packages("packages of scoring", scored),
    ]


def _training(result: Result, config: dict) -> Origin:
    """Compare the settings of all stages that led to the model; name the first that differs."""
    what, stored = "settings of training", result.scores.get("settings_chain")
    names = stages(config, result.cell, result.method)
    now = settings_chain(config, result.cell, result.method, names[-1])
    if not isinstance(stored, list):
        return Origin(what, UNKNOWN, NOT_STORED)
    pairs = zip_longest(names, stored, now, fillvalue="none")
    changed = (f"{name}: {was} stored, {is_} now" for name, was, is_ in pairs if was != is_)
    detail = next(changed, "")
    return Origin(what, OTHER if detail else SAME, detail)


def _sha256(what: str, folder: Path, read, file: str) -> Origin | str:
    if not (folder / file).is_file():
        return Origin(what, UNKNOWN, f"{folder / file} is not there")
    try:
        return read().sha256
    except UserError as error:
        return Origin(what, OTHER, str(error))


def _data(what: str, stored: str | None, now: Origin | str) -> Origin:
    if stored == "":
        return Origin(what, SAME, "it has none")
    if isinstance(now, Origin):
        return Origin(what, now.state, now.detail)
    return compare(what, stored, now)


def _packages(what: str, stored: dict) -> Origin:
    here = {key: value for key, value in provenance.software().items() if key != "machine"}
    if not stored.keys() & here.keys():
        return Origin(what, UNKNOWN, NOT_STORED)
    changed = [
        f"{name} {stored.get(name)}, here {version}"
        for name, version in here.items()
        if stored.get(name) != version
    ]
    return Origin(what, OTHER if changed else SAME, "; ".join(changed))


def compare(what: str, stored: object, now: object) -> Origin:
    """Return whether what is stored is what is here now; None: nothing is stored."""
    if stored is None:
        return Origin(what, UNKNOWN, NOT_STORED)
    if stored == now:
        return Origin(what, SAME)
    return Origin(what, OTHER, f"{_short(stored)} stored, {_short(now)} now")


def _short(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {part}" for key, part in value.items())
    return str(value)[:16]
