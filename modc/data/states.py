"""The states of a listed picture: whether there is one, or why not.

A module of its own without imports, since the processes that look at pictures need nothing else.
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
    OK: "a picture",
    PENDING: "not asked for yet",
    GONE: "HTTP 404 or 410",
    REFUSED: "HTTP 401, 403 or 451",
    HTTP_ERROR: "another HTTP status",
    SERVER_ERROR: "HTTP 408, 425, 429 or 5xx",
    NOT_AN_IMAGE: "an answer that is no picture, such as a web page",
    TRUNCATED: "a picture that breaks off",
    TOO_LARGE: "more bytes than allowed",
    TOO_MANY_PIXELS: "more pixels than allowed",
    TIMEOUT: "no answer in time",
    DNS: "the host has no address",
    TLS: "no valid certificate, or no encrypted connection",
    CONNECTION: "refused, reset or broken off",
    NOT_HTTP: "an answer that is not HTTP",
    PROXY: "no answer from the proxy, or its refusal",
    PRIVATE_ADDRESS: "the host's name led to an address that is not public",
    BLOCKED: "one server's page in place of several hosts",
    UNCONFIRMED: "failed for good, but no image since shows that the network was up",
    REDIRECTED: "redirected in a circle, too often, or to what is not asked for",
    BAD_ADDRESS: "no http(s) URL of a public host",
    BAD_NAME: "a name that cannot be a file below pic/",
    DUPLICATE: "a name that an earlier line has already",
    PLACEHOLDER: "one picture under many URLs",
}
# No answer at all: of the host, not of the picture.
NO_ANSWER = frozenset({TIMEOUT, DNS, CONNECTION, PROXY})
# What may pass within minutes: tried again within a run.
PASSING = NO_ANSWER | {TRUNCATED, SERVER_ERROR, NOT_HTTP}
# What may be of the network of the hour (its proxy, resolver, portal, clock) rather than of the
# URL: asked for again by the next run, as all that may pass is. All other states are final.
TRANSIENT = PASSING | {TLS, PRIVATE_ADDRESS, BLOCKED, UNCONFIRMED}
# What a later run asks for again only if told to. A bad address is judged anew by every run, and
# so are placeholders; a bad name cannot be asked for.
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
