"""Images on disk: `pic/<name>.jpg`, each whole or absent."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from modc.data.image_file import Unusable
from modc.data.states import BAD_NAME, OK
from modc.fetch.outcome import Outcome
from modc.fetch.picture import Picture, prepare
from modc.lock import take

PICTURES, ORIGINALS, INCOMING = "pic", "originals", ".incoming"
# What the file system says when a name of the list cannot be a file beside the others.
_IN_THE_WAY = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EILSEQ)


class Store:
    """The images of a dataset's folder. Several processes may have one, of one folder."""

    def __init__(self, folder: Path, settings: dict):
        """settings: the section `download` of the configuration."""
        self.folder = folder
        self._short_side = settings["short_side"]
        self._quality = settings["quality"]
        self._most_pixels = int(settings["max_megapixels"] * 1e6)
        self._keep_originals = settings["keep_originals"]
        # On the same file system, so that a file comes to its place in one step.
        self._incoming = folder / INCOMING
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._folders: set[Path] = set()

    def clear(self) -> None:
        """Remove what a killed process left half-written."""
        shutil.rmtree(self._incoming, ignore_errors=True)
        self._incoming.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """Where the image `name` lies."""
        return self.folder / PICTURES / f"{name}.jpg"

    def has(self, name: str, size: int | None = None) -> bool:
        """Whether the image is there, of `size` bytes where that is known."""
        try:
            found = self.path(name).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return False
        return size is None or found == size

    def put(self, name: str, body: bytes, http_status: int | None) -> Outcome:
        """Keep the image in `body`, or return why not.

        Raises OSError if the disk does not take it; then nothing of it is left.
        """
        try:
            picture = prepare(
                body, self._short_side, self._quality, self._most_pixels, self._one_large
            )
        except Unusable as why:
            return Outcome(name, why.state, why.detail, http_status, len(body))
        try:
            if self._keep_originals:
                self._write(self.folder / ORIGINALS / name, body)
            self._write(self.path(name), picture.data)
        except OSError as error:
            if error.errno in _IN_THE_WAY:
                return Outcome(name, BAD_NAME, error.strerror, http_status, len(body))
            raise
        return _kept(name, picture, http_status, len(body))

    def adopt(self, name: str) -> Outcome | None:
        """Return the outcome of an image that lies there unrecorded; None if it is no image.

        It is kept as it is.
        """
        data = self.path(name).read_bytes()
        try:
            picture = prepare(data, None, self._quality, self._most_pixels, self._one_large)
        except Unusable:
            return None
        as_it_is = replace(picture, data=data, sha256=sha256(data).hexdigest())
        return _kept(name, as_it_is, None, None)

    @contextmanager
    def _one_large(self) -> Iterator[None]:
        """Let one process at a time decode a large image; one that dies lets the next in."""
        lock = take(self._incoming / "large", wait=True)
        try:
            yield
        finally:
            os.close(lock)

    def _write(self, path: Path, data: bytes) -> None:
        temporary = self._incoming / str(os.getpid())
        try:
            if path.parent not in self._folders:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._folders.add(path.parent)
            # Not synced one by one: files are hashed again, and synced, when they are frozen.
            temporary.write_bytes(data)
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            error.filename = str(path)
            raise


def _kept(name: str, picture: Picture, http_status: int | None, received: int | None) -> Outcome:
    return Outcome(
        name,
        OK,
        "" if received is not None else "found on disk",
        http_status,
        received,
        len(picture.data),
        picture.sha256,
        picture.look,
        picture.width,
        picture.height,
    )
