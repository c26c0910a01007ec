"""Verification of a run: scores recomputed, files rendered again, origins compared."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from modc import ablation, paths, provenance
from modc.config import load
from modc.data import index, manifest
from modc.errors import UserError
from modc.grid import methods, network_class, settings_chain, stages
from modc.readable import counted
from modc.report.rendered import code
from modc.report.results import Result, collect, result_of
from modc.runs import compare
from modc.runs.checksums import check_sums
from modc.runs.compare import first_few
from modc.runs.rerender import AS_WRITTEN, check_rendered, notes, unchecked
from modc.runs.rescore import CHANGED, MISSING, Check, check_scores, facts, outside_grid

SAME, OTHER, UNKNOWN = "same", "other", "unknown"


@dataclass(frozen=True)
class Verified:
    """files, scores: one check each; origins: whether they were made with what is installed here.

    Origins are SAME, OTHER or UNKNOWN. unchecked: files in the folder that cannot be checked.
    """

    files: list[Check]
    scores: list[Check]
    origins: list[Check]
    unchecked: list[str]

    @property
    def broken(self) -> list[Check]:
        """Scores and files that have changed or are missing."""
        return [one for one in (*self.scores, *self.files) if one.state in (CHANGED, MISSING)]

    @property
    def remarks(self) -> list[str]:
        """What fails only a strict check: other or unknown origins, and unchecked files."""
        origins = [f"{one.name} {one.state}" for one in self.origins if one.state != SAME]
        rest = [f"{first_few(self.unchecked, ', ')} not checked"] if self.unchecked else []
        return list(dict.fromkeys(origins)) + rest

    def as_json(self) -> dict:
        """Return the result as plain values."""
        broken = [one.name for one in self.broken]
        return {"holds": not broken, "broken": broken, "remarks": self.remarks, **asdict(self)}


def verify(run: Path, config: dict) -> Verified:
    """Check the run in the folder `run` under `config`; the run is only read.

    Of an unpacked export, each file is also checked against its checksum. Raises UserError if there
    are neither scores nor tables, or the checksums are damaged.
    """
    scores: list[Check] = []
    made: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    data = {dataset: _data(config, dataset) for dataset in config["datasets"]}
    packages = {key: own for key, own in provenance.software().items() if key != "machine"}
    for prefix, own, result in _results(run, config):
        check = check_scores(result, own)
        if check is None:
            continue
        scores.append(Check(prefix + check.name, check.state, check.details))
        for origin in _origins(result, own, data, packages) if result.scores else ():
            made.setdefault((origin.name, origin.state), []).append(origin.details)
    if not scores and not (run / paths.TABLES).is_dir():
        raise UserError(
            f"{run}: neither tables nor scores of the configuration's grid; expected a run's "
            f"folder, such as results/paper"
        )
    files = check_rendered(run, config)
    origins = [
        _origin(f"code of {command}", note.code if note else None, code(command))
        for command, note in notes(run).items()
    ]
    for (name, state), details in made.items():
        distinct = dict.fromkeys(one for own in details for one in own)
        origins.append(Check(name, state, (counted(len(details), "result"), *distinct)))
    outside = [f"{name} outside the grid" for name in outside_grid(run, config)]
    sums = check_sums(run)
    files = _with_sums(files, sums)
    summed = {one.name for one in sums}
    rest = [
        name
        for name in unchecked(run, files)
        if not (name.endswith("/") and any(one.startswith(name) for one in summed))
    ]
    return Verified(files, scores, origins, rest + outside)


def _with_sums(files: list[Check], sums: list[Check]) -> list[Check]:
    """Return the checks of files and of checksums, each file once: the one that is not in order."""
    found = {one.name: one for one in files}
    for one in sums:
        if one.name not in found or found[one.name].state not in (CHANGED, MISSING):
            is_known = one.name in found and one.state == AS_WRITTEN
            found[one.name] = found[one.name] if is_known else one
    return list(found.values())


def own_config(run: Path, advice: str = "pass --config FILE") -> dict:
    """Return the configuration in a run's folder; advice: of the UserError if it is wrong."""
    try:
        return load([run / paths.CONFIG])
    except UserError as error:
        raise UserError(f"{error}; if another version wrote it, {advice}") from None


