"""Several runs put together into one folder, from which tables are rendered as from one run."""

import json
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from modc import config as configuration
from modc import paths
from modc.atomic import write_json
from modc.errors import UserError
from modc.grid import cells, last_stage, methods, settings_chain, stages, trained_by
from modc.lock import alone
from modc.report.results import STALE, Result
from modc.runs import configurations, sources
from modc.runs.checked import UNCHANGED, first_few
from modc.runs.folder import put_right, replaced
from modc.runs.rescored import check_scores
from modc.runs.sources import Contradiction, Source, are_equal, beaten, data_of

SCORES = (paths.SCORES, paths.QUERIES)
CURVES = (paths.CURVE, paths.CURVE_IMAGE)
MODELS = (paths.MODEL, paths.LAST, paths.EMBEDDINGS)
# Rendered from the results, so no longer true once there are more of them.
RENDERED = (paths.TABLES, paths.FIGURES, paths.REPORT, paths.RENDERED)
# Each result by its name, with the run that it is taken from.
Chosen = dict[str, tuple[Result, Source]]


class Contradicted(UserError):
    """The runs disagree; contradictions: about what."""

    def __init__(self, message: str, contradictions: list[Contradiction]):
        super().__init__(message)
        self.contradictions = contradictions


@dataclass(frozen=True)
class Merged:
    """What was done: results by the run that they come from, how many are new, what to know."""

    runs: dict[str, int]
    added: int
    possible: int
    is_written: bool
    remarks: list[str]


def merge(
    output: Path,
    runs: list[Path],
    prefer: Path | None = None,
    models: bool = False,
    defaults: tuple[Path, ...] = (),
) -> Merged:
    """Put the results of `runs` into the run folder `output`, beside those that it has already.

    The folder is replaced whole; interrupted, it is as it was. prefer: the run that is right where
    runs disagree; what does not fit its settings or data is then left out. models: copy models and
    test embeddings too. defaults: see `configurations.read`. Raises Contradicted if runs disagree
    about settings, data or scores, and UserError if a folder is no run.
    """
    for run in runs:
        _check_run(run, output)
    _check_output(output)
    target = output.resolve()
    with alone(target.with_name(f".{target.name}"), "merging into this run"):
        put_right(target)
        found = _sources(output, runs, defaults)
        preferred = _preferred(found, prefer)
        _check_agreement(output, found, preferred)
        # The first of the sources that have a result is the one that it is taken from.
        found.sort(key=lambda source: source is not preferred)
        config = configurations.union([source.config for source in found], target.name)
        existing = next((source for source in found if source.folder == target), None)
        chosen, left_out = _choose(found, existing, config, preferred)
        if not chosen:
            raise UserError(f"{runs[0]}: no scores of its grid; expected a run that has some")
        plan = _plan(chosen, found, existing, models)
        is_written = _write(target, existing, config, chosen, plan)
    return Merged(
        dict(Counter(source.name for _, source in chosen.values())),
        sum(source is not existing for _, source in chosen.values()),
        len(methods(config)) * len(cells(config)),
        is_written,
        [*_remarks(chosen, found), *left_out],
    )


def _check_run(run: Path, output: Path) -> None:
    if not run.is_dir():
        raise UserError(f"{run}: no such folder; expected a run's, such as results/paper")
    one, another = run.resolve(), output.resolve()
    if one in another.parents or another in one.parents:
        raise UserError(f"{output} and {run} lie in each other; expected folders side by side")


def _check_output(output: Path) -> None:
    if output.exists() and not (output / paths.MERGED).is_file():
        raise UserError(
            f"{output}: is there and no folder that `modc merge` made; expected a new name"
        )


def _sources(output: Path, runs: list[Path], defaults: tuple[Path, ...]) -> list[Source]:
    """Return what there is in `output`, first, and in each other run."""
    folders = {run.resolve(): str(run) for run in runs}
    target = output.resolve()
    folders.pop(target, None)
    _check_output(output)
    if target.exists():
        folders = {target: str(output), **folders}
    return [sources.read(name, folder, defaults) for folder, name in folders.items()]


def _preferred(found: list[Source], prefer: Path | None) -> Source | None:
    if prefer is None:
        return None
    for source in found:
        if source.folder == prefer.resolve():
            return source
    raise UserError(f"--prefer {prefer}: expected one of {', '.join(s.name for s in found)}")


def _check_agreement(output: Path, found: list[Source], preferred: Source | None) -> None:
    """Raise Contradicted if the runs disagree about what the preferred one says nothing about."""
    open_ones = [
        one
        for one in sources.contradictions(found)
        if preferred is None or preferred.name not in one.runs
    ]
    if open_ones:
        raise Contradicted(
            f"{output}: nothing is written, since the runs disagree (see above); --prefer RUN "
            f"takes one run's side",
            open_ones,
        )


