"""Download what a record still wants: many URLs at once, each host within its limit."""

import asyncio
import math
import signal
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from modc.data.image_file import Unusable
from modc.data.states import (
    BAD_ADDRESS,
    FINAL,
    NO_ANSWER,
    OK,
    PASSING,
    PENDING,
    PRIVATE_ADDRESS,
    TRUNCATED,
)
from modc.fetch.confirmation import Confirmation
from modc.fetch.hosts import Hosts, Wanted, backoff, wanted
from modc.fetch.outcome import Outcome
from modc.fetch.picture import prepare
from modc.fetch.progress import Progress
from modc.fetch.record import Record
from modc.fetch.store import Store
from modc.fetch.web import Answer, Web
from modc.fetch.workers import Workers

# What is done is recorded this often, in seconds. A kill in between costs no image: one that lies
# on disk unrecorded is found by the next run.
RECORD_EVERY = 1.0
# A host that asks to be left alone for longer is given up for this run.
LONGEST_WAIT = 900.0
# Where no image comes for so many seconds, one that came before is asked for again, so that a kill
# does not cost all failures since.
CONFIRM_EVERY = 10.0
# Images that are asked for again to see whether the network is up.
MOST_KNOWN = 3


def find_on_disk(
    record: Record, store: Store, workers: Workers, again: tuple[str, ...], limit: int | None
) -> None:
    """Record what lies on disk already, and forget what is recorded but no longer there."""
    lost = [Outcome(name, PENDING) for name, size in record.stored() if not store.has(name, size)]
    record.write(lost)
    names = [name for name, _ in record.to_ask(again, limit) if store.has(name)]
    if not names:
        return
    with Progress(len(names), store.folder, "images on disk") as progress:
        batch = []
        for outcome in workers.adopt(names):
            progress.add(outcome.state if outcome else PENDING, None)
            if outcome:
                batch.append(outcome)
            if len(batch) == 1000:
                record.write(batch)
                batch = []
        record.write(batch)


def download(
    record: Record,
    folder: Path,
    settings: dict,
    dataset: str,
    again: tuple[str, ...] = (),
    limit: int | None = None,
    connect_to: Mapping[str, tuple[str, int]] | None = None,
) -> None:
    """Ask for what `record` still wants, and record what becomes of it.

    folder: the dataset's; images go to its pic/. settings: the section `download` of the
    configuration. dataset: its name, for the progress. again: states to ask for once more. limit:
    at most so many URLs. connect_to: see Web. Stopped by a signal, it records what is done and
    raises KeyboardInterrupt; the next call resumes. Raises OSError if the disk takes no more, and
    UserError for a proxy of the environment that cannot be used.
    """
    store = Store(folder, settings)
    store.clear()
    with Workers(folder, settings) as workers:
        find_on_disk(record, store, workers, again, limit)
        items = [wanted(*row) for row in record.to_ask(again, limit)]
        if items:
            asyncio.run(_download(items, record, folder, settings, dataset, workers, connect_to))


async def _download(items, record, folder, settings, dataset, workers, connect_to) -> None:
    stop = asyncio.current_task().cancel
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    with Progress(len(items), folder, dataset) as progress:
        async with Web(settings, connect_to) as web:
            run = _Run(items, record, settings, web, workers, progress)
            try:
                # One URL a host is enough to see which proxies are used.
                await web.check_proxies({item.host: item.url for item in items}.values())
                await run.all()
            except asyncio.CancelledError:
                raise KeyboardInterrupt from None


