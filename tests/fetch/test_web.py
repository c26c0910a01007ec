"""One request: what each way of failing is called, and what is never asked for."""

import asyncio
import gzip
import http.server
import socket
import ssl
import struct
import threading
import time
import zlib
from email.utils import formatdate
from pathlib import Path

import pytest

from modc.fetch import web as module
from modc.fetch.web import USER_AGENT, Answer, Web, is_public

HERE = Path(__file__).parent


@pytest.fixture
def ask(server, settings):
    """Ask for a path of the server, or a URL, with some settings changed."""

    def call(path: str, connect_to=None, **changed) -> Answer:
        async def once():
            async with Web(settings | changed, connect_to) as web:
                return await web.ask(path if "://" in path else server.url + path)

        return asyncio.run(once())

    return call


def test_a_body_comes_back_with_its_status(server, ask):
    server.routes["/a"] = b"picture"
    assert ask("/a") == Answer("ok", "", 200, b"picture")
    assert server.headers[0]["User-Agent"] == USER_AGENT and "MODC" in USER_AGENT


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (404, "gone"),
        (410, "gone"),
        (401, "refused"),
        (403, "refused"),
        (451, "refused"),
        (400, "http_error"),
        (204, "http_error"),
        (304, "http_error"),
        (407, "proxy"),
        (511, "proxy"),
        (408, "server_error"),
        (429, "server_error"),
        (500, "server_error"),
        (503, "server_error"),
    ],
)
def test_statuses_have_their_states(server, ask, status, state):
    server.routes["/a"] = status
    answer = ask("/a")
    assert (answer.state, answer.http_status, answer.body) == (state, status, None)


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [("7", 7, 7), (100, 90, 101), (-100, 0, 0), ("soon", None, None)],
)
def test_retry_after_is_understood(server, ask, value, least, most):
    if isinstance(value, int):
        value = formatdate(time.time() + value, usegmt=True)
    server.routes["/a"] = lambda handler: handler.answer(503, Retry_After=value)
    found = ask("/a").retry_after
    assert found is None if least is None else least <= found <= most


def test_redirects_are_followed(server, ask):
    server.routes["/a"] = lambda handler: handler.answer(302, Location="/b")
    server.routes["/b"] = lambda handler: handler.answer(301, Location=server.url + "/c")
    server.routes["/c"] = b"there"
    assert ask("/a").body == b"there"


@pytest.mark.parametrize(
    "to",
    ["/a", "ftp://host.example/a", "file:///etc/passwd", "http://", "http://[", "", None],
)
def test_a_redirect_that_leads_nowhere_ends_there(server, ask, to):
    headers = {} if to is None else {"Location": to}
    server.routes["/a"] = lambda handler: handler.answer(302, **headers)
    answer = ask("/a")
    assert (answer.state, answer.http_status) == ("redirected", 302) and answer.detail


def test_endless_redirects_end(server, ask):
    for number in range(50):
        server.routes[f"/{number}"] = lambda handler, to=number + 1: handler.answer(
            302, Location=f"/{to}"
        )
    assert ask("/0").state == "redirected"
    assert len(server.asked) <= 7


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "[::1]", "0.0.0.0", "198.18.0.5"])
def test_a_private_address_is_not_asked(server, ask, host):
    answer = ask(f"http://{host}:{server.server_port}/a", allow_private_addresses=False)
    assert answer.state == "bad_address" and "private address" in answer.detail
    assert server.asked == []


@pytest.mark.parametrize("host", ["localhost", "0x7f.1"])
def test_a_name_that_leads_to_a_private_address_is_of_the_network(server, ask, host):
    answer = ask(f"http://{host}:{server.server_port}/a", allow_private_addresses=False)
    assert (answer.state, answer.http_status) == ("private_address", None)
    assert "127.0.0.1" in answer.detail or "::1" in answer.detail
    assert server.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_redirect_to_a_private_address_is_not_followed(server, ask, host):
    target = f"http://{host}:{server.server_port}/secret"
    server.routes["/a"] = lambda handler: handler.answer(302, Location=target)
    server.routes["/secret"] = b"secret"
    answer = ask(
        "http://public.example/a",
        {"public.example": ("127.0.0.1", server.server_port)},
        allow_private_addresses=False,
    )
    assert (answer.state, answer.http_status) == ("private_address", 302) and answer.detail
    assert [path for _, path in server.asked] == ["/a"]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1", True),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("fe80::1%eth0", False),
        ("224.0.0.1", False),
    ],
)
def test_knows_public_addresses(address, public):
    assert is_public(address) is public


def test_a_body_of_ten_gigabytes_is_not_read(server, ask):
    def huge(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**10))
        handler.end_headers()

    server.routes["/a"] = huge
    answer = ask("/a")
    assert (answer.state, answer.detail) == ("too_large", "10000000000 bytes")


