"""FashionAI with drawn garments."""

from pathlib import Path

from modc.datasets.fashionai import FashionAI
from modc.drawn.dataset import Drawn


class DrawnFashionAI(Drawn, FashionAI):
    """Two drawn archives and their split files."""

    own_settings = {**Drawn.own_settings, **FashionAI.own_settings}

    def write(self, images: int, seed: int) -> None:
        """Draw so many images from a seed."""
        # It needs packages that nothing else does.
        from modc.drawn.garments import write_fashionai

        write_fashionai(self.folder, images, seed)

    def archives(self) -> Path:
        """Return where they were drawn."""
        return self.folder
