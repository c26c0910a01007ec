"""The answer first: what the run covers and how much of the paper holds, in plain sentences."""

import pandas as pd

from modc.cell import Cell
from modc.grid import further_seeds, method_of, methods, stage_spec, stages
from modc.papers.paper import Course, courses
from modc.readable import counted
from modc.report.files import other_datasets
from modc.report.html import VERDICT_MARKS
from modc.report.verdicts import (
    ABOVE,
    BELOW,
    CONSISTENT,
    MISSING,
    NOT_COMPARABLE,
    ONE_TRAINING,
    OUTSIDE,
    REPRODUCED,
    UNDECIDED,
)

MEANINGS = {
    CONSISTENT: "no difference found, in an interval narrow enough to show one",
    REPRODUCED: "the public weights give the published number",
    BELOW: "ours is lower",
    ABOVE: "ours is higher",
    UNDECIDED: "our interval is too wide to tell, or unknown",
    ONE_TRAINING: "the spread between trainings is unknown",
    NOT_COMPARABLE: "other data or settings than the paper's",
    MISSING: "this run has no number",
    OUTSIDE: "this run does not include it",
}
COMPARED = (CONSISTENT, REPRODUCED, BELOW, ABOVE)


def verdict_counts(frames: dict[int, pd.DataFrame]) -> list[dict]:
    """Return one entry per verdict: mark, meaning, total count, share of all, count by table.

    OUTSIDE is left out if nothing is outside the grid.
    """
    verdicts = {number: frame["verdict"].value_counts() for number, frame in frames.items()}
    total = sum(int((frame["verdict"] != "").sum()) for frame in frames.values())
    counts = []
    for verdict, mark in VERDICT_MARKS.items():
        by_table = {number: int(own.get(verdict, 0)) for number, own in verdicts.items()}
        count = sum(by_table.values())
        if verdict == OUTSIDE and not count:
            continue
        counts.append(
            {
                "verdict": verdict,
                "mark": mark,
                "meaning": MEANINGS[verdict],
                "count": count,
                "share": count / total if total else 0.0,
                "by_table": by_table,
            }
        )
    return counts


def scope(config: dict) -> str:
    """Return what the run's grid covers, in a sentence."""
    grid = config["grid"]
    datasets = [
        f"{name} with {_listed([str(p) for p in sorted(grid['labeled_percent'][name])])} % of the "
        f"labels"
        for name in grid["datasets"]
    ]
    titles = {name: method_of(config, name).title for name in methods(config)}
    ways = [f"under {title}" if title else f"as {name}" for name, title in titles.items()]
    seeds = [str(seed) for seed in grid["seeds"]]
    further = ", with further seeds for single cells" if further_seeds(config) else ""
    return (
        f"This run covers {_listed(datasets)}; {_listed(grid['networks'])}, each "
        f"{_listed(ways)}; seed{'s' if len(seeds) > 1 else ''} {_listed(seeds)}{further}."
    )


def question(config: dict, is_of_the_paper: bool) -> str:
    """Return the question of the page; is_of_the_paper: the grid has numbers of the paper."""
    if is_of_the_paper:
        return "Does the paper hold?"
    if others := other_datasets(config):
        return f"Do the paper's claims hold on {_listed(others)}?"
    return f"How do {_listed(config['grid']['networks'])} compare with the paper's networks?"


def sentence(frames: dict[int, pd.DataFrame]) -> str:
    """Return the result for the paper's numbers in a sentence or two; "" if the grid has none.

    Numbers outside the run's grid are not counted as missing.
    """
    counts = dict.fromkeys(VERDICT_MARKS, 0)
    counts |= {entry["verdict"]: entry["count"] for entry in verdict_counts(frames)}
    total = sum(counts.values())
    asked = total - counts[OUTSIDE]
    compared = sum(counts[verdict] for verdict in COMPARED)
    missing, apart = counts[MISSING], counts[NOT_COMPARABLE]
    if not asked:
        return ""
    if missing == asked:
        return "This run says nothing about the paper yet: it has no numbers."
    which = f"the paper's {total} numbers"
    if asked < total:
        which = f"the {asked} of the paper's {total} numbers that are in this run's grid"
    if missing + apart == asked:
        lead = f"This run says nothing about the paper: {'; '.join(reasons(frames))}."
        return lead + (f" {missing} of {which} are missing." if missing else "")
    text = (
        f"Of {which}, {compared} could be decided: {counts[CONSISTENT]} are consistent, "
        f"{counts[BELOW]} are lower than published and {counts[ABOVE]} higher."
    )
    if counts[REPRODUCED]:
        text = text.replace(
            " are consistent,", f" are consistent, {counts[REPRODUCED]} reproduced,"
        )
    rest = {
        UNDECIDED: "remain undecided",
        ONE_TRAINING: "rest on one training with unknown spread",
        NOT_COMPARABLE: "are not comparable",
        MISSING: "are missing",
    }
    others = [f"{counts[verdict]} {words}" for verdict, words in rest.items() if counts[verdict]]
    return f"{text} {_listed(others)}." if others else text


