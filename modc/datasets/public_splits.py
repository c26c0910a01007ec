"""Datasets whose images the public split files list and a manifest freezes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from modc.data.folder_files import FACTS, MANIFEST, is_frozen
from modc.datasets.dataset import Dataset, Option
from modc.errors import UserError
from modc.fetch import split_release
from modc.fetch.split_release import FILES, Release

if TYPE_CHECKING:
    from modc.data.index import Index

# The ASEN++ repository's data.zip on Google Drive, and the same files at one commit of it.
DATA_ZIP = "1KUkwqdZxjmDL-ixCcIX8GbsnUFqqcpJH"
MIRROR = (
    "https://raw.githubusercontent.com/zhengguorong/asenpp/"
    "04eb9d6f4c438d26ba3d74c4f9cf660db54ad757/data"
)

SPLITS = Option("splits", "Split files: data.zip, or a folder with its contents.", Path)
REFREEZE = Option("refreeze", "Replace an existing manifest.", bool)


class PublicSplits(Dataset):
    """A dataset with the eight public split files in `splits` and a manifest of its images."""

    has_manifest = True
    files = (MANIFEST, FACTS)
    listing = tuple(f"splits/{name}" for name in FILES)
    release: Release
    # Where the images come from, for whoever has none; {folder} is the dataset's.
    instructions: str

    @staticmethod
    def key(path: str) -> str:
        """Return what a listed name and the manifest's path of the same image have in common."""
        raise NotImplementedError

    def fetch_listing(self, source: Path | None) -> str:
        """Put the split files in place; source: data.zip or a folder, None: from the network."""
        # It needs packages that nothing else does.
        from modc.fetch import split_archive

        command = f"modc fetch {self.name}"
        done = split_archive.fetch(self.folder, self.release, source, command)
        counts = ", ".join(f"{own['images']:,} {split}" for split, own in self.counts.items())
        return f"{self.folder / 'splits'}: {done} ({counts})"

    def index(self) -> Index:
        """Return the index of the images that the split files list and the manifest has."""
        from modc.data.listed_images import build_index, not_frozen
        from modc.data.split_files import find

        advice = self.instructions.format(name=self.name, folder=self.folder)
        splits = find(self.folder) if self.folder.is_dir() else None
        if splits is None:
            raise UserError(advice)
        if not is_frozen(self.folder):
            raise UserError(f"{not_frozen(self.name, self.folder)}. {advice}")
        missing_images = self.settings["missing_images"]
        attributes = dict(self.attributes)
        return build_index(self.name, attributes, self.folder, splits, self.key, missing_images)

    def beforehand(self) -> Iterator[str]:
        """Yield a line where split files are missing."""
        absent = split_release.missing(self.folder / "splits")
        if absent:
            yield (
                f"{self.folder / 'splits'}: {len(absent)} split files will be downloaded (11 MB)"
            )
