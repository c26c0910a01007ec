"""The paper's own numbers."""

import csv
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
# The numbers of the paper's tables (supplement).
TABLES = (1, 2, 3, 4, 5)
# The networks of the paper's figures (supplement).
FIGURE_NETWORKS = {1: "ASENv2", 2: "ASEN++"}


@cache
def datasets() -> dict[int, str]:
    """Return the dataset of each table."""
    found = {}
    for table in TABLES:
        # By the standard library, as `modc status` must do without pandas.
        with (FOLDER / f"table{table}.csv").open(newline="", encoding="utf-8") as file:
            (found[table],) = {row["dataset"] for row in csv.DictReader(file)}
    return found
