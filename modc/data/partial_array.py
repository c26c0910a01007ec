"""An array of packed images while it is written: a kill costs the rows since the last save.

A hidden file beside the finished one, whose space is taken at once. It is written to, not mapped: a
full disk is then an error, where a memory map would be killed.
"""

import io
import json
import os
from pathlib import Path

import numpy as np

from modc.atomic import write_json
from modc.data.packed import facts_path, read_facts


class PartialArray:
    """The array at `path` until it is finished. `rows`: the numbers of those to write, ascending.

    facts: those of the finished array (`modc.data.packed.array_facts`). Resumes an array with the
    same facts that a killed process left, deletes any other; single writer.
    """

    def __init__(self, path: Path, facts: dict):
        self.path, self.facts = path, facts
        self.file = path.with_name(f".{path.name}.partial")
        self.progress = path.with_name(f".{path.name}.progress")
        shape = (facts["images"], facts["form"]["size"], facts["form"]["size"], 3)
        self._header = _header(shape)
        self._row_bytes = int(np.prod(shape[1:]))
        self.bytes = len(self._header) + shape[0] * self._row_bytes
        self._descriptor: int | None = None

        left = self._read_progress()
        if left is not None and not len(left):
            self._finish_after_all()
        self._started = left is not None and self._is_whole() and not self.finished
        self.rows = left if self._started else np.arange(shape[0])
        if not self._started:
            self.discard()

    @property
    def finished(self) -> bool:
        """Whether the array is in its place, with these facts."""
        return read_facts(self.path) == self.facts

    @property
    def taken(self) -> int:
        """How many of its bytes have their space on the disk already."""
        return min(self.file.stat().st_blocks * 512, self.bytes) if self._started else 0

    def reserve(self) -> None:
        """Take its whole space on the disk, and open it for writing.

        Raises OSError naming the array if there is too little space.
        """
        self._descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            os.posix_fallocate(self._descriptor, 0, self.bytes)
        except OSError as error:
            error.filename = str(self.path)
            raise
        if not self._started:
            self._write(self._header, 0)
            self.save(self.rows)

    def write(self, row: int, square: np.ndarray) -> None:
        """Write one row, uint8 (size, size, 3). Several threads may write at once."""
        offset = len(self._header) + row * self._row_bytes
        self._write(np.ascontiguousarray(square).data.cast("B"), offset)

    def save(self, rows: np.ndarray) -> None:
        """Record for good that all rows are written but `rows`, ascending."""
        os.fsync(self._descriptor)
        # Nearly all that is left is at the end: from `done` on nothing is written.
        at_end = np.arange(self.facts["images"] - len(rows), self.facts["images"])
        unread = rows[rows != at_end].tolist()
        done = int(self.facts["images"] - len(rows) + len(unread))
        write_json(self.progress, {"facts": self.facts, "done": done, "unread": unread})
        self._started, self.rows = True, rows

    def finish(self) -> None:
        """Put the array, whose last row is saved, in its place, and its facts beside it."""
        self.close()
        # Facts of another array must not stand beside this one, whenever the process is killed.
        facts_path(self.path).unlink(missing_ok=True)
        self.file.replace(self.path)
        write_json(facts_path(self.path), self.facts)
        self.progress.unlink()

    def close(self) -> None:
        """Stop writing. What has been saved stays, unless it is nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            if len(self.rows) == self.facts["images"]:
                self.discard()

    def discard(self) -> None:
        """Remove what is there of the unfinished array."""
        self.progress.unlink(missing_ok=True)
        self.file.unlink(missing_ok=True)

    def _read_progress(self) -> np.ndarray | None:
        """Return the rows that an array with the same facts lacks, None if there is none."""
        try:
            saved = json.loads(self.progress.read_bytes())
            if saved["facts"] != self.facts:
                return None
            return np.array([*saved["unread"], *range(saved["done"], self.facts["images"])], int)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def _is_whole(self) -> bool:
        return self.file.exists() and self.file.stat().st_size == self.bytes

    def _finish_after_all(self) -> None:
        """Write the facts, if `finish` was killed when they alone were missing."""
        if not self.file.exists() and self.path.exists() and not facts_path(self.path).exists():
            write_json(facts_path(self.path), self.facts)

    def _write(self, data: bytes | memoryview, offset: int) -> None:
        rest = memoryview(data)
        try:
            while rest:
                written = os.pwrite(self._descriptor, rest, offset)
                rest, offset = rest[written:], offset + written
        except OSError as error:
            error.filename = str(self.path)
            raise


def _header(shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue()
