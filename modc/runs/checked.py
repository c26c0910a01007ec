"""What a check of one file or result found, and how much of it is told."""

from dataclasses import dataclass, field

# How many differences of one file, or results of one kind, are told.
SHOWN = 3
UNCHANGED, CHANGED, MISSING = "unchanged", "changed", "missing"
# Of a table: the same numbers under other columns or among other lines, as another version writes.
OTHER_LAYOUT = "other layout"


@dataclass(frozen=True)
class Checked:
    """name: of the file or result; state: one of those above; details: what differs."""

    name: str
    state: str
    details: list[str] = field(default_factory=list)


def first_few(texts: list[str], between: str = "; ") -> str:
    """Return the first of `texts`, and how many more there are."""
    more = len(texts) - SHOWN
    return between.join(texts[:SHOWN] + ([f"and {more} more"] if more > 0 else []))
