"""A download as a whole: every URL ends in a state, and none stops the others."""

import time

import pytest

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
        download(record, tmp_path, settings | changed, again, limit, connect_to)
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
    assert asked == {"/twice": 3, "/thrice": 3, "/gone": 1, "/page": 1}
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
    assert len(server.times("/b")) == 1


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
