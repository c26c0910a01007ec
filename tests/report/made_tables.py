"""Tables, as the tests ask for them: by number, from the results of a run."""

import pandas as pd

from modc.papers import paper
from modc.report import tables
from modc.report.frame import results_frame
from modc.report.trainings import Trainings

MODC = paper.read(paper.FOLDER / "modc")
PUBLISHED = MODC.published
BASELINE = {"method": "baseline", "query_label": "", "top_n": ""}
KNOWN = {"method": "modc", "query_label": "known", "top_n": "1"}


def published(number: int | None = None) -> pd.DataFrame:
    """The numbers of Table 1 to 5, or of all, in percent: the columns of Place, and value."""
    rows = [
        {**place._asdict(), "value": round(100 * value, 2)}
        for place, value in PUBLISHED.items()
        if number is None or place.table == f"table{number}"
    ]
    return pd.DataFrame(rows)


def paper_table(number: int, results: list, config: dict) -> pd.DataFrame:
    """Table 1 to 5 of a run."""
    return table_of(number, tables.Source(results, config))


def table_of(number: int, source: tables.Source) -> pd.DataFrame:
    """Table 1 to 5, filled from a source."""
    return tables.paper_table(paper.tables(source.config)[f"table{number}"], source)


def attribute_table(dataset: str, results: list, config: dict) -> pd.DataFrame:
    """The table of a dataset that the paper does not have."""
    return tables.attribute_table(dataset, tables.Source(results, config))


def trainings(results: list, config: dict) -> Trainings:
    """What a run's trainings say."""
    return Trainings(results_frame(results, config), config)
