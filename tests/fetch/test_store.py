"""Pictures on disk: whole or absent, and only where they belong."""

import errno
from pathlib import Path

import pytest

from modc.fetch.store import Store


@pytest.fixture
def store(tmp_path, settings) -> Store:
    return Store(tmp_path / "data", settings)


def test_a_picture_comes_to_its_place(store, picture):
    body = picture(1)
    outcome = store.put("12345678/0001_02_3", body, 200)
    assert (store.folder / "pic" / "12345678" / "0001_02_3.jpg").read_bytes() == body
    assert (outcome.state, outcome.stored, outcome.received) == ("ok", len(body), len(body))
    assert (outcome.width, outcome.height, outcome.http_status) == (80, 100, 200)
    assert store.has("12345678/0001_02_3", len(body))
    assert not store.has("12345678/0001_02_3", len(body) - 1) and not store.has("other")


def test_what_is_no_picture_leaves_nothing(store):
    outcome = store.put("a/b", b"<html>", 200)
    assert (outcome.state, outcome.received, outcome.stored) == ("not_an_image", 6, None)
    assert [path for path in store.folder.rglob("*") if path.is_file()] == []


def test_originals_are_kept_where_they_are_asked_for(tmp_path, settings, picture):
    body = picture(2, (700, 600))
    store = Store(tmp_path, settings | {"keep_originals": True})
    outcome = store.put("a/b", body, 200)
    assert (tmp_path / "originals" / "a" / "b").read_bytes() == body
    assert (outcome.width, outcome.height) == (597, 512)
    assert outcome.stored == (tmp_path / "pic" / "a" / "b.jpg").stat().st_size


def test_leftovers_of_a_killed_run_go(tmp_path, settings):
    leftover = tmp_path / ".incoming" / "12"
    leftover.parent.mkdir()
    leftover.write_bytes(b"half")
    Store(tmp_path, settings).clear()
    assert not leftover.exists()


@pytest.mark.parametrize("name", ["a.jpg/b", "/".join(["x" * 199] * 25)])
def test_a_name_that_cannot_be_a_file_is_recorded(store, picture, name):
    store.put("a", picture(1), 200)
    outcome = store.put(name, picture(1), 200)
    assert outcome.state == "bad_name" and outcome.detail


def test_a_full_disk_is_raised_and_leaves_nothing(store, picture, monkeypatch):
    def full(self, data):
        with self.open("wb") as file:
            file.write(data[:10])
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left") as error:
        store.put("a/b", picture(1), 200)
    assert error.value.filename.endswith("pic/a/b.jpg")
    assert [path for path in store.folder.rglob("*") if path.is_file()] == []


def test_what_lies_there_is_taken_as_it_is(store, picture):
    path = store.path("a/b")
    path.parent.mkdir(parents=True)
    for body in (picture(1), picture(2, (900, 700)), picture(3, kind="PNG"), picture(4, mode="L")):
        path.write_bytes(body)
        outcome = store.adopt("a/b")
        assert path.read_bytes() == body
        assert (outcome.state, outcome.stored) == ("ok", len(body))
    path.write_bytes(picture(1))
    assert store.adopt("a/b").sha256 == store.put("c", picture(1), 200).sha256


@pytest.mark.parametrize("content", [b"", b"<html></html>", b"half"])
def test_what_lies_there_and_is_no_picture_is_not_taken(store, picture, content):
    path = store.path("a/b")
    path.parent.mkdir(parents=True)
    path.write_bytes(picture(1)[:500] if content == b"half" else content)
    assert store.adopt("a/b") is None
