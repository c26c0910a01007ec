"""Tables whose numbers are the paper's own, for tests of the claims."""

import pandas as pd
from made_tables import MODC, published

from modc.report.claim_cells import MISSING, OPPOSES, SUPPORTS, UNDECIDED
from modc.report.claims import Evidence, claims
from modc.report.trainings import MeanDifference

DRAWN = "not comparable: drawn pictures, not FashionAI"
THIN = "not comparable: coverage below 95 %"
BY_KEY = {statement.key: statement for statement in MODC.claims}


def made_frames(**columns) -> dict[str, pd.DataFrame]:
    """Tables 1 to 5 in which ours is the published number, and no more, but for `columns`.

    A column is a value, or a function of the frame so far.
    """
    frame = published().rename(columns={"value": "published"})
    frame["published"] = (frame["published"] / 100).round(4)
    frame = frame.assign(ours=frame["published"], seeds=1, status="")
    for name, value in columns.items():
        frame[name] = value(frame) if callable(value) else value
    return dict(list(frame.groupby("table")))


def counts(evidence: Evidence) -> tuple[int, ...]:
    """Supporting, opposing, undecided and missing cells."""
    return tuple(map(evidence.count, (SUPPORTS, OPPOSES, UNDECIDED, MISSING)))


def by_trainings(low: float, high: float, p: float = 0.0):
    """Every difference the same, with an interval."""
    return lambda first, second: MeanDifference((low + high) / 2, low, high, p)


def ours(config, key, frames, **more) -> Evidence:
    """What our numbers say of a claim."""
    found = {claim.statement.key: claim for claim in claims(frames, config, **more)}
    return found[key].ours
