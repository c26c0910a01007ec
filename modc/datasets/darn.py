"""DARN: photographs known by a list of URLs, many of them dead; several attributes an image."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path, PurePosixPath

from modc.data.folder_files import is_frozen
from modc.data.states import FINAL
from modc.datasets.dataset import Option
from modc.datasets.public_splits import DATA_ZIP, MIRROR, REFREEZE, SPLITS, PublicSplits
from modc.fetch.split_release import Release

# In the order of Table 2; the counts are those of the public split files' meta.json.
ATTRIBUTES = {
    "clothes category": 20,
    "clothes button": 13,
    "clothes color": 55,
    "clothes length": 7,
    "clothes pattern": 28,
    "clothes shape": 11,
    "collar shape": 26,
    "sleeve length": 8,
    "sleeve shape": 17,
}

# The public split files: images, queries and candidates a split (DARN's part of data.zip). A
# training image has several labels, so these are not counted.
COUNTS = {
    "train": {"images": 171_697},
    "valid": {"images": 21_461, "query": 4_293, "candidate": 17_168},
    "test": {"images": 21_461, "query": 4_293, "candidate": 17_168},
}
BLOBS = {
    "candidate_test.txt": "6bdaeea65fdbeead1a9190e15b1d39a93314c777",
    "candidate_valid.txt": "c80b81be6f9440d4c67300c70114e817a89a9fdd",
    "filenames_test.txt": "bbdf156d84a18f8e4e3333469ade3c9d223611fc",
    "filenames_valid.txt": "61a0eaff7944831a1d941f1c80630d8a95f24abf",
    "label_train.txt": "6034ae84ddedfcc27fa6687ae1768ffdf2fd7b98",
    "query_test.txt": "bf8095e12a1adfca2239cf630c9c60d6d7f7e464",
    "query_valid.txt": "606a8d1d0274627f3719ee2ff7ec4d4ee058fc76",
    "filenames_train.txt": "862377e86da5986e82050d12c378c86424453cfd",
}
# The list of URLs on Google Drive.
DRIVE_ID = "10jpHsFI2njzEGl7kdACXbvstz6tXyE0R"
# At a short side of 512 pixels, an assumption.
IMAGE_BYTES = 100_000

Addresses = Mapping[str, tuple[str, int]]


class DARN(PublicSplits):
    """DARN, most of whose work is to download what of its list is still there."""

    attributes = ATTRIBUTES
    counts = COUNTS
    release = Release("DARN", ATTRIBUTES, COUNTS, BLOBS, DATA_ZIP, MIRROR)
    options = (
        SPLITS,
        Option("file", "The list of URLs; by default urls.txt in its folder.", Path),
        Option("limit", "Request only this many URLs; freezes only with --refreeze.", int),
        Option(
            "retry",
            "Retry URLs that failed for good (failed), or those of one state.",
            choices=("failed", *FINAL),
            repeated=True,
        ),
        Option("status", "Show the states of the URLs so far; download nothing.", bool),
        REFREEZE,
    )
    # As in 51586095/3660_47_1.
    usual_name = r"\d{8}/\d{4}_\d{2}_\d{1,2}"
    # Images that the authors of ASEN (their split files list them) and of MODC (the paper) had.
    obtained_by_others = {
        "ASEN's authors, whose split files list them": 214_619,
        "MODC's authors": 203_990,
    }
    instructions = (
        "DARN is not there: run `modc fetch {name}`, which downloads its split files to "
        "{folder}/splits and the images of its list of URLs to {folder}/pic"
    )

    @staticmethod
    def key(path: str) -> str:
        """Return `<8 digits>/<name>` without extension and folders before, as lists differ."""
        return bare_name(path)

    def fetch(
        self,
        part: str | None = None,
        splits: Path | None = None,
        file: Path | None = None,
        limit: int | None = None,
        retry: tuple[str, ...] = (),
        status: bool = False,
        refreeze: bool = False,
    ) -> str:
        """Download the images of the list of URLs, many of which are dead.

        The list is downloaded from Google Drive unless it exists. Stop the download at any time:
        the same command resumes it, and retries URLs with transient failures. At the end a manifest
        of the images obtained is frozen; only --refreeze changes it.
        """
        said = "" if status or part == "images" else self.fetch_listing(splits)
        if part == "listing":
            return said
        # It needs packages that nothing else does.
        from modc.fetch import url_pictures

        urls = url_pictures.UrlSource(self.name, DRIVE_ID, self.usual_name)
        if status:
            return url_pictures.status(self.folder, urls, self.download["placeholders"])
        again = FINAL if "failed" in retry else retry
        with self.addresses() as connect_to:
            url_pictures.fetch(
                self.folder, urls, self.download, file, again, limit, refreeze, connect_to
            )
        return said

    def addresses(self) -> AbstractContextManager[Addresses]:
        """Return where hosts are asked, by their names, while it lasts; others by their DNS."""
        return nullcontext({})

    def download_size(self, images: int) -> tuple[int, str]:
        """Return what so many images would take if all were there."""
        why = f"assumed: {IMAGE_BYTES // 1000} KB per image, if none is missing"
        return images * IMAGE_BYTES, why

    def beforehand(self) -> Iterator[str]:
        """Yield a line where split files or the images are to be downloaded."""
        yield from super().beforehand()
        if not is_frozen(self.folder):
            yield f"{self.folder}: DARN's images are downloaded then, which takes hours"

    def remarks(self) -> list[str]:
        """Return what the images' names give away."""
        from modc.data.split_files import find
        from modc.datasets import darn_names

        return darn_names.remarks(*darn_names.read_names(find(self.folder) or self.folder))


def bare_name(path: str) -> str:
    """Return `<8 digits>/<name>` without extension and leading folders, as lists differ in both."""
    return "/".join(PurePosixPath(path).with_suffix("").parts[-2:])
