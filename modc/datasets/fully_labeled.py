"""The index of a dataset whose every image has a value of every attribute."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from modc.data.index import IMAGE_COLUMNS, LABEL_COLUMNS, SPLITS, Index
from modc.data.label_counts import count

# Every fifth image of valid and test is a query, as in FashionAI and DARN (3,600 of 18,000).
QUERY_EVERY = 5


def build_index(
    name: str, attributes: Mapping[str, int], images: pd.DataFrame, values: np.ndarray
) -> Index:
    """Return the index of a dataset.

    name: the configuration's. attributes: how many values each has. images: one row an image, split
    by split; columns split, path (below the dataset's folder), width and height in pixels. values:
    integers (attributes, images) from 0.
    """
    number, split = np.arange(len(images)), images["split"].to_numpy()
    role = np.where(number % QUERY_EVERY == 0, "query", "candidate")
    role[split == "train"] = "train"
    of_attributes = [
        pd.DataFrame(
            {"split": split, "role": role, "image": number, "attribute": attribute, "value": column}
        )
        for attribute, column in enumerate(values)
    ]
    labels = pd.concat(of_attributes, ignore_index=True)[LABEL_COLUMNS]
    return Index(
        dataset=name,
        attributes=tuple(attributes),
        values=tuple(attributes.values()),
        images=images[IMAGE_COLUMNS],
        labels=labels,
        coverage=count(labels),
        missing=dict.fromkeys(SPLITS, 0),
    )
