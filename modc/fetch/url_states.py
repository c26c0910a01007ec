"""What became of a list of URLs: tables by state, host and HTTP status."""

import pandas as pd
from tabulate import tabulate

from modc.data.states import BAD_ADDRESS, BAD_NAME, FINAL, MEANING, TRANSIENT
from modc.fetch.hosts import host_of

MOST_HOSTS = 20


def status(table: pd.DataFrame) -> str:
    """Return the tables of a judged record as text."""
    states = table["state"].value_counts()
    listed = [[s, int(states[s]), MEANING[s]] for s in MEANING if s in states]
    parts = [
        tabulate(listed, ["state", "lines", "meaning"], intfmt=","),
        _crossed(table, _hosts(table), "host"),
        _crossed(table, _http_status(table), "HTTP status"),
        _again(states),
    ]
    return "\n\n".join(parts)


def _again(states: pd.Series) -> str:
    """Say which URLs the next run retries, and how to retry the others."""
    later = int(states[states.index.isin(TRANSIENT)].sum())
    said = f"The next run retries {later:,} with transient failures"
    final = [state for state in FINAL if state in states]
    if not final:
        return f"{said}."
    return f"{said}; --retry STATE (here {', '.join(final)}) or --retry failed retries the others."


def _crossed(table: pd.DataFrame, by: pd.Series, name: str) -> str:
    """Return a table of `by` and states; rare hosts are one row."""
    counts = pd.crosstab(by, table["state"])
    counts = counts[[state for state in MEANING if state in counts]]
    counts.insert(0, "lines", counts.sum(axis=1))
    counts = counts.sort_values("lines", ascending=False, kind="stable")
    if len(counts) > MOST_HOSTS:
        rest = counts[MOST_HOSTS:]
        counts = counts[:MOST_HOSTS].copy()
        counts.loc[f"{len(rest):,} others"] = rest.sum()
    return tabulate(counts, [name, *counts.columns], intfmt=",")


def _hosts(table: pd.DataFrame) -> pd.Series:
    usable = ~table["state"].isin([BAD_NAME, BAD_ADDRESS])
    return table["url"].where(usable).map(host_of, na_action="ignore").replace("", "-").fillna("-")


def _http_status(table: pd.DataFrame) -> pd.Series:
    return table["http_status"].map(lambda code: f"{code:.0f}", na_action="ignore").fillna("none")
