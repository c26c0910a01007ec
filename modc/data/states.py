"""The states of a listed image: whether there is one, or why not.

A module of its own without imports, since the processes that look at images need nothing else.
"""

OK, PENDING, MISSING, NOT_AN_IMAGE = "ok", "pending", "missing", "not_an_image"
GONE, REFUSED, HTTP_ERROR, SERVER_ERROR = "gone", "refused", "http_error", "server_error"
TRUNCATED, TOO_LARGE, TOO_MANY_PIXELS = "truncated", "too_large", "too_many_pixels"
TIMEOUT, DNS, TLS, CONNECTION = "timeout", "dns", "tls", "connection"
NOT_HTTP, PRIVATE_ADDRESS, PROXY = "not_http", "private_address", "proxy"
BLOCKED, UNCONFIRMED = "blocked", "unconfirmed"
REDIRECTED = "redirected"
BAD_ADDRESS, BAD_NAME, DUPLICATE = "bad_address", "bad_name", "duplicate"
PLACEHOLDER = "placeholder"

MEANING = {
    OK: "an image",
    PENDING: "not requested yet",
    GONE: "HTTP 404 or 410",
    REFUSED: "HTTP 401, 403 or 451",
    HTTP_ERROR: "another HTTP status",
    SERVER_ERROR: "HTTP 408, 425, 429 or 5xx",
    NOT_AN_IMAGE: "a response that is not an image, such as a web page",
    TRUNCATED: "a truncated image",
    TOO_LARGE: "more bytes than allowed",
    TOO_MANY_PIXELS: "more pixels than allowed",
    TIMEOUT: "timeout",
    DNS: "the host name does not resolve",
    TLS: "invalid certificate, or TLS failed",
    CONNECTION: "connection refused, reset or closed early",
    NOT_HTTP: "a response that is not HTTP",
    PROXY: "no response from the proxy, or refused by it",
    PRIVATE_ADDRESS: "the host name resolves to a non-public address",
    BLOCKED: "one server's page for several hosts",
    UNCONFIRMED: "failed for good, but no later image shows that the network was up",
    REDIRECTED: "redirected in a loop, too often, or to a forbidden address",
    BAD_ADDRESS: "not an http(s) URL of a public host",
    BAD_NAME: "a name that cannot be a file in pic/",
    DUPLICATE: "a name already used by an earlier line",
    PLACEHOLDER: "the same image under many URLs",
}
# No answer at all: of the host, not of the image.
NO_ANSWER = frozenset({TIMEOUT, DNS, CONNECTION, PROXY})
# What may pass within minutes: tried again within a run.
PASSING = NO_ANSWER | {TRUNCATED, SERVER_ERROR, NOT_HTTP}
# What may be of the network of the hour (its proxy, resolver, portal, clock) rather than of the
# URL: retried by the next run, like all transient failures. All other states are final.
TRANSIENT = PASSING | {TLS, PRIVATE_ADDRESS, BLOCKED, UNCONFIRMED}
# Retried by a later run only on request. A bad address and placeholders are judged anew by every
# run; a bad name cannot be requested.
FINAL = (
    GONE,
    REFUSED,
    HTTP_ERROR,
    NOT_AN_IMAGE,
    TOO_LARGE,
    TOO_MANY_PIXELS,
    REDIRECTED,
    BAD_ADDRESS,
)
_OF_STATUS = {
    **dict.fromkeys((404, 410), GONE),
    **dict.fromkeys((401, 403, 451), REFUSED),
    **dict.fromkeys((408, 425, 429), SERVER_ERROR),
    407: PROXY,
    511: PROXY,  # a captive portal that says so
}


def of_status(status: int) -> str:
    """Return the state of an answer that has no image by its HTTP status, and is no redirect."""
    return _OF_STATUS.get(status, SERVER_ERROR if status >= 500 else HTTP_ERROR)
