"""The paper's claims with the evidence for and against each, as the page shows them."""

import math

from modc.papers.places import Place
from modc.report.anchors import place_id
from modc.report.claim_cells import (
    BY_INTERVAL,
    BY_SIGN,
    DESCRIBED,
    MISSING,
    OPPOSES,
    OUTSIDE,
    SUPPORTS,
    UNDECIDED,
    ClaimCell,
)
from modc.report.claims import (
    DESCRIPTIVE,
    FAILS,
    HOLDS,
    HOLDS_PARTLY,
    OURS,
    PUBLISHED,
    SIGN,
    Claim,
    Evidence,
)
from modc.report.claims_text import correlation, tally
from modc.report.verdicts import COMMON_SEEDS, NO_SPREAD

WORDS = {
    SUPPORTS: "for",
    OPPOSES: "against",
    UNDECIDED: "undecided",
    DESCRIBED: "described",
    MISSING: "missing",
    OUTSIDE: OUTSIDE,
}
# Order of the listed cells: those that need an explanation come first.
ORDER = (OPPOSES, UNDECIDED, SUPPORTS, DESCRIBED, MISSING, OUTSIDE)
NAMES = {OURS: "Ours", PUBLISHED: "Published"}


def claims(checked: list[Claim]) -> list[dict]:
    """Return one entry per claim: id, sentence, source, cell, by_accuracy, words, sides, cells.

    sides: ours, unless the grid only has datasets not in the paper, then each of these, then
    published; each with side, name, verdict, over (which cells it covers, if not all), tally (the
    opposing cells), signs (how many cells were judged by sign, if not all), counts by word,
    not_comparable (a separate count), and parts: verdict, counts and not_comparable by table if
    there are several. words: those that any side counts. cells: by name of a side with our numbers,
    see `_cell`.
    """
    others = any(set(claim.evidence) - {OURS, PUBLISHED} for claim in checked)
    has_ours = not others or any(claim.ours.verdict != OUTSIDE for claim in checked)
    return [_claim(claim, has_ours) for claim in checked]


def held(claims: list[dict], side: str) -> dict:
    """Return how many claims a side judges, and how many of these hold, hold partly, and fail.

    by_sign: how many are judged by the sign of single trainings, and unopposed: how many of these
    have no cell against them. narrowed: how many of those that hold were checked on some cells
    only; rest: what the other cells are.
    """
    own = [one for claim in claims for one in claim["sides"] if one["side"] == side]
    counts = {
        word: sum(one["verdict"] == verdict for one in own)
        for word, verdict in (
            ("hold", HOLDS),
            ("partly", HOLDS_PARTLY),
            ("fail", FAILS),
            ("by_sign", SIGN),
        )
    }
    narrowed = [one for one in own if one["verdict"] == HOLDS and one["over"]]
    rest = {
        "not in this run's grid": any(one["counts"][OUTSIDE] for one in narrowed),
        "not comparable": any(one["not_comparable"] for one in narrowed),
    }
    return {
        "judged": counts["hold"] + counts["partly"] + counts["fail"],
        **counts,
        "unopposed": sum(one["verdict"] == SIGN and not one["counts"]["against"] for one in own),
        "narrowed": len(narrowed),
        "rest": [words for words, is_so in rest.items() if is_so],
        "asked": len(own),
    }


def _claim(claim: Claim, has_ours: bool) -> dict:
    others = [name for name in claim.evidence if name not in (PUBLISHED, OURS)]
    own = [*([OURS] if has_ours else []), *others]
    sides = [_side(side, claim.evidence[side]) for side in (*own, PUBLISHED)]
    paper = claim.published.cells
    return {
        "id": f"claim-{claim.statement.key.replace('_', '-')}",
        "sentence": claim.statement.sentence,
        "source": claim.statement.source,
        "cell": claim.statement.cell,
        "by_accuracy": claim.statement.by_accuracy,
        "words": [word for word in WORDS.values() if any(one["counts"][word] for one in sides)],
        "sides": sides,
        "cells": {
            NAMES.get(side, side): _cells(claim.evidence[side], paper if side == OURS else ())
            for side in own
        },
    }


