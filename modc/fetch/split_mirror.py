"""The split files from a public git repository that has them too, at one commit."""

import logging

import requests

from modc.errors import UserError
from modc.fetch.split_release import FILES, META, Release
from modc.progress_bar import progress_bar

log = logging.getLogger(__name__)

# Seconds to connect, and between two bytes.
TIMEOUT = (15, 60)


def download(release: Release, limit: int) -> dict[str, bytes]:
    """Return meta.json and the eight split files of a dataset, by `<dataset>/<file>`.

    limit: bytes that a file has at most. Raises UserError if one of them cannot be had.
    """
    names = [META, *(f"{release.name}/{name}" for name in FILES)]
    log.info("split files from %s", release.mirror)
    with requests.Session() as session:
        found = ((name, _get(session, f"{release.mirror}/{name}", limit)) for name in names)
        return dict(progress_bar(found, "split files", len(names)))


def _get(session: requests.Session, url: str, limit: int) -> bytes:
    try:
        with session.get(url, timeout=TIMEOUT, stream=True) as response:
            response.raise_for_status()
            data = b""
            for piece in response.iter_content(1 << 20):
                data += piece
                if len(data) > limit:
                    raise UserError(f"{url}: more than {limit / 1e6:.0f} MB")
            return data
    except requests.exceptions.HTTPError as error:
        raise UserError(f"{url}: status {error.response.status_code}") from None
    except requests.exceptions.RequestException as error:
        raise UserError(f"{url}: {type(error).__name__}") from None
