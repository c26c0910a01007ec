"""One image under many URLs is no photograph of a garment: a host's "not available" image."""

import pandas as pd

from modc.fetch.record import Record

COLUMNS = ["name", "url", "rule", "urls", "sha256", "look"]
RULES = {"same_bytes": "sha256", "same_look": "look"}


def find(record: Record, thresholds: dict[str, int]) -> pd.DataFrame:
    """Return which images of a record are placeholders; columns COLUMNS, in the list's order.

    thresholds: of same_bytes and of same_look, the number of different URLs from which on images
    with the same bytes, or of the same look, are placeholders; 0 switches the rule off. rule: the
    one that an image fell under, same_bytes first; urls: how many URLs shared the image. The
    record itself keeps them as ok, since what is a placeholder depends on all other images and on
    the thresholds.
    """
    found = [
        record.shared(column, thresholds[rule]).assign(rule=rule)
        for rule, column in RULES.items()
        if thresholds[rule]
    ]
    if not found:
        return pd.DataFrame(columns=COLUMNS)
    every = pd.concat(found).drop_duplicates("name")
    return every.sort_values("line", kind="stable")[COLUMNS].reset_index(drop=True)
