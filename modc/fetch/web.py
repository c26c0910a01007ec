"""One request: to public hosts alone, with a limit on its bytes and its time, to an answer."""

import asyncio
import email.utils
import ipaddress
import socket
import ssl
import time
import urllib.request
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from modc import __version__
from modc.data.states import (
    BAD_ADDRESS,
    CONNECTION,
    DNS,
    OK,
    REDIRECTED,
    SERVER_ERROR,
    TIMEOUT,
    TLS,
    TOO_LARGE,
    TRUNCATED,
    of_status,
)

USER_AGENT = f"modc/{__version__} (reproducibility harness of MODC, ECCV 2022)"
MOST_REDIRECTS = 5
# A body above this waits for one of a few places, so that many large ones do not fill the memory.
LARGE_BODY = 1_000_000
LARGE_BODIES = 12
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a URL.

    state: ok if there is a body. http_status: of the last answer, None if there was none.
    retry_after: the seconds for which the host asks to be left alone. large: the body has one of
    the few places for large ones until `Web.done`.
    """

    state: str
    detail: str = ""
    http_status: int | None = None
    body: bytes | None = None
    retry_after: float | None = None
    large: bool = False


class _PrivateAddress(OSError):
    """A host has no address but private ones."""


class _Addresses(AbstractResolver):
    """Names to public addresses. connect_to: an address and port for some hosts, as it stands."""

    def __init__(self, allow_private: bool, connect_to: Mapping[str, tuple[str, int]]):
        self._allow_private, self._connect_to = allow_private, connect_to
        # A proxy of the user's own network has a private address, and asks for the rest itself.
        self._proxies = {URL(url).host for url in urllib.request.getproxies().values()}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        if host in self._connect_to:
            found = [self._connect_to[host]]
        else:
            infos = await asyncio.get_running_loop().getaddrinfo(
                host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG
            )
            found = [(info[4][0], port) for info in infos]
            if not self._allow_private and host not in self._proxies:
                public = [place for place in found if is_public(place[0])]
                if found and not public:
                    raise _PrivateAddress(f"{host} is {found[0][0]}, a private address")
                found = public
        return [
            ResolveResult(hostname=host, host=to, port=at, family=0, proto=0, flags=0)
            for to, at in found
        ]

    async def close(self) -> None:
        pass


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_global and not parsed.is_multicast


class Web:
    """Asks for URLs; used as `async with`.

    settings: the section `download` of the configuration. connect_to: for some host names, the
    address and port to connect to instead.
    """

    def __init__(self, settings: dict, connect_to: Mapping[str, tuple[str, int]] | None = None):
        self._settings = settings
        self._connect_to = connect_to or {}
        self._most_bytes = int(settings["max_megabytes"] * 1e6)
        self._large = asyncio.Semaphore(LARGE_BODIES)

    async def __aenter__(self) -> "Web":
        connector = aiohttp.TCPConnector(
            # The caller counts connections; here only where many hosts redirect to one.
            limit=0,
            limit_per_host=self._settings["connections_per_host"],
            resolver=_Addresses(self._settings["allow_private_addresses"], self._connect_to),
            ttl_dns_cache=300,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers={
                "User-Agent": USER_AGENT,
                "Accept": "image/*,*/*;q=0.5",
                "Accept-Encoding": "identity",
            },
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(
                total=None,
                sock_connect=self._settings["connect_timeout"],
                sock_read=self._settings["silence_timeout"],
            ),
            # Unpacked here, within a limit, where a server packs what it was not asked to.
            auto_decompress=False,
            trust_env=bool(urllib.request.getproxies()),
        )
        return self

    async def __aexit__(self, *_) -> None:
        await self._session.close()

    async def ask(self, url: str) -> Answer:
        """Return the answer to a GET of `url`, redirects followed. Raises nothing for a bad one."""
        # Of the redirects so far: where they led, and what the last one said.
        seen: list[URL] = []
        status = None
        try:
            async with asyncio.timeout(self._settings["timeout"]) as clock:
                here = URL(url)
                while True:
                    wrong = self._forbidden(here)
                    if wrong:
                        return Answer(REDIRECTED if seen else BAD_ADDRESS, wrong, status)
                    if here in seen or len(seen) > MOST_REDIRECTS:
                        circle = f"in a circle, or too often, at {here}"[:300]
                        return Answer(REDIRECTED, circle, status)
                    seen.append(here)
                    status, answer = await self._get(here, clock)
                    if isinstance(answer, Answer):
                        return answer
                    here = here.join(URL(answer))
        except TimeoutError:
            return Answer(TIMEOUT)
        except aiohttp.ClientConnectorDNSError as error:
            if isinstance(error.os_error, _PrivateAddress):
                state = REDIRECTED if len(seen) > 1 else BAD_ADDRESS
                return Answer(state, str(error.os_error), status)
            return Answer(DNS, _brief(error.os_error))
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            return Answer(TLS, _brief(error))
        except aiohttp.ClientPayloadError as error:
            return Answer(TRUNCATED, _brief(error))
        except (aiohttp.InvalidURL, ValueError) as error:
            return Answer(REDIRECTED if status else BAD_ADDRESS, _brief(error), status)
        except aiohttp.ClientResponseError as error:
            return Answer(CONNECTION, f"not HTTP: {_brief(error)}")
        except (aiohttp.ClientError, OSError) as error:
            return Answer(CONNECTION, _brief(error))

    async def _get(self, url: URL, clock: asyncio.Timeout) -> tuple[int, Answer | str]:
        """Return the HTTP status, and the answer or where it redirects to."""
        async with self._session.get(url, allow_redirects=False) as response:
            status = response.status
            if status in _REDIRECTS:
                to = response.headers.get("Location")
                return status, to or Answer(REDIRECTED, "to nowhere", status)
            if status != 200:
                state = of_status(status)
                wait = _retry_after(response.headers) if state == SERVER_ERROR else None
                return status, Answer(state, "", status, retry_after=wait)
            length = response.content_length
            if length is not None and length > self._most_bytes:
                # Closed, since what is left of the body would be read for the next request.
                response.close()
                return status, Answer(TOO_LARGE, f"{length} bytes", status)
            return status, await self._read(response, clock)

    async def _read(self, response: aiohttp.ClientResponse, clock: asyncio.Timeout) -> Answer:
        pieces, count, large, status = [], 0, False, response.status
        try:
            async for piece in response.content.iter_any():
                pieces.append(piece)
                count += len(piece)
                if count > self._most_bytes:
                    response.close()
                    return Answer(TOO_LARGE, f"more than {self._most_bytes} bytes", status)
                if count > LARGE_BODY and not large:
                    await self._place(clock)
                    large = True
            encoding = response.headers.get("Content-Encoding", "").lower()
            answer = _decoded(b"".join(pieces), encoding, self._most_bytes, status)
            if large and answer.body is not None:
                large, answer = False, replace(answer, large=True)
            return answer
        finally:
            if large:
                self._large.release()

    def done(self, answer: Answer) -> None:
        """Give back the place that a large body has; call it once the body is dealt with."""
        if answer.large:
            self._large.release()

    async def _place(self, clock: asyncio.Timeout) -> None:
        """Wait for a place for a large body; the time does not count."""
        before = asyncio.get_running_loop().time()
        deadline = clock.when()
        clock.reschedule(None)
        await self._large.acquire()
        clock.reschedule(deadline + asyncio.get_running_loop().time() - before)

    def _forbidden(self, url: URL) -> str:
        """Return why `url` is not asked for, "" if it is."""
        if url.scheme not in ("http", "https"):
            return f"{url.scheme or 'no scheme'}: not http or https"
        if not url.host:
            return "no host"
        if url.host in self._connect_to or self._settings["allow_private_addresses"]:
            return ""
        try:
            return "" if is_public(url.host) else f"{url.host} is a private address"
        except ValueError:
            return ""  # a name; its addresses are looked at when it is resolved


def _decoded(body: bytes, encoding: str, most: int, status: int) -> Answer:
    """Return the answer with a body that came packed by gzip or deflate unpacked to at most `most`.

    Any other encoding is left as it is: if it is true, the body is no picture.
    """
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return Answer(OK, "", status, body)
    try:
        # 15 bits of window, and the header of either is found out.
        unpacked = zlib.decompressobj(15 + 32).decompress(body, most + 1)
    except zlib.error:
        return Answer(OK, "", status, body)
    if len(unpacked) > most:
        return Answer(TOO_LARGE, f"more than {most} bytes, unpacked", status)
    return Answer(OK, "", status, unpacked)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After header, given as a number or as a date."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def _brief(error: BaseException) -> str:
    return " ".join(f"{error}".split())[:200] or type(error).__name__
