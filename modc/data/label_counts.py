"""Coverage: how many of the listed labels have their image, by split, role, attribute, value."""

import numpy as np
import pandas as pd

KEYS = ["split", "role", "attribute", "value"]
COLUMNS = [*KEYS, "expected", "obtained"]


def count(labels: pd.DataFrame, is_there: np.ndarray | bool = True) -> pd.DataFrame:
    """Return one row for each split, role, attribute and value that `labels` has.

    labels: one row a listed label, with the columns split, role, attribute, value. is_there: bool
    (labels,), whether its image is there. Columns: those, expected (labels listed) and obtained
    (those whose image is there). Splits and roles stand in the order in which they first occur.
    """
    groups = labels.assign(there=is_there).groupby(KEYS, sort=False)["there"]
    frame = groups.agg(expected="size", obtained="sum").reset_index()
    order = [pd.factorize(frame["split"])[0], pd.factorize(frame["role"])[0]]
    rows = np.lexsort([frame["value"], frame["attribute"], *order[::-1]])
    counts = {"expected": np.int64, "obtained": np.int64}
    return frame.iloc[rows].reset_index(drop=True).astype(counts)[COLUMNS]


def of_places(coverage: pd.DataFrame, attributes: int, training_images: tuple[int, int]) -> dict:
    """Return {"attributes": [one each, in order], "overall": ...}: what each number rests on.

    Each maps train (labels of training images), query and candidate (of the test split) to
    [expected, obtained]. training_images: the two counts of images, which stand for the overall
    training labels, since a training image may carry several.
    """
    used = coverage[(coverage["split"] == "test") | (coverage["role"] == "train")]
    parts = [used[used["attribute"] == number] for number in range(attributes)]
    overall = {**_by_role(used), "train": list(map(int, training_images))}
    return {"attributes": [_by_role(part) for part in parts], "overall": overall}


def _by_role(part: pd.DataFrame) -> dict[str, list[int]]:
    return {
        role: [int(part.loc[part["role"] == role, name].sum()) for name in ("expected", "obtained")]
        for role in ("train", "query", "candidate")
    }
