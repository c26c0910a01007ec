"""The public split files of a dataset: out of the archive data.zip, or a mirror of its content.

The archive holds `data/<dataset>/filenames_train.txt` and seven more files a dataset, and
`data/meta.json`.
"""

import logging
import tempfile
from contextlib import ExitStack
from pathlib import Path

from modc.atomic import atomic_path
from modc.data.folder_files import GENERATED
from modc.data.names import shown
from modc.errors import UserError
from modc.fetch import split_check, split_release, zip_files
from modc.fetch.google_drive import PAGE, download
from modc.fetch.split_release import FILES, META, Release

log = logging.getLogger(__name__)

# The largest of the files, FashionAI's filenames_train.txt, has 14 MB.
FILE_LIMIT = 100_000_000


def fetch(folder: Path, release: Release, source: Path | None, command: str) -> str:
    """Put the eight split files of a dataset to `splits` in its folder, all of them or none.

    source: data.zip or a folder with its content; None: from Google Drive, unless the files are
    there and are right. command: what fetches the dataset, for instructions. Returns what was done.
    Raises UserError for an archive or files that are not the public release's.
    """
    if (folder / GENERATED).exists():
        raise UserError(
            f"{folder}: holds drawn images, whose split files are drawn too; choose another "
            f"folder for the real ones"
        )
    if source is None and _right(folder, release):
        return "there already"
    _install(folder / "splits", _obtain(source, release, command))
    return "put in place"


def _right(folder: Path, release: Release) -> bool:
    """Whether the files are there. Raises UserError if all are, and are another release's."""
    splits = folder / "splits"
    if split_release.missing(splits):
        return False
    try:
        split_check.check(splits, release)
    except UserError as error:
        raise UserError(
            f"{error}; delete {splits} to fetch them, or pass others with --splits"
        ) from None
    return True


def _obtain(source: Path | None, release: Release, command: str) -> dict[str, bytes]:
    """Return the checked split files of the release, by their names."""
    if source is None:
        return _download(release, command)
    page = PAGE.format(id=release.drive_id)
    again = f"open {page} in a browser, download data.zip (11 MB) and {_advice(command)}"
    if not source.exists():
        raise UserError(f"{source}: no such archive or folder; {again}")
    of_source = _of_folder if source.is_dir() else _of_zip
    return _checked(source, of_source(source, release, again), release, again)


def _advice(command: str) -> str:
    return f"run `{command} --splits FILE`"


def _download(release: Release, command: str) -> dict[str, bytes]:
    """Return the split files from Google Drive, or else from the mirror."""
    try:
        with tempfile.TemporaryDirectory() as temporary:
            archive = Path(temporary) / "data.zip"
            download(release.drive_id, archive, "split files (data.zip, 11 MB)", _advice(command))
            return _obtain(archive, release, command)
    except UserError as error:
        log.warning("%s", error)
        from modc.fetch import split_mirror

        try:
            members = split_mirror.download(release, FILE_LIMIT)
        except UserError as also:
            raise UserError(f"{error}; the mirror failed too ({also})") from None
    mirror = Path(release.mirror.partition("//")[2])
    return _checked(mirror, members, release, _advice(command))


def _checked(
    source: Path, members: dict[str, bytes], release: Release, again: str
) -> dict[str, bytes]:
    files = _laid_out(source, members, release, again)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / release.name
        folder.mkdir()
        for name, data in files.items():
            (folder / name).write_bytes(data)
        try:
            split_check.check(folder, release)
        except UserError as error:
            raise UserError(str(error).replace(temporary, str(source))) from None
    return files


def _of_zip(source: Path, release: Release, again: str) -> dict[str, bytes]:
    """Return the content of the archive's files of the expected names, by their paths in it."""
    members = {}
    with zip_files.open_zip(source, again) as archive:
        for member in archive.infolist():
            where = f"{source}: {shown(member.orig_filename)}"
            wrong = zip_files.why_outside(member)
            if wrong:
                raise UserError(f"{where}: {wrong}; this is not the public archive; {again}")
            if member.is_dir():
                continue
            wrong = zip_files.why_unreadable(source, member, FILE_LIMIT)
            if wrong:
                raise UserError(f"{where}: {wrong}; this is not the public archive; {again}")
            path = member.filename.replace("\\", "/")
            if _is_expected(path, release):
                data = zip_files.read(archive, member)
                if data is None:
                    raise UserError(f"{where}: damaged: checksum mismatch; {again}")
                members[path] = data
    return members


def _of_folder(source: Path, release: Release, again: str) -> dict[str, bytes]:
    places = [source / place for place in ("", "data")]
    names = [META, *(f"{release.name}/{file}" for file in FILES)]
    files = [place / name for place in places for name in names if (place / name).is_file()]
    for file in files:
        if file.stat().st_size > FILE_LIMIT:
            raise UserError(
                f"{file}: larger than {FILE_LIMIT / 1e6:.0f} MB; expected a split file; {again}"
            )
    return {file.relative_to(source).as_posix(): file.read_bytes() for file in files}


def _is_expected(path: str, release: Release) -> bool:
    parts = path.split("/")
    if parts[0] == "__MACOSX":
        return False
    return parts[-1] == META or (
        len(parts) > 1 and parts[-2] == release.name and parts[-1] in FILES
    )


def _laid_out(
    source: Path, members: dict[str, bytes], release: Release, again: str
) -> dict[str, bytes]:
    """Return the files by name. Raises UserError naming what is missing."""
    found: dict[str, bytes] = {}
    for path, data in members.items():
        name = path.split("/")[-1]
        if name == META:
            split_check.check_attributes(source / path, data, release)
            continue
        if name in found:
            raise UserError(
                f"{source}: {release.name}/{name} twice; expected data/<dataset>/<file> once"
            )
        found[name] = data
    absent = [f"{release.name}/{name}" for name in FILES if name not in found]
    if absent:
        raise UserError(
            f"{source}: {len(absent)} of {len(FILES)} split files are missing: "
            f"{', '.join(absent[:3])}{', ...' if len(absent) > 3 else ''}; expected "
            f"data/{release.name}/{{{','.join(sorted(FILES))}}}; {again}"
        )
    return found


def _install(splits: Path, files: dict[str, bytes]) -> None:
    """Write the files to `splits`: all are written before the first one gets its name."""
    marker = FILES[-1]
    with ExitStack() as stack:
        # Renamed in the opposite order, so the marker last: without it, the others do not count.
        for name in (marker, *FILES[:-1]):
            stack.enter_context(atomic_path(splits / name)).write_bytes(files[name])
        (splits / marker).unlink(missing_ok=True)
    log.info("%s: %d files written", splits, len(files))
