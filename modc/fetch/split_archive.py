"""The split files of FashionAI and DARN: out of the ASEN++ repository's data.zip, or a mirror.

The archive holds `data/<dataset>/filenames_train.txt` and seven more files a dataset, and
`data/meta.json`.
"""

import logging
import tempfile
from contextlib import ExitStack
from pathlib import Path

from modc.atomic import atomic_path
from modc.data.listed_images import GENERATED
from modc.data.names import shown
from modc.errors import UserError
from modc.fetch import split_check, zip_files
from modc.fetch.google_drive import PAGE, download
from modc.fetch.split_check import FILES, META

log = logging.getLogger(__name__)

DRIVE_ID = "1KUkwqdZxjmDL-ixCcIX8GbsnUFqqcpJH"
# The largest of the files, FashionAI's filenames_train.txt, has 14 MB.
FILE_LIMIT = 100_000_000
ADVICE = "run `modc fetch splits --file FILE`"
AGAIN = f"open {PAGE.format(id=DRIVE_ID)} in a browser, download data.zip (11 MB) and {ADVICE}"


def fetch(folders: dict[str, Path], source: Path | None) -> dict[str, str]:
    """Put the eight split files of each dataset to `splits` in its folder, all of them or none.

    folders: the folder of each dataset, by its name. source: data.zip or a folder with its content;
    None: from Google Drive, unless the files are there and are right. Returns what was done, a
    dataset. Raises UserError for an archive or files that are not the public release's.
    """
    for folder in folders.values():
        if (folder / GENERATED).exists():
            raise UserError(
                f"{folder}: holds drawn pictures, whose split files are drawn too; choose another "
                f"folder for the real ones"
            )
    done = {}
    if source is None:
        done = {name: "there already" for name, folder in folders.items() if _right(name, folder)}
    absent = {name: folder for name, folder in folders.items() if name not in done}
    if absent:
        for name, files in _obtain(source, set(absent)).items():
            _install(absent[name] / "splits", files)
            done[name] = "put in place"
    return {name: done[name] for name in folders}


def _right(dataset: str, folder: Path) -> bool:
    """Whether the files are there. Raises UserError if all are, and are another release's."""
    splits = folder / "splits"
    if split_check.missing(splits):
        return False
    try:
        split_check.check(splits, dataset)
    except UserError as error:
        raise UserError(
            f"{error}; delete {splits} to have them fetched, or pass others with --file"
        ) from None
    return True


def _obtain(source: Path | None, datasets: set[str]) -> dict[str, dict[str, bytes]]:
    """Return the checked split files of `datasets`, by their names."""
    if source is None:
        return _download(datasets)
    if not source.exists():
        raise UserError(f"{source}: no such archive or folder; {AGAIN}")
    members = _of_folder(source) if source.is_dir() else _of_zip(source)
    return _checked(source, members, datasets)


def _download(datasets: set[str]) -> dict[str, dict[str, bytes]]:
    """Return the split files from Google Drive, or else from the mirror."""
    try:
        with tempfile.TemporaryDirectory() as temporary:
            archive = Path(temporary) / "data.zip"
            download(DRIVE_ID, archive, "split files (data.zip, 11 MB)", ADVICE)
            return _obtain(archive, datasets)
    except UserError as error:
        log.warning("%s", error)
        from modc.fetch import split_mirror

        try:
            members = split_mirror.download(datasets, FILE_LIMIT)
        except UserError as also:
            raise UserError(f"{error}; nor has the mirror given them ({also})") from None
    return _checked(Path(split_mirror.REPOSITORY.partition("//")[2]), members, datasets)


def _checked(
    source: Path, members: dict[str, bytes], datasets: set[str]
) -> dict[str, dict[str, bytes]]:
    found = _laid_out(source, members, datasets)
    with tempfile.TemporaryDirectory() as temporary:
        for dataset, files in found.items():
            folder = Path(temporary) / dataset
            folder.mkdir()
            for name, data in files.items():
                (folder / name).write_bytes(data)
            try:
                split_check.check(folder, dataset)
            except UserError as error:
                raise UserError(str(error).replace(temporary, str(source))) from None
    return found


def _of_zip(source: Path) -> dict[str, bytes]:
    """Return the content of the archive's files of the expected names, by their paths in it."""
    members = {}
    with zip_files.open_zip(source, AGAIN) as archive:
        for member in archive.infolist():
            where = f"{source}: {shown(member.orig_filename)}"
            wrong = zip_files.why_outside(member)
            if wrong:
                raise UserError(f"{where}: {wrong}; this is not the public archive; {AGAIN}")
            if member.is_dir():
                continue
            wrong = zip_files.why_unreadable(source, member, FILE_LIMIT)
            if wrong:
                raise UserError(f"{where}: {wrong}; this is not the public archive; {AGAIN}")
            path = member.filename.replace("\\", "/")
            if _is_expected(path):
                data = zip_files.read(archive, member)
                if data is None:
                    raise UserError(f"{where}: damaged: its checksum does not fit; {AGAIN}")
                members[path] = data
    return members


def _of_folder(source: Path) -> dict[str, bytes]:
    places = [source / place for place in ("", "data")]
    names = [META, *(f"{dataset}/{file}" for dataset in split_check.COUNTS for file in FILES)]
    files = [place / name for place in places for name in names if (place / name).is_file()]
    for file in files:
        if file.stat().st_size > FILE_LIMIT:
            raise UserError(f"{file}: larger than {FILE_LIMIT / 1e6:.0f} MB; expected a split file")
    return {file.relative_to(source).as_posix(): file.read_bytes() for file in files}


def _is_expected(path: str) -> bool:
    parts = path.split("/")
    if parts[0] == "__MACOSX":
        return False
    return parts[-1] == META or (
        len(parts) > 1 and parts[-2] in split_check.COUNTS and parts[-1] in FILES
    )


def _laid_out(
    source: Path, members: dict[str, bytes], datasets: set[str]
) -> dict[str, dict[str, bytes]]:
    """Return the files by dataset and name. Raises UserError naming what is missing."""
    found: dict[str, dict[str, bytes]] = {dataset: {} for dataset in sorted(datasets)}
    for path, data in members.items():
        *_, dataset, name = ["", *path.split("/")]
        if name == META:
            split_check.check_attributes(source / path, data)
        elif dataset in found:
            if name in found[dataset]:
                raise UserError(
                    f"{source}: {dataset}/{name} twice; expected data/<dataset>/<file> once"
                )
            found[dataset][name] = data
    absent = [f"{d}/{name}" for d, files in found.items() for name in FILES if name not in files]
    if absent:
        raise UserError(
            f"{source}: {len(absent)} of {len(FILES) * len(found)} split files are missing: "
            f"{', '.join(absent[:3])}{', ...' if len(absent) > 3 else ''}; expected "
            f"data/<dataset>/{{{','.join(sorted(FILES))}}} of {' and '.join(found)}; {AGAIN}"
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
    log.info("%s: %d files put in place", splits, len(files))
