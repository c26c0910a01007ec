"""One picture under many URLs is no photograph of a garment: a host's "not available" picture."""

import pandas as pd

from modc.data.manifest import OK

COLUMNS = ["name", "url", "rule", "urls", "sha256", "look"]
RULES = {"same_bytes": "sha256", "same_look": "look"}


def find(record: pd.DataFrame, thresholds: dict[str, int]) -> pd.DataFrame:
    """Return which pictures of a record are placeholders; columns COLUMNS, in the record's order.

    thresholds: of same_bytes and of same_look, the number of different URLs from which on pictures
    with the same bytes, or of the same look, are placeholders; 0 switches the rule off. rule: the
    one that a picture fell under, same_bytes first; urls: how many URLs shared the picture.
    """
    kept = record[record["state"] == OK]
    found = []
    for rule, column in RULES.items():
        urls = kept.groupby(column)["url"].transform("nunique")
        if thresholds[rule]:
            chosen = kept[urls >= thresholds[rule]]
            found.append(chosen.assign(rule=rule, urls=urls[chosen.index].astype(int)))
    if not found:
        return pd.DataFrame(columns=COLUMNS)
    every = pd.concat(found)
    return every[~every.index.duplicated()].sort_index()[COLUMNS].reset_index(drop=True)
