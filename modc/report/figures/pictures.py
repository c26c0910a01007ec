"""The pictures of a dataset by their numbers, packed or not."""

from pathlib import Path

import numpy as np

from modc.data.images import ImageFolder
from modc.data.packed import open_packed
from modc.data.square import short_side_square
from modc.errors import UserError
from modc.report.figures.run import Run


def pictures(run: Run, dataset: str, numbers: np.ndarray) -> np.ndarray:
    """Return uint8 (N, S, S, 3): the squares of the pictures `numbers` of the index.

    From the packed array or, where that was deleted, from the pictures themselves. Raises UserError
    if neither is there.
    """
    index, size = run.index(dataset), run.config["datasets"][dataset]["image_size"]
    packed = run.prepared(dataset) / "packed" / f"{size}.npy"
    try:
        return np.asarray(open_packed(packed, index)[numbers])
    except UserError as error:
        folder = ImageFolder(Path(run.config["data"]) / dataset)
        try:
            opened = [folder.open(index.images["path"][number]) for number in numbers]
        except UserError as also:
            raise UserError(f"{error}; nor can they be read unpacked: {also}") from None
    return np.stack([short_side_square(picture, size) for picture in opened])
