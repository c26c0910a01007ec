"""The answer first: how many of the paper's numbers hold, and one plain sentence."""

import pandas as pd

from modc.report.html import VERDICT_MARKS
from modc.report.verdicts import ABOVE, BELOW, MATCHES, MISSING, NOT_COMPARABLE, UNDECIDED

MEANINGS = {
    MATCHES: "the published number lies within our interval",
    BELOW: "ours is lower",
    ABOVE: "ours is higher",
    UNDECIDED: "our interval is too wide to say, or there is none",
    NOT_COMPARABLE: "other data or settings than the paper's",
    MISSING: "no number of ours",
}
COMPARED = (MATCHES, BELOW, ABOVE)


def verdict_counts(frames: dict[int, pd.DataFrame]) -> list[dict]:
    """Return one entry a verdict: mark, meaning, count in all, share of all, count by table."""
    verdicts = {number: frame["verdict"].value_counts() for number, frame in frames.items()}
    total = sum(map(len, frames.values()))
    counts = []
    for verdict, mark in VERDICT_MARKS.items():
        by_table = {number: int(own.get(verdict, 0)) for number, own in verdicts.items()}
        count = sum(by_table.values())
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


def sentence(frames: dict[int, pd.DataFrame]) -> str:
    """Return what can be said about the paper, in a sentence or two."""
    counts = {entry["verdict"]: entry["count"] for entry in verdict_counts(frames)}
    total = sum(counts.values())
    compared = sum(counts[verdict] for verdict in COMPARED)
    missing, apart = counts[MISSING], counts[NOT_COMPARABLE]
    if missing == total:
        return "Nothing can be said about the paper yet: this run has no numbers."
    if missing + apart == total:
        lead = f"Nothing can be said about the paper yet: {'; '.join(reasons(frames))}."
        return lead + (f" {missing} of the {total} numbers are missing." if missing else "")
    text = (
        f"Of the paper's {total} numbers, {compared} could be decided: {counts[MATCHES]} match, "
        f"{counts[BELOW]} of ours lie below and {counts[ABOVE]} above."
    )
    rest = {
        UNDECIDED: "stay undecided",
        NOT_COMPARABLE: "are not comparable",
        MISSING: "are missing",
    }
    others = [f"{counts[verdict]} {words}" for verdict, words in rest.items() if counts[verdict]]
    return f"{text} {_listed(others)}." if others else text


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


def _listed(texts: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))
