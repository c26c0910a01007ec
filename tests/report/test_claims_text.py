import io
import re

import numpy as np
import pandas as pd
import pytest
from made_claims import DRAWN, THIN, by_trainings, made_frames
from made_tables import MODC

from modc.report.claims import check_published, claims
from modc.report.claims_text import COLUMNS, long_form, markdown_claims, notes, summary, title
from modc.report.results import NOT_RUN
from modc.report.trainings import MeanDifference

SIGN = "by sign, one training"
CELLS = 51 + 10 + 12 + 54 + 27 + 36 + 36 + 2


def tables(text: str) -> list[list[str]]:
    """The lines of each table."""
    return [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]


def test_one_row_a_claim_a_side_and_a_cell(config):
    found = claims(made_frames(), config)
    frame = long_form(found)
    assert frame.columns.tolist() == COLUMNS
    assert frame["side"].value_counts().to_dict() == {"published": CELLS, "ours": CELLS}
    assert frame["claim"].unique().tolist() == [statement.key for statement in MODC.claims]
    for claim in found:
        for side, evidence in claim.evidence.items():
            own = frame[(frame["claim"] == claim.statement.key) & (frame["side"] == side)]
            assert own["verdict"].tolist() == [cell.verdict for cell in evidence.cells]


def test_long_form_reads_back(config):
    text = long_form(claims(made_frames(), config)).to_csv(index=False)
    frame = pd.read_csv(io.StringIO(text), keep_default_na=False)
    against = frame[
        (frame["claim"] == "unknown_beats_baseline")
        & (frame["side"] == "published")
        & (frame["verdict"] == "opposes")
    ]
    columns = ["dataset", "labeled_percent", "metric", "better", "worse", "difference"]
    assert against[columns].values.tolist() == [
        ["DARN", 100, "MAP@100", "MODC(ASENv2)_top1, unknown", "ASENv2", -0.0013],
        ["DARN", 100, "MAP@100", "MODC(ASEN++)_top1, unknown", "ASEN++", -0.0021],
    ]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, "by sign, one training: 34 for, 2 against"),
        ({"status": DRAWN}, "not comparable"),
        ({"ours": np.nan, "status": NOT_RUN}, "missing"),
        (
            {"status": lambda f: np.where(f["dataset"] == "DARN", DRAWN, "")},
            "by sign, one training over the 18 of 36 cells that are comparable: 18 for",
        ),
        (
            {"ours": lambda f: f["published"].where(f["dataset"] == "DARN")},
            "by sign, one training: 16 for, 2 against, 18 missing",
        ),
        ({"ours": 0.5}, "by sign, one training: 36 undecided"),
    ],
)
def test_summary(config, columns, expected):
    found = {c.statement.key: c for c in claims(made_frames(**columns), config)}
    assert summary(found["unknown_beats_baseline"].ours) == expected


def test_every_table_of_the_page_is_whole(config):
    judged = claims(made_frames(), config, by_trainings(-1, 1, 1.0))
    text = markdown_claims(judged, seeds=1)
    for lines in tables(text):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
        assert len(lines) > 2 and len(widths) == 1
    assert "nan" not in text


def test_the_page_lists_what_is_against(config):
    text = markdown_claims(claims(made_frames(), config), seeds=1)
    assert text.startswith("# Claims\n")
    section = text.split("\n## 7. ")[1].split("\n## ")[0]
    for side in ("Published, against:", "Ours, against:"):
        rows = section.split(side)[1].split("\n\n")[1].splitlines()[2:]
        assert [re.sub(r"[| ]+", " ", row).strip() for row in rows] == [
            f"Table 5, DARN 100 % overall MAP@100 MODC({network})_top1, unknown {numbers}"
            for network, numbers in (
                ("ASENv2", "59.53 ASENv2 59.66 -0.13"),
                ("ASEN++", "60.88 ASEN++ 61.09 -0.21"),
            )
        ]
    assert "against" not in text.split("\n## 6. ")[1].split("\n## ")[0].replace(" against |", "")


def test_the_page_counts_by_table(config):
    text = markdown_claims(claims(made_frames(), config), seeds=1)
    counts = tables(text.split("\n## 7. ")[1])[0][2:]
    assert [[part.strip() for part in line.split("|")[1:-1]] for line in counts[::2]] == [
        ["Table 4, FashionAI", "Published", SIGN, "18", *[""] * 4, "+0.85", "+4.31"],
        ["Table 5, DARN", "Published", SIGN, "16", "2", *[""] * 3, "-0.21", "+4.34"],
    ] or counts


