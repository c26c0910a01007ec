"""Processes that look at images and keep them, so that the one that downloads need not wait.

Threads would do the same work, but each of them and the many connections want Python's one lock:
on two cores that takes half of the speed.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from modc.data.states import NOT_AN_IMAGE
from modc.fetch.outcome import Outcome
from modc.fetch.store import Store

MOST = 16
_store: Store | None = None


class Workers:
    """A process a core, each with the `Store` of a folder; used as `with`."""

    def __init__(self, folder: Path, settings: dict):
        """settings: the section `download` of the configuration."""
        self._arguments = (folder, settings)
        self._pool = self._new(min(MOST, os.cpu_count() or 1))
        self._alone = asyncio.Lock()

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_) -> None:
        self._pool.shutdown(cancel_futures=True)

    def adopt(self, names: list[str]) -> Iterator[Outcome | None]:
        """Return what `Store.adopt` says of each name, in order."""
        yield from self._pool.map(_adopt, names, chunksize=16)

    async def put(self, name: str, body: bytes, http_status: int | None) -> Outcome:
        """Do `Store.put` in another process. An image that makes it die is not_an_image."""
        pool, arguments = self._pool, (name, body, http_status)
        try:
            return await _run(pool, arguments)
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = self._new(min(MOST, os.cpu_count() or 1))
        # All that were under way are told the same; alone it is clear which one it was.
        async with self._alone:
            with self._new(1) as own:
                try:
                    return await _run(own, arguments)
                except BrokenProcessPool:
                    why = "whoever decodes it dies"
                    return Outcome(name, NOT_AN_IMAGE, why, http_status, len(body))

    def _new(self, count: int) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        return ProcessPoolExecutor(count, context, _begin, self._arguments)


async def _run(pool: ProcessPoolExecutor, arguments: tuple) -> Outcome:
    return await asyncio.get_running_loop().run_in_executor(pool, _put, *arguments)


def _begin(folder: Path, settings: dict) -> None:
    global _store
    _store = Store(folder, settings)
    # Control-C goes to all processes of a terminal; the one that downloads ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Die when the process that downloads dies, however that is."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _put(name: str, body: bytes, http_status: int | None) -> Outcome:
    return _store.put(name, body, http_status)


def _adopt(name: str) -> Outcome | None:
    return _store.adopt(name)
