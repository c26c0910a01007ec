"""The runs that are put together: what each has, and where they contradict each other."""

import json
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from modc import paths
from modc.grid import method_of
from modc.report.results import NOT_RUN, Result, collect
from modc.runs import configurations, queries
from modc.runs.checked import first_few
from modc.runs.differences import Difference
from modc.runs.rescored import differences_of, facts, name_of, outside_grid

# By which packages numbers of two machines may differ.
PACKAGES = ("torch", "torchvision", "numpy")


@dataclass(frozen=True)
class Source:
    """One run: the name that the user gave it, its folder, configuration, results with scores.

    left_out: the names of what it has and nobody can use, by the reason.
    """

    name: str
    folder: Path
    config: dict
    results: dict[str, Result]
    left_out: dict[str, list[str]]


@dataclass(frozen=True)
class Contradiction:
    """What runs disagree about: a line, the lines that explain it, and the runs' names."""

    line: str
    details: tuple[str, ...]
    runs: tuple[str, ...]


def read(name: str, folder: Path, defaults: tuple[Path, ...] = ()) -> Source:
    """Return the run in `folder`. Raises UserError if its configuration cannot be read."""
    config = configurations.read(folder, defaults)
    found = collect(folder, config)
    outside = outside_grid(folder, config)
    left_out = {"not in its grid": outside} if outside else {}
    for result in found:
        if result.scores is None and result.status != NOT_RUN:
            left_out.setdefault(result.status, []).append(name_of(result))
    results = {name_of(result): result for result in found if result.scores is not None}
    return Source(name, folder, config, results, left_out)


def contradictions(sources: list[Source]) -> list[Contradiction]:
    """Return all that the runs disagree about: settings, data, and scores of the same result."""
    pairs = list(combinations(sources, 2))
    return [
        *(found for pair in pairs for found in _of_settings(*pair)),
        *_of_data(sources),
        *(found for pair in pairs for found in _of_results(*pair)),
    ]


def data_of(result: Result) -> tuple[str, str]:
    """Return the hashes that name the data of a result: of its manifest and of its index."""
    return result.scores["manifest_sha256"], str(result.scores.get("index_sha256", ""))


def are_equal(first: Result, second: Result) -> bool:
    """Return whether two results are of the same settings and have the same numbers."""
    same = first.scores.get("settings_chain") == second.scores.get("settings_chain")
    return same and not differences_of(first.scores, second.scores)


def beaten(one: tuple[Result, Source], by: tuple[Result, Source]) -> str:
    """Return why a result is not taken where another run has it too, "" if both will do."""
    (result, source), (other, other_source) = one, by
    taken = f"those of {other_source.name} are taken"
    if not are_equal(other, result):
        return taken
    own, others = (result, source.config), (other, other_source.config)
    if queries.are_same(own, others) or not queries.hold(others):
        return ""
    if not queries.hold(own):
        return f"{paths.QUERIES} does not hold, {taken}"
    return taken if queries.conflict(own, others) else ""


def provenance_of(result: Result) -> str:
    """Return what made a result, in words."""
    scores = result.scores
    made = facts(scores, "provenance")
    seconds = sum(stage["seconds"] for stage in result.stages)
    epochs = "+".join(str(stage["epochs"]) for stage in result.stages)
    manifest, _ = data_of(result)
    return (
        f"code {made.get('code', 'unknown')}, {made.get('device', 'unknown device')}, "
        f"torch {made.get('torch', 'unknown')}, manifest {manifest[:12] or 'none'}, "
        f"{epochs} epochs, {seconds:.0f} s"
    )


def warnings(chosen: dict[str, tuple[Result, Source]]) -> list[str]:
    """Return what a reader should know of results put together: code, packages, MODC's baseline.

    chosen: each result by its name, with the run that it comes from.
    """
    said = []
    for what, key in (("training code", "code"), *((name, name) for name in PACKAGES)):
        counted: dict[tuple, dict[str, Counter]] = {}
        for result, source in chosen.values():
            value = str(facts(result.scores, "provenance").get(key, "unknown"))
            # Each network and method has code of its own.
            group = (result.cell.network, result.method) if key == "code" else ()
            counted.setdefault(group, {}).setdefault(value, Counter())[source.name] += 1
        for group, values in counted.items():
            if len(values) > 1:
                of = f" of {' '.join(group)}" if group else ""
                parts = [f"{value} ({_counts(runs)})" for value, runs in values.items()]
                said.append(f"{what}{of} differs: {', '.join(parts)}")
    apart = [name for name in chosen if not _follows(name, chosen)]
    if apart:
        said.append(f"MODC did not start from this baseline: {first_few(apart)}")
    return said


def _of_settings(first: Source, second: Source) -> list[Contradiction]:
    runs = first.name, second.name
    return [
        Contradiction(f"configuration, {_told(difference, runs)}", (), runs)
        for difference in configurations.contradictions(first.config, second.config)
    ]


def _of_data(sources: list[Source]) -> list[Contradiction]:
    """Return a contradiction each dataset whose results are not all of the same data."""
    seen: dict[str, dict[tuple, Counter]] = {}
    for source in sources:
        for result in source.results.values():
            of_dataset = seen.setdefault(result.cell.dataset, {})
            of_dataset.setdefault(data_of(result), Counter())[source.name] += 1
    found = []
    for dataset, states in seen.items():
        if len(states) > 1:
            what = "manifest" if len({manifest for manifest, _ in states}) > 1 else "index"
            parts = [
                f"{pair[what == 'index'][:12] or 'none'} ({_counts(runs)})"
                for pair, runs in states.items()
            ]
            runs = tuple(dict.fromkeys(name for counts in states.values() for name in counts))
            found.append(Contradiction(f"{what} of {dataset}: {', '.join(parts)}", (), runs))
    return found


def _of_results(first: Source, second: Source) -> list[Contradiction]:
    runs, found = (first.name, second.name), []
    for name in first.results.keys() & second.results.keys():
        one, another = first.results[name], second.results[name]
        if are_equal(one, another):
            difference = queries.conflict((one, first.config), (another, second.config))
            if difference is None:
                continue
            what = f"{paths.QUERIES}, {_told(difference, runs)}"
        else:
            differences = differences_of(one.scores, another.scores)
            what = _told(differences[0], runs) if differences else "trained with other settings"
        line = f"{name}: {what}"
        made = [f"{run}: {provenance_of(r)}" for run, r in zip(runs, (one, another), strict=True)]
        found.append(Contradiction(line, tuple(made), runs))
    return sorted(found, key=lambda contradiction: contradiction.line)


def _follows(name: str, chosen: dict[str, tuple[Result, Source]]) -> bool:
    """Return whether a result's first stages are those of the method that it starts from (A1)."""
    result, source = chosen[name]
    start = method_of(source.config, result.method).starts_from(result.cell)
    pair = chosen.get(paths.method_name(result.cell, start)) if start else None
    if pair is None:
        return True
    before = pair[0].stages
    return json.dumps(before) == json.dumps(result.stages[: len(before)])


def _told(difference: Difference, runs: tuple[str, str]) -> str:
    return difference.told(*(f"in {run}" for run in runs))


def _counts(runs: Counter) -> str:
    return ", ".join(f"{name}: {count}" for name, count in runs.items())
