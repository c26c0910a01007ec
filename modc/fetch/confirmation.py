"""Which failures for good are a URL's own, and which may be the network's of the hour.

A captive portal, a filter or a proxy answers for every host, with pages, redirects or refusals. So
a failure for good counts once an image that was asked for later shows that the network was up.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, replace

from modc.data.states import BLOCKED, NOT_AN_IMAGE, REDIRECTED, UNCONFIRMED
from modc.fetch.outcome import Outcome

# One server's pages for so many hosts, none of which gave an image, are those of a portal.
FEWEST_HOSTS = 3


@dataclass(frozen=True, slots=True)
class _Failure:
    outcome: Outcome
    host: str
    answered_at: float


class Confirmation:
    """The failures for good of one run. Times are seconds of a clock that the caller reads."""

    def __init__(self):
        self._waiting: deque[_Failure] = deque()
        self._pages: defaultdict[str, list[_Failure]] = defaultdict(list)
        self._with_images: set[str] = set()

    def waiting_since(self) -> float | None:
        """Return when the first failure that waits for an image was answered; None if none does."""
        return self._waiting[0].answered_at if self._waiting else None

    def failed(self, outcome: Outcome, host: str, server: str, now: float) -> None:
        """Keep a failure for good of `host`; server: who answered, "" if that is not known."""
        failure = _Failure(outcome, host, now)
        self._waiting.append(failure)
        if server and outcome.state in (NOT_AN_IMAGE, REDIRECTED):
            self._pages[server].append(failure)

    def image(self, host: str, server: str) -> None:
        """Note that `host` gave an image."""
        self._with_images |= {host, server}

    def confirmed(self, asked_at: float) -> list[Outcome]:
        """Return the failures that count, since an image came that was asked for at `asked_at`."""
        confirmed = []
        while self._waiting and self._waiting[0].answered_at <= asked_at:
            confirmed.append(self._waiting.popleft().outcome)
        return confirmed

    def end(self) -> list[Outcome]:
        """Return what still waits, as unconfirmed, and what was a portal's."""
        outcomes = [_as(failure.outcome, UNCONFIRMED) for failure in self._waiting]
        for server, failures in self._pages.items():
            hosts = {failure.host for failure in failures}
            if len(hosts) >= FEWEST_HOSTS and not self._with_images & {server, *hosts}:
                why = f"{server} answered for {len(hosts)} hosts"
                outcomes += [replace(_as(f.outcome, BLOCKED), detail=why) for f in failures]
        return outcomes


def _as(outcome: Outcome, state: str) -> Outcome:
    said = f"{outcome.state}: {outcome.detail}" if outcome.detail else outcome.state
    return replace(outcome, state=state, detail=said)
