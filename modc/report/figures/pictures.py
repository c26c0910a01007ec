"""The images of a dataset by number, packed or not."""

import numpy as np

from modc import paths
from modc.data.images import ImageFolder
from modc.data.packed import open_packed
from modc.data.square import Form, formed
from modc.errors import UserError
from modc.report.figures.run import Run


def pictures(run: Run, dataset: str, numbers: np.ndarray) -> np.ndarray:
    """Return uint8 (N, S, S, 3): the squares of the images `numbers` of the index.

    From the packed array or, if that was deleted, from the image files. Raises UserError if both
    are missing.
    """
    index, settings = run.index(dataset), run.config["datasets"][dataset]
    form = Form(settings["image_size"], upright=settings["orientation"] == "applied")
    packed = paths.packed_array(paths.packed_folder(run.data(dataset)), form.name)
    try:
        return np.asarray(open_packed(packed, index, form)[numbers])
    except UserError as error:
        folder = ImageFolder(run.data(dataset))
        try:
            names = index.images["path"][numbers]
            opened = [folder.open(name, form.upright) for name in names]
        except UserError as also:
            raise UserError(f"{error}; unpacked, they cannot be read either: {also}") from None
    return np.stack([formed(picture, form) for picture in opened])
