"""Fashion-MNIST: 70,000 photographs of 28 x 28 pixels under the MIT license, five attributes each.

Category is the data's own label and body part follows from it; tone, width and texture are measured
from the pixels and cut into quintiles of the training images. The paper does not use this dataset:
it answers on real photographs that anyone can have whether the paper's claims hold in kind.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from modc.datasets.dataset import Dataset, Option
from modc.errors import UserError

if TYPE_CHECKING:
    from modc.data.index import Index

ATTRIBUTES = {"category": 10, "body part": 5, "tone": 5, "width": 5, "texture": 5}
# The last images of the training file are for validation.
VALID = 10_000
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
PARTS = ("train", "t10k")


class FashionMNIST(Dataset):
    """Fashion-MNIST in its four idx files."""

    attributes = ATTRIBUTES
    counts = {
        "train": {"images": 60_000 - VALID},
        "valid": {"images": VALID},
        "test": {"images": 10_000},
    }
    counts_source = "its four files"
    labels_an_image = len(ATTRIBUTES)
    files = tuple(
        f"{part}-{kind}-ubyte.gz" for part in PARTS for kind in ("images-idx3", "labels-idx1")
    )
    options = (
        Option("source", f"A folder to copy the files from; by default {DEBIAN}, if there.", Path),
    )

    def fetch(self, source: Path = DEBIAN) -> str:
        """Put Fashion-MNIST's four files (MIT license) into the folder.

        They are copied from Debian's package dataset-fashion-mnist where that is installed, else
        downloaded (30 MB) through torchvision.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder) as temporary:
            found = source if source.is_dir() else _download(Path(temporary))
            for file in sorted(found.glob("*-ubyte.gz")):
                # Within one file system, so that a file is in place whole or not at all.
                shutil.copyfile(file, Path(temporary) / "copy")
                (Path(temporary) / "copy").replace(self.folder / file.name)
        return f"{self.folder}: Fashion-MNIST's four files are in place"

    def index(self) -> Index:
        """Return the index of the four idx files, compressed or not."""
        from modc.datasets import fashion_mnist_index

        return fashion_mnist_index.read(self.folder, self.name)

    def download_size(self, images: int) -> tuple[int, str]:
        """Return what the four files take."""
        return 30_000_000, "stated: four files"


def _download(root: Path) -> Path:
    # Starting torch takes seconds, and only a download needs it.
    from torchvision.datasets import FashionMNIST

    try:
        FashionMNIST(root, download=True)
    except (OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{FashionMNIST.mirrors[0]}: download failed ({reason}); try again, or install "
            f"Debian's package dataset-fashion-mnist"
        ) from None
    return root / "FashionMNIST" / "raw"
