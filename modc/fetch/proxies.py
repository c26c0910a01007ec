"""The proxies of the environment, read as curl, wget and requests read them."""

import os
import urllib.request
from dataclasses import dataclass

from yarl import URL

from modc.errors import UserError

_SPOKEN = ("http", "https")


@dataclass(frozen=True)
class Proxy:
    """A proxy, and the variable that names it."""

    variable: str
    url: URL

    def __str__(self) -> str:
        """Return both, as in the environment; a password is left out."""
        return f"{self.variable}={self.url.with_user(None)}"


def of_environment() -> dict[str, Proxy]:
    """Return the proxy for each scheme, http and https, that has one.

    A proxy without a scheme is an http one. Raises UserError naming the variable of one that cannot
    be used, such as a SOCKS proxy.
    """
    named = urllib.request.getproxies_environment()
    found = {}
    for scheme in _SPOKEN:
        kind = scheme if scheme in named else "all"
        if kind in named:
            found[scheme] = _proxy(kind, named[kind])
    return found


def _proxy(kind: str, value: str) -> Proxy:
    variable = next(
        (name for name in (f"{kind}_proxy", f"{kind}_proxy".upper()) if os.environ.get(name)),
        f"{kind}_proxy",
    )
    advice = f"set {variable}=http://HOST:PORT, or unset it"
    try:
        url = URL(value if "://" in value else f"http://{value}")
        # Reading them checks the host and the port.
        host, port = url.host, url.port
    except ValueError:
        host = port = None
    if not host or (url.scheme in _SPOKEN and not port):
        raise UserError(f"{variable}={value.rpartition('@')[2]}: not the URL of a proxy; {advice}")
    if url.scheme not in _SPOKEN:
        raise UserError(f"{variable}: {url.scheme} proxies are not supported; {advice}")
    return Proxy(variable, url)


def chosen(proxies: dict[str, Proxy], url: URL) -> Proxy | None:
    """Return the proxy that `url` is asked for by; None if none is, as for hosts of no_proxy."""
    proxy = proxies.get(url.scheme)
    if proxy is None or urllib.request.proxy_bypass_environment(f"{url.raw_host}:{url.port}"):
        return None
    return proxy
