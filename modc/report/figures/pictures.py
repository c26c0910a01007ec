"""The pictures of a dataset by their numbers, packed or not."""

from pathlib import Path

import numpy as np

from modc.data.images import ImageFolder
from modc.data.packed import open_packed
from modc.data.square import Form, formed
from modc.errors import UserError
from modc.report.figures.run import Run


def pictures(run: Run, dataset: str, numbers: np.ndarray) -> np.ndarray:
    """Return uint8 (N, S, S, 3): the squares of the pictures `numbers` of the index.

    From the packed array or, where that was deleted, from the pictures themselves. Raises UserError
    if neither is there.
    """
    index, settings = run.index(dataset), run.config["datasets"][dataset]
    form = Form(settings["image_size"], upright=settings["orientation"] == "applied")
    packed = run.prepared(dataset) / "packed" / f"{form.name}.npy"
    try:
        return np.asarray(open_packed(packed, index, form)[numbers])
    except UserError as error:
        folder = ImageFolder(Path(run.config["data"]) / dataset)
        try:
            paths = index.images["path"][numbers]
            opened = [folder.open(path, form.upright) for path in paths]
        except UserError as also:
            raise UserError(f"{error}; nor can they be read unpacked: {also}") from None
    return np.stack([formed(picture, form) for picture in opened])
