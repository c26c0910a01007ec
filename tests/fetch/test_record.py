"""The record of a download: what it takes in, keeps and asks for."""

import sqlite3

import pytest

from modc.data.states import FINAL, MEANING, TRANSIENT
from modc.errors import UserError
from modc.fetch.outcome import Outcome
from modc.fetch.record import Record
from modc.fetch.url_list import Listed


@pytest.fixture
def record(tmp_path):
    opened = Record(tmp_path)
    yield opened
    opened.close()


def lines(*names: str, host: str = "a") -> list[Listed]:
    return [Listed(n, name, f"http://{host}.example/{name}") for n, name in enumerate(names, 1)]


def states(record: Record) -> dict[str, str]:
    table = record.table()
    return dict(zip(table["name"], table["state"], strict=True))


def ok(name: str) -> Outcome:
    return Outcome(name, "ok", "", 200, 10, 9, "sha", "look", 3, 4)


def test_asks_for_what_is_new_and_what_failed_for_now(record):
    record.take_in(lines(*MEANING), "hash")
    record.write(ok(name) if name == "ok" else Outcome(name, name) for name in MEANING)
    asked = {name for name, _ in record.to_ask()}
    assert asked == {"pending", *TRANSIENT} and not asked & {"ok", *FINAL}
    again = {name for name, _ in record.to_ask(again=["gone", "refused"])}
    assert again == asked | {"gone", "refused"}
    assert record.list_sha256 == "hash"
    assert record.counts() == dict.fromkeys(MEANING, 1) and list(record.counts()) == list(MEANING)


def test_what_can_never_be_asked_for_is_not_even_when_told(record):
    rows = [Listed(1, "a", "http://x", "bad_name", "why"), *lines("b"), *lines("b")]
    record.take_in(rows, "")
    assert record.to_ask(again=["bad_name", "duplicate", "ok"]) == [("b", rows[1].url)]


def test_a_bad_address_is_judged_anew_by_every_run(record):
    wrong = Listed(1, "a", "ftp://x", "bad_address", "ftp")
    record.take_in([wrong, *lines("b")], "")
    record.write([Outcome("b", "bad_address", "private")])
    assert record.to_ask() == []
    record.take_in([wrong, *lines("b")], "")
    assert [name for name, _ in record.to_ask()] == ["b"]
    assert [name for name, _ in record.to_ask(again=["bad_address"])] == ["a", "b"]


def test_keeps_the_order_of_the_list_and_the_limit(record):
    record.take_in(lines("c", "a", "b"), "")
    assert [name for name, _ in record.to_ask()] == ["c", "a", "b"]
    assert [name for name, _ in record.to_ask(limit=2)] == ["c", "a"]
    assert record.to_ask(limit=0) == []


def test_bad_names_and_second_names_are_recorded_under_their_line(record):
    rows = [
        Listed(1, "a", "http://a.example/1"),
        Listed(2, "../x", "http://a.example/2", "bad_name", "leaves"),
        Listed(3, "a", "http://a.example/3"),
        Listed(4, "nul\0" + "x" * 400, "http://a.example/4", "bad_name", "control"),
    ]
    record.take_in(rows, "")
    found = states(record)
    assert found["a"] == "pending"
    assert found["line 2: '../x'"] == "bad_name" and found["line 3: 'a'"] == "duplicate"
    assert list(found.values()) == ["pending", "bad_name", "duplicate", "bad_name"]
    assert record.to_ask() == [("a", "http://a.example/1")]


def test_a_list_taken_in_twice_changes_nothing(record):
    rows = [*lines("a", "b", "c"), Listed(4, "../x", "", "bad_name", "leaves")]
    record.take_in(rows, "")
    record.write([ok("a"), Outcome("b", "gone", "", 404)])
    before = record.table()
    record.take_in(rows, "")
    assert record.table().equals(before)


def test_another_list_keeps_pictures_and_asks_where_the_url_changed(record):
    record.take_in(lines("a", "b", "c", "d"), "")
    record.write([ok("a"), Outcome("b", "gone"), Outcome("c", "gone"), Outcome("d", "gone")])
    record.take_in([*lines("b"), *lines("a", "c", "new", host="other")], "")
    assert states(record) == {"b": "gone", "a": "ok", "c": "pending", "new": "pending"}


def test_a_line_that_became_unusable_is_not_asked_for(record):
    record.take_in(lines("a", "b"), "")
    record.take_in([Listed(1, "a", "ftp://x", "bad_address", "ftp"), lines("a", "b")[1]], "")
    assert states(record) == {"a": "bad_address", "b": "pending"}
    assert [name for name, _ in record.to_ask()] == ["b"]


def test_a_picture_that_was_lost_is_asked_for_where_the_list_has_it_now(record):
    record.take_in(lines("a"), "")
    record.write([ok("a")])
    record.take_in(lines("a", host="moved"), "")
    record.write([Outcome("a", "pending")])
    assert record.to_ask() == [("a", "http://moved.example/a")]


def test_a_list_of_other_names_is_refused_and_changes_nothing(record):
    record.take_in(lines("a", "b", "c", "d", "e"), "first")
    record.write([Outcome("a", "gone"), ok("b")])
    before = record.table()
    with pytest.raises(UserError, match="short.txt: has 2 of the 5 names recorded in"):
        record.take_in(lines("a", "b", "x", "y"), "second", "short.txt")
    assert record.table().equals(before) and record.list_sha256 == "first"


def test_a_list_without_a_line_that_can_be_used_is_refused(record):
    rows = [Listed(3, "1", "name http://x", "bad_address", "a blank in the URL")]
    with pytest.raises(UserError, match=r"list.txt: no valid line; line 3 \('name http://x'"):
        record.take_in(rows, "", "list.txt")
    assert len(record.table()) == 0


def test_what_is_stored_is_walked_through(record):
    record.take_in(lines("a", "b"), "")
    record.write([ok("a"), Outcome("b", "gone")])
    assert list(record.stored()) == [("a", 9)]


def test_outcomes_are_written_all_or_none(record, tmp_path):
    record.take_in(lines("a", "b"), "")

    def broken():
        yield ok("a")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        record.write(broken())
    assert states(record) == {"a": "pending", "b": "pending"}


def test_may_be_read_while_it_is_written(record, tmp_path):
    record.take_in(lines("a"), "")
    other = Record(tmp_path)
    assert other.counts() == {"pending": 1}
    record.write([ok("a")])
    assert other.counts() == {"ok": 1}
    other.close()


@pytest.mark.parametrize("content", [b"not a database" * 100, "other"])
def test_a_damaged_record_is_named(tmp_path, content):
    path = tmp_path / "downloads.sqlite"
    if content == "other":
        with sqlite3.connect(path) as base:
            base.execute("CREATE TABLE pictures (x)")
        base.close()
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"downloads\.sqlite: not a record .* delete it"):
        Record(tmp_path)


def test_a_full_disk_is_said_to_be_full(record):
    record.take_in(lines("a"), "")
    record._base.execute("PRAGMA max_page_count = 1")
    with pytest.raises(OSError, match="No space left") as error:
        record.write([Outcome("a", "gone", "x" * 100_000)])
    assert error.value.filename.endswith("downloads.sqlite")