def claims_sentence(held: dict, claims: int, where: str) -> str:
    """Return how many of the claims hold; held: as returned by `modc.report.page.claims.held`.

    where: such as "On our numbers".
    """
    if not held["judged"]:
        text = f"{where}, none of the paper's {claims} claims can be judged."
        if held["by_sign"]:
            text += (
                f" By the sign of single trainings alone, nothing contradicts "
                f"{held['unopposed']} of {held['by_sign']}."
            )
        return text
    said = [
        f"{count} {one if count == 1 else more}"
        for count, one, more in (
            (held["partly"], "holds partly", "hold partly"),
            (held["fail"], "fails", "fail"),
            (claims - held["judged"], "cannot be judged", "cannot be judged"),
        )
        if count
    ]
    first = f"{held['hold']} of the paper's {claims} claims hold{'s' if held['hold'] == 1 else ''}"
    text = f"{where}, {_listed([first, *said])}."
    if held["narrowed"]:
        was = "was" if held["narrowed"] == 1 else "were"
        text += (
            f" Of those that hold, {held['narrowed']} {was} checked on some of the cells only: the "
            f"rest are {' or '.join(held['rest'])}."
        )
    return text


def reasons(frames: dict[int, pd.DataFrame]) -> list[str]:
    """Return why numbers are not comparable, each reason once."""
    said = dict.fromkeys(
        reason.removeprefix(f"{NOT_COMPARABLE}: ")
        for frame in frames.values()
        for status in frame.loc[frame["verdict"] == NOT_COMPARABLE, "status"]
        for reason in status.split("; ")
        if reason.startswith(NOT_COMPARABLE)
    )
    return list(said)


def yardsticks(config: dict) -> list[str]:
    """Return how far published trainings had come after as many epochs as this run's baselines.

    A sentence for each course of a dataset of the grid; none if the run is comparable
    (`report.not_comparable`).
    """
    if not config["report"].get("not_comparable"):
        return []
    found = [
        _yardstick(course, _longest_stages(config, dataset))
        for dataset in config["grid"]["datasets"]
        for course in courses(config, dataset)
    ]
    return list(filter(None, found))


def _longest_stages(config: dict, dataset: str) -> dict[int, list[str]]:
    """Return the networks by the epochs of their baseline's longest stage, the shortest first."""
    grid, found = config["grid"], {}
    baselines = [name for name in methods(config) if not method_of(config, name).compared_with]
    for network in grid["networks"]:
        cell = Cell(dataset, network, max(grid["labeled_percent"][dataset]), grid["seeds"][0])
        epochs = [
            stage_spec(config, cell, method, stage).epochs
            for method in baselines
            for stage in stages(config, cell, method)
        ]
        found.setdefault(max(epochs, default=0), []).append(network)
    return {epochs: found[epochs] for epochs in sorted(found) if epochs}


def _yardstick(course: Course, longest: dict[int, list[str]]) -> str:
    """Return a course at the last point within each number of epochs; "" if it has none there."""
    last, best = max(course.points, key=lambda point: point[1])
    shares: dict[int, float] = {}
    for epochs in longest:
        before = [point for point in course.points if point[0] <= epochs]
        if before:
            shares[before[-1][0]] = 100 * max(value for _, value in before) / best
    if not shares:
        return ""
    (first, share), *more = shares.items()
    said = [f"{share:.0f} % of its best value (epoch {last}) after {counted(first, 'epoch')}"]
    said += [f"{share:.0f} % after {epoch}" for epoch, share in more]
    reached = ", and ".join([", ".join(said[:-1]), said[-1]]) if more else said[0]
    (least, networks), *longer = longest.items()
    own = [f"{counted(least, 'epoch')} for {_listed(networks)}"]
    own += [f"{epochs} for {_listed(networks)}" for epochs, networks in longer]
    return (
        f"As a yardstick: in a public log of a comparable network on {course.dataset}, validation "
        f"MAP@all reached {reached}. Here the longest baseline stage has "
        f"{', and '.join(own)}."
    )


def _listed(texts: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))