def text(run: Path, verified: Verified) -> str:
    """Return a line per cause, one for what follows from it, origins that differ, the verdict.

    Files that are rendered from the scores differ where these do, or results.csv does; else each
    has its own line.
    """
    broken = verified.broken
    causes = [one for one in broken if not one.is_rendered_again]
    causes = causes or [one for one in broken if one.name == paths.FRAME]
    follow = [one for one in broken if one not in causes]
    shown = [*causes, *([] if causes else follow), *verified.origins]
    lines = [
        f"{one.state} {one.name}: {first_few(one.details)}" for one in shown if one.state != SAME
    ]
    if causes and follow:
        lines.insert(
            len(causes), f"and {counted(len(follow), 'file')} rendered from the same scores"
        )
    by_hash = sum(one.state == AS_WRITTEN for one in verified.files)
    again = len(verified.files) - by_hash
    checked = (
        f"{counted(len(verified.scores), 'result')} recomputed, {counted(again, 'file')} rendered "
        f"again"
    )
    verdict = f"{len(broken)} changed or missing" if broken else "all hold"
    closing = f"{run}: {checked}, {by_hash} compared by SHA-256: {verdict}"
    return "\n".join([*lines, "; ".join([closing, *verified.remarks])])


def _results(run: Path, config: dict) -> list[tuple[str, dict, Result]]:
    """Return each result of the run and its ablation: folder prefix, configuration, result."""
    found = [("", config, result) for result in collect(run, config)]
    for variant in ablation.variants(config) if (run / paths.ABLATION).is_dir() else ():
        folder = paths.variant_folder(variant.name)
        found += [
            (f"{folder}/", variant.config, result_of(run / folder, variant.config, cell, method))
            for cell in ablation.ablation_cells(config)
            for method in methods(config)
        ]
    return found


def _origins(
    result: Result, config: dict, data: dict[str, dict], packages: dict[str, str]
) -> list[Check]:
    """Return whether settings, code, data and packages behind a result are those here."""
    cell, method, scores = result.cell, result.method, result.scores
    trained, scored = facts(result, "provenance"), facts(result, "scoring")
    names = stages(config, cell, method)
    chain = settings_chain(config, cell, method, names[-1])
    classes = network_class(config, cell.network), config["methods"][method]["class"]
    evaluation, who = config["evaluation"], f"{cell.network} {method}"
    compared = {
        "settings of training": (scores.get("settings_chain"), chain),
        "settings of scoring": (_part(scored, evaluation), evaluation),
        "code of training": (
            _named(trained.get("code"), who),
            _named(provenance.training_code(*classes), who),
        ),
        "code of scoring": (scored.get("code"), provenance.code_of("modc.evaluation.scores")),
        "packages of training": (_part(trained, packages), packages),
        "packages of scoring": (_part(scored, packages), packages),
    }
    for kind, here in data[cell.dataset].items():
        if (stored := scores.get(f"{kind}_sha256")) != "":  # a dataset without one has ""
            compared[f"{kind} of {cell.dataset}"] = stored, here
    return [_origin(what, *pair) for what, pair in compared.items()]


def _named(value: object, who: str) -> dict | None:
    """Return a value with whose it is, None without one."""
    return None if value is None else {who: value}


def _part(stored: dict, keys: dict) -> dict | None:
    return {key: stored[key] for key in keys if key in stored} or None


def _origin(what: str, stored: object, here: object) -> Check:
    if stored is None or here is None:
        return Check(what, UNKNOWN, ("not stored" if stored is None else "not here",))
    details = tuple(one.between("stored", "here") for one in compare.values(stored, here))
    return Check(what, OTHER if details else SAME, details)


def _data(config: dict, dataset: str) -> dict[str, str | None]:
    """Return the SHA-256 of manifest and index here, None if absent, the error if damaged."""
    folder = paths.dataset_folder(config, dataset)
    prepared = paths.index_folder(folder)

    def sha256(read: Callable, place: Path, file: str) -> str | None:
        try:
            return read(place).sha256 if (place / file).is_file() else None
        except UserError as error:
            return str(error)

    return {
        "manifest": sha256(manifest.read, folder, manifest.FACTS),
        "index": sha256(index.read, prepared, paths.INDEX),
    }
