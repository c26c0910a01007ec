"""One request: to public hosts alone, with a limit on its bytes and its time, to an answer."""

import asyncio
import email.utils
import http.client
import ipaddress
import os
import socket
import ssl
import time
import zlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from modc import __version__
from modc.data.states import (
    BAD_ADDRESS,
    CONNECTION,
    DNS,
    NOT_HTTP,
    OK,
    PRIVATE_ADDRESS,
    PROXY,
    REDIRECTED,
    SERVER_ERROR,
    TIMEOUT,
    TLS,
    TOO_LARGE,
    of_status,
)
from modc.errors import UserError
from modc.fetch import lenient_http, proxies
from modc.fetch.spelling import follow, parse

USER_AGENT = f"modc/{__version__} (reproducibility harness of MODC, ECCV 2022)"
MOST_REDIRECTS = 5
# A body above this waits for one of a few places, so that many large ones do not fill the memory.
LARGE_BODY = 1_000_000
LARGE_BODIES = 12
LENIENT = 8  # requests at once for answers that are not HTTP to the letter
LONGEST_LINE = 65536  # of an answer's headers; curl takes longer ones still
_REDIRECTS = (300, 301, 302, 303, 307, 308)
_WITHOUT_BODY = (204, 205)
_HEADERS = {
    "User-Agent": USER_AGENT,
    "Accept": "image/*,*/*;q=0.5",
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a URL.

    state: ok if there is a body. http_status: of the last answer, None if there was none.
    is_whole: nothing says that the body breaks off. server: who answered, the host of a redirect or
    the address of the host, "" behind a proxy. retry_after: the seconds for which the host asks to
    be left alone. large: the body has one of the few places for large ones until `Web.done`.
    """

    state: str
    detail: str = ""
    http_status: int | None = None
    body: bytes | None = None
    is_whole: bool = True
    server: str = ""
    retry_after: float | None = None
    large: bool = False


class _PrivateAddress(OSError):
    """A host has no address but private ones."""


class _Addresses(AbstractResolver):
    """Names to public addresses. connect_to: an address and port for some hosts, as it stands.

    trusted: hosts that may have a private address, such as a proxy. of: the first address of each
    host that was asked for.
    """

    def __init__(
        self, allow_private: bool, connect_to: Mapping[str, tuple[str, int]], trusted: set[str]
    ):
        self._allow_private, self._connect_to, self._trusted = allow_private, connect_to, trusted
        self.of: dict[str, str] = {}

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
            if not self._allow_private and host not in self._trusted:
                public = [place for place in found if is_public(place[0])]
                if found and not public:
                    raise _PrivateAddress(f"{host} is {found[0][0]}")
                found = public
        if found:
            self.of[host] = found[0][0]
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
        self._proxies = proxies.of_environment()
        # Not asyncio's own threads, which others wait for.
        self._lenient = ThreadPoolExecutor(LENIENT)

    async def __aenter__(self) -> "Web":
        self._addresses = _Addresses(
            self._settings["allow_private_addresses"],
            self._connect_to,
            {proxy.url.raw_host for proxy in self._proxies.values()},
        )
        connector = aiohttp.TCPConnector(
            # The caller counts connections; here only where many hosts redirect to one.
            limit=0,
            limit_per_host=self._settings["connections_per_host"],
            resolver=self._addresses,
            ttl_dns_cache=300,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(
                total=None,
                sock_connect=self._settings["connect_timeout"],
                sock_read=self._settings["silence_timeout"],
            ),
            # Unpacked here, within a limit, where a server packs what it was not asked to.
            auto_decompress=False,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
        )
        return self

    async def check_proxies(self, urls: Iterable[str]) -> None:
        """Raise UserError naming the variable of a proxy of `urls` that cannot be connected to."""
        used = set()
        for url in urls:
            with suppress(ValueError):
                used.add(self._proxy(parse(url)))
        for proxy in used - {None}:
            try:
                async with asyncio.timeout(self._settings["connect_timeout"]):
                    _, writer = await asyncio.open_connection(proxy.url.raw_host, proxy.url.port)
            except OSError as error:
                known = error.errno is not None and error.errno > 0
                why = os.strerror(error.errno) if known else error.strerror or "no answer"
                raise UserError(
                    f"{proxy}: cannot connect to this proxy ({why}); "
                    f"start it, or correct or unset {proxy.variable}"
                ) from None
            writer.close()

    async def __aexit__(self, *_) -> None:
        self._lenient.shutdown(wait=False, cancel_futures=True)
        await self._session.close()

    async def ask(self, url: str) -> Answer:
        """Return the answer to a GET of `url`, redirects followed. Raises nothing for a bad one."""
        # Where it was asked so far, and what the last redirect said.
        seen: list[str] = []
        status, server = None, ""
        try:
            async with asyncio.timeout(self._settings["timeout"]) as clock:
                here = url
                while True:
                    try:
                        parsed = parse(here)
                    except ValueError as error:
                        state = REDIRECTED if seen else BAD_ADDRESS
                        return Answer(state, _brief(error), status, server=server)
                    if self._is_private(parsed):
                        state = PRIVATE_ADDRESS if seen else BAD_ADDRESS
                        return Answer(state, f"{parsed.host} is a private address", status)
                    if here in seen or len(seen) > MOST_REDIRECTS:
                        circle = f"in a loop, or too often, at {parsed}"[:300]
                        return Answer(REDIRECTED, circle, status, server=server)
                    seen.append(here)
                    status, answer = await self._get(parsed, clock)
                    server = self._server(parse(url), parsed)
                    if isinstance(answer, Answer):
                        return replace(answer, server=server)
                    here = follow(here, answer)
        # In an answer to these, the status shows that the first host was not silent.
        except aiohttp.ClientProxyConnectionError as error:
            return Answer(PROXY, _brief(error), status)
        except aiohttp.ClientHttpProxyError as error:
            return Answer(PROXY, f"HTTP {error.status}: {_brief(error.message)}", status)
        except TimeoutError:
            return Answer(TIMEOUT, "", status)
        except aiohttp.ClientConnectorDNSError as error:
            if isinstance(error.os_error, _PrivateAddress):
                return Answer(PRIVATE_ADDRESS, str(error.os_error), status)
            return Answer(DNS, _brief(error.os_error), status)
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            return Answer(TLS, _brief(error), status)
        except (aiohttp.InvalidURL, ValueError) as error:
            return Answer(REDIRECTED if status else BAD_ADDRESS, _brief(error), status)
        except (aiohttp.ClientResponseError, http.client.HTTPException) as error:
            return Answer(NOT_HTTP, _brief(error), status)
        except (aiohttp.ClientError, OSError) as error:
            return Answer(CONNECTION, _brief(error), status)

    async def _get(self, url: URL, clock: asyncio.Timeout) -> tuple[int, Answer | str]:
        """Return the HTTP status, and the answer or where it redirects to."""
        proxy = self._proxy(url)
        try:
            async with self._session.get(
                url, allow_redirects=False, proxy=proxy and proxy.url
            ) as response:
                status, headers = response.status, response.headers
                answer = self._without_body(status, headers)
                if answer is None and (response.content_length or 0) > self._most_bytes:
                    size = f"{response.content_length} bytes"
                    answer = Answer(TOO_LARGE, size, status)
                if answer is not None:
                    # Closed, since what is left of the body would be read for the next request.
                    response.close()
                    return status, answer
                return status, await self._read(response, clock)
        except aiohttp.ClientHttpProxyError:
            raise
        except aiohttp.ClientResponseError:
            if proxy:
                raise
            return await self._get_leniently(url)

    async def _get_leniently(self, url: URL) -> tuple[int, Answer | str]:
        """Do `_get` for a server whose answer is not HTTP to the letter."""
        port = url.port
        (found, *_) = await self._addresses.resolve(url.raw_host, port)
        opened: list[socket.socket] = []
        try:
            status, headers, body, is_whole = await asyncio.get_running_loop().run_in_executor(
                self._lenient,
                lenient_http.get,
                url,
                (found["host"], found["port"]),
                _HEADERS,
                self._settings["silence_timeout"],
                self._settings["timeout"],
                self._most_bytes,
                opened,
            )
        finally:
            for one in opened:  # where the time is over, the thread must not wait for more
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        answer = self._without_body(status, headers)
        if answer is None and len(body) > self._most_bytes:
            answer = Answer(TOO_LARGE, f"more than {self._most_bytes} bytes", status)
        if answer is None:
            answer = _decoded(body, headers, self._most_bytes, status)
            answer = replace(answer, is_whole=answer.is_whole and is_whole)
        return status, answer

    def _without_body(self, status: int, headers: Mapping[str, str]) -> Answer | str | None:
        """Return what an answer says without its body; None if the body is what counts."""
        if status in _REDIRECTS and (status != 300 or "Location" in headers):
            return headers.get("Location") or Answer(REDIRECTED, "to nowhere", status)
        if 200 <= status < 300 and status not in _WITHOUT_BODY:
            return None
        state = of_status(status)
        wait = _retry_after(headers) if state == SERVER_ERROR else None
        return Answer(state, "", status, retry_after=wait)

    async def _read(self, response: aiohttp.ClientResponse, clock: asyncio.Timeout) -> Answer:
        pieces, count, large, status, breaks_off = [], 0, False, response.status, ""
        try:
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
            except aiohttp.ClientPayloadError as error:
                breaks_off = _brief(error)
            answer = _decoded(b"".join(pieces), response.headers, self._most_bytes, status)
            if breaks_off:
                answer = replace(answer, is_whole=False, detail=breaks_off)
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

    def _is_private(self, url: URL) -> bool:
        """Whether the host of `url` is an address, and not one to be asked."""
        if url.host in self._connect_to or self._settings["allow_private_addresses"]:
            return False
        try:
            return not is_public(url.host)
        except ValueError:
            return False  # a name; its addresses are looked at when it is resolved

    def _proxy(self, url: URL) -> proxies.Proxy | None:
        return None if url.host in self._connect_to else proxies.chosen(self._proxies, url)

    def _server(self, asked: URL, last: URL) -> str:
        if self._proxy(last):
            return ""
        same = asked.raw_host == last.raw_host
        return self._addresses.of.get(last.raw_host, "") if same else last.raw_host


def _decoded(body: bytes, headers: Mapping[str, str], most: int, status: int) -> Answer:
    """Return the answer with a body that came packed by gzip or deflate unpacked to at most `most`.

    Any other encoding is left as it is: if it is true, the body is no image.
    """
    encoding = headers.get("Content-Encoding", "").lower()
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return Answer(OK, "", status, body)
    # 15 bits of window, and the header of either is found out; some send deflate without one.
    for bits in (15 + 32, -15):
        unpacked, packed, is_whole = b"", body, True
        try:
            while packed and len(unpacked) <= most:
                unpacking = zlib.decompressobj(bits)
                unpacked += unpacking.decompress(packed, most + 1 - len(unpacked))
                packed, is_whole = unpacking.unused_data, unpacking.eof
        except zlib.error:
            if unpacked:  # what follows a whole part is none
                return Answer(OK, "", status, unpacked)
            continue
        if len(unpacked) > most:
            return Answer(TOO_LARGE, f"more than {most} bytes, unpacked", status)
        return Answer(OK, "", status, unpacked, is_whole=is_whole)
    return Answer(OK, "", status, body)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After header, given as a number or as a date."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def _brief(error: object) -> str:
    return " ".join(f"{error}".split())[:200] or type(error).__name__
