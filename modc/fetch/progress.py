"""How far a download is: a bar on a terminal, a line a minute in a log."""

import logging
import sys
import time
from collections import Counter
from pathlib import Path

from tqdm import tqdm

from modc.data.states import GONE, OK, TRANSIENT

log = logging.getLogger(__name__)

LOG = "fetch.log"
EVERY = 60.0  # seconds between two lines


class Progress:
    """Counts what is done; used as `with`. Lines go to `folder`/fetch.log, and to the program's log
    where there is no terminal for the bar."""

    def __init__(self, total: int, folder: Path, what: str):
        self._total, self._path, self._what = total, folder / LOG, what
        self._bar = None
        self._counts = Counter()
        self._bytes = 0

    def __enter__(self) -> "Progress":
        self._start = self._last = time.monotonic()
        if sys.stderr.isatty():
            self._bar = tqdm(total=self._total, desc=self._what, unit="", mininterval=0.5)
        self._line(f"{self._what}: {self._total:,} to do")
        return self

    def __exit__(self, *_) -> None:
        if self._bar:
            self._bar.set_postfix_str(self._states(), refresh=False)
            self._bar.close()
        self._line(self.text())

    def add(self, state: str, received: int | None) -> None:
        """Count one more as done."""
        self._counts[state] += 1
        self._bytes += received or 0
        now = time.monotonic()
        if self._bar:
            self._bar.set_postfix_str(self._states(), refresh=False)
            self._bar.update()
        if now - self._last >= EVERY:
            self._last = now
            self._line(self.text())

    def text(self) -> str:
        """Return one line: done, ok, gone, failed, images and megabytes a second, time left."""
        done, seconds = self._counts.total(), max(1e-9, time.monotonic() - self._start)
        left = (self._total - done) * seconds / done if done else 0.0
        return (
            f"{self._what}: {done:,} of {self._total:,} done: {self._states()}; "
            f"{done / seconds:.1f} per second; about {_duration(left)} left"
        )

    def _states(self) -> str:
        seconds = max(1e-9, time.monotonic() - self._start)
        ok, gone = self._counts[OK], self._counts[GONE]
        later = sum(self._counts[state] for state in TRANSIENT)
        other = self._counts.total() - ok - gone - later
        return (
            f"{ok:,} ok, {gone:,} gone, {later:,} to retry, {other:,} failed; "
            f"{ok / seconds:.1f} images/s, {self._bytes / seconds / 1e6:.1f} MB/s"
        )

    def _line(self, text: str) -> None:
        if self._bar is None:
            log.info("%s", text)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")


def _duration(seconds: float) -> str:
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{hours} h"
