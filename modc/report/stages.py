"""How each training went: one row per stage, with validation scores and why it stopped."""

import pandas as pd
from tabulate import tabulate

from modc.report.results import Result

COLUMNS = [
    "dataset",
    "network",
    "labeled_percent",
    "seed",
    "stage",
    "epochs",
    "stopped",
    "best_epoch",
    "first_MAP@all",
    "best_MAP@all",
    "last_MAP@all",
    "best_Acc",
]
INTRODUCTION = """# Stages

Validation scores in percent: MAP@all after the first epoch of a stage, its best epoch and its last;
Acc at the best epoch. `curve.csv` and `curve.png` of each stage show all epochs. Training times,
which differ in every run, are in `scores.json` and on the page.
"""


def stages(results: list[Result]) -> pd.DataFrame:
    """Return one row per trained stage of each cell, in the grid's order; scores are fractions."""
    rows = {}
    for result in results:
        cell = result.cell
        for stage in result.stages:
            key = (cell, stage["stage"])
            rows[key] = {
                "dataset": cell.dataset,
                "network": cell.network,
                "labeled_percent": cell.labeled_percent,
                "seed": cell.seed,
                **{name: stage[name] for name in ("stage", "epochs", "stopped", "best_epoch")},
                **{f"{at}_MAP@all": stage[at].get("MAP@all") for at in ("first", "best", "last")},
                "best_Acc": stage["best"].get("Acc"),
            }
    return pd.DataFrame(list(rows.values()), columns=COLUMNS)


def markdown_stages(frame: pd.DataFrame) -> str:
    """Return the rows of `stages` as Markdown."""
    shown = frame.copy()
    for column in shown:
        if "_MAP" in column or column.endswith("_Acc"):
            shown[column] = [f"{100 * v:.2f}" if pd.notna(v) else "" for v in shown[column]]
    names = [name.replace("_", " ") for name in shown]
    table = tabulate(shown.values.tolist(), names, tablefmt="pipe", disable_numparse=True)
    return (
        f"{INTRODUCTION}\n{table}\n" if len(frame) else f"{INTRODUCTION}\nNo stage has finished.\n"
    )
