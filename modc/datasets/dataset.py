"""What a dataset is to everything else: what it holds, how it is fetched, how it is indexed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # It needs pandas, without which `modc status` does.
    from modc.data.index import Index

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Option:
    """An option of `modc fetch` that one dataset takes, and that its `fetch` gets as a keyword.

    kind: Path, int (from 0), str, or bool for a flag. choices: what a str may be. repeated: it may
    be given several times, and comes as a tuple.
    """

    name: str
    help: str
    kind: type = str
    choices: tuple[str, ...] = ()
    repeated: bool = False


class Dataset:
    """One dataset of the configuration; a subclass a kind of dataset, without torch at import.

    A subclass sets the attributes below that have no value, and those whose value here does not
    fit, and defines `fetch` and `index`.
    """

    # How many values each attribute has, in the order of the tables.
    attributes: Mapping[str, int]
    # What the values of an attribute are called, in the order of their numbers; an attribute that
    # is not here has numbers only. For reports alone.
    value_names: Mapping[str, tuple[str, ...]] = NOTHING
    # By split (train, valid, test) how many images are listed, and, where that is published, how
    # many queries and candidates: a run that has other ones is not comparable.
    counts: Mapping[str, Mapping[str, int]]
    # Where `counts` are from, for `modc plan`.
    counts_source = "its split files, assuming that no image is missing"
    # Labels of an image of valid or test.
    labels_an_image = 1
    # Whether fetching ends in a manifest of the images (modc/data/manifest.py). Then images may be
    # missing, and the run has a page of their coverage.
    has_manifest = False

    # What `fetch` ends in, below the dataset's folder.
    files: tuple[str, ...]
    # What lists the images, such as split files, if that is fetched by itself: the index reads it,
    # but a newer one alone makes nothing anew, since its content is compared. `fetch` then gets
    # `part`: "listing", "images", or None for both.
    listing: tuple[str, ...] = ()
    # Whether the images are fetched by the listing.
    fetches_by_listing = False
    # Options of `modc fetch` that this dataset takes.
    options: tuple[Option, ...] = ()
    # Further keys that its entry in the configuration may have: a JSON schema of each.
    own_settings: Mapping[str, Any] = NOTHING

    # Images that others obtained: by who they are; the coverage page compares with the most.
    obtained_by_others: Mapping[str, int] = NOTHING

    def __init__(self, name: str, folder: Path, settings: dict, download: dict):
        """Describe the dataset that the configuration calls `name` and that lies in `folder`.

        settings: its entry in the configuration; download: the configuration's section of that
        name.
        """
        self.name = name
        self.folder = folder
        self.settings = settings
        self.download = download

    @property
    def paths(self) -> list[Path]:
        """Where `files` lie."""
        return [self.folder / file for file in self.files]

    @property
    def listing_paths(self) -> list[Path]:
        """Where `listing` lies."""
        return [self.folder / file for file in self.listing]

    def value_name(self, attribute: str, value: int) -> str:
        """Return what a value of an attribute is called: its name, or else its number."""
        names = self.value_names.get(attribute, ())
        return names[value] if value in range(len(names)) else str(value)

    def fetch(self, **options: Any) -> str:
        """Put `files` (and `listing`) into the folder; return a line that says what there is.

        What is there and right stays. Raises UserError with instructions if it cannot be had.
        """
        raise NotImplementedError

    def index(self) -> Index:
        """Return the index of what lies in the folder.

        settings["missing_images"] says what to do about images that are listed and missing. Raises
        UserError with instructions if nothing is there.
        """
        raise NotImplementedError

    def fetched_by(self) -> dict:
        """Return the settings a change of which makes a run fetch again."""
        return {}

    def download_size(self, images: int) -> tuple[int, str]:
        """Return the bytes on disk of so many images as fetched, and where that number is from."""
        raise NotImplementedError

    def beforehand(self) -> Iterator[str]:
        """Yield a line for each thing to know before a run: what is missing, what takes long."""
        return iter(())

    def stops(self) -> Iterator[str]:
        """Yield a line for each thing without which `fetch` can only fail."""
        return iter(())

    def remarks(self) -> list[str]:
        """Return what the coverage page says at its end, a line each."""
        return []