def _choose(
    found: list[Source], existing: Source | None, config: dict, preferred: Source | None
) -> tuple[Chosen, list[str]]:
    """Return each result with the run to take it from, and in words what is left out.

    Of equal results it is one whose queries.csv holds, if any does; then what is there already
    stays, then the first.
    """
    chosen: Chosen = {}
    remarks = []
    for source in found:
        left_out = {reason: list(names) for reason, names in source.left_out.items()}
        for name, result in source.results.items():
            before = chosen.get(name)
            why_not = _unfit(result, source, config, preferred)
            if not why_not and before:
                why_not = beaten((result, source), before)
            if why_not:
                left_out.setdefault(why_not, []).append(name)
                continue
            worse = before and beaten(before, (result, source))
            if worse:
                remarks.append(f"{before[1].name}: left out, {worse}: {name}")
            if not before or worse or source is existing:
                chosen[name] = result, source
        remarks += [
            f"{source.name}: left out, {reason}: {first_few(names)}"
            for reason, names in left_out.items()
        ]
    return chosen, remarks


def _unfit(result: Result, source: Source, config: dict, preferred: Source | None) -> str:
    """Return in what a result differs from the preferred run, "" if in nothing."""
    if preferred is None or source is preferred:
        return ""
    dataset = result.cell.dataset
    data = {data_of(r) for r in preferred.results.values() if r.cell.dataset == dataset}
    if data and data_of(result) not in data:
        return f"other data than {preferred.name}"
    is_scored_alike = source.config["evaluation"] == config["evaluation"]
    if not is_scored_alike or result.scores.get("settings_chain") != _chain(result, config):
        return f"other settings than {preferred.name}"
    return ""


def _chain(result: Result, config: dict) -> list[str]:
    last = last_stage(config, result.cell, result.method)
    return settings_chain(config, result.cell, result.method, last)


def _plan(
    chosen: Chosen, found: list[Source], existing: Source | None, models: bool
) -> dict[str, tuple[Path, Source]]:
    """Return by its place in the merged run each file to have, and where it is taken from.

    What the chosen run lacks of a stage comes from another run that has the same model. Models that
    are there already stay.
    """
    plan: dict[str, tuple[Path, Source]] = {}
    for name, (result, source) in chosen.items():
        cell, method = result.cell, result.method
        chain = stages(source.config, cell, method)
        same = [s for s in found if s is not source and _is_same_model(s.results.get(name), result)]
        wanted = [(paths.method_folder(cell, method) / file, [source]) for file in SCORES]
        for stage in (stage["stage"] for stage in result.stages):
            # One that the configuration does not have is none that methods share.
            owner = trained_by(source.config, cell, method, stage) if stage in chain else method
            folder = paths.stage_folder(cell, owner, stage)
            wanted += [(folder / file, [source, *same]) for file in CURVES]
            having = [s for s in (source, *same) if models or s is existing]
            wanted += [(folder / file, having) for file in MODELS]
        for place, having in wanted:
            found_in = ((one.folder / place, one) for one in having)
            path = next((pair for pair in found_in if pair[0].is_file()), None)
            if path:
                plan.setdefault(str(place), path)
    return plan


def _is_same_model(other: Result | None, result: Result) -> bool:
    keys = ("key", "epoch")
    return (
        other is not None
        and are_equal(other, result)
        and all(other.scores.get(key) == result.scores.get(key) for key in keys)
    )


def _write(
    target: Path,
    existing: Source | None,
    config: dict,
    chosen: Chosen,
    plan: dict[str, tuple[Path, Source]],
) -> bool:
    """Put the merged run into place; return False if it is there already, as it should be."""
    origins = {name: source.name for name, (_, source) in chosen.items()}
    is_same = False
    if existing:
        before = _origins(target)
        own = {name for name, (_, source) in chosen.items() if source is existing}
        origins |= {name: before.get(name, "unknown") for name in own}
        is_same = config == existing.config and own == existing.results.keys() == chosen.keys()
        if is_same and all(source is existing for _, source in plan.values()):
            return False
    with replaced(target) as folder:
        if existing:
            _carry_over(target, folder, () if is_same else RENDERED)
        for place, (path, _) in plan.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / place)
        write_json(folder / paths.MERGED, {"results": dict(sorted(origins.items()))})
        configuration.write(folder / paths.CONFIG, config)
    return True


def _carry_over(target: Path, folder: Path, outdated: tuple[str, ...]) -> None:
    """Copy what else is in the merged run, such as notes, but for what is outdated."""

    def ignore(parent: str, names: list[str]) -> set[str]:
        return {*outdated, paths.CELLS} & set(names) if Path(parent) == target else set()

    shutil.copytree(target, folder, ignore=ignore, dirs_exist_ok=True)


def _origins(target: Path) -> dict[str, str]:
    path = target / paths.MERGED
    try:
        origins = json.loads(path.read_bytes())["results"]
        return {str(name): str(run) for name, run in origins.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{path}: damaged; expected what `modc merge` wrote") from None


def _remarks(chosen: Chosen, found: list[Source]) -> list[str]:
    said = sources.warnings(chosen)
    stale = [n for n, (result, _) in chosen.items() if result.not_comparable == STALE]
    if stale:
        said.append(f"{STALE}: {first_few(stale)}")
    for result, source in chosen.values():
        check = check_scores(source.config, result)
        if check and check.state != UNCHANGED:
            why = f"{check.state}: {first_few(check.details)}"
            said.append(f"{source.name}: {check.name} does not hold, {why}")
    for source in found[1:]:
        keys = configurations.free_differences(found[0].config, source.config)
        if keys:
            said.append(f"{', '.join(keys)}: as in {found[0].name}, other in {source.name}")
    for source in found:
        if (source.folder / paths.ABLATION).is_dir():
            said.append(f"{source.name}: its ablation is not copied")
    return said
