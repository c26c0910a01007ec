"""Which training images keep their labels: 1, 5, 10, 50 or 100 % (assumption A8)."""

from pathlib import Path

import numpy as np
import pandas as pd

from modc.atomic import atomic_path
from modc.errors import UserError
from modc.seeds import generator


def labeled_part(
    labels: pd.DataFrame, percent: int, rule: str, at_least: int, seed: int
) -> np.ndarray:
    """Return the sorted ids of the images that keep their labels.

    labels: columns image, attribute, value of the training split; percent: 1 to 100. An image is
    labeled as a whole. "stratified": of each value's n images round(percent/100 * n), and at least
    `at_least` if it has so many; "uniform": of all images. The parts of one seed are nested: a
    smaller percentage's images are among a larger one's.
    """
    images = np.unique(labels["image"].to_numpy())
    rank = generator(seed, use="labeled part").permutation(len(images))
    if rule == "uniform":
        return images[rank < max(1, round(percent / 100 * len(images)))]
    chosen = np.zeros(len(images), bool)
    strata = _strata(labels, images, rank)
    # Each whole percent builds on the one before. Choosing for a percentage at once would not nest:
    # what an image of several labels saves its other values depends on the percentage.
    for step in range(1, percent + 1):
        for members in strata:
            wanted = max(min(at_least, len(members)), round(step / 100 * len(members)))
            open_places = wanted - int(chosen[members].sum())
            if open_places > 0:
                chosen[members[~chosen[members]][:open_places]] = True
    return images[chosen]


def _strata(labels: pd.DataFrame, images: np.ndarray, rank: np.ndarray) -> list[np.ndarray]:
    """Return each value's images (positions in `images`) by rank, the rarest value first."""
    positions = np.searchsorted(images, labels["image"].to_numpy())
    table = pd.DataFrame(
        {
            "attribute": labels["attribute"].to_numpy(),
            "value": labels["value"].to_numpy(),
            "position": positions,
            "rank": rank[positions],
        }
    ).sort_values("rank")
    groups = table.groupby(["attribute", "value"], sort=True)["position"]
    return sorted((group.to_numpy() for _, group in groups), key=len)


def write(path: Path, images: np.ndarray) -> None:
    """Write the image ids as a CSV of one column, `image`."""
    with atomic_path(path) as temporary:
        pd.DataFrame({"image": images}).to_csv(temporary, index=False)


def read(path: Path) -> np.ndarray:
    """Return the image ids of such a CSV. Raises UserError if it is none."""
    try:
        table = pd.read_csv(path, dtype=np.int64)
    except FileNotFoundError:
        raise UserError(f"{path}: no such labeled part; run `modc subset`") from None
    except (ValueError, UnicodeDecodeError):
        table = pd.DataFrame()
    if list(table.columns) != ["image"]:
        raise UserError(f"{path}: expected a CSV of one column, image, as `modc subset` writes it")
    return table["image"].to_numpy()
