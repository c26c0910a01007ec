"""Which failures for good are a URL's own, and which may be the network's of the hour.

A captive portal, a filter or a proxy answers for every host, with pages, redirects or refusals. So
a failure for good counts if an image came before it and one that was asked for after it, and if no
server sent the same in place of several hosts.
"""

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from modc.data.states import BLOCKED, HTTP_ERROR, NOT_AN_IMAGE, REDIRECTED, REFUSED, UNCONFIRMED
from modc.fetch.hosts import Wanted
from modc.fetch.outcome import Outcome

# One server's answers for so many hosts, none of which gave an image, are those of a portal.
FEWEST_HOSTS = 3
# What portals and filters answer.
_PORTALS = (NOT_AN_IMAGE, REDIRECTED, REFUSED, HTTP_ERROR)
# What failed while it was in doubt is asked for again so often in a run.
MOST_TIMES = 2


@dataclass(frozen=True, slots=True)
class _Failure:
    outcome: Outcome
    item: Wanted
    answered_at: float
    senders: tuple[str, ...]
    doubted: bool


class Confirmation:
    """The failures for good of one run. Times are seconds of a clock that the caller reads.

    known: hosts that gave images before.
    """

    def __init__(self, known: Iterable[str] = ()):
        self._waiting: deque[_Failure] = deque()
        # By sender, then by name.
        self._groups: defaultdict[str, dict[str, _Failure]] = defaultdict(dict)
        self._with_images: set[str] = set(known)
        self._is_up = False

    def waiting_since(self) -> float | None:
        """Return when the first failure that waits for an image was answered; None if none does."""
        return self._waiting[0].answered_at if self._waiting else None

    def failed(self, outcome: Outcome, item: Wanted, senders: Iterable[str], now: float) -> None:
        """Keep a failure for good; senders: what names who answered, or what."""
        # Where nothing names who answered, each host is taken for itself.
        named = tuple(senders) or (item.host,)
        failure = _Failure(outcome, item, now, named, not self._is_up)
        self._waiting.append(failure)
        if self._may_be_a_portals(failure):
            for sender in failure.senders:
                self._groups[sender][outcome.name] = failure

    def up(self) -> None:
        """Note that an image came, whatever its host."""
        self._is_up = True

    def image(self, item: Wanted, server: str) -> None:
        """Note that an item's host gave an image."""
        self.up()
        self._with_images |= {item.host, server}

    def doubt(self) -> None:
        """Note that an image which came before does not come now."""
        self._is_up = False
        self._waiting = deque(replace(failure, doubted=True) for failure in self._waiting)

    def confirmed(self, asked_at: float) -> tuple[list[Outcome], list[Wanted]]:
        """Return what counts, since an image came that was asked for then, and what to ask again.

        What a portal may have answered is kept until `end`.
        """
        outcomes, again = [], []
        while self._waiting and self._waiting[0].answered_at <= asked_at:
            failure = self._waiting.popleft()
            if not failure.doubted:
                if not self._may_be_a_portals(failure):
                    outcomes.append(failure.outcome)
                continue
            for sender in failure.senders:
                self._groups[sender].pop(failure.outcome.name, None)
            if failure.item.doubted < MOST_TIMES:
                failure.item.doubted += 1
                again.append(failure.item)
            else:
                outcomes.append(_as(failure.outcome, UNCONFIRMED))
        return outcomes, again

    def end(self) -> list[Outcome]:
        """Return what still waits, as unconfirmed, and what was kept: its own, or a portal's."""
        kept: dict[str, Outcome] = {}
        blocked: dict[str, Outcome] = {}
        for sender, failures in self._groups.items():
            kept |= {name: failure.outcome for name, failure in failures.items()}
            hosts = {failure.item.host for failure in failures.values()}
            if len(hosts) >= FEWEST_HOSTS and not self._with_images & {sender, *hosts}:
                why = f"{sender} answered for {len(hosts)} hosts"
                blocked |= {
                    name: replace(failure.outcome, state=BLOCKED, detail=why)
                    for name, failure in failures.items()
                }
        waiting = {f.outcome.name: _as(f.outcome, UNCONFIRMED) for f in self._waiting}
        return list((kept | waiting | blocked).values())

    def _may_be_a_portals(self, failure: _Failure) -> bool:
        return failure.outcome.state in _PORTALS and failure.item.host not in self._with_images


def _as(outcome: Outcome, state: str) -> Outcome:
    said = f"{outcome.state}: {outcome.detail}" if outcome.detail else outcome.state
    return replace(outcome, state=state, detail=said)
