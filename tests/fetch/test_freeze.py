"""From the record to the manifest, once, and again only when told to."""

from hashlib import sha256

import pandas as pd
import pytest

from modc.atomic import write_bytes
from modc.data import manifest
from modc.errors import UserError
from modc.fetch.freeze import DROPPED, freeze, newer
from modc.fetch.outcome import Outcome
from modc.fetch.record import Record
from modc.fetch.url_list import Listed

RULE = {"same_bytes": 3, "same_look": 0}


@pytest.fixture
def record(tmp_path, kept):
    opened = Record(tmp_path)
    names = ["a/1", "a/2", "b/1", "b/2", "b/3", "b/4"]
    rows = [Listed(n, name, f"http://x.example/{name}") for n, name in enumerate(names)]
    rows.append(Listed(9, "../x", "http://x.example/", "bad_name", "leaves"))
    opened.take_in(rows, "list")
    opened.write([kept("a/1", "S"), Outcome("a/2", "gone"), kept("b/1", "T")])
    yield opened
    opened.close()


@pytest.fixture
def kept(tmp_path):
    """Put a picture to its place; return its outcome."""

    def put(name: str, content: str) -> Outcome:
        write_bytes(tmp_path / "pic" / f"{name}.jpg", content.encode())
        return Outcome(name, "ok", "", 200, 99, len(content), sha(content), "look", 30, 40)

    return put


def sha(content: str) -> str:
    return sha256(content.encode()).hexdigest()


def test_the_manifest_has_every_usable_name(record, tmp_path, kept):
    name, pictures = freeze(record, tmp_path, RULE)
    assert pictures == 2
    found = manifest.read(tmp_path)
    assert found.sha256 == name
    assert found.facts["sources"] == {"list_sha256": "list", "placeholders": RULE}
    table = found.table.set_index("path")
    assert table["status"].to_dict() == {
        "pic/a/1.jpg": "ok",
        "pic/a/2.jpg": "gone",
        "pic/b/1.jpg": "ok",
        "pic/b/2.jpg": "pending",
        "pic/b/3.jpg": "pending",
        "pic/b/4.jpg": "pending",
    }
    row = table.loc["pic/a/1.jpg"]
    assert (row["bytes"], row["sha256"], row["width"], row["height"]) == (1, sha("S"), 30, 40)
    assert pd.isna(table.loc["pic/a/2.jpg", "bytes"])


def test_placeholders_are_dropped_and_listed(record, tmp_path, kept):
    record.write([kept("b/2", "T"), kept("b/3", "T")])
    freeze(record, tmp_path, RULE)
    table = manifest.read(tmp_path).table.set_index("path")
    assert table["status"].value_counts().to_dict() == {
        "placeholder": 3,
        "ok": 1,
        "gone": 1,
        "pending": 1,
    }
    assert table.loc["pic/b/1.jpg", "sha256"] == ""
    dropped = pd.read_csv(tmp_path / DROPPED)
    assert dropped["name"].tolist() == ["b/1", "b/2", "b/3"]
    # Under another rule the same record gives them back.
    freeze(record, tmp_path, {"same_bytes": 0, "same_look": 0})
    assert len(manifest.read(tmp_path).pictures) == 4


def test_says_how_much_would_be_new(record, tmp_path, kept):
    freeze(record, tmp_path, RULE)
    assert newer(record, tmp_path, RULE) == (0, 0)
    record.write([kept("b/4", "U")])
    assert newer(record, tmp_path, RULE) == (1, 0)
    record.write([kept("b/2", "T"), kept("b/3", "T")])
    assert newer(record, tmp_path, RULE) == (1, 1)


def test_a_manifest_without_a_picture_is_not_written(record, tmp_path, kept):
    record.write([kept("b/2", "S"), kept("b/3", "S"), Outcome("b/1", "gone")])
    with pytest.raises(UserError, match="all images count as placeholders"):
        freeze(record, tmp_path, RULE)
    assert not manifest.exists(tmp_path)


def test_a_file_with_other_bytes_is_not_frozen_but_asked_for_again(record, tmp_path):
    path = tmp_path / "pic" / "a" / "1.jpg"
    path.write_bytes(b"X")  # of the same size
    (tmp_path / "pic" / "b" / "1.jpg").write_bytes(b"T")
    assert freeze(record, tmp_path, RULE)[1] == 1
    table = manifest.read(tmp_path).table.set_index("path")
    assert table.loc["pic/a/1.jpg", "status"] == "pending"
    assert "a/1" in [name for name, _ in record.to_ask()]
