"""The archive of `modc export`, read: unpacked safely, its checksums and its numbers checked."""

import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import yaml

from modc import paths, plugins
from modc.config import load
from modc.data.names import shown, why_unsafe
from modc.errors import UserError
from modc.runs.crate import CITATION, LICENSE, LOCK, METADATA, WORKFLOW
from modc.runs.rerender import AS_WRITTEN
from modc.runs.rescore import CHANGED, MISSING, Check
from modc.runs.verify import Verified, verify

# As `sha256sum` writes and checks it.
CHECKSUMS = "SHA256SUMS"
_CHECKSUM = re.compile(r"([0-9a-f]{64})  (.+)")
MOST_MEMBERS = 100_000
MOST_BYTES = 16 << 30
# Nothing that Python could import: the configuration, which names classes, is a stranger's.
_NAMES = {WORKFLOW, LOCK, LICENSE, CITATION, CHECKSUMS}
_SUFFIXES = {
    *(".csv", ".html", ".json", ".log", ".md", ".png", ".rst", ".smk", ".svg", ".tex"),
    *(".txt", ".yaml"),
}


def is_export(path: Path) -> bool:
    """Return whether a file is an archive of `modc export`."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {METADATA, CHECKSUMS} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def verify_archive(path: Path, configs: list[Path]) -> Verified:
    """Check an exported run: as `verify` does, and each file against its checksum.

    configs: the configuration instead of the archive's own. Raises UserError if it is no export, or
    damaged so that it cannot be checked.
    """
    with _unpacked(path) as (folder, sums):
        broken = [one for one in sums if one.state != AS_WRITTEN]
        try:
            config = load(configs or [_own_config(folder)])
            verified = verify(folder, config)
        except UserError as error:
            if broken:
                first = broken[0]
                raise UserError(f"{path}: {first.name} {first.state}: {first.details[0]}") from None
            raise UserError(str(error).replace(str(folder), str(path))) from None
    known = {one.name for one in verified.files}
    found = {one.name for one in verified.broken}
    more = [one for one in broken if one.name not in found]
    more += [one for one in sums if one.state == AS_WRITTEN and one.name not in known]
    unchecked = [
        place
        for place in verified.unchecked
        if not (place.endswith("/") and any(one.name.startswith(place) for one in sums))
    ]
    return replace(verified, files=[*verified.files, *more], unchecked=unchecked)


def _own_config(folder: Path) -> Path:
    """Return the archive's configuration. Raises UserError if it would import a stranger's code."""
    path = folder / paths.CONFIG
    try:
        found = yaml.safe_load(path.read_bytes())
    except (OSError, yaml.YAMLError):
        return path  # `load` says what is wrong
    if isinstance(found, dict) and plugins.FOLDERS in plugins.with_folders(found, []):
        raise UserError(
            f"{path}: names classes or papers outside modc, which an archive does not bring; pass "
            f"--config FILE, your copy of it"
        )
    return path


@contextmanager
def _unpacked(path: Path) -> Iterator[tuple[Path, list[Check]]]:
    """Yield a temporary folder with the archive's files, and whether each has its checksum."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise UserError(f"{path}: not a zip archive; expected one of modc export") from None
    with archive, TemporaryDirectory(prefix="modc-") as name:
        _check_members(path, archive.infolist())
        folder, damaged = Path(name), set()
        for member in archive.infolist():
            target = folder / member.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                target.write_bytes(archive.read(member))
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
                damaged.add(member.filename)
        yield folder, _checksums(path, folder, damaged)


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Raise UserError unless all members may be written below a folder, and are an export's."""
    names = Counter(member.filename for member in members)
    if not {METADATA, CHECKSUMS} <= names.keys():
        raise UserError(f"{path}: has no {METADATA} and {CHECKSUMS}; expected one of modc export")
    if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > MOST_BYTES:
        raise UserError(
            f"{path}: over {MOST_MEMBERS} files or {MOST_BYTES >> 30} GiB unpacked; expected a "
            f"smaller archive"
        )
    for member in members:
        why = _why_not(member) or ("it is there twice" if names[member.filename] > 1 else "")
        if why:
            raise UserError(f"{path}: {shown(member.filename)}: {why}; not unpacked")


def _why_not(member: zipfile.ZipInfo) -> str:
    name, mode = member.filename, member.external_attr >> 16
    if why := why_unsafe(name):
        return why
    if "\\" in name or stat.S_IFMT(mode) not in (0, stat.S_IFREG) or member.flag_bits & 1:
        return "it is no plain file"
    if name not in _NAMES and PurePosixPath(name).suffix not in _SUFFIXES:
        return "no such file belongs to an exported run"
    return ""


def _checksums(path: Path, folder: Path, damaged: set[str]) -> list[Check]:
    """Return a check of each file that is there or that the checksums name, by name."""
    text = (
        (folder / CHECKSUMS).read_text(encoding="utf-8", errors="replace")
        if CHECKSUMS not in damaged
        else ""
    )
    lines = [_CHECKSUM.fullmatch(line) for line in text.splitlines()]
    if not lines or None in lines:
        raise UserError(f"{path}: {CHECKSUMS} is damaged; get the archive again")
    expected = {line[2]: line[1] for line in lines}
    there = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    checks = []
    for name in sorted((expected.keys() | there | damaged) - {CHECKSUMS}):
        if name in damaged:
            checks.append(Check(name, CHANGED, ("damaged in the archive",)))
        elif name not in there:
            checks.append(Check(name, MISSING, ("not in the archive",)))
        elif name not in expected:
            checks.append(Check(name, CHANGED, (f"not in {CHECKSUMS}",)))
        elif sha256((folder / name).read_bytes()).hexdigest() != expected[name]:
            checks.append(Check(name, CHANGED, (f"another SHA-256 than in {CHECKSUMS}",)))
        else:
            checks.append(Check(name, AS_WRITTEN))
    return checks
