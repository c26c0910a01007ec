"""What `modc tables`, `figures`, `report` and `ablation` wrote, and with which code.

Each command leaves a note in results/<run>/rendered/. `modc verify` uses it to check what cannot be
rendered again from scores and curves: images, and files written by other code.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from modc import paths, provenance
from modc.atomic import write_json
from modc.papers import paper

# What is rendered, and the module that renders it.
MODULES = {
    "tables": "modc.report.render",
    "figures": "modc.report.figures.render",
    "report": "modc.report.page.page",
    "ablation": "modc.report.ablation",
}


@dataclass(frozen=True)
class Rendered:
    """code: a fingerprint; hashes: the SHA-256 of each file, by path inside the run's folder.

    written: when, in UTC (ISO 8601), "" if the note does not say.
    """

    code: str
    hashes: dict[str, str]
    written: str = ""

    def is_as_written(self, file: str, content: bytes) -> bool:
        """Return whether a file still is what was written, byte for byte."""
        return self.hashes.get(file) == sha256(content).hexdigest()


def code(what: str) -> str:
    """Return a fingerprint of the present code, templates and published numbers behind `what`."""
    parts = [provenance.code_of(MODULES[what]), provenance.templates()]
    parts.append(paper.fingerprint(paper.shipped()))
    if what == "report":  # the page prints it
        parts.append(provenance.training_code())
    return sha256(" ".join(parts).encode()).hexdigest()[:16]


def note(run_folder: Path, what: str, files: Iterable[Path], written: str = "") -> None:
    """Record that these files of a run were just rendered; what: a key of MODULES.

    Files of the earlier note that were not written now, such as the tables of a paper that the
    configuration no longer names, are removed. written: the time in place of the present one.
    """
    run_folder = Path(run_folder)
    hashes = {
        Path(file).relative_to(run_folder).as_posix(): sha256(Path(file).read_bytes()).hexdigest()
        for file in files
    }
    earlier = noted(run_folder, what)
    for name in set(earlier.hashes if earlier else ()) - set(hashes):
        (run_folder / name).unlink(missing_ok=True)
    written = written or datetime.now(UTC).isoformat(timespec="seconds")
    write_note(run_folder, what, Rendered(code(what), hashes, written))


def write_note(run_folder: Path, what: str, rendered: Rendered) -> None:
    """Write a note."""
    content = {"code": rendered.code, "written": rendered.written, "sha256": rendered.hashes}
    write_json(_path(Path(run_folder), what), content)


def noted(run_folder: Path, what: str) -> Rendered | None:
    """Return the note, None if there is none or it is damaged."""
    try:
        found = json.loads(_path(Path(run_folder), what).read_bytes())
        hashes = {str(file): str(own) for file, own in found["sha256"].items()}
        if any(Path(file).is_absolute() or ".." in Path(file).parts for file in hashes):
            return None
        return Rendered(str(found["code"]), hashes, str(found.get("written", "")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _path(run_folder: Path, what: str) -> Path:
    return run_folder / paths.RENDERED / f"{what}.json"
