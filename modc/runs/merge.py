"""Several runs merged into one folder, which renders like a single run."""

import json
import shutil
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from modc import config as configuration
from modc import paths
from modc.atomic import write_json
from modc.errors import UserError
from modc.grid import chain
from modc.lock import alone
from modc.report.results import NOT_RUN, Result, collect
from modc.runs.compare import first_few
from modc.runs.folder import put_right, replaced
from modc.runs.rescore import UNCHANGED, check_scores, differences, facts, name_of
from modc.runs.union import contradictions, union
from modc.runs.verify import own_config

CURVES = (paths.CURVE, paths.CURVE_IMAGE)
MODELS = (paths.MODEL, paths.LAST, paths.EMBEDDINGS)
# Files of an earlier merge that are replaced, or rendered from what is replaced.
OUTDATED = (paths.CELLS, paths.TABLES, paths.FIGURES, paths.REPORT, paths.RENDERED, paths.FRAME)
# Keys of the scores that identify their data.
DATA = ("manifest_sha256", "index_sha256")
# Differences in these may make the numbers of two runs differ.
MAKERS = ("code", "torch", "torchvision", "numpy")


@dataclass(frozen=True)
class Source:
    """A run: its name as typed, its folder, configuration and results."""

    name: str
    folder: Path
    config: dict
    results: dict[str, Result]


@dataclass(frozen=True)
class Merged:
    """origins: the run that each result comes from; notes: remarks on them for the reader."""

    origins: dict[str, str]
    notes: list[str]


class Contradicted(UserError):
    """The runs disagree; lines: one per conflict."""

    def __init__(self, message: str, lines: list[str]):
        super().__init__(message)
        self.lines = lines


def merge(
    output: Path, runs: list[Path], prefer: Path | None = None, models: bool = False
) -> Merged:
    """Merge `runs` into the run folder `output`, which may come from an earlier merge.

    The folder is replaced whole or not at all. prefer: the run whose scores win if runs differ.
    models: copy models and test embeddings too. Raises Contradicted if the runs disagree about
    settings, data or scores, UserError if a folder is not a run or has damaged scores.
    """
    for run in runs:
        if not run.is_dir():
            raise UserError(f"{run}: no such folder; expected a run, such as results/paper")
        one, another = run.resolve(), output.resolve()
        if one in another.parents or another in one.parents:
            raise UserError(
                f"{output} and {run}: one is inside the other; expected separate folders"
            )
    target = output.resolve()
    if target.exists() and not (target / paths.MERGED).is_file():
        raise UserError(f"{output}: exists, but not made by `modc merge`; choose a new name")
    # Before the lock, whose file stays: what is refused leaves nothing behind.
    read = {source.folder: source for source in _sources(output, runs, prefer, {}, target)}
    if not target.exists():
        _taken(output, list(read.values()), prefer)
    with alone(paths.lock(target).with_suffix(""), "merging into this run"):
        put_right(target)
        sources = _sources(output, runs, prefer, read)
        config = union([source.config for source in sources], target.name)
        taken = _taken(output, sources, prefer)
        files = _files(target, taken, models)
        before = _origins(target) if target.exists() else {}
        origins = {
            name: before.get(name, first.name) if first.folder == target else first.name
            for name, (first, *_) in taken.items()
        }
        is_there = origins == before and all(path.is_relative_to(target) for path in files.values())
        if not is_there or config not in [own.config for own in sources if own.folder == target]:
            _write(target, config, origins, files)
    return Merged(origins, _mixtures(taken))


def _sources(
    output: Path,
    runs: list[Path],
    prefer: Path | None,
    read: dict[Path, Source],
    without: Path | None = None,
) -> list[Source]:
    """Return the preferred run, the one in `output` if any, and the other runs, in this order.

    read: those that were read before, by folder; without: the folder of one that is left out.
    """
    named = {path.resolve(): str(path) for path in (output, *runs) if path.exists()}
    first = prefer and prefer.resolve()
    if first and first not in named:
        raise UserError(f"--prefer {prefer}: expected one of {', '.join(named.values())}")
    return [
        read.get(folder) or _read(named[folder], folder)
        for folder in sorted(named, key=lambda own: own != first)
        if folder != without
    ]


