"""What drawn datasets have in common: they are drawn before they are fetched."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from modc.data.folder_files import GENERATED
from modc.datasets.public_splits import REFREEZE, PublicSplits

SHARES = {"train": 0.6, "valid": 0.2, "test": 0.2}


class Drawn(PublicSplits):
    """Comes before a dataset of the public split files in the bases of its drawn form.

    settings["generate"] says how many images are drawn from which seed.
    """

    files = (GENERATED, *PublicSplits.files)
    listing = ()
    counts_source = "what will be drawn"
    options = (REFREEZE,)
    own_settings = {
        "generate": {
            "type": "object",
            "additionalProperties": False,
            "required": ["images", "seed"],
            "properties": {
                "images": {
                    "type": "integer",
                    "minimum": 300,
                    "description": "a whole number from 300",
                },
                "seed": {"type": "integer", "minimum": 0, "description": "a whole number from 0"},
            },
        }
    }

    def write(self, images: int, seed: int) -> None:
        """Draw so many images from a seed, and the mark GENERATED at the end."""
        raise NotImplementedError

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """The images of each split; as for queries and candidates, any number will do."""
        images = self.settings["generate"]["images"]
        return {split: {"images": round(share * images)} for split, share in SHARES.items()}

    def fetched_by(self) -> dict:
        """Return what is drawn: another drawing is another dataset."""
        return dict(self.settings["generate"])

    def draw(self, images: int | None = None, seed: int | None = None) -> None:
        """Draw the dataset's files, by default as the configuration says."""
        wanted = self.settings["generate"]
        self.write(
            wanted["images"] if images is None else images,
            wanted["seed"] if seed is None else seed,
        )

    def draw_if_need_be(self) -> None:
        """Draw, unless what is there was drawn so."""
        try:
            drawn = json.loads((self.folder / GENERATED).read_bytes())
        except (FileNotFoundError, ValueError):
            drawn = {}
        wanted = self.settings["generate"]
        if any(drawn.get(key) != value for key, value in wanted.items()):
            self.draw()

    def download_size(self, images: int) -> tuple[int, str]:
        """Return nothing: it takes no download."""
        return 0, "drawn"

    def beforehand(self) -> Iterator[str]:
        """Yield nothing: nothing can be missing."""
        return iter(())

    def stops(self) -> Iterator[str]:
        """Yield nothing, likewise."""
        return iter(())

    def fetch(self, **options: Any) -> str:
        """Draw if need be, then take the images as those of the dataset that it stands for."""
        if not options.get("status"):  # DARN's, which only looks at what there is
            self.draw_if_need_be()
        return super().fetch(part="images", **options)
