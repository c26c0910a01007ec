"""Whether a number is comparable to the paper's: how much of its data was obtained."""

import pandas as pd

from modc.report.results import Result

# What a number rests on, and the columns of the tables that count it.
ROLES = {"train": "training images", "query": "queries", "candidate": "candidates"}
COUNTS = {
    role: tuple(f"{words.replace(' ', '_')}_{what}" for what in ("listed", "obtained"))
    for role, words in ROLES.items()
}
COVERAGE_COLUMNS = [*(name for names in COUNTS.values() for name in names), "manifest_sha256"]


def why_not_comparable(result: Result, attribute: str, config: dict) -> str:
    """Return why a number of `attribute` (or "overall") is not comparable to the paper, or ""."""
    threshold = threshold_of(config, result.cell.dataset)
    if result.not_comparable or smallest_share(result.coverage(attribute)) >= threshold:
        return result.not_comparable
    return f"coverage below {100 * threshold:g} %"


def threshold_of(config: dict, dataset: str) -> float:
    """Return the share of the listed images from which a number of the dataset is comparable."""
    return config["datasets"][dataset]["comparable_coverage"]


def smallest_share(coverage: dict[str, list[int]]) -> float:
    """Return the smallest share obtained, 0..1; coverage: [listed, obtained] by role."""
    return min(obtained / listed for listed, obtained in coverage.values())


def percent(obtained: int, listed: int) -> str:
    """Return the share in percent with one decimal, rounded down: only all of them is 100.0."""
    return f"{1000 * obtained // listed / 10:.1f} %" if listed else "–"


def coverage_notes(frame: pd.DataFrame, config: dict, mark: str) -> list[str]:
    """Return a table's notes on the coverage of its dataset, none if it is complete.

    frame: a table in long form. One note per manifest behind its numbers; if there are several,
    each note names its cells.
    """
    filled = frame.dropna(subset=COVERAGE_COLUMNS)
    if filled.empty:
        return []
    dataset = filled["dataset"].iloc[0]
    settings = config["datasets"][dataset]
    counts = filled[COVERAGE_COLUMNS[:-1]].to_numpy(int)
    is_whole = (counts[:, ::2] == counts[:, 1::2]).all()
    if is_whole and settings["missing_images"] == "error":
        return []
    notes = []
    states = list(filled.groupby(["manifest_sha256"], sort=False))
    for (manifest,), part in states:
        overall = part[part["attribute"] == "overall"].iloc[:1]
        texts = [_share(overall.iloc[0], role) for role in ROLES] if len(overall) else []
        text = f"Coverage of {dataset}: {', '.join(texts)}; manifest {manifest[:12]}."
        if len(states) > 1:
            rows = dict.fromkeys(zip(part["network"], part["labeled_percent"], strict=True))
            text += f" Used by {', '.join(f'{n} {p} %' for n, p in rows)}."
        threshold = settings["comparable_coverage"]
        text += f" A number is comparable if at least {100 * threshold:g} % of each was obtained; "
        below = ", ".join(_below(part, threshold))
        notes.append(text + (f"below that, marked {mark}: {below}." if below else "none is below."))
    return notes


def _share(place: pd.Series, role: str) -> str:
    listed, obtained = (int(place[name]) for name in COUNTS[role])
    return f"{ROLES[role]} {percent(obtained, listed)} ({obtained:,} of {listed:,})"


def _below(part: pd.DataFrame, threshold: float) -> list[str]:
    """Return the attributes whose smallest share is below the threshold, with that share."""
    found = []
    for place in part.drop_duplicates("attribute").to_dict("records"):
        pairs = {role: [int(place[name]) for name in names] for role, names in COUNTS.items()}
        role = min(pairs, key=lambda role: pairs[role][1] / pairs[role][0])
        if smallest_share(pairs) < threshold:
            listed, obtained = pairs[role]
            name = place["attribute"].replace("_", " ")
            found.append(f"{name} ({ROLES[role]} {percent(obtained, listed)})")
    return found