def _side(side: str, evidence: Evidence) -> dict:
    parts = evidence.parts()
    return {
        "side": side,
        "name": NAMES.get(side, side),
        "over": evidence.over,
        "tally": _tally(evidence),
        "signs": _signs(evidence),
        **_counted(evidence),
        "parts": {where: _counted(own) for where, own in parts.items()} if len(parts) > 1 else {},
    }


def _counted(evidence: Evidence) -> dict:
    return {
        "verdict": evidence.verdict,
        "counts": {word: evidence.count(verdict) for verdict, word in WORDS.items()},
        "not_comparable": evidence.not_comparable,
    }


def _signs(evidence: Evidence) -> int:
    """Return how many cells were judged by sign, 0 if all were."""
    return evidence.signs if evidence.is_mixed else 0


def _tally(evidence: Evidence) -> str:
    """Return the counts of cells for, against and neither; "" if the verdict says it all."""
    if evidence.verdict == DESCRIPTIVE:
        return "; ".join(map(correlation, evidence.having(DESCRIBED)))
    if evidence.verdict not in (HOLDS_PARTLY, FAILS, UNDECIDED, SIGN):
        return ""
    others = [verdict for verdict in (UNDECIDED, MISSING) if evidence.count(verdict)]
    return tally(evidence, (SUPPORTS, OPPOSES, *others))


def _cells(evidence: Evidence, published: tuple[ClaimCell, ...]) -> list[dict]:
    """Return the cells of the grid, each with the paper's own cell (None if it has none)."""
    papers = published or (None,) * len(evidence.cells)
    pairs = sorted(
        zip(evidence.cells, papers, strict=True), key=lambda pair: ORDER.index(pair[0].verdict)
    )
    return [_cell(own, paper) for own, paper in pairs if own.verdict != OUTSIDE]


def _cell(cell: ClaimCell, paper: ClaimCell | None) -> dict:
    """Return where, names, difference (None if absent), shown text, word, reason, and link.

    shown, interval: the difference and its interval as text, "" if there is none. reason: why it is
    missing or has no interval, or which seeds it covers. is_comparable: also false if missing.
    paper: its shown text and word. link: the place in the tables with the details.
    """
    return {
        "where": f"{cell.where}, {_where(cell.better)}",
        "better": cell.better_name,
        "worse": cell.worse_name,
        "difference": _number(cell.difference),
        "shown": _shown(cell, cell.difference),
        "interval": f"{_shown(cell, cell.low)} to {_shown(cell, cell.high)}"
        if cell.judged_by == BY_INTERVAL
        else "",
        "word": WORDS[cell.verdict],
        "by_sign": cell.judged_by == BY_SIGN,
        "reason": _reason(cell),
        "is_comparable": cell.is_comparable,
        "link": place_id(cell.better._asdict()),
        "paper": paper and {"shown": _shown(paper, paper.difference), "word": WORDS[paper.verdict]},
    }


def _shown(cell: ClaimCell, number: float) -> str:
    """Return a difference in points, or a correlation as it is."""
    if math.isnan(number):
        return "–"
    return f"{number if cell.verdict == DESCRIBED else 100 * number:+.2f}"


def _reason(cell: ClaimCell) -> str:
    if cell.verdict == MISSING:
        return cell.status
    said = cell.status.split("; ")
    said = [own for own in said if own.startswith(NO_SPREAD) or COMMON_SEEDS in own]
    return "; ".join(own.removeprefix(f"{NO_SPREAD}: ") for own in said)


def _where(place: Place) -> str:
    attribute = place.attribute.replace("_", " ")
    return f"{place.labeled_percent}\N{NO-BREAK SPACE}%: {attribute} {place.metric}"


def _number(fraction: float) -> float | None:
    return None if math.isnan(fraction) else fraction
