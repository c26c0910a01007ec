"""The papers' claims, checked cell by cell on their own numbers and on ours."""

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

# A claim's verdict may also be NOT_COMPARABLE, UNDECIDED, MISSING or OUTSIDE.
HOLDS, HOLDS_PARTLY, FAILS, SIGN, DESCRIPTIVE = (
    "holds",
    "holds partly",
    "fails",
    "by sign, one training",
    "descriptive",
)
RULE = (
    "Each cell is counted for or against at the 5 % level, on its own. A claim holds if every cell "
    "is for it. It fails if a cell is still against it after Holm's correction over its cells, "
    "which wrongly fails at most one claim in twenty. It holds partly if, after that correction, "
    "some cells are for it and none is against; otherwise it is undecided. In these two cases, a "
    "cell counted against is so only on its own. Where no spread between trainings is known, cells "
    "are judged by sign, and the counts say how many; by sign alone no claim holds or fails, and "
    "the verdict says so. A correlation is only described, and never holds. Cells that are not "
    "comparable are counted separately: verdict and counts cover the other cells only, of which a "
    "missing one neither supports nor opposes."
)
OUTSIDE_RULE = (
    "Cells that are not in this run's grid are counted separately: the verdict covers the others "
    "only."
)
PUBLISHED, OURS = ("published", "ours")


@dataclass(frozen=True)
class Evidence:
    """The cells of a claim on one side, such as ours."""

    cells: tuple[ClaimCell, ...]

    def count(self, verdict: str) -> int:
        """Return how many comparable cells have a verdict."""
        return len(self.having(verdict))

    def having(self, verdict: str) -> list[ClaimCell]:
        """Return the comparable cells that have a verdict."""
        return [cell for cell in self.cells if cell.verdict == verdict and not cell.is_marked]

    def by_sign(self, verdict: str) -> int:
        """Return how many of the cells that have a verdict were judged by sign."""
        return sum(cell.judged_by == BY_SIGN for cell in self.having(verdict))

    @property
    def signs(self) -> int:
        """How many comparable cells were judged by sign."""
        return sum(map(self.by_sign, (SUPPORTS, OPPOSES, UNDECIDED)))

    @property
    def is_mixed(self) -> bool:
        """Whether some cells were judged by sign, and others not."""
        return 0 < self.signs < sum(map(self.count, (SUPPORTS, OPPOSES, UNDECIDED)))

    @property
    def not_comparable(self) -> int:
        """How many cells have numbers that are not comparable to the paper's."""
        return sum(cell.is_marked for cell in self.cells)

    @property
    def verdict(self) -> str:
        """The verdict by RULE and OUTSIDE_RULE."""
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
        """How many cells the verdict covers."""
        return len(self.cells) - self.count(OUTSIDE) - self.not_comparable

    @property
    def over(self) -> str:
        """Which cells the verdict covers, in words; "" if it covers all or there is none."""
        if self.verdict in (OUTSIDE, MISSING, NOT_COMPARABLE) or self.judged == len(self.cells):
            return ""
        which = ["in this run's grid"] if self.count(OUTSIDE) else []
        if self.not_comparable:
            which.append("comparable or missing" if self.count(MISSING) else "comparable")
        return f"over the {self.judged} of {len(self.cells)} cells that are {' and '.join(which)}"

    def parts(self) -> dict[str, "Evidence"]:
        """Return the cells by table."""
        found: dict[str, list[ClaimCell]] = {}
        for cell in self.cells:
            found.setdefault(cell.where, []).append(cell)
        return {where: Evidence(tuple(cells)) for where, cells in found.items()}


@dataclass(frozen=True)
class Claim:
    """A claim of the paper with its evidence.

    evidence: by side: "published", "ours", and each dataset not in the paper, where the claim is
    checked in the corresponding places.
    """

    statement: Statement
    evidence: dict[str, Evidence]

    @property
    def published(self) -> Evidence:
        """The evidence from the paper's own numbers."""
        return self.evidence[PUBLISHED]

    @property
    def ours(self) -> Evidence:
        """The evidence from our numbers in the same places."""
        return self.evidence[OURS]


def claims(
    frames: Mapping[str, pd.DataFrame],
    config: dict,
    by_trainings: ByTrainings | None = None,
) -> list[Claim]:
    """Return every claim with its cells on the paper's numbers and on ours.

    frames: long forms by name of a table, or of a dataset not in any paper. A place in none of
    them is missing. by_trainings: see `cells_of`.
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
    """Return the evidence for a statement from the paper's own numbers, judged by sign."""
    numbers = {place: {"ours": value} for place, value in paper.published.items()}
    return Evidence(cells_of(statement, numbers, numbers, config))


def _numbers(frame: pd.DataFrame) -> dict[Place, dict]:
    rows = frame.to_dict("records")
    return {Place(*(row[name] for name in Place._fields)): row for row in rows}
