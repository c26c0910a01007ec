import pandas as pd
import pytest

from modc.report.page.summary import sentence, verdict_counts

NOTHING = "Nothing can be said about the paper yet: "


def frames(*verdicts, status=""):
    """Two tables, each with the verdicts."""
    frame = pd.DataFrame({"verdict": verdicts, "status": status})
    return {1: frame, 2: frame}


def test_counts_are_of_all_tables_and_of_each():
    counted = verdict_counts(frames("matches", "below", "below", "missing"))
    assert [(e["verdict"], e["count"]) for e in counted] == [
        ("matches", 2),
        ("below", 4),
        ("above", 0),
        ("undecided", 0),
        ("not comparable", 0),
        ("missing", 2),
    ]
    assert counted[1]["by_table"] == {1: 2, 2: 2}
    assert counted[1]["share"] == 0.5
    assert len({entry["mark"] for entry in counted}) == 6


@pytest.mark.parametrize(
    ("verdicts", "status", "expected"),
    [
        (
            ["missing"] * 3,
            "not run",
            NOTHING + "this run has no numbers.",
        ),
        (
            ["not comparable"] * 3,
            "not comparable: drawn pictures; 1 of 2 seeds, the others: not run",
            NOTHING + "drawn pictures.",
        ),
        (
            ["not comparable", "missing"],
            "not comparable: drawn pictures",
            NOTHING + "drawn pictures. 2 of the 4 numbers are missing.",
        ),
        (
            ["undecided", "undecided"],
            "",
            "Of the paper's 4 numbers, 0 could be decided: 0 match, 0 of ours lie below and 0 "
            "above. 4 stay undecided.",
        ),
        (
            ["matches", "below", "above", "undecided", "missing", "not comparable"],
            "",
            "Of the paper's 12 numbers, 6 could be decided: 2 match, 2 of ours lie below and 2 "
            "above. 2 stay undecided, 2 are not comparable and 2 are missing.",
        ),
        (
            ["matches"],
            "",
            "Of the paper's 2 numbers, 2 could be decided: 2 match, 0 of ours lie below and 0 "
            "above.",
        ),
    ],
)
def test_one_plain_sentence(verdicts, status, expected):
    assert sentence(frames(*verdicts, status=status)) == expected
