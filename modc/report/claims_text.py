"""The claims as Markdown, and in long form."""

from collections.abc import Iterable

import pandas as pd
from tabulate import tabulate

from modc.evaluation.bootstrap import LEVEL
from modc.report.claim_cells import (
    BY_INTERVAL,
    BY_SIGN,
    DESCRIBED,
    MISSING,
    OPPOSES,
    SUPPORTS,
    UNDECIDED,
    ClaimCell,
)
from modc.report.claims import (
    DESCRIPTIVE,
    HOLDS_PARTLY,
    OURS,
    OUTSIDE_RULE,
    PUBLISHED,
    RULE,
    Claim,
    Evidence,
)
from modc.report.markdown import escape
from modc.report.trainings import NO_COMMON_SEED
from modc.report.verdicts import COMMON_SEEDS, NOT_COMPARABLE, OUTSIDE, warning

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
    "p",
    "judged_by",
    "verdict",
    "status",
]
SHORT = {
    SUPPORTS: "for",
    OPPOSES: "against",
    UNDECIDED: "undecided",
    DESCRIBED: "described",
    MISSING: "missing",
    OUTSIDE: OUTSIDE,
}
# Shown instead of the interval of a difference that was judged without one.
SIGN_MARK = "sign alone"
VOCABULARY = """MODC ranks first the candidates whose nearest cluster center (top1), or one of whose
two nearest centers (top2), is that of the query's value. That value is the query's own label
(known) or its pseudo label, the value of the center nearest to the query (unknown). Acc is the
share of queries whose pseudo label is correct. The baseline is the same network without MODC."""
INTRODUCTION = f"""The paper's claims, checked on its published numbers and on ours. A *cell* is one
comparison of two numbers that a claim makes; it is for or against the claim. Numbers are in
percent, differences in points; `claims.csv` lists every cell, as fractions.

{VOCABULARY}"""


