"""Why URLs failed that say nothing of the URL: what to do about this network."""

from modc.data.states import BLOCKED, CONNECTION, DNS, PRIVATE_ADDRESS, PROXY, TLS, UNCONFIRMED
from modc.fetch.record import Record

_CAUSES = {
    PRIVATE_ADDRESS: "{detail}, which is not an address of the internet: a proxy in fake-IP mode "
    "(198.18.0.0/15), a captive portal or a filtering resolver; if it does reach the hosts, "
    "set download.allow_private_addresses: true, otherwise use another network or resolver",
    PROXY: "the proxy did not respond ({detail}); check http_proxy and https_proxy",
    BLOCKED: "{detail}: a captive portal or a block page; log in, or use another network",
    UNCONFIRMED: "no image came after them ({detail}): a captive portal or a filter may have "
    "answered; log in, or use another network",
    TLS: "no valid certificate ({detail}); for all hosts this is a wrong clock, a proxy that "
    "intercepts TLS, or no CA certificates here (SSL_CERT_FILE)",
    DNS: "no address for their hosts ({detail}); for all hosts this is a network that is down",
    CONNECTION: "no connection ({detail}); for all hosts this is a network that is down",
}


def causes(record: Record) -> list[str]:
    """Return a line for each kind of failure that this network may cause, the largest first."""
    found = {state: record.details(state) for state in _CAUSES}
    ordered = sorted(found, key=lambda state: -found[state][0])
    return [
        f"{found[state][0]:,} URLs: {_CAUSES[state].format(detail=found[state][1])}"
        for state in ordered
        if found[state][0]
    ]
