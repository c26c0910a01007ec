"""Public files on Google Drive, by their id."""

import re
import time
from contextlib import ExitStack
from pathlib import Path

import gdown
import requests
from gdown.exceptions import DownloadError, FileURLRetrievalError
from tqdm import tqdm

from modc.atomic import atomic_path
from modc.errors import UserError

PAGE = "https://drive.google.com/file/d/{id}/view"
# Seconds to connect, and between two bytes.
TIMEOUT = (15, 60)
# Seconds to wait before the second and the third try.
WAITS = (2, 8)
LIMIT = 1_000_000_000
_WEB_PAGE = re.compile(rb"\s*<(!doctype|html|head|body|script)", re.IGNORECASE)
# What a second try may mend; a quota or a file that is gone stays so.
_PASSING = (
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
)
_LASTING = (requests.exceptions.SSLError, requests.exceptions.ProxyError)


def download(drive_id: str, output: Path, what: str, advice: str, limit: int = LIMIT) -> None:
    """Put the file with Google Drive's id `drive_id` to `output`, whole or not at all.

    what: how a message names the file. advice: what to do with it once it was fetched by hand, such
    as "run `modc fetch DATASET --splits FILE`". limit: bytes that it has at most. Raises UserError
    with the page to open in a browser, whatever Google Drive answers instead of the file. A full
    disk passes as OSError.
    """
    try:
        for wait in (*WAITS, None):
            try:
                _download(drive_id, output, what, limit)
                return
            except (*_PASSING, DownloadError) as error:
                lasting = isinstance(error, (*_LASTING, FileURLRetrievalError))
                if lasting or wait is None:
                    raise
                time.sleep(wait)
    except _Refused as error:
        reason = str(error)
    except FileURLRetrievalError:
        reason = "a page instead of the file: too many downloads today, or not public"
    except requests.exceptions.HTTPError as error:
        reason = f"HTTP status {error.response.status_code}"
    except requests.exceptions.RequestException as error:
        reason = _REASONS.get(type(error), "no connection")
    except DownloadError:
        reason = "the download was interrupted"
    except (AssertionError, AttributeError, LookupError, TypeError, ValueError):
        # gdown reads Google's pages, which may look otherwise tomorrow.
        reason = "an unknown page instead of the file"
    raise UserError(
        f"{what}: Google Drive refuses it ({reason}); open "
        f"{PAGE.format(id=drive_id)} in a browser, download it there, and {advice}"
    )


_REASONS = {
    requests.exceptions.SSLError: "no secure connection",
    requests.exceptions.ProxyError: "the proxy refuses",
    requests.exceptions.ConnectTimeout: "timeout",
    requests.exceptions.ReadTimeout: "timeout",
}


class _Refused(Exception):
    """What came is not the file."""


def _download(drive_id: str, output: Path, what: str, limit: int) -> None:
    with ExitStack() as stack:
        temporary = stack.enter_context(atomic_path(output))
        bar: tqdm | None = None

        def progress(done: int, total: int | None) -> None:
            nonlocal bar
            if max(done, total or 0) > limit:
                raise _Refused(f"more than {limit / 1e6:,.0f} MB")
            if bar is None:
                bar = stack.enter_context(
                    tqdm(desc=what, total=total, unit="B", unit_scale=True, mininterval=1)
                )
            bar.update(done - bar.n)

        with temporary.open("wb") as file:
            # No cookies: gdown would keep them in the user's home directory.
            gdown.download(
                id=drive_id,
                output=file,
                quiet=True,
                use_cookies=False,
                timeout=TIMEOUT,
                progress=progress,
            )
        with temporary.open("rb") as file:
            start = file.read(512)
        if not start:
            raise _Refused("an empty file")
        if _WEB_PAGE.match(start):
            raise _Refused("a web page")
