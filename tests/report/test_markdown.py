import re

import pytest

from modc.report.layout import Entry, Page, Row
from modc.report.markdown import markdown, plain

PAGE = Page(
    "Table 9: 100 % <of> it",
    [("100 % of the labels", "MAP@100"), ("10 % of the labels", "Acc|x")],
    {
        "Ours": [
            Row("ASEN", "", [Entry("1.00"), Entry("")]),
            Row("MODC(ASEN)_top1 ‡", "known", [Entry("2.00", True), Entry("+3.00", True, True)]),
        ]
    },
    ["Bold: the best of a network.", "Percent."],
)


def test_markdown_whole():
    lines = [re.sub(" +", " ", line) for line in markdown(PAGE).splitlines()]
    assert re.fullmatch(r"\|:-+\|-+:\|-+:\|", lines.pop(5))
    assert lines == [
        "# Table 9: 100 % \\<of> it",
        "",
        "## Ours",
        "",
        "| | 100 %: MAP@100 | 10 %: Acc\\|x |",
        "| ASEN | 1.00 | |",
        "| MODC(ASEN)_top1 ‡ | **2.00** | <u>**+3.00**</u> |",
        "",
        "- Bold: the best of a network.",
        "- Percent.",
    ]


def test_plain_has_no_marks():
    text = plain(PAGE)
    assert "**" not in text
    assert "Bold" not in text
    assert text.splitlines()[0] == "Table 9: 100 % <of> it"
    assert re.search(r"MODC\(ASEN\)_top1 ‡ +2\.00 +\+3\.00", text)
    assert text.endswith("Percent.")


@pytest.mark.parametrize("render", [markdown, plain])
def test_no_rows(render):
    empty = Page("Nothing", [("MAP@100", "overall")], {"Ours": []}, ["Not run."])
    assert "overall" in render(empty)