def long_form(claims: list[Claim]) -> pd.DataFrame:
    """Return one row per claim, side and cell: COLUMNS, numbers as fractions.

    better, worse: the two rows, the first of which is claimed to have the larger number; dataset,
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
    if evidence.verdict in (MISSING, NOT_COMPARABLE, OUTSIDE):
        return evidence.verdict
    if evidence.verdict == DESCRIPTIVE:
        described = evidence.having(DESCRIBED)
        return f"{evidence.verdict}: {'; '.join(map(correlation, described))}"
    counted = [v for v in (SUPPORTS, OPPOSES, UNDECIDED, MISSING) if evidence.count(v)]
    verdict = " ".join(filter(None, [evidence.verdict, evidence.over]))
    return f"{verdict}: {tally(evidence, counted)}"


def tally(evidence: Evidence, verdicts: Iterable[str]) -> str:
    """Return how many cells have each verdict: 36 for, 18 of them by sign alone, 1 against.

    If the claim does not fail, cells against are noted as not so after Holm's correction.
    """
    parts = []
    for verdict in verdicts:
        count, signs = evidence.count(verdict), evidence.by_sign(verdict)
        text = f"{count} {SHORT[verdict]}"
        if verdict == OPPOSES and evidence.verdict in (HOLDS_PARTLY, UNDECIDED) and count > signs:
            text += " (not after Holm's correction)"
        if signs and evidence.is_mixed:
            text += f", {signs} of them by sign alone" if signs < count else " by sign alone"
        parts.append(text)
    return ", ".join(parts)


def correlation(cell: ClaimCell) -> str:
    """Return a rank correlation with its interval: +0.20 (-0.70 to +0.86) at 10 %, 6 places."""
    interval = f" ({cell.low:+.2f} to {cell.high:+.2f})" if cell.judged_by == BY_INTERVAL else ""
    return f"{cell.difference:+.2f}{interval}, {cell.worse_name}"


def markdown_claims(claims: list[Claim], seeds: int) -> str:
    """Return a summary of all claims, then each with its counts and the cells not for it.

    seeds: the most seeds behind any of our numbers.
    """
    if not claims:
        return "# Claims\n\nThe papers of this run make none.\n"
    sides = list(claims[0].evidence)
    overview = [
        [f"{number}. {claim.statement.sentence}", claim.statement.source]
        + [summary(claim.evidence[side]) for side in sides]
        for number, claim in enumerate(claims, 1)
    ]
    blocks = [
        f"# {title(claims)}",
        INTRODUCTION,
        _table(["claim", "source", *map(_title, sides)], overview),
        "\n".join(f"- {escape(note)}" for note in notes(claims, seeds)),
    ]
    for number, claim in enumerate(claims, 1):
        blocks += _section(number, claim)
    return "\n\n".join(blocks) + "\n"


def title(claims: list[Claim]) -> str:
    """Return the title, with a warning if our numbers are not comparable."""
    ours = [cell for claim in claims for cell in claim.ours.cells if cell.is_there]
    said = warning(cell.is_marked for cell in ours)
    return f"Claims – {said}" if said else "Claims"


def _not_comparable(cells: list[ClaimCell]) -> str:
    """Return why cells are not comparable, naming the datasets unless all cells are affected."""
    of_reason: dict[str, dict[str, None]] = {}
    for cell in cells:
        datasets = {cell.better.dataset, cell.worse.dataset}
        for text in cell.status.split("; "):
            if text.startswith(NOT_COMPARABLE):
                names = of_reason.setdefault(text.removeprefix(f"{NOT_COMPARABLE}: "), {})
                # A pair of two datasets does not say which one is affected; other cells do.
                names |= dict.fromkeys(datasets if len(datasets) == 1 else ())
    if all(cell.is_marked for cell in cells):
        return "; ".join(of_reason)
    return "; ".join(": ".join(filter(None, [", ".join(n), r])) for r, n in of_reason.items())


def notes(claims: list[Claim], seeds: int) -> list[str]:
    """Return how the verdicts are reached and what they leave out."""
    own = [
        cell
        for claim in claims
        for side, evidence in claim.evidence.items()
        for cell in evidence.cells
        if side != PUBLISHED and cell.is_there
    ]
    said = warning(cell.is_marked for cell in own)
    found = [f"{said}: {_not_comparable(own)}."] if said else []
    found += [
        RULE,
        *([OUTSIDE_RULE] if any(claim.ours.count(OUTSIDE) for claim in claims) else []),
        "The paper reports no intervals: its cells are judged by the sign of the difference.",
    ]
    sides = claims[0].evidence if claims else ()
    others = [side for side in sides if side not in (PUBLISHED, OURS)]
    if others:
        found.append(
            f"{', '.join(others)}: not in the paper; checked with our numbers in the places that "
            "correspond to the paper's."
        )
    judged = [cell for cell in own if cell.verdict != DESCRIBED]
    ways = {cell.judged_by for cell in judged}
    if BY_INTERVAL in ways:
        found.append(
            f"Ours: a cell is for or against if the whole {100 * LEVEL:g} % interval of the mean "
            "difference lies above or below 0, otherwise undecided. The interval comes from the "
            "spread between trainings, pooled over the cells with several seeds: within one cell "
            "of the grid, the spread of the difference, paired by seed; between two cells, the "
            "errors add. With no true difference, about one cell in twenty is for or against by "
            "chance."
        )
    if BY_SIGN in ways:
        signs = sum(cell.judged_by == BY_SIGN for cell in judged)
        which = "all cells"
        if signs < len(judged):
            which = f'{signs} of {len(judged)} cells, counted and marked "{SIGN_MARK}",'
        found.append(
            f"Ours: {which} are judged by the sign of the difference between single trainings, "
            "since no spread between trainings is known: another training may reverse them."
        )
    if "" in ways:
        found.append(
            "Ours: cells that compare numbers from different queries have no interval and are "
            "undecided."
        )
    if any(COMMON_SEEDS in cell.status for cell in own):
        found.append(
            "Ours: if two rows share only some seeds, the difference is taken over those only and "
            "is not that of the two means; `claims.csv` lists them."
        )
    if own and seeds > 1:
        found.append(f"Our numbers are means over up to {seeds} seeds.")
    return found


def _section(number: int, claim: Claim) -> list[str]:
    statement, words = claim.statement, _counted(claim)
    is_mixed = any(evidence.is_mixed for evidence in claim.evidence.values())
    counts = [
        [
            *(where, _title(side), part.verdict, *_counts(part, words)),
            *([str(part.signs or "")] if is_mixed else []),
            *_range(part),
        ]
        for where in dict.fromkeys(w for e in claim.evidence.values() for w in e.parts())
        for side, evidence in claim.evidence.items()
        if (part := evidence.parts().get(where))
    ]
    headings = ["", "", "verdict", *words.values(), "not comparable"]
    headings += [*([SIGN_MARK] if is_mixed else []), "smallest", "largest"]
    if statement.by_accuracy:  # a correlation is not a difference in points
        counts, headings = [row[:-2] for row in counts], headings[:-2]
    blocks = [
        f"## {number}. {escape(statement.sentence)}",
        escape(f"A cell: {statement.cell}"),
        _table(headings, counts, [False] * 3 + [True] * (len(headings) - 3)),
    ]
    for side, evidence in claim.evidence.items():
        name = _title(side)
        described = evidence.having(DESCRIBED)
        if described:
            blocks.append(f"{name}: {escape('; '.join(map(correlation, described)))}.")
        undecided = evidence.having(UNDECIDED)
        unequal = [cell for cell in undecided if cell.difference]
        for what, cells in (("against", evidence.having(OPPOSES)), ("undecided", unequal)):
            if cells:
                blocks += [f"{name}, {what}:", _cells(cells)]
        if len(unequal) < len(undecided):
            equal = len(undecided) - len(unequal)
            blocks.append(f"{name}, undecided with equal numbers: {equal}.")
        absences = _absences(evidence)
        if absences:
            blocks.append(f"{name}, missing: {escape(absences)}.")
    return blocks


def _counted(claim: Claim) -> dict[str, str]:
    """Return the cell verdicts that are counted, with their words."""
    is_described = claim.statement.by_accuracy
    judged = (DESCRIBED, MISSING) if is_described else (SUPPORTS, OPPOSES, UNDECIDED, MISSING)
    shown = [*judged, *([OUTSIDE] if claim.ours.count(OUTSIDE) else [])]
    return {verdict: SHORT[verdict] for verdict in shown}


def _counts(evidence: Evidence, verdicts: Iterable[str]) -> list[str]:
    counts = [evidence.count(verdict) for verdict in verdicts] + [evidence.not_comparable]
    return [str(count or "") for count in counts]


def _range(evidence: Evidence) -> list[str]:
    differences = [cell.difference for cell in evidence.cells if cell.is_comparable]
    return [_points(f(differences)) for f in (min, max)] if differences else ["", ""]


def _cells(cells: list[ClaimCell]) -> str:
    ways = {cell.judged_by for cell in cells}
    rows = []
    for cell in cells:
        place = cell.better
        row = [
            cell.where,
            f"{place.labeled_percent} %",
            place.attribute.replace("_", " "),
            place.metric,
            cell.better_name,
            f"{100 * cell.better_value:.2f}",
            cell.worse_name,
            f"{100 * cell.worse_value:.2f}",
            _points(cell.difference),
        ]
        if BY_INTERVAL in ways:
            row.append(_interval(cell))
        rows.append(row)
    headings = ["", "labels", "attribute", "metric", "claimed better", "", "than", ""]
    headings.append("difference")
    if BY_INTERVAL in ways:
        headings.append(f"{100 * LEVEL:g} % interval")
    is_number = [heading in ("", *headings[8:]) for heading in headings]
    return _table(headings, rows, [False, *is_number[1:]])


def _interval(cell: ClaimCell) -> str:
    """Return the interval of a difference, or what is shown instead."""
    if cell.judged_by == BY_INTERVAL:
        return f"{_points(cell.low)} to {_points(cell.high)}"
    return SIGN_MARK if cell.judged_by == BY_SIGN else "none"


def _absences(evidence: Evidence) -> str:
    """Return why cells are missing; if all are, only those that lack a common seed."""
    are_all = evidence.count(MISSING) == len(evidence.cells)
    where: dict[str, list[str]] = {}
    for text in _distinct(cell.status for cell in evidence.having(MISSING)):
        name, _, why = text.partition(": ")
        if why == NO_COMMON_SEED or not are_all:
            where.setdefault(why, []).append(name)
    return "; ".join(f"{', '.join(names)} ({why})" for why, names in where.items())


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(part for text in texts for part in text.split("; ") if part))


def _points(difference: float) -> str:
    return f"{100 * difference:+.2f}"


def _title(side: str) -> str:
    return {PUBLISHED: "Published", OURS: "Ours"}.get(side, side)


def _table(headings: list[str], rows: list[list[str]], is_number: Iterable[bool] = ()) -> str:
    """Return a table as Markdown, number columns right-aligned."""
    align = ["right" if number else "left" for number in is_number] or ["left"] * len(headings)
    texts = [[escape(text) for text in row] for row in rows]
    return tabulate(texts, headings, tablefmt="pipe", disable_numparse=True, colalign=align)