def test_a_correlation_is_described(config):
    text = markdown_claims(claims(made_frames(), config), seeds=1)
    section = text.split("\n## 8. ")[1]
    assert "Published: +0.54 (-0.54 to +0.95), 6 places with 100 % of the labels" in section
    (heading, _, row, *_) = tables(section)[0]
    assert [part.strip() for part in heading.split("|")[3:-1]] == [
        "verdict",
        "described",
        "missing",
        "not comparable",
    ]
    assert [part.strip() for part in row.split("|")[1:-1]] == [
        "Table 4 and Table 5",
        "Published",
        "descriptive",
        "2",
        "",
        "",
    ]


def test_equal_numbers_are_counted_and_not_listed(config):
    text = markdown_claims(claims(made_frames(ours=0.5), config), seeds=1)
    assert "Ours, undecided with equal numbers: 27." in text
    assert "Ours, undecided:" not in text


def test_what_is_missing_is_said_once_for_each_reason(config):
    def is_absent(frame):
        return (frame["dataset"] == "DARN") & (frame["method"] == "modc")

    frames = made_frames(
        ours=lambda f: f["published"].mask(is_absent(f)),
        status=lambda f: np.where(is_absent(f), "scores.json is not JSON", ""),
    )
    text = markdown_claims(claims(frames, config), seeds=1)
    section = text.split("\n## 7. ")[1].split("\n## ")[0]
    names = ", ".join(
        f"DARN MODC({n}) {p} %" for n in ("ASEN", "ASENv2", "ASEN++") for p in (100, 10)
    )
    assert f"Ours, missing: {names} (scores.json is not JSON)." in section
    assert section.count("scores.json") == 1


def test_an_empty_run_says_no_more_than_missing(config):
    found = claims(made_frames(ours=np.nan, status=NOT_RUN), config)
    text = markdown_claims(found, seeds=1)
    assert title(found) == "Claims"
    assert "not run" not in text and "another training" not in text
    assert "by sign, one training: 34 for, 2 against" in text


def test_title_and_notes_warn_of_other_data(config):
    warning = "NOT COMPARABLE TO THE PAPER"
    for status, words, why in (
        (DRAWN, warning, "drawn pictures, not FashionAI"),
        (
            lambda f: np.where(f["dataset"] == "DARN", THIN, ""),
            f"PARTLY {warning}",
            "DARN: coverage below 95 %",
        ),
        (
            lambda f: np.where(f["network"] == "ASEN", THIN, ""),
            f"PARTLY {warning}",
            "FashionAI, DARN: coverage below 95 %",
        ),
    ):
        found = claims(made_frames(status=status), config)
        assert title(found) == f"Claims – {words}"
        assert notes(found, 1)[0] == f"{words}: {why}."


def test_the_page_counts_the_comparable_cells_alone(config):
    frames = made_frames(status=lambda f: np.where(f["dataset"] == "DARN", THIN, ""))
    text = markdown_claims(claims(frames, config), seeds=1)
    section = text.split("\n## 7. ")[1].split("\n## ")[0]
    counts = [[part.strip() for part in line.split("|")[1:-1]] for line in tables(section)[0]]
    assert counts[0][3:8] == ["for", "against", "undecided", "missing", "not comparable"]
    of_darn = [row[2:] for row in counts if row[:2] == ["Table 5, DARN", "Ours"]]
    assert of_darn == [["not comparable", "", "", "", "", "18", "", ""]]
    assert "Ours, against:" not in section


def test_notes_say_how_cells_were_judged(config):
    def said(seeds=1, by=None):
        return " ".join(notes(claims(made_frames(), config, by), seeds))

    def mixed(first, second):
        known = by_trainings(-0.1, 0.2, 0.5)(first, second)
        return known if first.network == "ASEN" else MeanDifference(known.value)

    sign, interval = "sign of the difference between single", "whole 95 % interval"
    assert sign in said() and interval not in said() and "all cells are judged" in said()
    both = said(by=mixed)
    assert sign in both and interval in both
    assert 'marked "sign alone"' in both and "all cells are judged" not in both
    assert sign not in said(by=by_trainings(-0.1, 0.2))
    assert "means over up to 3 seeds" in said(3)


def test_a_cell_without_interval_is_marked_among_those_with_one(config):
    def mixed(first, second):
        known = MeanDifference(-0.5, -0.9, -0.1, 1e-6)
        return known if first.network == "ASEN" else MeanDifference(known.value)

    text = markdown_claims(claims(made_frames(), config, mixed), seeds=1)
    rows = tables(text.split("\n## 4. ")[1].split("Ours, against:")[1])[0][2:]
    last = {row.split("|")[-2].strip() for row in rows}
    assert last == {"-90.00 to -10.00", "sign alone"}


def test_reasons_cannot_break_the_page(config):
    frames = made_frames(
        ours=lambda f: f["published"].mask(f["network"] == "ASEN"),
        status=lambda f: np.where(f["network"] == "ASEN", "<b>|odd*", ""),
    )
    text = markdown_claims(claims(frames, config), seeds=1)
    assert r"\<b>\|odd\*" in text and "<b>|odd*" not in text


