"""A download as a whole: every URL ends in a state, and none stops the others."""

import socket
import time

import pytest

from modc.errors import UserError
from modc.fetch.download import download
from modc.fetch.outcome import Outcome
from modc.fetch.record import Record
from modc.fetch.url_list import Listed


@pytest.fixture
def record(tmp_path):
    opened = Record(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def fetch(server, record, tmp_path, settings):
    """Download what the server's routes, or a list of (name, URL), have; return the states."""

    def call(urls=None, again=(), limit=None, connect_to=None, **changed) -> dict[str, str]:
        urls = urls or [(path[1:], server.url + path) for path in server.routes]
        rows = [Listed(number, *row) for number, row in enumerate(urls, 1)]
        record.take_in(rows, "")
        download(record, tmp_path, settings | changed, "DARN", again, limit, connect_to)
        table = record.table()
        return dict(zip(table["name"], table["state"], strict=True))

    return call


def test_every_url_ends_in_a_state(server, fetch, picture, tmp_path):
    good = {f"/good{number}": picture(number) for number in range(20)}
    server.routes = {
        **good,
        "/gone": 404,
        "/refused": 403,
        "/page": b"<html></html>",
        "/empty": b"",
        "/truncated": picture(1)[:300],
        "/error": 500,
        "/many": picture(2, (400, 400)),
        "/large": picture(3, (600, 600), "BMP"),
        "/loop": lambda handler: handler.answer(302, Location="/loop"),
        "/silent": lambda handler: server.stopped.wait(5),
    }
    urls = [(path[1:], server.url + path) for path in server.routes]
    urls.append(("nowhere", "http://nowhere.invalid/a"))
    states = fetch(urls, max_megabytes=1, max_megapixels=0.1, silence_timeout=0.2)
    assert states == {
        **{path[1:]: "ok" for path in good},
        "gone": "gone",
        "refused": "refused",
        "page": "not_an_image",
        "empty": "not_an_image",
        "truncated": "truncated",
        "error": "server_error",
        "many": "too_many_pixels",
        "large": "too_large",
        "loop": "redirected",
        "silent": "timeout",
        "nowhere": "dns",
    }
    stored = {path.stem: path.read_bytes() for path in (tmp_path / "pic").glob("*")}
    assert stored == {path[1:]: body for path, body in good.items()}


def test_what_may_pass_is_tried_again_and_what_will_not_is_not(server, fetch, picture):
    def after(failures: int):
        def route(handler):
            again = len(server.times(handler.path)) <= failures
            handler.answer(503) if again else handler.answer(200, picture(1))

        return route

    server.routes = {"/twice": after(2), "/thrice": after(3), "/gone": 404, "/page": b"<html>"}
    assert fetch(attempts=3) == {
        "twice": "ok",
        "thrice": "server_error",
        "gone": "gone",
        "page": "not_an_image",
    }
    asked = {path: len(server.times(path)) for path in server.routes}
    # Once more where no image had come before; an image shows that the network is up.
    assert asked == {"/twice": 4, "/thrice": 3, "/gone": 2, "/page": 2}
    # The next run asks for the one that may have passed, and for nothing else.
    assert fetch(attempts=3)["thrice"] == "ok"
    assert {path: len(server.times(path)) for path in server.routes} == asked | {"/thrice": 4}


def test_waits_double_between_tries(server, fetch):
    server.routes = {"/error": 500}
    fetch(attempts=3, backoff=0.2)
    first, second, third = server.times("/error")
    assert second - first >= 0.2 and third - second >= 0.4


def test_what_failed_for_good_is_asked_again_when_told_to(server, fetch, picture):
    server.routes = {"/a": 404, "/b": 403, "/c": picture(3)}
    fetch()
    server.routes = {"/a": picture(1), "/b": picture(2), "/c": picture(3)}
    assert fetch() == {"a": "gone", "b": "refused", "c": "ok"}
    assert fetch(again=("gone",)) == {"a": "ok", "b": "refused", "c": "ok"}
    assert len(server.times("/b")) <= 2  # both in the first run


def test_a_limit_asks_for_so_many(server, fetch, picture):
    server.routes = {f"/{number}": picture(number) for number in range(6)}
    assert list(fetch(limit=2).values()).count("ok") == 2
    assert list(fetch(limit=3).values()).count("ok") == 5
    assert len(server.asked) == 5
    assert list(fetch(limit=0).values()).count("ok") == 5


def test_what_is_had_is_not_asked_for_again(server, fetch, picture, tmp_path, record):
    server.routes = {f"/{number}": picture(number) for number in range(6)}
    fetch()
    # One is lost, one was cut short by a power cut, one lies there unrecorded.
    (tmp_path / "pic" / "0.jpg").unlink()
    (tmp_path / "pic" / "1.jpg").write_bytes(picture(1)[:100])
    record.write([Outcome("2", "pending")])
    server.asked.clear()
    assert set(fetch().values()) == {"ok"}
    assert sorted(path for _, path in server.asked) == ["/0", "/1"]
    assert (tmp_path / "pic" / "1.jpg").read_bytes() == picture(1)


def test_pictures_brought_along_are_not_asked_for(server, fetch, picture, tmp_path):
    server.routes = {"/a": picture(1), "/b": picture(2)}
    (tmp_path / "pic").mkdir()
    (tmp_path / "pic" / "a.jpg").write_bytes(picture(3))
    (tmp_path / "pic" / "b.jpg").write_bytes(b"<html>saved by another tool</html>")
    assert fetch() == {"a": "ok", "b": "ok"}
    assert [path for _, path in server.asked] == ["/b"]
    assert (tmp_path / "pic" / "a.jpg").read_bytes() == picture(3)


def test_a_host_has_few_requests_at_once(server, fetch, picture):
    def slow(handler):
        time.sleep(0.03)
        handler.answer(200, picture(1))

    server.routes = {f"/{number}": slow for number in range(40)}
    fetch(connections=32, connections_per_host=3)
    assert server.most_active == 3


def test_retry_after_holds_the_whole_host(server, fetch, picture):
    def busy(handler):
        if len(server.times("/busy")) == 1:
            handler.answer(429, Retry_After="1")
        else:
            handler.answer(200, picture(1))

    server.routes = {"/busy": busy} | {f"/{number}": picture(number) for number in range(10)}
    states = fetch(connections_per_host=1)
    assert set(states.values()) == {"ok"}
    [first, second] = server.times("/busy")
    assert second - first >= 1.0
    others = [when for when, path in server.asked if path != "/busy"]
    assert not [when for when in others if first + 0.2 < when < first + 0.95]


def test_a_host_that_wants_to_be_left_alone_for_long_is(server, fetch, picture):
    server.routes = {"/0": lambda handler: handler.answer(503, Retry_After="86400")}
    server.routes |= {f"/{number}": picture(number) for number in range(1, 6)}
    began = time.monotonic()
    states = fetch(connections_per_host=1)
    assert time.monotonic() - began < 5 and len(server.asked) == 1
    assert set(states.values()) == {"server_error"}


def test_a_dead_host_does_not_hold_up_a_living_one(server, fetch, picture, monkeypatch):
    monkeypatch.setattr("modc.fetch.hosts.FIRST_PAUSE", 0.05)
    server.routes = {f"/{number}": picture(number) for number in range(20)}
    urls = [(f"dead{number}", f"http://nowhere.invalid/{number}") for number in range(300)]
    urls += [(path[1:], server.url + path) for path in server.routes]
    states = fetch(urls, connections=8, connections_per_host=4, patience=0.2, attempts=2)
    assert [states[path[1:]] for path in server.routes] == ["ok"] * 20
    assert {state for name, state in states.items() if name.startswith("dead")} == {"dns"}


def test_redirects_do_not_get_around_the_limit_of_a_host(server, fetch, picture):
    active, most = [], []

    def slow(handler):
        active.append(handler.path)
        most.append(len(active))
        time.sleep(0.05)
        active.remove(handler.path)
        handler.answer(200, picture(1))

    server.routes = {f"/{number}": slow for number in range(12)}
    urls, connect_to = [], {"there.example": ("127.0.0.1", server.server_port)}
    for number in range(12):
        host = f"host{number}.example"
        connect_to[host] = ("127.0.0.1", server.server_port)
        to = f"http://there.example/{number}"
        server.routes[f"/to/{number}"] = lambda handler, to=to: handler.answer(302, Location=to)
        urls.append((str(number), f"http://{host}/to/{number}"))
    assert set(fetch(urls, connect_to=connect_to, connections_per_host=2).values()) == {"ok"}
    assert max(most) == 2


def answered_by(port: int, *hosts: str) -> dict[str, tuple[str, int]]:
    return dict.fromkeys(hosts, ("127.0.0.1", port))


def test_where_no_image_comes_nothing_is_sealed(server, fetch, picture):
    pages = {"/a": b"<html>portal</html>", "/b": 403, "/c": 404, "/d": 300}
    server.routes = pages | {"/e": lambda handler: handler.answer(302, Location="ftp://x.example")}
    assert set(fetch().values()) == {"unconfirmed"}
    server.routes |= {"/a": picture(1), "/b": picture(2)}
    assert fetch() == {"a": "ok", "b": "ok", "c": "gone", "d": "http_error", "e": "redirected"}


def test_an_image_that_was_there_shows_whether_the_network_is_up(server, fetch, picture):
    server.routes = {"/good": picture(1)}
    fetch()
    urls = [("good", server.url + "/good"), ("new", server.url + "/new")]
    server.routes["/good"] = b"<html>portal</html>"
    assert fetch(urls)["new"] == "unconfirmed"
    server.routes["/good"] = picture(1)
    assert fetch(urls)["new"] == "gone"


def test_a_portal_that_several_hosts_are_sent_to_seals_nothing(server, fetch, picture):
    hosts = [f"shop{number}.example" for number in range(3)]
    places = answered_by(server.server_port, *hosts, "portal.example", "good.example")
    for number in range(3):
        server.routes[f"/{number}"] = lambda handler: handler.answer(
            302, Location="http://portal.example/login"
        )
    server.routes |= {"/login": b"<html>log in</html>", "/good": picture(1)}
    urls = [(str(number), f"http://{host}/{number}") for number, host in enumerate(hosts)]
    urls.append(("good", "http://good.example/good"))
    found = fetch(urls, connect_to=places)
    assert found == {"0": "blocked", "1": "blocked", "2": "blocked", "good": "ok"}


def test_a_host_that_leads_to_a_private_address_is_given_up_at_once(server, fetch, picture):
    server.routes["/good"] = picture(1)
    places = answered_by(server.server_port, "good.example")
    urls = [(str(number), f"http://localhost/{number}") for number in range(200)]
    urls += [("good", "http://good.example/good"), ("literal", "http://127.0.0.1/a")]
    found = fetch(urls, connect_to=places, allow_private_addresses=False)
    assert found.pop("good") == "ok" and found.pop("literal") == "bad_address"
    assert set(found.values()) == {"private_address"} and len(found) == 200
    # Under other settings the next run asks for them, and for the bad address.
    server.routes |= {f"/{number}": 404 for number in range(200)} | {"/a": picture(2)}
    places |= answered_by(server.server_port, "localhost")
    urls[-1] = ("literal", server.url + "/a")
    found = fetch(urls, connect_to=places)
    assert found.pop("literal") == "ok" and set(found.values()) == {"ok", "gone"}


def test_an_image_whose_transfer_breaks_off_after_it_is_kept(server, fetch, picture):
    def unfinished(body: bytes):
        def route(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(picture(1)) + 2))
            handler.end_headers()
            handler.wfile.write(body)
            handler.close_connection = True

        return route

    whole = picture(1)
    server.routes = {"/whole": unfinished(whole), "/half": unfinished(whole[: len(whole) // 2])}
    assert fetch(attempts=1) == {"whole": "ok", "half": "truncated"}


def test_a_proxy_that_is_not_there_ends_the_run_and_records_nothing(
    server, fetch, record, picture, monkeypatch, tmp_path
):
    server.routes = {"/a": picture(1)}
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("http_proxy", f"127.0.0.1:{unused.getsockname()[1]}")
        monkeypatch.delenv("no_proxy", raising=False)
        with pytest.raises(UserError, match="^http_proxy=http://127.0.0.1"):
            fetch()
    assert record.counts() == {"pending": 1}
    # Drawn images are served by this machine, whatever the proxy.
    places = answered_by(server.server_port, "shop.example")
    assert fetch([("a", "http://shop.example/a")], connect_to=places) == {"a": "ok"}
    (tmp_path / "pic" / "a.jpg").unlink()
    monkeypatch.setenv("http_proxy", server.url.removeprefix("http://"))
    server.routes = {f"{server.url}/a": picture(1)}  # what a proxy is asked for
    assert fetch([("a", server.url + "/a")]) == {"a": "ok"}


def test_failures_count_before_the_end_where_no_image_comes_for_long(
    server, fetch, picture, record, monkeypatch
):
    monkeypatch.setattr("modc.fetch.download.RECORD_EVERY", 0.05)
    monkeypatch.setattr("modc.fetch.download.CONFIRM_EVERY", 0.1)
    server.routes = {"/good": picture(1)}
    fetch()
    counted = []

    def later(handler):
        deadline = time.monotonic() + 5
        while not record.counts().get("gone") and time.monotonic() < deadline:
            time.sleep(0.05)
        counted.append(record.counts().get("gone"))
        handler.answer(404)

    server.routes |= {"/gone": 404, "/later": later}
    assert fetch(silence_timeout=10, timeout=10) == {"good": "ok", "gone": "gone", "later": "gone"}
    assert counted == [1]