class _Run:
    """One download: what waits, what is under way, what is to be recorded."""

    def __init__(self, items, record, settings, web, workers, progress):
        self._hosts = Hosts(items, settings["connections_per_host"], settings["patience"])
        self._record, self._settings = record, settings
        self._web, self._workers, self._progress = web, workers, progress
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task] = set()
        self._confirmation = Confirmation(record.hosts_with_images())
        self._looking = asyncio.Lock()
        self._looked_at = _now()
        self._done: list[Outcome] = []
        self._failure: BaseException | None = None

    async def all(self) -> None:
        recorder = asyncio.create_task(self._record_now_and_then())
        try:
            while True:
                while self._hosts or self._tasks:
                    self._start_what_may()
                    self._changed.clear()
                    await self._something()
                    if recorder.done():
                        recorder.result()
                if not await self._confirm():
                    break
            self._done += self._confirmation.end()
        finally:
            recorder.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(recorder, *self._tasks, return_exceptions=True)
            self._record.write(self._done)

    def _start_what_may(self) -> None:
        now = _now()
        while len(self._tasks) < self._settings["connections"]:
            item = self._hosts.next(now)
            if item is None:
                return
            task = asyncio.create_task(self._one(item))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        self._changed.set()
        if not task.cancelled() and task.exception():
            self._failure = task.exception()

    async def _something(self) -> None:
        """Wait until a request ends, or until a host or a URL has waited long enough."""
        now = _now()
        wakes = self._hosts.wakes_at(now)
        try:
            async with asyncio.timeout(None if wakes is None else wakes - now + 0.001):
                await self._changed.wait()
        except TimeoutError:
            pass
        if self._failure:
            raise self._failure

    async def _one(self, item: Wanted) -> None:
        item.attempts += 1
        asked_at = _now()
        answer = await self._web.ask(item.url)
        given_up = []
        if answer.state in NO_ANSWER and answer.http_status is None:
            given_up = self._hosts.silent(item, _now())
        else:
            self._hosts.answered(item)
        is_of_the_host = answer.state == PRIVATE_ADDRESS and answer.http_status is None
        if is_of_the_host:
            given_up = self._hosts.give_up(item.host)
        if answer.retry_after is not None:
            given_up += self._leave_alone(item.host, answer.retry_after)
        if answer.body is None:
            outcome = Outcome(item.name, answer.state, answer.detail, answer.http_status)
        else:
            # A host may be asked for the next image while this one is looked at.
            self._changed.set()
            try:
                outcome = await self._workers.put(item.name, answer.body, answer.http_status)
            finally:
                self._web.done(answer)
            if outcome.state != OK and not answer.is_whole:
                outcome = replace(outcome, state=TRUNCATED, detail=answer.detail)
        self._settle(item, outcome, answer, asked_at)
        for other in given_up:
            why = answer.detail if is_of_the_host else "the host was given up for this run"
            self._finish(Outcome(other.name, answer.state, why, answer.http_status))

    def _settle(self, item: Wanted, outcome: Outcome, answer: Answer, asked_at: float) -> None:
        if outcome.state == OK:
            self._confirmation.image(item, answer.server)
            self._count(asked_at)
        if outcome.state in FINAL and outcome.state != BAD_ADDRESS:
            self._confirmation.failed(outcome, item, _senders(answer), _now())
            if not item.doubted:
                self._progress.add(outcome.state, outcome.received)
        elif outcome.state not in PASSING or item.attempts >= self._settings["attempts"]:
            self._finish(outcome)
        else:
            wait = max(backoff(item.attempts, self._settings["backoff"]), answer.retry_after or 0.0)
            if wait > LONGEST_WAIT:
                self._finish(outcome)
            else:
                self._hosts.later(item, _now() + wait)

    async def _confirm(self) -> bool:
        """Let the failures so far count, if they wait and the network is up.

        Returns whether some are asked for again.
        """
        async with self._looking:
            self._looked_at = asked_at = _now()
            if self._confirmation.waiting_since() is None:
                return False
            if await self._network_is_up():
                return self._count(asked_at)
            self._confirmation.doubt()
            return False

    def _count(self, asked_at: float) -> bool:
        """Take what an image asked for at `asked_at` says of the failures before it."""
        outcomes, again = self._confirmation.confirmed(asked_at)
        self._done += outcomes
        for item in again:
            self._hosts.later(item, _now())
        self._changed.set()
        return bool(again)

    async def _network_is_up(self) -> bool:
        """Ask again for a few images that were downloaded before, until one comes."""
        quality, most_pixels = self._settings["quality"], self._settings["max_megapixels"] * 1e6
        await self._write()
        for url in self._record.downloaded(MOST_KNOWN):
            answer = await self._web.ask(url)
            if answer.body is None:
                continue
            try:
                await asyncio.to_thread(prepare, answer.body, None, quality, most_pixels)
            except Unusable:
                continue
            finally:
                self._web.done(answer)
            self._confirmation.up()
            return True
        return False

    def _leave_alone(self, host: str, seconds: float) -> list[Wanted]:
        if seconds > LONGEST_WAIT:
            return self._hosts.give_up(host)
        self._hosts.pause(host, _now() + seconds)
        return []

    def _finish(self, outcome: Outcome) -> None:
        self._done.append(outcome)
        self._progress.add(outcome.state, outcome.received)

    async def _record_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(RECORD_EVERY)
            await self._write()
            waiting_since = self._confirmation.waiting_since() or math.inf
            if _now() - max(waiting_since, self._looked_at) > CONFIRM_EVERY:
                await self._confirm()

    async def _write(self) -> None:
        done, self._done = self._done, []
        try:
            await asyncio.to_thread(self._record.write, done)
        except BaseException:
            self._done = done + self._done
            raise


def _senders(answer: Answer) -> list[str]:
    """Return what names who answered: the server, and the page that came."""
    senders = [answer.server] if answer.server else []
    if answer.body:
        senders.append(f"one page ({sha256(answer.body).hexdigest()[:12]})")
    return senders


def _now() -> float:
    return asyncio.get_running_loop().time()
