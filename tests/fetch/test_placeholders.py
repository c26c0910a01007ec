"""One picture under many URLs is a placeholder, by the configured rule."""

import pandas as pd
import pytest

from modc.fetch.placeholders import find

OFF = {"same_bytes": 0, "same_look": 0}


@pytest.fixture
def record() -> pd.DataFrame:
    """Eight pictures: three of the same bytes, four of the same look, one URL named twice."""
    rows = [
        ("a", "http://x/1", "ok", "S", "L"),
        ("b", "http://x/2", "ok", "S", "L"),
        ("c", "http://x/3", "ok", "S", "L"),
        ("d", "http://x/4", "ok", "T", "L"),
        ("e", "http://x/5", "ok", "U", "M"),
        ("f", "http://x/5", "ok", "U", "M"),
        ("g", "http://x/6", "ok", "V", "N"),
        ("h", "http://x/7", "gone", None, None),
        ("i", "http://x/8", "gone", None, None),
    ]
    return pd.DataFrame(rows, columns=["name", "url", "state", "sha256", "look"])


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"same_bytes": 2}, ["a", "b", "c"]),
        ({"same_bytes": 3}, ["a", "b", "c"]),
        ({"same_bytes": 4}, []),
        ({"same_look": 4}, ["a", "b", "c", "d"]),
        ({"same_look": 5}, []),
        ({"same_bytes": 3, "same_look": 4}, ["a", "b", "c", "d"]),
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


def test_an_empty_record_has_none(record):
    assert len(find(record[:0], {"same_bytes": 2, "same_look": 2})) == 0