def test_the_published_numbers_need_no_run(config):
    assert [summary(check_published(MODC, statement, config)) for statement in MODC.claims] == [
        f"{SIGN}: 51 for",
        f"{SIGN}: 10 for",
        f"{SIGN}: 11 for, 1 against",
        f"{SIGN}: 54 for",
        f"{SIGN}: 27 for",
        f"{SIGN}: 36 for",
        f"{SIGN}: 34 for, 2 against",
        "descriptive: +0.54 (-0.54 to +0.95), 6 places with 100 % of the labels; "
        "+0.54 (-0.54 to +0.95), 6 places with 10 % of the labels",
    ]


def test_another_dataset_has_a_column_and_a_note(config):
    config["grid"]["datasets"] = ["FashionMNIST"]
    table = made_frames()["table4"].assign(table="", dataset="FashionMNIST")
    found = claims({"FashionMNIST": table}, config)
    heading, _, *rows = tables(markdown_claims(found, seeds=1))[0]
    assert [part.strip() for part in heading.split("|")[3:-1]] == [
        "Published",
        "Ours",
        "FashionMNIST",
    ]
    assert rows[6].split("|")[-2].strip() == f"{SIGN}: 18 for"
    assert any(note.startswith("FashionMNIST: not in the paper") for note in notes(found, 1))


def one_network_by_interval(first, second):
    """ASEN's differences are surely above 0; the others' are of one training."""
    known = MeanDifference(0.02, 0.01, 0.03, 1e-6)
    return known if first.network == "ASEN" else MeanDifference(known.value)


def test_cells_that_were_judged_by_sign_are_counted(config):
    found = claims(made_frames(), config, one_network_by_interval)
    by_key = {claim.statement.key: claim.ours for claim in found}
    own = by_key["known_beats_unknown"]
    assert summary(own) == "holds partly: 36 for, 24 of them by sign alone"
    text = markdown_claims(found, seeds=1)
    assert "36 for, 24 of them by sign alone" in text
    (heading, _, *rows) = tables(text.split("\n## 6. ")[1])[0]
    column = [part.strip() for part in heading.split("|")].index("sign alone")
    assert [row.split("|")[column].strip() for row in rows] == ["18", "12", "18", "12"]
    # The correlations are of no sign.
    judged = sum(len(own.cells) for key, own in by_key.items() if key != "accuracy_goes_with_gain")
    signs = sum(own.signs for own in by_key.values())
    assert f'{signs} of {judged} cells, counted and marked "sign alone"' in text


def test_what_is_against_by_itself_alone_is_told_from_what_makes_a_claim_fail(config):
    def one_against(first, second):
        sign, p = (1, 1e-6) if first.network != "ASEN++" else (-1, 0.04)
        return MeanDifference(0.02 * sign, *sorted((0.01 * sign, 0.03 * sign)), p)

    found = {c.statement.key: c.ours for c in claims(made_frames(), config, one_against)}
    own = found["top1_beats_top2"]
    assert summary(own).startswith("holds partly: 18 for, 9 against (")
    assert "Holm" in summary(own) and "Holm" in " ".join(notes(claims({}, config), 1))


def test_cells_of_different_queries_are_undecided_and_not_by_sign(config):
    def other_queries(first, second):
        return MeanDifference(0.02, reason="the trainings were scored on different queries")

    found = claims(made_frames(), config, other_queries)
    own = next(c.ours for c in found if c.statement.key == "top1_beats_top2")
    assert (own.verdict, own.signs) == ("undecided", 0)
    assert {cell.judged_by for cell in own.cells} == {""}
    assert any("different queries have no interval" in note for note in notes(found, 1))


def test_rows_without_common_seeds_are_named_with_the_reason(config):
    def none(first, second):
        return MeanDifference(np.nan, reason="the two rows have no seed in common")

    found = claims(made_frames(), config, none)
    section = markdown_claims(found, 3).split("\n## 5. ")[1].split("\n## ")[0]
    pair = "FashionAI MODC(ASEN) 1 % and FashionAI MODC(ASEN) 1 %"
    assert f"Ours, missing: {pair}, " in section
    assert section.count("(the two rows have no seed in common)") == 1


def test_differences_over_common_seeds_have_a_note(config):
    def some(first, second):
        return MeanDifference(0.02, 0.01, 0.03, 1e-6, seeds=(0,))

    found = claims(made_frames(), config, some)
    assert any("share only some seeds" in note for note in notes(found, 3))
    others = notes(claims(made_frames(), config), 3)
    assert not any("share only some seeds" in note for note in others)
