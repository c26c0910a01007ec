"""FashionAI: the archives of a Tianchi competition, one attribute an image."""

from collections.abc import Iterator
from pathlib import Path

from modc.data.folder_files import is_frozen
from modc.datasets.dataset import Option
from modc.datasets.public_splits import DATA_ZIP, MIRROR, REFREEZE, SPLITS, PublicSplits
from modc.errors import UserError
from modc.fetch.split_release import Release
from modc.home import in_home

# In the order of Table 1; the counts are those of the public split files' meta.json.
ATTRIBUTES = {
    "skirt_length": 6,
    "sleeve_length": 9,
    "coat_length": 8,
    "pant_length": 6,
    "collar_design": 5,
    "lapel_design": 5,
    "neckline_design": 10,
    "neck_design": 5,
}

# In the order of the label strings (the public ASEN repository, an early src/meta.py).
VALUE_NAMES = {
    "skirt_length": ("Invisible", "Short", "Knee", "Midi", "Ankle", "Floor"),
    "sleeve_length": (
        "Invisible",
        "Sleeveless",
        "Cup",
        "Short",
        "Elbow",
        "3/4",
        "Wrist",
        "Long",
        "Extra Long",
    ),
    "coat_length": (
        "Invisible",
        "High Waist",
        "Regular",
        "Long",
        "Micro",
        "Knee",
        "Midi",
        "Ankle & Floor",
    ),
    "pant_length": ("Invisible", "Short", "Mid", "3/4", "Cropped", "Full"),
    "collar_design": ("Invisible", "Shirt Collar", "Peter Pan", "Puritan Collar", "Rib Collar"),
    "lapel_design": ("Invisible", "Notched", "Collarless", "Shawl Collar", "Plus Size Shawl"),
    "neckline_design": (
        "Invisible",
        "Strapless",
        "Deep V",
        "Straight",
        "V",
        "Square",
        "Off Shoulder",
        "Round",
        "Sweetheart",
        "One Shoulder",
    ),
    "neck_design": (
        "Invisible",
        "Turtle Neck",
        "Ruffle Semi-High Collar",
        "Low Turtle Neck",
        "Draped Collar",
    ),
}

# The public split files: images, queries and candidates a split (FashionAI's part of data.zip).
COUNTS = {
    "train": {"images": 144_335, "train": 144_335},
    "valid": {"images": 18_000, "query": 3_600, "candidate": 14_400},
    "test": {"images": 18_000, "query": 3_600, "candidate": 14_400},
}
BLOBS = {
    "candidate_test.txt": "4a201e4a6dbece086dcdf94482a4414d92f4933f",
    "candidate_valid.txt": "857d73a8cb7967faae2257d8e3dceefdf84b5ac6",
    "filenames_test.txt": "87fb84fb367863d6c015b2c8ec058e4c7e10a125",
    "filenames_valid.txt": "e69821820cd3ea8b0d19c7c600ee5ddde10b15e5",
    "label_train.txt": "a08ffc636a7056ea4227714712147d7f0be8fb8a",
    "query_test.txt": "f836fb219e9d32492c4fb45db941bb8ec6d98f4d",
    "query_valid.txt": "5c9ba4126b87fb37c72c90a24dac1081b90eb7ed",
    "filenames_train.txt": "c99e23bc5e144817adf08b5b8cae2a23da852e5e",
}
IMAGES = "Images"
ARCHIVES = {
    "1": "fashionAI_attributes_train1.zip (6 GB)",
    "2": "fashionAI_attributes_train2.zip (7 GB)",
}
PAGE = "https://tianchi.aliyun.com/competition/entrance/231671/introduction"


class FashionAI(PublicSplits):
    """FashionAI, whose archives need a registration."""

    attributes = ATTRIBUTES
    value_names = VALUE_NAMES
    counts = COUNTS
    release = Release("FashionAI", ATTRIBUTES, COUNTS, BLOBS, DATA_ZIP, MIRROR)
    fetches_by_listing = True
    options = (
        SPLITS,
        Option("archives", "Folder of the archives, as downloaded or unpacked.", Path),
        REFREEZE,
    )
    own_settings = {"archives": {"type": "string", "minLength": 1, "description": "a folder"}}
    instructions = (
        "FashionAI is not there: run `modc fetch {name}`, which extracts its images into {folder} "
        "from fashionAI_attributes_train1.zip (6 GB) and fashionAI_attributes_train2.zip (7 GB) "
        f"of Tianchi competition 231671 (register at {PAGE}); the split files go into "
        "{folder}/splits"
    )

    @staticmethod
    def key(path: str) -> str:
        """Return `<attribute>_labels/<md5>.jpg`, which names an image in every release.

        The folders before differ between releases.
        """
        return "/".join(path.replace("\\", "/").split("/")[-2:])

    def fetch(
        self,
        part: str | None = None,
        splits: Path | None = None,
        archives: Path | None = None,
        refreeze: bool = False,
    ) -> str:
        """Take the listed images out of the two archives, and freeze a manifest of them.

        The archives need a registration: without them, it says where to register, what to download
        and where to put it. A run that was stopped resumes with the same command. Images that the
        archives lack are counted and listed in missing.csv.
        """
        said = [] if part == "images" else [self.fetch_listing(splits)]
        if part != "listing":
            from modc.datasets import fashionai_archives

            may_miss = self.settings["missing_images"] == "leave_out"
            place = archives or self.archives()
            said.append(fashionai_archives.fetch(self.folder, place, refreeze, may_miss, self.name))
        return "\n".join(said)

    def archives(self) -> Path:
        """Return the folder of the two archives. Raises UserError where it is in no home folder."""
        named = self.settings.get("archives")
        return in_home(named, f"datasets.{self.name}.archives") if named else self.folder

    def download_size(self, images: int) -> tuple[int, str]:
        """Return what the archives and what is taken out of them take (Tianchi)."""
        return 2 * 13_000_000_000, "stated: two archives of 13 GB, and as much taken out of them"

    def beforehand(self) -> Iterator[str]:
        """Yield a line where split files or the archives are missing."""
        yield from super().beforehand()
        if not is_frozen(self.folder):
            yield from self.stops()

    def stops(self) -> Iterator[str]:
        """Yield a line where there are neither archives nor images."""
        if (self.folder / IMAGES).is_dir():
            return
        try:
            place = self.archives()
        except UserError as error:
            yield str(error)
            return
        patterns = ("*.zip", "*/*.zip", IMAGES, f"*/{IMAGES}", f"*/*/{IMAGES}")
        if not any(True for pattern in patterns for _ in place.glob(pattern)):
            yield (
                f"{place}: FashionAI's archives are not there; register at {PAGE}, and download "
                f"{' and '.join(ARCHIVES.values())}"
            )
