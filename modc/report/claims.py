"""The papers' sentences, checked cell by cell on their own numbers and on ours."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from modc.papers.paper import Paper, papers
from modc.papers.places import Place
from modc.papers.statements import Statement
from modc.report.claim_cells import (
    BY_INTERVAL,
    BY_SIGN,
    DESCRIBED,
    MISSING,
    OPPOSES,
    SUPPORTS,
    UNDECIDED,
    ByTrainings,
    ClaimCell,
    cells_of,
)
from modc.report.files import other_datasets
from modc.report.trainings import holm
from modc.report.verdicts import NOT_COMPARABLE, OUTSIDE

# A claim's verdict may be NOT_COMPARABLE, UNDECIDED, MISSING or OUTSIDE too.
HOLDS, HOLDS_PARTLY, FAILS, SIGN, DESCRIPTIVE = (
    "holds",
    "holds partly",
    "fails",
    "by sign, one training",
    "descriptive",
)
RULE = (
    "A cell is counted for or against at 5 %, by itself. A claim holds if every cell is for. It "
    "fails if a cell is against by Holm's procedure over its cells too, which finds one wrongly in "
    "one of twenty claims at most. It holds partly if by that procedure some are for and none is "
    "against, and else is undecided; beside either, a cell that is counted against is so by itself "
    "alone. Where no spread between trainings is known, cells are judged by their sign, and the "
    "counts say how many. By sign alone no claim holds or fails: it is called so. A correlation "
    "describes, and never holds. Cells that are not comparable are counted apart: the verdict and "
    "the counts are over the others alone, of which a missing one neither supports nor opposes."
)
OUTSIDE_RULE = (
    "Cells that are not in this run's grid are counted apart: the verdict is over the others alone."
)
PUBLISHED, OURS = ("published", "ours")


@dataclass(frozen=True)
class Evidence:
    """The cells of a claim on one side, such as ours."""

    cells: tuple[ClaimCell, ...]

    def count(self, verdict: str) -> int:
        """Return how many cells have a verdict, those that are not comparable left out."""
        return len(self.having(verdict))

    def having(self, verdict: str) -> list[ClaimCell]:
        """Return the cells that have it, those that are not comparable left out."""
        return [cell for cell in self.cells if cell.verdict == verdict and not cell.is_marked]

    def by_sign(self, verdict: str) -> int:
        """Return how many of the cells that have a verdict were judged by their sign."""
        return sum(cell.judged_by == BY_SIGN for cell in self.having(verdict))

    @property
    def signs(self) -> int:
        """How many cells were judged by their sign, those that are not comparable left out."""
        return sum(map(self.by_sign, (SUPPORTS, OPPOSES, UNDECIDED)))

    @property
    def is_mixed(self) -> bool:
        """Whether some cells were judged by their sign, and others not."""
        return 0 < self.signs < sum(map(self.count, (SUPPORTS, OPPOSES, UNDECIDED)))

    @property
    def not_comparable(self) -> int:
        """How many cells have numbers that are not comparable to the paper's."""
        return sum(cell.is_marked for cell in self.cells)

    @property
    def verdict(self) -> str:
        """What RULE and OUTSIDE_RULE say."""
        if self.count(OUTSIDE) == len(self.cells):
            return OUTSIDE
        if self.count(DESCRIBED):
            return DESCRIPTIVE
        own = [cell for word in (SUPPORTS, OPPOSES, UNDECIDED) for cell in self.having(word)]
        if not own:
            return NOT_COMPARABLE if self.not_comparable else MISSING
        ways = {cell.judged_by for cell in own}
        if BY_SIGN in ways and BY_INTERVAL not in ways:
            return SIGN
        rejected = holm([cell.p for cell in own])
        found = {cell.difference > 0 for cell, is_so in zip(own, rejected, strict=True) if is_so}
        if False in found:
            return FAILS
        by_interval = [cell for cell in self.having(SUPPORTS) if cell.judged_by == BY_INTERVAL]
        if len(by_interval) == self.judged:
            return HOLDS
        return HOLDS_PARTLY if True in found else UNDECIDED

    @property
    def judged(self) -> int:
        """How many cells the verdict is over."""
        return len(self.cells) - self.count(OUTSIDE) - self.not_comparable

    @property
    def over(self) -> str:
        """Which cells the verdict is over, in words; "" where it is over all, or there is none."""
        if self.verdict in (OUTSIDE, MISSING, NOT_COMPARABLE) or self.judged == len(self.cells):
            return ""
        which = ["in this run's grid"] if self.count(OUTSIDE) else []
        if self.not_comparable:
            which.append("comparable or missing" if self.count(MISSING) else "comparable")
        return f"over the {self.judged} of {len(self.cells)} cells that are {' and '.join(which)}"

    def parts(self) -> dict[str, "Evidence"]:
        """Return the cells of each table alone."""
        found: dict[str, list[ClaimCell]] = {}
        for cell in self.cells:
            found.setdefault(cell.where, []).append(cell)
        return {where: Evidence(tuple(cells)) for where, cells in found.items()}


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper with its evidence.

    evidence: by side: "published", "ours", and the name of each dataset that the paper does not
    have, where it is checked in kind.
    """

    statement: Statement
    evidence: dict[str, Evidence]

    @property
    def published(self) -> Evidence:
        """What the paper's own numbers say."""
        return self.evidence[PUBLISHED]

    @property
    def ours(self) -> Evidence:
        """What ours say in the same places."""
        return self.evidence[OURS]


def claims(
    frames: Mapping[str, pd.DataFrame],
    config: dict,
    by_trainings: ByTrainings | None = None,
) -> list[Claim]:
    """Return every claim with its cells on the paper's numbers and on ours.

    frames: long forms by name of a table, or of a dataset that no paper has. A place that is in
    none of them is missing. by_trainings: see `cells_of`.
    """
    others = {name: frames[name] for name in other_datasets(config) if name in frames}
    of_papers = [frame for name, frame in frames.items() if name not in others]
    ours = {place: row for frame in of_papers for place, row in _numbers(frame).items()}
    in_kind = {name: _numbers(frame) for name, frame in others.items()}
    found = []
    for paper in papers(config):
        for statement in paper.claims:
            own = cells_of(statement, paper.published, ours, config, by_trainings)
            evidence = {
                PUBLISHED: check_published(paper, statement, config),
                OURS: Evidence(own),
            }
            for name, numbers in in_kind.items():
                own = cells_of(statement, numbers, numbers, config, by_trainings)
                evidence[name] = Evidence(own)
            found.append(Claim(statement, evidence))
    return found


def check_published(paper: Paper, statement: Statement, config: dict) -> Evidence:
    """Return what the paper's own numbers say of a statement, by their sign."""
    numbers = {place: {"ours": value} for place, value in paper.published.items()}
    return Evidence(cells_of(statement, numbers, numbers, config))


def _numbers(frame: pd.DataFrame) -> dict[Place, dict]:
    rows = frame.to_dict("records")
    return {Place(*(row[name] for name in Place._fields)): row for row in rows}
