"""The 327 numbers of Tables 1 to 5, as printed in the paper's supplement."""

import pandas as pd

from modc.published import FOLDER, TABLES


def load() -> pd.DataFrame:
    """Return one row a published number, table by table in the order of the paper.

    Columns: table (1 to 5), dataset, network, method ("baseline" or "modc"), labeled_percent,
    query_label ("known", "unknown", "" for a baseline), top_n ("1", "2", "" for a baseline),
    attribute (a name, or "overall"), metric ("MAP@100", "MAP@all", "Recall@100", "Acc"), and value
    in percent with two decimals, as printed.
    """
    types = {"table": int, "labeled_percent": int, "value": float, "query_label": str, "top_n": str}
    tables = [
        pd.read_csv(FOLDER / f"table{number}.csv", dtype=types, keep_default_na=False)
        for number in TABLES
    ]
    return pd.concat(tables, ignore_index=True)
