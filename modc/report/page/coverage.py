"""A summary of each dataset's coverage, from the files of `modc coverage`."""

from pathlib import Path

import pandas as pd

from modc import paths
from modc.report.comparable import percent, threshold_of
from modc.report.coverage import PARTS
from modc.report.files import coverage_files, listed_datasets

COUNTS = ["expected", "obtained"]


def coverage(run_folder: Path, config: dict) -> list[dict]:
    """Return one entry per dataset: dataset, threshold, parts, rows, missing, page.

    rows: an attribute (or "overall") with the share obtained in each of `parts`, as text; missing:
    why there are no rows, else ""; page: the file with every value, inside the run's folder.
    """
    found = []
    for dataset in listed_datasets(config):
        page, csv, _ = coverage_files(dataset)
        entry = {
            "dataset": dataset,
            "threshold": threshold_of(config, dataset),
            "parts": list(PARTS.values()),
            "page": f"{paths.COVERAGE}/{page}",
            "rows": [],
            "missing": "",
        }
        try:
            entry["rows"] = _rows(Path(run_folder) / paths.COVERAGE / csv)
        except FileNotFoundError:
            entry["missing"] = "not counted yet"
        except (OSError, ValueError, KeyError):  # not text, cut, or of other columns
            entry["missing"] = f"{paths.COVERAGE}/{csv} is damaged; run `modc coverage` again"
        found.append(entry)
    return found


def _rows(csv: Path) -> list[dict]:
    frame = pd.read_csv(csv, usecols=["split", "role", "attribute", *COUNTS])
    if not (frame[COUNTS].dtypes == "int64").all():
        raise ValueError("counts are not whole numbers")
    groups = [(name, own) for name, own in frame.groupby("attribute", sort=False)]
    return [_row(str(name).replace("_", " "), own) for name, own in [*groups, ("overall", frame)]]


def _row(name: str, frame: pd.DataFrame) -> dict:
    sums = frame.groupby(["split", "role"])[COUNTS].sum()
    shares = []
    for part in PARTS:
        expected, obtained = sums.loc[part] if part in sums.index else (0, 0)
        shares.append(percent(int(obtained), int(expected)))
    return {"attribute": name, "shares": shares}
