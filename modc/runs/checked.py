"""What a check of one file or result found, and how much of it is told."""

from dataclasses import dataclass, field

# How many differences of one file, or results of one kind, are told.
SHOWN = 3
UNCHANGED, CHANGED, MISSING = "unchanged", "changed", "missing"
# Of a file that is not there, and that nothing says was ever written.
NOT_RENDERED = "not rendered"
# Of a table that another version wrote: the same numbers under other columns or in other lines.
OTHER_LAYOUT = "other layout"
# Of a page that another version wrote; of a file that is not made again, but is as it was written.
NOT_COMPARED, AS_WRITTEN = "not compared", "as written"


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
