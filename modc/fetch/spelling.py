"""A URL as a list or a `Location` spells it: parsed leniently, sent as it came.

Servers with signed or old URLs know a path only as it is spelled, so nothing is decoded, encoded or
normalized that may stand in a request line. What may not stand there is percent-encoded: blanks,
control characters, and bytes beyond ASCII as they came, whatever their encoding.
"""

import re
from urllib.parse import urljoin

from yarl import URL

# As browsers read it: any number of slashes, of either kind, after the scheme.
_HTTP = re.compile(r"(?i)(https?):[/\\]*([^/\\?#]*)([^?#]*)(\?[^#]*)?")
_HOST_AND_PATH = re.compile(r"[/\\]{2}|[^:/\\?#@]+\.[^:/\\?#@]+(:\d+)?[/\\]")
_DIGITS = re.compile(r"[\d.]+")
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}(:|$)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d+(?:[/\\?#]|$))")
_NOT_SENT = re.compile(rb"[^\x21-\x7e]")


def parse(text: str) -> URL:
    """Return the URL that `text` spells; `host.tld/path` without a scheme is http, as for curl.

    A byte that is not UTF-8 is expected as the surrogate that `surrogateescape` makes of it. The
    path and the query go out as they are spelled; a fragment is left out. Raises ValueError for
    what has another scheme, no host, or a port or host that cannot be.
    """
    text = _stripped(text)
    if not _SCHEME.match(text):
        if not _HOST_AND_PATH.match(text):
            raise ValueError("no scheme: not http or https")
        text = "http://" + text.lstrip("/\\")
    match = _HTTP.match(text)
    if not match:
        raise ValueError(f"{text.partition(':')[0][:40]}: not http or https")
    scheme, authority, path, query = match.groups(default="")
    host = authority.rpartition("@")[2]
    if not host:
        raise ValueError("no host")
    if not host.isprintable() or " " in host or "%" in host:
        raise ValueError("an invalid host")
    if _DIGITS.fullmatch(host.rpartition(":")[0] or host) and not _ADDRESS.match(host):
        raise ValueError("an address in another form than a.b.c.d")
    # The host is the one part that has another spelling on the wire, for names beyond ASCII.
    place = URL(f"{scheme.lower()}://{authority}/")
    path = _sendable(path.replace("\\", "/")) or "/"
    return URL(f"{place.scheme}://{place.raw_authority}{path}{_sendable(query)}", encoded=True)


def follow(here: str, location: str) -> str:
    """Return the URL, as text, that the `Location` header of an answer of `here` leads to."""
    location = _stripped(location)
    if _SCHEME.match(location):
        return location
    base = parse(here)
    place, rest = re.fullmatch(r"([^?#]*)(.*)", location, re.DOTALL).groups()
    location = _sendable(place.replace("\\", "/") + rest)
    if place.startswith(("//", "\\\\", "/\\", "\\/")):
        # Not sent as it is: a name may be beyond ASCII.
        return f"{base.scheme}:" + place.replace("\\", "/") + rest
    origin = f"{base.scheme}://{base.raw_authority}"
    if any(part in (".", "..") for part in place.split("/")):
        return urljoin(str(base), location)
    # By hand, since urljoin takes empty folders out.
    if location.startswith("/"):
        return origin + location
    if not place:
        return origin + base.raw_path + (location if rest.startswith("?") else _query(base))
    return origin + base.raw_path.rpartition("/")[0] + "/" + location


def _query(url: URL) -> str:
    return f"?{url.raw_query_string}" if url.raw_query_string else ""


def _stripped(text: str) -> str:
    """Return the text without what browsers leave out: blanks around it, tabs and line ends."""
    text = text.strip("".join(map(chr, range(33))))
    return re.sub(r"[\t\r\n]", "", text)


def _sendable(text: str) -> str:
    data = text.encode("utf-8", "surrogateescape")
    return _NOT_SENT.sub(lambda match: b"%%%02X" % match[0][0], data).decode("ascii")
