"""One picture under many URLs is a placeholder, by the configured rule."""

import pytest

from modc.fetch.outcome import Outcome
from modc.fetch.placeholders import find
from modc.fetch.record import Record
from modc.fetch.url_list import Listed

OFF = {"same_bytes": 0, "same_look": 0}


@pytest.fixture
def record(tmp_path):
    """Seven pictures: three of the same bytes, four of the same look, one URL named twice."""
    rows = [
        ("b", "http://x/2", "ok", "S", "L"),
        ("a", "http://x/1", "ok", "S", "L"),
        ("c", "http://x/3", "ok", "S", "L"),
        ("d", "http://x/4", "ok", "T", "L"),
        ("e", "http://x/5", "ok", "U", "M"),
        ("f", "http://x/5", "ok", "U", "M"),
        ("g", "http://x/6", "ok", "V", "N"),
        ("h", "http://x/7", "gone", None, None),
        ("i", "http://x/8", "gone", None, None),
    ]
    opened = Record(tmp_path)
    opened.take_in([Listed(line, name, url) for line, (name, url, *_) in enumerate(rows)], "")
    opened.write(
        Outcome(name, state, sha256=sha, look=look, stored=1, width=1, height=1)
        for name, _, state, sha, look in rows
    )
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"same_bytes": 2}, ["b", "a", "c"]),
        ({"same_bytes": 3}, ["b", "a", "c"]),
        ({"same_bytes": 4}, []),
        ({"same_look": 4}, ["b", "a", "c", "d"]),
        ({"same_look": 5}, []),
        ({"same_bytes": 3, "same_look": 4}, ["b", "a", "c", "d"]),
        ({}, []),
    ],
)
def test_the_rule_decides(record, rule, expected):
    assert find(record, OFF | rule)["name"].tolist() == expected


def test_a_url_named_twice_counts_once(record):
    assert "e" not in find(record, OFF | {"same_bytes": 2})["name"].tolist()


def test_each_drop_is_listed_with_its_rule(record):
    found = find(record, {"same_bytes": 3, "same_look": 4}).set_index("name")
    assert found["rule"].to_dict() == {
        "a": "same_bytes",
        "b": "same_bytes",
        "c": "same_bytes",
        "d": "same_look",
    }
    assert found["urls"].to_dict() == {"a": 3, "b": 3, "c": 3, "d": 4}
    assert found["url"]["d"] == "http://x/4"


def test_an_empty_record_has_none(tmp_path):
    empty = Record(tmp_path)
    assert len(find(empty, {"same_bytes": 2, "same_look": 2})) == 0
    empty.close()
