"""From a dataset's list of URLs to images and a frozen manifest of them."""

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modc.atomic import write_bytes
from modc.data import manifest
from modc.data.folder_files import GENERATED
from modc.data.states import PLACEHOLDER, TRANSIENT
from modc.errors import UserError
from modc.fetch import freeze, google_drive, placeholders, url_list
from modc.fetch.causes import causes
from modc.fetch.download import download
from modc.fetch.record import RECORD, Record
from modc.fetch.record import exists as record_exists
from modc.fetch.store import PICTURES
from modc.fetch.url_states import status as status_tables
from modc.lock import alone

log = logging.getLogger(__name__)

LIST = "urls.txt"


@dataclass(frozen=True)
class UrlSource:
    """A list of URLs on Google Drive, and the dataset (its name in the configuration) it is of.

    usual_name: a regular expression of what its images are called.
    """

    dataset: str
    drive_id: str
    usual_name: str

    @property
    def command(self) -> str:
        """What downloads the images."""
        return f"modc fetch {self.dataset}"


def fetch(
    folder: Path,
    source: UrlSource,
    settings: dict,
    list_file: Path | None = None,
    again: tuple[str, ...] = (),
    limit: int | None = None,
    refreeze: bool = False,
    connect_to: Mapping[str, tuple[str, int]] | None = None,
) -> None:
    """Download the images of a list of URLs to `folder`, and freeze what there is.

    settings: the section `download` of the configuration. list_file: the list, by default
    `folder`/urls.txt, which is fetched if it is not there. again: states to ask for once more.
    limit: ask for at most so many URLs, and freeze nothing. A manifest that is there stays as it is
    unless `refreeze`, which freezes whatever there is. connect_to: see
    `modc.fetch.web.Web`. Raises UserError if there is no image at
    all, or if more failed for now than may be frozen unasked.
    """
    thresholds = settings["placeholders"]
    with alone(folder / RECORD, "downloading it"):
        listed = url_list.read(
            list_file or _list(folder, source), source.dataset, source.usual_name
        )
        if list_file is not None and list_file.resolve() != (folder / LIST).resolve():
            # The same command without the option goes on with it.
            write_bytes(folder / LIST, list_file.read_bytes())
        drawn = (folder / GENERATED).exists()
        if drawn:
            _forget_another_drawing(folder, listed.sha256)
        record = Record(folder)
        try:
            record.take_in(listed.rows, listed.sha256, str(listed.path))
            log.info("%s: %s", listed.path, listed.inferred())
            download(record, folder, settings, source.dataset, again, limit, connect_to)
            counts = record.counts()
            log.info("%s: %s", folder, ", ".join(f"{n:,} {state}" for state, n in counts.items()))
            why = causes(record)
            if not counts.get(manifest.OK):
                raise UserError(
                    f"{folder}: no image was downloaded; `{source.command} --status` says why; "
                    + "".join(f"{line}; " for line in why[:1])
                    + "then run the same command again"
                )
            for line in why:
                log.warning("%s: %s", folder, line)
            later = sum(counts.get(state, 0) for state in TRANSIENT)
            if later:
                log.info("%d URLs had transient failures: the same command retries them", later)
            # Drawn anew they are frozen anew: their numbers say nothing about the paper.
            refreeze = refreeze or drawn
            if limit is None and not refreeze and not manifest.exists(folder):
                _refuse_an_outage(folder, source, later, counts, settings["failed_share"], why)
            _freeze(record, folder, source, thresholds, refreeze, limit)
        finally:
            record.close()


def _refuse_an_outage(
    folder: Path,
    source: UrlSource,
    later: int,
    counts: dict[str, int],
    most: float,
    why: list[str],
) -> None:
    """Raise UserError if too many transient failures keep the manifest from being frozen."""
    total = sum(counts.values())
    if later > most * total:
        raise UserError(
            f"{folder}: {later:,} of {total:,} URLs had transient failures, more than "
            f"download.failed_share, so nothing is frozen ({'; '.join(why[:1])}); "
            f"run the same command again, or "
            f"`{source.command} --refreeze` to continue with {counts[manifest.OK]:,} images"
        )


def _freeze(
    record: Record,
    folder: Path,
    source: UrlSource,
    thresholds: dict,
    refreeze: bool,
    limit: int | None,
) -> None:
    if refreeze or (limit is None and not manifest.exists(folder)):
        name, pictures = freeze.freeze(record, folder, thresholds)
        log.info("%s: %d images frozen, SHA-256 %s", folder / manifest.MANIFEST, pictures, name)
    elif manifest.exists(folder):
        more, fewer = freeze.newer(record, folder, thresholds)
        if more or fewer:
            log.warning(
                "%s is unchanged: without the %d images that are new and with %d that "
                "are gone or placeholders now; --refreeze replaces it, and every model of %s "
                "is then retrained",
                folder / manifest.MANIFEST,
                more,
                fewer,
                source.dataset,
            )


def _forget_another_drawing(folder: Path, list_sha256: str) -> None:
    """Remove the images and the record of other drawn images, which may have the same names."""
    if not record_exists(folder):
        return
    record = Record(folder)
    same = record.list_sha256 in ("", list_sha256)
    record.close()
    if not same:
        shutil.rmtree(folder / PICTURES, ignore_errors=True)
        record.path.unlink()


def status(folder: Path, source: UrlSource, thresholds: dict) -> str:
    """Return tables of what became of the URLs so far, by state, host and HTTP status.

    May be called while a download is under way. Raises UserError if there was none.
    """
    if not record_exists(folder):
        raise UserError(f"{folder}: nothing has been downloaded yet; run `{source.command}`")
    record = Record(folder)
    try:
        table = record.table("name", "url", "state", "http_status")
        dropped = placeholders.find(record, thresholds)["name"]
    finally:
        record.close()
    table.loc[table["name"].isin(dropped), "state"] = PLACEHOLDER
    return status_tables(table)


def _list(folder: Path, source: UrlSource) -> Path:
    path = folder / LIST
    if not path.exists():
        google_drive.download(
            source.drive_id,
            path,
            f"{source.dataset}'s list of URLs",
            f"run `{source.command} --file FILE`",
        )
    return path
