"""The checksums of an exported run, as `sha256sum` writes and checks them."""

import re
from hashlib import file_digest
from pathlib import Path

from modc.data.names import why_unsafe
from modc.errors import UserError
from modc.runs.rerender import AS_WRITTEN
from modc.runs.rescore import CHANGED, MISSING, Check

CHECKSUMS = "SHA256SUMS"
_CHECKSUM = re.compile(r"([0-9a-f]{64})  (.+)")


def parse(content: bytes, path: Path) -> dict[str, str]:
    """Return the SHA-256 of each file by name; path: named in the error.

    Raises UserError if the checksums are damaged.
    """
    lines = [_CHECKSUM.fullmatch(one) for one in content.decode(errors="replace").splitlines()]
    if not lines or None in lines or any(why_unsafe(line[2]) for line in lines):
        raise UserError(f"{path}: {CHECKSUMS} is damaged; get the archive again")
    return {line[2]: line[1] for line in lines}


def check_sums(folder: Path) -> list[Check]:
    """Return a check of each file that the folder's checksums name; [] if it has no checksums.

    Raises UserError if they are damaged.
    """
    path = folder / CHECKSUMS
    if not path.is_file():
        return []
    return [_check(folder, *one) for one in sorted(parse(path.read_bytes(), folder).items())]


def _check(folder: Path, name: str, expected: str) -> Check:
    try:
        with (folder / name).open("rb") as file:
            is_same = file_digest(file, "sha256").hexdigest() == expected
    except OSError as error:
        return Check(name, MISSING, (str(error.strerror),))
    if is_same:
        return Check(name, AS_WRITTEN)
    return Check(name, CHANGED, (f"another SHA-256 than in {CHECKSUMS}",))
