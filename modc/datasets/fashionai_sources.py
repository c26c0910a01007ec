"""Where FashionAI's images come from: its two archives, as they are or unpacked by hand."""

import logging
import os
import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from modc.datasets.fashionai import ATTRIBUTES, IMAGES, PAGE
from modc.errors import UserError
from modc.fetch import zip_files
from modc.fetch.extraction import Copy

log = logging.getLogger(__name__)

AGAIN = f"fetch it again from {PAGE}"
# The images have about 75 kB each.
PICTURE_LIMIT = 50_000_000
_NUMBER = re.compile(r"train([12])(?!\d)", re.IGNORECASE)
_FOLDERS = {f"{attribute}_labels" for attribute in ATTRIBUTES}


@dataclass
class Sources:
    """What there is in a folder.

    copies: of each listed image that was found, by its path below the dataset's folder; those
    in archives come first. facts: name and size of each archive or unpacked folder. numbers: which
    of the two archives were seen. outside: members that lead out of their folder. others: what
    seem to be the archives, but cannot be read as such.
    """

    copies: dict[str, list[Copy]] = field(default_factory=dict)
    facts: dict[str, int | str] = field(default_factory=dict)
    numbers: set[str] = field(default_factory=set)
    outside: int = 0
    others: list[str] = field(default_factory=list)


def picture_path(name: str) -> str | None:
    """Return the path of an image below the dataset's folder by any release's name of it.

    `test/Images/coat_length_labels/<md5>.JPG` becomes `Images/coat_length_labels/<md5>.jpg`, since
    the folders before, and with some tools the extension, differ between releases; None for what is
    no image of an attribute.
    """
    *_, folder, file = ["", *name.replace("\\", "/").split("/")]
    if folder not in _FOLDERS or not file.lower().endswith((".jpg", ".jpeg", ".png")):
        return None
    stem, _, suffix = file.rpartition(".")
    return f"{IMAGES}/{folder}/{stem}.{suffix.lower()}"


def find(folder: Path, listed: dict[str, str], target: Path) -> Sources:
    """Return what `folder` and its direct subfolders hold of the listed images.

    listed: the split files' name of each image by its path below the dataset's folder. target:
    that folder, whose Images/ is no source. Raises UserError for an archive of the expected name
    that does not open, if there is no other copy of it.
    """
    found = Sources()
    broken: dict[str, UserError] = {}
    for path in sorted([*folder.glob("*.zip"), *folder.glob("*/*.zip")]):
        if path.is_file():
            _add_archive(found, folder, path, listed, broken)
    unpacked = {
        path.resolve(): path
        for depth in (IMAGES, f"*/{IMAGES}", f"*/*/{IMAGES}")
        for path in sorted(folder.glob(depth))
    }
    unpacked.pop((target / IMAGES).resolve(), None)
    for path in unpacked.values():
        _add_folder(found, folder, path, listed)
    for path in sorted(folder.glob("*")):
        if "fashionai" in path.name.lower() and path.is_file() and path.suffix.lower() != ".zip":
            kind = zip_files.other_kind(path)
            found.others += [f"{path.name} is {kind}"] if kind else []
    for number, error in broken.items():
        if number not in found.numbers:
            raise error
    return found


def _add_archive(
    found: Sources,
    folder: Path,
    path: Path,
    listed: dict[str, str],
    broken: dict[str, UserError],
) -> None:
    try:
        archive = zip_files.open_zip(path, AGAIN)
    except UserError as error:
        # It may be the cut copy of one that is whole, or another archive.
        broken.update(dict.fromkeys(_NUMBER.findall(path.name)[-1:], error))
        log.warning("%s", error)
        return
    pictures = []
    for member in archive.infolist():
        if zip_files.why_outside(member):
            found.outside += 1
            continue
        picture = picture_path(member.filename)
        if picture in listed:
            copy = Copy(
                source=path,
                bytes=member.file_size,
                checksum=member.CRC,
                unreadable=zip_files.why_unreadable(path, member, PICTURE_LIMIT),
                read=partial(zip_files.read, archive, member),
            )
            found.copies.setdefault(picture, []).append(copy)
            pictures.append(picture)
    within = "" if pictures else zip_files.archive_within(archive)
    if within:
        found.others.append(f"{path.name} is {within}")
    place = path.relative_to(folder).as_posix()
    _record(found, place, path.stat().st_size, [listed[picture] for picture in pictures])


def _add_folder(found: Sources, folder: Path, images: Path, listed: dict[str, str]) -> None:
    pictures = []
    for name in sorted(_FOLDERS):
        if not (images / name).is_dir():
            continue
        for entry in os.scandir(images / name):
            picture = picture_path(f"{name}/{entry.name}")
            if picture in listed and entry.is_file():
                size = entry.stat().st_size
                copy = Copy(
                    source=images,
                    bytes=size,
                    checksum=None,
                    unreadable=zip_files.why_too_large(size, PICTURE_LIMIT),
                    read=partial(Path(entry.path).read_bytes),
                )
                found.copies.setdefault(picture, []).append(copy)
                pictures.append(picture)
    if pictures:
        place = images.relative_to(folder).as_posix()
        _record(found, place, "unpacked", [listed[picture] for picture in pictures])


def _record(found: Sources, place: str, size: int | str, names: list[str]) -> None:
    """Note a source; which of the two archives it is, its place or its pictures' names say.

    place: below the folder of the archives. names: the split files' names of its images.
    """
    if not names:
        if _NUMBER.search(place):
            log.warning("%s: contains none of the listed images", place)
        return
    log.info("%s: %d of the listed images", place, len(names))
    found.facts[place] = size
    found.numbers.update(
        _NUMBER.findall(place)[-1:]
        or {number for name in names for number in _NUMBER.findall(name)}
    )
