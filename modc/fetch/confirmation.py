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

    def __bool__(self) -> bool:
        """Whether failures wait for an image."""
        return bool(self._waiting)

    def failed(self, outcome: Outcome, host: str, server: str, now: float) -> None:
        """Keep a failure for good of `host`; server: who answered, "" if that is not known."""
        failure = _Failure(outcome, host, now)
        self._waiting.append(failure)
        if server and outcome.state in (NOT_AN_IMAGE, REDIRECTED):
            self._pages[server].append(failure)

    def image(self, host: str, server: str, asked_at: float) -> list[Outcome]:
        """Note an image that was asked for at `asked_at`; return the failures that count now."""
        self._with_images |= {host, server}
        confirmed = []
        while self._waiting and self._waiting[0].answered_at <= asked_at:
            confirmed.append(self._waiting.popleft().outcome)
        return confirmed

    def end(self, network_is_up: bool) -> list[Outcome]:
        """Return the outcomes of what still waits, and of what was a portal's.

        network_is_up: an image came after all of them.
        """
        outcomes = [failure.outcome for failure in self._waiting]
        if not network_is_up:
            outcomes = [_as(outcome, UNCONFIRMED) for outcome in outcomes]
        for server, failures in self._pages.items():
            hosts = {failure.host for failure in failures}
            if len(hosts) >= FEWEST_HOSTS and not self._with_images & {server, *hosts}:
                why = f"{server} answered for {len(hosts)} hosts"
                outcomes += [replace(_as(f.outcome, BLOCKED), detail=why) for f in failures]
        return outcomes


def _as(outcome: Outcome, state: str) -> Outcome:
    said = f"{outcome.state}: {outcome.detail}" if outcome.detail else outcome.state
    return replace(outcome, state=state, detail=said)
