"""The manifest: which of a dataset's listed images there are, frozen, so that a number can name
the data behind it."""

import io
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pandas as pd

from modc.atomic import write_bytes, write_json
from modc.data.folder_files import FACTS, MANIFEST, is_frozen
from modc.data.images import ImageFolder
from modc.data.states import MISSING, NOT_AN_IMAGE, OK
from modc.errors import UserError
from modc.progress_bar import progress_bar

COLUMNS = ["path", "status", "bytes", "sha256", "width", "height"]
# Many files are read at once: the disk waits, not the processor.
THREADS = 16
_TYPES = {
    "path": str,
    "status": str,
    "bytes": "Int64",
    "sha256": str,
    "width": "Int64",
    "height": "Int64",
}


@dataclass(frozen=True)
class Manifest:
    """What was there when the data were frozen.

    table: one row a listed image, by path; columns path (below the dataset's folder), status (ok,
    or why there is no image), bytes, sha256, width and height as shown, in pixels; the last four
    are empty where the status is not ok. sha256: of manifest.csv. facts: what manifest.json says:
    when it was frozen, from which sources, how many images have each status.
    """

    table: pd.DataFrame
    sha256: str
    facts: dict

    @property
    def pictures(self) -> pd.DataFrame:
        """The rows of the images that are there."""
        return self.table[self.table["status"] == OK]


def write(folder: Path, table: pd.DataFrame, sources: dict) -> str:
    """Write manifest.csv and, last, manifest.json to `folder`; return the hash of the first.

    sources: what the images were made from, such as the hash of the list of URLs. A manifest that
    says the same already is left untouched, its time too.
    """
    table = table[COLUMNS].astype(_TYPES).sort_values("path", kind="stable")
    repeated = table["path"][table["path"].duplicated()]
    if len(repeated):
        raise UserError(f"{folder / MANIFEST}: {repeated.iloc[0]} twice; expected each path once")
    data = table.to_csv(index=False, lineterminator="\n").encode()
    name = sha256(data).hexdigest()
    try:
        if _read(folder)[1]["sha256"] == name:
            return name
    except UserError:
        pass  # absent or damaged: written anew
    write_bytes(folder / MANIFEST, data)
    facts = {
        "sha256": name,
        "frozen": datetime.now(UTC).isoformat(timespec="seconds"),
        "pictures": {str(k): int(v) for k, v in table["status"].value_counts().items()},
        "sources": sources,
    }
    write_json(folder / FACTS, facts)
    return name


def exists(folder: Path) -> bool:
    """Whether the dataset in `folder` is frozen."""
    return is_frozen(folder)


def read(folder: Path) -> Manifest:
    """Return the manifest in `folder`. Raises UserError if it is absent or was altered."""
    data, facts = _read(folder)
    empty = {name: [""] for name in ("bytes", "width", "height")}
    table = pd.read_csv(io.BytesIO(data), dtype=_TYPES, keep_default_na=False, na_values=empty)
    return Manifest(table, facts["sha256"], facts)


def _read(folder: Path) -> tuple[bytes, dict]:
    try:
        facts = json.loads((folder / FACTS).read_bytes())
        data = (folder / MANIFEST).read_bytes()
        expected = facts["sha256"]
    except FileNotFoundError as error:
        raise UserError(f"{error.filename}: no manifest; run `modc fetch`") from None
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{folder / FACTS}: damaged; delete it and run `modc fetch`") from None
    if sha256(data).hexdigest() != expected:
        raise UserError(
            f"{folder / MANIFEST}: changed since it was frozen: its SHA-256 is not {FACTS}'s; "
            f"restore it, or delete both to freeze what is there"
        )
    return data, facts


def describe(folder: Path, paths: Iterable[str]) -> pd.DataFrame:
    """Return the manifest's rows for `paths` below `folder`, of the files as they lie there.

    An image's header is read and its bytes are hashed; its pixels are not decoded. A file that is
    not there is missing, one without an image's header is not_an_image.
    """
    paths = list(paths)
    images = ImageFolder(folder)
    with ThreadPoolExecutor(THREADS) as pool:
        rows = pool.map(lambda path: _describe(images, path), paths, chunksize=64)
        rows = list(progress_bar(rows, "hashing images", len(paths)))
    return pd.DataFrame(rows, columns=COLUMNS).astype(_TYPES)


def _describe(images: ImageFolder, path: str) -> tuple:
    try:
        data = (images.folder / path).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return path, MISSING, None, "", None, None
    try:
        size = images.size(path)
    except UserError:
        return path, NOT_AN_IMAGE, None, "", None, None
    return path, OK, len(data), sha256(data).hexdigest(), *size