def test_a_body_that_does_not_say_how_long_it_is_ends_at_the_limit(server, ask):
    sent = []

    def long(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.close_connection = True
        for _ in range(1000):
            handler.wfile.write(b"x" * 100_000)
            sent.append(100_000)

    server.routes["/a"] = long
    assert ask("/a", max_megabytes=1).state == "too_large"
    assert sum(sent) < 50_000_000


def test_a_body_that_never_ends_is_left(server, ask):
    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.close_connection = True
        while not server.stopped.wait(0.05):
            handler.wfile.write(b"x")

    server.routes["/a"] = drip
    assert ask("/a", timeout=0.5, silence_timeout=5).state == "timeout"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_that_is_packed_unasked_is_unpacked_within_the_limit(server, ask, encoding):
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    server.routes["/a"] = lambda h: h.answer(200, pack(b"picture"), Content_Encoding=encoding)
    server.routes["/b"] = lambda h: h.answer(200, pack(bytes(10**8)), Content_Encoding=encoding)
    server.routes["/c"] = lambda h: h.answer(200, b"plain", Content_Encoding=encoding)
    server.routes["/d"] = lambda h: h.answer(200, b"plain", Content_Encoding="br")
    assert ask("/a").body == b"picture"
    assert ask("/b", max_megabytes=1).state == "too_large"
    assert ask("/c").body == ask("/d").body == b"plain"


def test_a_silent_server_is_left(server, ask):
    server.routes["/a"] = lambda handler: server.stopped.wait(10)
    assert ask("/a", silence_timeout=0.3).state == "timeout"


def test_a_body_shorter_than_announced_is_truncated(server, ask):
    def short(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"half")
        handler.close_connection = True

    server.routes["/a"] = short
    answer = ask("/a")
    assert (answer.state, answer.body, answer.is_whole) == ("ok", b"half", False) and answer.detail


def test_a_reset_connection_is_named(server, ask):
    def reset(handler):
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.close_connection = True

    server.routes["/a"] = reset
    assert ask("/a").state == "connection"


def test_a_closed_port_is_named(ask):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert ask(f"http://127.0.0.1:{port}/a").state == "connection"


def test_a_host_without_an_address_is_named(ask):
    assert ask("http://nowhere.invalid/a").state == "dns"


def test_what_is_not_http_is_an_error_and_no_crash(server, ask):
    def rubbish(handler):
        handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        handler.close_connection = True

    server.routes["/a"] = rubbish
    assert ask("/a").state == "not_http"


@pytest.fixture
def encrypted():
    """A server that speaks TLS with a certificate for elsewhere.invalid."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(HERE / "elsewhere.pem")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    server.handle_error = lambda *_: None
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_a_certificate_that_nobody_vouches_for_is_refused(encrypted, ask):
    answer = ask("https://elsewhere.invalid/", {"elsewhere.invalid": ("127.0.0.1", encrypted)})
    assert answer.state == "tls"


def test_a_certificate_of_another_host_is_refused(encrypted, ask, monkeypatch):
    monkeypatch.setattr(
        "aiohttp.connector._SSL_CONTEXT_VERIFIED",
        ssl.create_default_context(cafile=str(HERE / "elsewhere.crt")),
    )
    there = ("127.0.0.1", encrypted)
    assert ask("https://elsewhere.invalid/", {"elsewhere.invalid": there}).state != "tls"
    answer = ask("https://shop.invalid/", {"shop.invalid": there})
    assert answer.state == "tls" and "shop.invalid" in answer.detail


def test_an_encrypted_port_that_speaks_plainly_is_named(server, ask):
    assert ask(f"https://127.0.0.1:{server.server_port}/a").state == "tls"


def test_large_bodies_take_turns_and_all_arrive(server, settings, monkeypatch):
    monkeypatch.setattr("modc.fetch.web.LARGE_BODIES", 1)
    for number in range(6):
        server.routes[f"/{number}"] = bytes([number]) * 1_500_000

    async def together():
        async with Web(settings) as web:
            return await asyncio.gather(*(one(web, n) for n in range(6)))

    async def one(web, number):
        answer = await web.ask(f"{server.url}/{number}")
        web.done(answer)
        return answer

    answers = asyncio.run(together())
    assert [answer.body for answer in answers] == [bytes([n]) * 1_500_000 for n in range(6)]


def test_a_large_body_waits_for_a_place_and_the_wait_costs_no_time(server, settings):
    server.routes = {"/large": b"x" * 3_000_000, "/small": b"y"}

    async def wait():
        async with Web(settings | {"timeout": 0.5, "silence_timeout": 5}) as web:
            for _ in range(module.LARGE_BODIES):
                await web._large.acquire()
            large = asyncio.create_task(web.ask(server.url + "/large"))
            small = await web.ask(server.url + "/small")
            await asyncio.sleep(1.0)
            assert not large.done()
            web._large.release()
            return small, await large

    small, large = asyncio.run(wait())
    assert small.body == b"y" and large.body == b"x" * 3_000_000


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 7", "Content-Length: 7"],
        ["X-Old : 1", "Content-Length: 7"],
        ["Content-Length: 7", "Set-Cookie: a=" + "x" * 20_000],
        ["Content-Length: 7", "X-Binary: a\x01b"],
        ["Content-Type: text/html; charset=gbk", "Content-Length: 7"],
        ["Content-Encoding: none", "Content-Length: 7"],
        [],
    ],
)
def test_headers_that_curl_takes_are_taken(server, ask, lines):
    def old(handler):
        head = "\r\n".join(["HTTP/1.1 200 OK", *lines, "Connection: close", "", ""])
        handler.wfile.write(head.encode() + b"picture")
        handler.close_connection = True

    server.routes["/a"] = old
    answer = ask("/a")
    assert (answer.state, answer.http_status, answer.body) == ("ok", 200, b"picture")


@pytest.mark.parametrize("last", [b"0\r\n\r\n", b""])
def test_chunks_beside_a_length_are_taken_and_their_end_is_looked_at(server, ask, last):
    def both(handler):
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n"
        length = b"Content-Length: 3\r\n"
        head = head if last else head.replace(length, b"")
        handler.wfile.write(head + b"Connection: close\r\n\r\n7\r\npicture\r\n" + last)
        handler.close_connection = True

    server.routes["/a"] = both
    answer = ask("/a")
    assert (answer.state, answer.body, answer.is_whole) == ("ok", b"picture", bool(last))


@pytest.mark.parametrize("path", ["/%E4%B8%AD%2C.jpg?f=x%2Fy", "/x/../a//b|c.jpg"])
def test_urls_and_locations_go_out_as_they_are_spelled(server, ask, path):
    server.routes = {path: b"picture", "/to": lambda handler: handler.answer(302, Location=path)}
    assert ask(path).body == b"picture"
    if "/../" not in path:
        assert ask("/to").body == b"picture"


def test_bytes_of_a_location_go_out_as_they_came(server, ask):
    def gbk(handler):
        to = "/中.jpg".encode("gbk")
        handler.wfile.write(
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + to + b"\r\n\r\n"
        )

    server.routes = {"/to": gbk, "/%D6%D0.jpg": b"picture"}
    assert ask("/to").body == b"picture"


@pytest.mark.parametrize(("status", "state"), [(203, "ok"), (206, "ok"), (300, "ok")])
def test_a_body_of_another_good_status_is_taken(server, ask, status, state):
    server.routes["/a"] = lambda handler: handler.answer(status, b"picture", Location="/b")
    server.routes["/b"] = b"picture"
    answer = ask("/a")
    assert (answer.state, answer.body) == (state, b"picture")


def test_a_proxy_that_refuses_is_named(server, ask, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("https_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    server.routes["http://shop.example/a"] = 407
    assert ask("http://shop.example/a").state == "proxy"
    # The server knows no CONNECT.
    assert ask("https://shop.example/a").state == "proxy"


def test_a_redirect_to_a_host_without_an_address_shows_that_the_first_one_answered(server, ask):
    server.routes["/a"] = lambda handler: handler.answer(302, Location="http://nowhere.invalid/")
    answer = ask("/a")
    assert (answer.state, answer.http_status) == ("dns", 302)


def test_a_server_that_drips_odd_headers_holds_nothing_up(server, ask):
    def drip(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Old : 1\r\n")
        if len(server.times("/a")) > 1:
            for _ in range(100):
                if server.stopped.wait(0.1):
                    break
                handler.wfile.write(b"x")
        handler.close_connection = True

    server.routes["/a"] = drip
    begun = time.monotonic()
    assert ask("/a", timeout=0.5, silence_timeout=5).state == "timeout"
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("whole", [True, False])
def test_an_odd_answer_that_breaks_off_is_not_whole(server, ask, whole):
    def old(handler):
        length = 7 if whole else 9
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nX-Old : 1\r\n\r\n"
        handler.wfile.write(head.encode() + b"picture")
        handler.close_connection = True

    server.routes["/a"] = old
    answer = ask("/a")
    assert (answer.state, answer.body, answer.is_whole) == ("ok", b"picture", whole)


@pytest.mark.parametrize(
    ("packed", "is_whole"),
    [
        (zlib.compress(b"picture")[2:-4], True),
        (gzip.compress(b"pic") + gzip.compress(b"ture"), True),
        (gzip.compress(b"picture") + b"rubbish", True),
        (gzip.compress(b"picture")[:-3], False),
    ],
    ids=["raw deflate", "two members", "rubbish behind", "broken off"],
)
def test_packed_bodies_of_all_kinds_are_unpacked(server, ask, packed, is_whole):
    server.routes["/a"] = lambda handler: handler.answer(200, packed, Content_Encoding="deflate")
    answer = ask("/a")
    assert (answer.state, answer.body, answer.is_whole) == ("ok", b"picture", is_whole)
