"""Dots: discs of three colors and four sizes, drawn by `fetch`."""

import json

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from modc.atomic import write_json
from modc.datasets.dataset import Dataset
from modc.datasets.fully_labeled import build_index
from modc.errors import UserError

COLORS, RADII = ("red", "green", "blue"), (4, 7, 10, 13)
SIDE = 32


class Dots(Dataset):
    """One disc per image; attributes: color and size."""

    attributes = {"color": len(COLORS), "size": len(RADII)}
    counts = {"train": {"images": 180}, "valid": {"images": 60}, "test": {"images": 60}}
    counts_source = "as drawn"
    labels_an_image = 2
    files = ("values.json",)

    def fetch(self) -> str:
        """Draw the images; values.json is written last, as the mark of completion."""
        self.folder.mkdir(parents=True, exist_ok=True)
        total = sum(split["images"] for split in self.counts.values())
        values = np.random.default_rng(0).integers([[len(COLORS)], [len(RADII)]], size=(2, total))
        for number, (color, size) in enumerate(values.T):
            image = Image.new("RGB", (SIDE, SIDE))
            place, radius = (SIDE / 2, SIDE / 2), RADII[size]
            ImageDraw.Draw(image).circle(place, radius, fill=COLORS[color])
            image.save(self.folder / f"{number}.png")
        write_json(self.folder / "values.json", values.tolist())
        return f"{self.folder}: {total} images drawn"

    def index(self):
        """Return the index of the drawn images."""
        try:
            values = np.array(json.loads((self.folder / "values.json").read_text()))
        except FileNotFoundError:
            raise UserError(f"{self.folder}: no dots; run `modc fetch {self.name}`") from None
        split = [name for name, own in self.counts.items() for _ in range(own["images"])]
        paths = [f"{number}.png" for number in range(len(split))]
        images = pd.DataFrame({"split": split, "path": paths, "width": SIDE, "height": SIDE})
        return build_index(self.name, self.attributes, images, values)

    def download_size(self, images: int) -> tuple[int, str]:
        """Return the bytes that so many small files take on disk."""
        return images * 4096, "computed: one block each"
