import pytest

from modc.runs.differences import (
    Difference,
    of_csv,
    of_files,
    of_other_layouts,
    of_text,
    of_values,
)

TABLE = "network,attribute,ours,status\nASEN,skirt_length,0.25,\nASENv2,skirt_length,0.5,not run\n"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (TABLE, []),
        (TABLE.replace("0.25", "0.2500000000001"), []),
        (TABLE.replace("\n", "\r\n"), []),
        (TABLE.replace("0.25", "0.26"), [("line 2 (ASEN skirt_length), ours", "0.25", "0.26")]),
        (TABLE.replace("0.5", ""), [("line 3 (ASENv2 skirt_length), ours", "0.5", "")]),
        (
            TABLE.replace("not run", "run"),
            [("line 3 (ASENv2 skirt_length), status", "not run", "run")],
        ),
        (TABLE.replace(",status", ",why"), [("columns", "status", "why")]),
        (TABLE.replace(",status", ""), [("columns", "status", "no more")]),
        (TABLE[: TABLE.index("ASENv2")], [("number of rows", 2, 1)]),
        ("", [("columns", "network attribute ours status", "no more")]),
    ],
)
def test_csv(changed, expected):
    assert list(of_csv(TABLE, changed)) == expected


def test_a_number_and_not_a_number_differ():
    assert len(list(of_csv("a\n0.5\n", "a\nnan\n"))) == 1
    assert len(list(of_csv("a\n0.5\n", "a\nx\n"))) == 1


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("a 1\nb 2\n", "a 1\r\nb 2", []),
        ("a 1\nb 2\n", "a 1\nb 3\n", [("line 2", "2", "3")]),
        ("| 1.00 | 2.00 |", "| 1.00 | 2.01† |", [("line 1", "2.00", "2.01†")]),
        ("a\nb\n", "a\n", [("line 2", "b", "nothing")]),
        ("a  b", "a b", [("line 1", "spaces", "other spaces")]),
    ],
)
def test_text_names_the_first_word_of_a_line_that_differs(first, second, expected):
    assert list(of_text(first, second)) == expected


@pytest.mark.parametrize("suffix", [".csv", ".md"])
@pytest.mark.parametrize("content", [b"\xff\xfe\xfa", b"a\0b", b'"' * 200_000])
def test_files_that_are_no_text_differ_and_raise_nothing(suffix, content):
    assert list(of_files(content, b"a,b\n", suffix))
    assert not list(of_files(content, content, suffix))


def test_values_by_their_place():
    first = {"overall": {"MAP@all": 0.5, "Acc": None}, "parts": [0.1, 0.2]}
    second = {"overall": {"MAP@all": 0.5 + 1e-12, "Acc": 0.1}, "parts": [0.1, 0.3], "new": 1}
    assert list(of_values(first, second)) == [
        ("overall Acc", None, 0.1),
        ("parts[1]", 0.2, 0.3),
        ("new", None, 1),
    ]
    assert not list(of_values(first, first))


def test_long_values_are_told_in_short():
    told = Difference("hash", "f" * 64, "").told("stored", "now")
    assert told == f"hash: {'f' * 33}... stored, nothing now"


@pytest.mark.parametrize(
    ("first", "second", "suffix", "holds"),
    [
        ("a,b\n1,2\n", "a,low,b\n1,9,2\n", ".csv", True),
        ("a,b\n1,2\n", "b,a\n2,1\n", ".csv", True),
        ("a,b\n1,2\n", "a,low,b\n1,9,3\n", ".csv", False),
        ("a,b\nx,2\n", "a,low,b\ny,9,2\n", ".csv", False),  # a row's label
        ("a,b\n1,2\n", "a,low,b\n1,9,2\n1,9,2\n", ".csv", False),
        ("a,b\n1,2\n", "c,d\n1,2\n", ".csv", False),
        ("a,b\n1,x\n", "a,b\n1,y\n", ".csv", False),
        ("a,b\n1,2\n", "a,low,b\n1\n", ".csv", False),
        ("", "a\n1\n", ".csv", False),
        ('"' * 200_000, "a\n1\n", ".csv", False),
        ("| 1.00 | -2.00 |\n", "| 1.00 | -2.00 |\nbelow: 7\n", ".md", True),
        ("| 1.00 | -2.00 |\nx\n", "| 1.00 | -2.00 |\n", ".md", True),
        ("| 1.00 | 2.00 |\n", "| 1.00 | 2.00† |\n", ".md", True),
        ("| 1.00 | -2.00 |\n", "| 1.00 | 2.00 |\nbelow: 7\n", ".md", False),
        ("| 1.00 | 2.00 |\n", "| 2.00 | 1.00 |\nbelow: 7\n", ".md", False),
        ("", "| 1.00 |\n", ".md", False),
    ],
)
def test_another_layout_of_the_same_table(first, second, suffix, holds):
    contents = first.encode(), second.encode()
    assert (not list(of_other_layouts(*contents, suffix))) is holds
    assert (not list(of_other_layouts(*contents[::-1], suffix))) is holds


def test_what_counts_in_another_layout_is_named():
    found = of_other_layouts(b"network,ours\nASEN,1\n", b"network,low,ours\nASEM,0,1\n", ".csv")
    assert list(found) == [("line 2 (ASEN), network", "ASEN", "ASEM")]
    assert list(of_other_layouts(b"1 2 3", b"1 3", ".md")) == []
    assert list(of_other_layouts(b"1 2 3", b"1 4", ".md")) == [("numbers", "", "4")]
    assert list(of_other_layouts(b"1 4", b"1 2 3", ".md")) == [("numbers", "4", "")]
    assert list(of_other_layouts(b"1 2 3", b"1 4 3", ".md")) == [("numbers", "2", "")]
