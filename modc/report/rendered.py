"""What `modc tables`, `figures`, `report` and `ablation` wrote, and by which code.

A note a command lies in results/<run>/rendered/. By it `modc verify` tells a file that was altered
from one that another version wrote.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
    """code: a fingerprint; hashes: the SHA-256 of each file by its path inside the run's folder."""

    code: str
    hashes: dict[str, str]

    @property
    def files(self) -> list[str]:
        """The paths of all files."""
        return list(self.hashes)

    def is_as_written(self, file: str, content: bytes) -> bool:
        """Return whether a file is what was written, byte for byte."""
        return self.hashes.get(file) == sha256(content).hexdigest()


def code(what: str) -> str:
    """Return a fingerprint of the code, templates and published numbers here that render `what`."""
    parts = [provenance.code_of(MODULES[what]), provenance.templates()]
    parts.append(paper.fingerprint(paper.shipped()))
    if what == "report":  # the page prints it
        parts.append(provenance.training_code())
    return sha256(" ".join(parts).encode()).hexdigest()[:16]


def note(
    run_folder: Path, what: str, files: Iterable[Path], printed: Mapping[str, str] | None = None
) -> None:
    """Note that these files of a run were just rendered; what: a key of MODULES.

    printed: the text that goes to the terminal, by the file that the workflow keeps it in.
    """
    run_folder = Path(run_folder)
    hashes = {
        Path(file).relative_to(run_folder).as_posix(): sha256(Path(file).read_bytes()).hexdigest()
        for file in files
    }
    for file, text in (printed or {}).items():
        hashes[file] = sha256(text.encode(errors="replace")).hexdigest()
    write_json(_path(run_folder, what), {"code": code(what), "sha256": hashes})


def noted(run_folder: Path, what: str) -> Rendered | None:
    """Return what was noted, None where nothing was (an older version) or the note is damaged."""
    try:
        found = json.loads(_path(Path(run_folder), what).read_bytes())
        hashes = {str(file): str(own) for file, own in found["sha256"].items()}
        return Rendered(str(found["code"]), hashes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _path(run_folder: Path, what: str) -> Path:
    return run_folder / paths.RENDERED / f"{what}.json"
