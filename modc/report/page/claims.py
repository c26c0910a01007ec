"""The paper's sentences with what speaks for and against each, as the page shows them."""

import math

from modc.report.anchors import place_id
from modc.report.claim_cells import BY_SIGN, Cell
from modc.report.claims import FAILS, HOLDS, HOLDS_PARTLY, OURS, PUBLISHED, Claim, Evidence

WORDS = {"supports": "for", "opposes": "against", "undecided": "undecided", "missing": "missing"}


def claims(checked: list[Claim]) -> list[dict]:
    """Return one entry a claim: sentence, source, cell, by_accuracy, and its evidence.

    published, ours and each of others: verdict; counts, by word; parts, counts by table;
    not_comparable, a count; cells, each with where, names, values and difference in percent (None
    if absent), word, by_sign, status, and link, the place in the tables that has its details.
    """
    return [
        {
            "sentence": claim.statement.sentence,
            "source": claim.statement.source,
            "cell": claim.statement.cell,
            "by_accuracy": claim.statement.by_accuracy,
            "published": _evidence(claim.published),
            "ours": _evidence(claim.ours),
            "others": {
                name: _evidence(evidence)
                for name, evidence in claim.evidence.items()
                if name not in (PUBLISHED, OURS)
            },
        }
        for claim in checked
    ]


def held(claims: list[dict]) -> dict:
    """Return how many claims there are, hold (ours, published), hold partly, and were judged."""
    judged = (HOLDS, HOLDS_PARTLY, FAILS)
    return {
        "claims": len(claims),
        "ours": sum(claim["ours"]["verdict"] == HOLDS for claim in claims),
        "partly": sum(claim["ours"]["verdict"] == HOLDS_PARTLY for claim in claims),
        "published": sum(claim["published"]["verdict"] == HOLDS for claim in claims),
        "judged": sum(claim["ours"]["verdict"] in judged for claim in claims),
    }


def _evidence(evidence: Evidence) -> dict:
    return {
        "verdict": evidence.verdict,
        "counts": _counts(evidence),
        "not_comparable": evidence.not_comparable,
        "parts": {where: _counts(part) for where, part in evidence.parts().items()},
        "cells": [_cell(cell) for cell in evidence.cells],
    }


def _counts(evidence: Evidence) -> dict[str, int]:
    return {word: evidence.count(verdict) for verdict, word in WORDS.items()}


def _cell(cell: Cell) -> dict:
    return {
        "where": cell.where,
        "what": f"{cell.better.attribute.replace('_', ' ')}, {cell.better.metric}, "
        f"{cell.better.labeled_percent} %",
        "better": cell.better_name,
        "worse": cell.worse_name,
        "difference": _number(cell.difference),
        "low": _number(cell.low),
        "high": _number(cell.high),
        "word": WORDS[cell.verdict],
        "by_sign": cell.judged_by == BY_SIGN,
        "status": cell.status,
        "link": place_id(cell.better._asdict()),
    }


def _number(fraction: float) -> float | None:
    return None if math.isnan(fraction) else fraction
