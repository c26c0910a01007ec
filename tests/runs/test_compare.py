import pytest

from modc.runs import compare

TABLE = b"network,ours,status\nASEN,0.25,\nASENv2,0.5,not run\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"", b"", []),
        (b"0.25", b"0.2500000000001", []),
        (b"\n", b"\r\n", []),
        (b"0.25", b"0.26", [("line 2 ours", "0.25", "0.26")]),
        (b"0.25", b"nan", [("line 2 ours", "0.25", "nan")]),
        (b"0.5", b"", [("line 3 ours", "0.5", "")]),
        (b"not run", b"run", [("line 3 status", "not run", "run")]),
        (b"status", b"why", [("columns", "network,ours,status", "network,ours,why")]),
        (b"ASENv2,0.5,not run\n", b"", [("number of lines", 3, 2)]),
        (TABLE, b"", [("columns", "network,ours,status", "")]),
    ],
)
def test_entries_of_csv_files(old, new, expected):
    assert list(compare.files(TABLE, TABLE.replace(old, new), is_csv=True)) == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (b"a 1\nb 2\n", b"a 1\r\nb 2", []),
        (b"a 1\nb 2\n", b"a 1\nb 3\n", [("line 2", "2", "3")]),
        (b"| 1.00 | 2.00 |", b"| 1.00 | 2.01+ |", [("line 1", "2.00 |", "2.01+ |")]),
        (b"a\nb\nc\n", b"b\na\nc\n", [("2 lines differ, first line 1", "a", "b")]),
        (b"a\nb\n", b"a\n", [("number of lines", 2, 1)]),
        (b"a  b", b"a b", [("line 1", " b", "b")]),
    ],
)
def test_words_of_other_files(first, second, expected):
    assert list(compare.files(first, second, is_csv=False)) == expected


@pytest.mark.parametrize("is_csv", [True, False])
@pytest.mark.parametrize("content", [b"\xff\xfe\xfa", b"a\0b", b'"' * 200_000])
def test_files_that_are_no_text_differ_and_raise_nothing(is_csv, content):
    assert list(compare.files(content, b"\xff\xfe\xfb", is_csv))
    assert not list(compare.files(content, content, is_csv))


def test_values_by_their_place():
    first = {"overall": {"MAP@all": 0.5, "Acc": None}, "parts": [0.1, 0.2], "hash": "1e999"}
    second = {"overall": {"MAP@all": 0.5 + 1e-12, "Acc": 0.1}, "parts": [0.1, 0.3], "hash": "2e999"}
    close = [("overall Acc", None, 0.1), ("parts[1]", 0.2, 0.3), ("hash", "1e999", "2e999")]
    assert list(compare.values(first, second, tolerance=1e-9)) == close
    assert len(list(compare.values(first, second))) == 4
    assert not list(compare.values(first, first))


def test_long_values_are_shortened():
    said = compare.Difference("hash", "f" * 64, "").between("stored", "here")
    assert said == f"hash: {'f' * 33}... stored, nothing here"
