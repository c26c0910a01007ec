"""Which URL is asked for next: in turn among the hosts, each within its limit and its pauses."""

import heapq
import itertools
import random
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass

from modc.fetch.spelling import parse

# A host that leaves so many requests in a row without an answer is paused; after a pause, one is
# enough.
SILENT = 20
FIRST_PAUSE = 5.0  # seconds; each further pause is twice as long
LONGEST_PAUSE = 300.0


@dataclass(slots=True)
class Wanted:
    """An image to ask for, the host that is asked, how often it was asked for in this run.

    doubted: how often its failure for good was not taken, as the network may have been down.
    """

    name: str
    url: str
    host: str
    attempts: int = 0
    doubted: int = 0


def wanted(name: str, url: str) -> Wanted:
    """Return the image `name` to be asked for at `url`."""
    return Wanted(name, url, host_of(url))


def host_of(url: str) -> str:
    """Return the host of a URL, "" if it is none."""
    try:
        return parse(url).host
    except ValueError:
        return ""


class Hosts:
    """The URLs yet to be asked for. Times are seconds of a clock that the caller reads."""

    def __init__(self, items: Iterable[Wanted], per_host: int, patience: float):
        """per_host: requests a host has at once; patience: the seconds of pauses in a row after
        which a silent host is given up."""
        self._per_host, self._patience = per_host, patience
        self._queues: defaultdict[str, deque[Wanted]] = defaultdict(deque)
        for item in items:
            self._queues[item.host].append(item)
        self._turn = deque(self._queues)
        self._active = Counter()
        self._silent = Counter()
        self._until = defaultdict(float)
        self._paused_for = Counter()
        self._delayed: list[tuple[float, int, Wanted]] = []
        self._number = itertools.count()

    def __bool__(self) -> bool:
        return bool(self._delayed) or bool(self._turn)

    def next(self, now: float) -> Wanted | None:
        """Return what may be asked for at `now` and count it as active; None if nothing may."""
        while self._delayed and self._delayed[0][0] <= now:
            item = heapq.heappop(self._delayed)[2]
            if not self._queues[item.host]:
                self._turn.append(item.host)
            self._queues[item.host].appendleft(item)
        for _ in range(len(self._turn)):
            host = self._turn[0]
            if not self._free(host, now):
                self._turn.rotate(-1)
                continue
            self._active[host] += 1
            item = self._queues[host].popleft()
            self._turn.popleft()
            if self._queues[host]:
                self._turn.append(host)
            return item
        return None

    def wakes_at(self, now: float) -> float | None:
        """Return when something may be asked for that waits for a time; None if nothing does."""
        times = [self._until[host] for host in self._turn]
        times += [self._delayed[0][0]] if self._delayed else []
        return min((time for time in times if time > now), default=None)

    def answered(self, item: Wanted) -> None:
        """The host answered, whatever it said."""
        host = item.host
        self._active[host] -= 1
        self._silent[host] = 0
        self._paused_for[host] = 0

    def silent(self, item: Wanted, now: float) -> list[Wanted]:
        """The host gave no answer. Return what is given up with it, mostly nothing."""
        host = item.host
        self._active[host] -= 1
        self._silent[host] += 1
        # What was asked before the pause does not count for the next one.
        if now < self._until[host]:
            return []
        if self._silent[host] < (1 if self._paused_for[host] else SILENT):
            return []
        self._silent[host] = 0
        if self._paused_for[host] >= self._patience:
            return self.give_up(host)
        pause = min(LONGEST_PAUSE, max(FIRST_PAUSE, self._paused_for[host]))
        self._paused_for[host] += pause
        self._until[host] = now + pause
        return []

    def pause(self, host: str, until: float) -> None:
        """Ask `host` for nothing before `until`."""
        self._until[host] = max(self._until[host], until)

    def later(self, item: Wanted, when: float) -> None:
        """Ask for `item` again, not before `when`."""
        heapq.heappush(self._delayed, (when, next(self._number), item))

    def give_up(self, host: str) -> list[Wanted]:
        """Take all that waits for `host` off, and return it."""
        given_up = [
            *self._queues.pop(host, ()),
            *(i for _, _, i in self._delayed if i.host == host),
        ]
        if host in self._turn:
            self._turn.remove(host)
        self._delayed = [entry for entry in self._delayed if entry[2].host != host]
        heapq.heapify(self._delayed)
        return given_up

    def _free(self, host: str, now: float) -> bool:
        # After a pause one request tries whether the host is back.
        limit = 1 if self._paused_for[host] else self._per_host
        return self._active[host] < limit and self._until[host] <= now


def backoff(attempt: int, first: float) -> float:
    """Return the seconds to wait after try number `attempt`: doubled each time, scattered."""
    return first * 2 ** (attempt - 1) * random.uniform(1.0, 1.5)