def _read(name: str, folder: Path) -> Source:
    config = own_config(folder, "bring it up to date")
    found = [result for result in collect(folder, config) if result.status != NOT_RUN]
    for result in found:
        check = check_scores(result, config)
        if check.state != UNCHANGED:
            why = first_few(check.details)
            raise UserError(f"{result.folder}: {check.state}: {why}; restore it or remove it")
    if not found:
        raise UserError(f"{name}: no scores of its grid; expected a run with scores")
    return Source(name, folder, config, {name_of(result): result for result in found})


def _taken(output: Path, sources: list[Source], prefer: Path | None) -> dict[str, list[Source]]:
    """Return, by result name, the runs that have the result, all with the same scores.

    Raises Contradicted if the runs disagree.
    """
    lines = [
        f"configuration, {found.between(f'in {one.name}', f'in {other.name}')}"
        for one, other in combinations(sources, 2)
        for found in contradictions(one.config, other.config)
    ]
    taken: dict[str, list[Source]] = {}
    data: dict[tuple[str, str], dict[str, str]] = {}
    for source in sources:
        for name, result in source.results.items():
            for key in DATA:
                hashes = data.setdefault((result.cell.dataset, key), {})
                hashes.setdefault(str(result.scores.get(key))[:12], source.name)
            first = taken.setdefault(name, [source])[0]
            why = _disagreement(first.results[name], result, first.name, source.name)
            if not why:
                taken[name] += [source] if source is not first else []
            elif prefer is None or first is not sources[0]:
                lines.append(f"{name}: {why}")
    lines += [
        f"{key} of {dataset}: {', '.join(f'{own} in {name}' for own, name in hashes.items())}"
        for (dataset, key), hashes in data.items()
        if len(hashes) > 1
    ]
    if lines:
        raise Contradicted(
            f"{output}: nothing written, since the runs disagree (see above); if only scores "
            f"differ, --prefer RUN takes those of that run",
            lines,
        )
    return taken


def _disagreement(one: Result, other: Result, first: str, second: str) -> str:
    found = differences(one.scores, other.scores)
    if found:
        return found[0].between(f"in {first}", f"in {second}")
    same = one.scores.get("settings_chain") == other.scores.get("settings_chain")
    return "" if same else f"trained with different settings in {first} and {second}"


def _files(target: Path, taken: dict[str, list[Source]], models: bool) -> dict[Path, Path]:
    """Return the files to copy, by place in the merged run.

    Files that the first run lacks come from another one with the same scores. Models already in
    the merged run are kept.
    """
    found: dict[Path, Path] = {}
    for name, having in taken.items():
        for source in having:
            cell, method = source.results[name].cell, source.results[name].method
            of_stages = CURVES + (MODELS if models or source.folder == target else ())
            places = [paths.scores(cell, method), paths.queries(cell, method)]
            for owner, stage in chain(source.config, cell, method):
                # Only from runs whose training of the method that owns the stage is the same.
                if source in taken.get(paths.method_name(cell, owner), [source]):
                    places += [paths.stage_folder(cell, owner, stage) / file for file in of_stages]
            for place in places:
                if (source.folder / place).is_file():
                    found.setdefault(place, source.folder / place)
    return found


def _write(target: Path, config: dict, origins: dict[str, str], files: dict[Path, Path]) -> None:
    with replaced(target) as folder:
        if target.exists():  # keep what others put there, such as notes
            shutil.copytree(
                target,
                folder,
                ignore=lambda place, _: OUTDATED if Path(place) == target else (),
                dirs_exist_ok=True,
            )
        for place, path in files.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / place)
        write_json(folder / paths.MERGED, {"results": dict(sorted(origins.items()))})
        configuration.write(folder / paths.CONFIG, config)


def _origins(target: Path) -> dict[str, str]:
    path = target / paths.MERGED
    try:
        origins = json.loads(path.read_bytes())["results"]
        return {str(name): str(run) for name, run in origins.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{path}: damaged; expected the file that `modc merge` wrote") from None


def _mixtures(taken: dict[str, list[Source]]) -> list[str]:
    """Return in words where results come from different code or packages."""
    found: dict[str, dict[str, str]] = {}
    for name, (source, *_) in taken.items():
        result = source.results[name]
        # Each network and method has its own code.
        kinds = {"code": f"code of {result.cell.network} {result.method}"}
        for maker in MAKERS:
            made_by = str(facts(result, "provenance").get(maker))
            found.setdefault(kinds.get(maker, maker), {}).setdefault(made_by, source.name)
    return [
        f"{maker} differs: {', '.join(f'{own} in {name}' for own, name in made_by.items())}"
        for maker, made_by in found.items()
        if len(made_by) > 1
    ]
