"""The claims as Markdown, and in long form."""

from collections.abc import Iterable

import pandas as pd
from tabulate import tabulate

from modc.evaluation.bootstrap import LEVEL
from modc.report.claim_cells import (
    BY_INTERVAL,
    BY_SIGN,
    CELL_VERDICTS,
    MISSING,
    OPPOSES,
    SUPPORTS,
    UNDECIDED,
    Cell,
)
from modc.report.claims import OURS, PUBLISHED, RULE, Claim, Evidence
from modc.report.markdown import escape

COLUMNS = [
    "claim",
    "side",
    "where",
    "dataset",
    "labeled_percent",
    "attribute",
    "metric",
    "better",
    "worse",
    "better_value",
    "worse_value",
    "difference",
    "low",
    "high",
    "judged_by",
    "verdict",
    "status",
]
SHORT = {SUPPORTS: "for", OPPOSES: "against", UNDECIDED: "undecided", MISSING: "missing"}
# What is said of a difference that was judged without an interval.
SIGN_MARK = "sign alone"


def long_form(claims: list[Claim]) -> pd.DataFrame:
    """Return one row a claim, side and cell: COLUMNS, numbers as fractions.

    better, worse: the two rows, the first of which is said to have the larger number; dataset,
    labeled_percent, attribute and metric are those of the first.
    """
    rows = [
        {
            "claim": claim.statement.key,
            "side": side,
            "where": cell.where,
            **{key: getattr(cell.better, key) for key in COLUMNS[3:7]},
            "better": cell.better_name,
            "worse": cell.worse_name,
            **{key: getattr(cell, key) for key in COLUMNS[9:]},
        }
        for claim in claims
        for side, evidence in claim.evidence.items()
        for cell in evidence.cells
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def summary(evidence: Evidence) -> str:
    """Return the verdict with its counts in one line: holds partly: 34 for, 2 against."""
    if evidence.verdict == MISSING:
        return MISSING
    counts = [f"{n} {SHORT[v]}" for v in CELL_VERDICTS if (n := evidence.count(v))]
    if 0 < evidence.not_comparable < len(evidence.cells) - evidence.count(MISSING):
        counts.append(f"{evidence.not_comparable} of them not comparable")
    return f"{evidence.verdict}: {', '.join(counts)}"


def markdown_claims(claims: list[Claim], seeds: int) -> str:
    """Return a summary of all claims, then each with its counts and what does not support it.

    seeds: how many there are of each of our numbers.
    """
    sides = list(claims[0].evidence)
    overview = [
        [f"{number}. {claim.statement.sentence}", claim.statement.source]
        + [summary(claim.evidence[side]) for side in sides]
        for number, claim in enumerate(claims, 1)
    ]
    blocks = [
        "# Claims",
        "What the paper says of its numbers, checked on the numbers that it prints and on ours. "
        "A *cell* is one comparison that a sentence makes, of two numbers: for or against it.",
        _table(["claim", "where", *map(_title, sides)], overview),
        "\n".join(f"- {note}" for note in notes(claims, seeds)),
    ]
    for number, claim in enumerate(claims, 1):
        blocks += _section(number, claim)
    return "\n\n".join(blocks) + "\n"


def notes(claims: list[Claim], seeds: int) -> list[str]:
    """Return how the verdicts are reached, and what they do not cover."""
    found = [
        RULE,
        "The paper prints no intervals: its cells are judged by the sign of the difference.",
    ]
    own = [
        cell
        for claim in claims
        for side, evidence in claim.evidence.items()
        for cell in evidence.cells
        if side != PUBLISHED
    ]
    ways = {cell.judged_by for cell in own}
    if BY_INTERVAL in ways:
        found.append(
            f"Ours: a cell is for or against if the whole {100 * LEVEL:g} % interval of the "
            "difference is above or below 0, else undecided. The interval is a bootstrap over the "
            "queries, paired where both numbers have the same queries."
        )
    if BY_SIGN in ways:
        which = "the cells marked so" if BY_INTERVAL in ways else "all cells"
        found.append(
            f"Ours: for {which} there is no such interval; they are judged by the sign alone "
            f"({SIGN_MARK}), and a small difference may be chance."
        )
    if ways - {""}:
        found.append(
            "No verdict covers how much another training would differ"
            + (": ours is one seed." if seeds == 1 else f"; ours are means over {seeds} seeds.")
        )
    found.append("Every cell with its numbers: `claims.csv`.")
    return found


def _section(number: int, claim: Claim) -> list[str]:
    statement = claim.statement
    counts = [
        [where, _title(side), part.verdict, *_counts(part), *_range(part)]
        for where in dict.fromkeys(w for e in claim.evidence.values() for w in e.parts())
        for side, evidence in claim.evidence.items()
        if (part := evidence.parts().get(where))
    ]
    headings = ["", "", "verdict", *SHORT.values(), "not comparable", "smallest", "largest"]
    blocks = [
        f"## {number}. {escape(statement.sentence)}",
        escape(f"A cell: {statement.cell}"),
        _table(headings, counts, numbers=7),
    ]
    for side, evidence in claim.evidence.items():
        for verdict in (OPPOSES, UNDECIDED):
            cells = evidence.having(verdict)
            if cells:
                blocks += [f"{_title(side)}, {SHORT[verdict]}:", _cells(cells)]
        blocks += [f"{_title(side)}: {escape(text)}." for text in _statuses(evidence)]
    return blocks


def _counts(evidence: Evidence) -> list[str]:
    counts = [evidence.count(verdict) for verdict in CELL_VERDICTS] + [evidence.not_comparable]
    return [str(count or "") for count in counts]


def _range(evidence: Evidence) -> list[str]:
    differences = [c.difference for c in evidence.cells if c.verdict != MISSING]
    return [_points(f(differences)) for f in (min, max)] if differences else ["", ""]


def _cells(cells: list[Cell]) -> str:
    has_interval = any(cell.judged_by == BY_INTERVAL for cell in cells)
    has_both = has_interval and any(cell.judged_by == BY_SIGN for cell in cells)
    rows = []
    for cell in cells:
        place = cell.better
        row = [
            cell.where,
            f"{place.labeled_percent} %",
            place.attribute.replace("_", " "),
            place.metric,
            f"{cell.better_name} {100 * cell.better_value:.2f}",
            f"{cell.worse_name} {100 * cell.worse_value:.2f}",
            _points(cell.difference),
        ]
        if has_interval:
            by_interval = cell.judged_by == BY_INTERVAL
            interval = f"{_points(cell.low)} to {_points(cell.high)}"
            row.append(interval if by_interval else SIGN_MARK if has_both else "")
        rows.append(row)
    headings = ["", "labels", "attribute", "metric", "said to be better", "than", "difference"]
    interval = [f"{100 * LEVEL:g} % interval"] if has_interval else []
    return _table(headings + interval, rows, numbers=1 + len(interval))


def _statuses(evidence: Evidence) -> list[str]:
    """Return why cells are not comparable, and why those are missing that are, if not all are."""
    found = _distinct(cell.status for cell in evidence.cells if cell.verdict != MISSING)
    if evidence.count(MISSING) == len(evidence.cells):
        return found
    where: dict[str, list[str]] = {}
    for text in _distinct(cell.status for cell in evidence.having(MISSING)):
        name, _, why = text.partition(": ")
        where.setdefault(why, []).append(name)
    return found + [f"missing: {', '.join(names)} ({why})" for why, names in where.items()]


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(part for text in texts for part in text.split("; ") if part))


def _points(difference: float) -> str:
    return f"{100 * difference:+.2f}"


def _title(side: str) -> str:
    return {PUBLISHED: "Published", OURS: "Ours"}.get(side, side)


def _table(headings: list[str], rows: list[list[str]], numbers: int = 0) -> str:
    """Return a table as Markdown; the last `numbers` columns are aligned to the right."""
    align = ["left"] * (len(headings) - numbers) + ["right"] * numbers
    texts = [[escape(text) for text in row] for row in rows]
    return tabulate(texts, headings, tablefmt="pipe", disable_numparse=True, colalign=align)
