"""The archive of `modc export`, read: unpacked safely, its checksums and its numbers checked."""

import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import yaml

from modc import paths, plugins
from modc.config import load
from modc.data.names import shown, why_unsafe
from modc.errors import UserError
from modc.runs.checksums import CHECKSUMS, parse
from modc.runs.crate import CITATION, LICENSE, LOCK, METADATA, WORKFLOW
from modc.runs.rescore import CHANGED, Check
from modc.runs.verify import Verified, own_config, verify

MOST_MEMBERS = 100_000
# Unpacked, of all members and of one.
MOST_BYTES, MOST_BYTES_OF_ONE = 16 << 30, 1 << 30
# Text, numbers and images of a run shrink to a few percent at best; zeros shrink to 0.1 %.
MOST_RATIO, SMALL_BYTES = 200, 16 << 20
CHUNK = 1 << 20
# Nothing that Python could import: the configuration, which names classes, is a stranger's.
_NAMES = {WORKFLOW, LOCK, LICENSE, CITATION, CHECKSUMS}
_SUFFIXES = {
    *(".csv", ".html", ".json", ".log", ".md", ".png", ".rst", ".smk", ".svg", ".tex"),
    *(".txt", ".yaml"),
}
_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


def is_export(path: Path) -> bool:
    """Return whether a file is an archive of `modc export`."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {METADATA, CHECKSUMS} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def verify_archive(path: Path, configs: list[Path]) -> Verified:
    """Check an exported run as `verify` does, or only say which members are damaged.

    configs: the configuration instead of the archive's own. Raises UserError if it is no export, or
    cannot be checked.
    """
    with _unpacked(path) as (folder, damaged):
        if damaged:
            checks = [Check(name, CHANGED, ("damaged in the archive",)) for name in damaged]
            return Verified(checks, [], [], ["the other files"])
        try:
            return verify(folder, load(configs) if configs else _own_config(folder))
        except UserError as error:
            raise UserError(str(error).replace(str(folder), str(path))) from None


def _own_config(folder: Path) -> dict:
    """Return the archive's configuration. Raises UserError if it would import a stranger's code."""
    path = folder / paths.CONFIG
    try:
        found = yaml.safe_load(path.read_bytes())
    except (OSError, yaml.YAMLError):
        found = None  # `own_config` says what is wrong
    if isinstance(found, dict) and plugins.FOLDERS in plugins.with_folders(found, []):
        raise UserError(
            f"{path}: names classes or papers outside modc, which an archive does not bring; pass "
            f"--config FILE, your copy of it"
        )
    return own_config(folder)


@contextmanager
def _unpacked(path: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield a temporary folder with the archive's files, and the names of the damaged ones."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise UserError(f"{path}: not a zip archive; expected one of modc export") from None
    with archive, TemporaryDirectory(prefix="modc-") as name:
        members = _checked_members(path, archive)
        yield Path(name), [one.filename for one in members if not _unpack(archive, one, Path(name))]


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> bool:
    """Write a member below a folder; return whether it is whole. At most its declared size."""
    target = folder / member.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with archive.open(member) as source, target.open("wb") as file:
            while chunk := source.read(CHUNK):
                file.write(chunk)
    except _DAMAGES:
        target.unlink()
        return False
    return True


def _checked_members(path: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return an archive's files. Raises UserError unless all are an export's and safe to write."""
    members = archive.infolist()
    names = Counter(_name(member) for member in members)
    if not {METADATA, CHECKSUMS} <= names.keys():
        raise UserError(f"{path}: has no {METADATA} and {CHECKSUMS}; expected one of modc export")
    if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > MOST_BYTES:
        raise UserError(
            f"{path}: over {MOST_MEMBERS} files or {MOST_BYTES >> 30} GiB unpacked; expected a "
            f"smaller archive"
        )
    files = [member for member in members if not member.is_dir()]
    folders = {str(one) for member in files for one in PurePosixPath(member.filename).parents}
    for member in members:
        why = why_unsafe(member.filename) or ("" if member.is_dir() else _why_not(member))
        if not why and names[_name(member)] > 1:
            why = "it is there twice"
        if not why and not member.is_dir() and _name(member) in folders:
            why = "a folder has the same name"
        if why:
            raise UserError(f"{path}: {shown(member.filename)}: {why}; not unpacked")
    try:
        known = {*parse(archive.read(CHECKSUMS), path), CHECKSUMS}
    except _DAMAGES:
        raise UserError(f"{path}: {CHECKSUMS} is damaged; get the archive again") from None
    for member in files:
        if member.filename not in known:
            name = shown(member.filename)
            raise UserError(f"{path}: {name}: not in {CHECKSUMS}; not unpacked")
    return files


def _name(member: zipfile.ZipInfo) -> str:
    return str(PurePosixPath(member.filename))


def _why_not(member: zipfile.ZipInfo) -> str:
    name, mode = member.filename, member.external_attr >> 16
    if "\\" in name or stat.S_IFMT(mode) not in (0, stat.S_IFREG) or member.flag_bits & 1:
        return "it is no plain file"
    if name not in _NAMES and PurePosixPath(name).suffix not in _SUFFIXES:
        return "no such file belongs to an exported run"
    most = max(SMALL_BYTES, min(MOST_BYTES_OF_ONE, MOST_RATIO * member.compress_size))
    if member.file_size > most:
        return f"{member.file_size} bytes unpacked of {member.compress_size}, too many for a run"
    return ""
