import json
import re
import shutil

import pandas as pd
import pytest

from modc import config as configuration
from modc import provenance
from modc.errors import UserError
from modc.report import ablation, rendered
from modc.report.figures import render as figures
from modc.report.files import table_files
from modc.report.page import page
from modc.report.printed import tables_summary
from modc.runs.verify import as_json, closing, text, verify

CELL = "cells/FashionAI/ASEN/10/seed-0"


def state_of(verified, name: str) -> str:
    found = [check.state for check in (*verified.rendered, *verified.scores) if check.name == name]
    assert len(found) == 1
    return found[0]


def origin_of(verified, what: str, name: str = "FashionAI/ASEN/10/seed-0/modc"):
    return next(origin for origin in verified.origins[name] if origin.what == what)


def test_a_run_as_it_was_made_holds(make_run, config):
    run = make_run()
    verified = verify(run, config)
    assert not verified.broken and not verified.remarks
    assert [check.name for check in verified.rendered] == [
        f"tables/{f}" for f in table_files(config)
    ]
    assert len(verified.scores) == 4
    files = len(verified.rendered)
    said = f"{run}: 4 results, {files} files: all numbers hold; not checked: data of 4 results"
    assert closing(run, verified) == said


def test_it_only_reads(make_run, config):
    run = make_run()
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    verify(run, config)
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


@pytest.mark.parametrize("file", ["table4.md", "table4.tex", "table4.csv", "stages.csv"])
def test_an_altered_digit_is_found_and_named(make_run, config, file):
    run = make_run()
    path = run / "tables" / file
    content = path.read_text()
    at = max(place for place, character in enumerate(content) if character == "5")
    path.write_text(content[:at] + "6" + content[at + 1 :])
    verified = verify(run, config)
    assert verified.broken == [f"tables/{file}"]
    line = content[:at].count("\n") + 1
    check = next(check for check in verified.rendered if check.state == "changed")
    assert len(check.details) == 1 and check.details[0].startswith(f"line {line}")
    assert f"tables/{file}" in text(run, verified)


@pytest.mark.parametrize("noted", [True, False])
def test_a_table_that_is_missing_does_not_hold(make_run, config, noted):
    run = make_run()
    (run / "tables" / "table5.tex").unlink()
    if not noted:
        shutil.rmtree(run / "rendered")
    verified = verify(run, config)
    assert verified.broken == ["tables/table5.tex"]
    assert state_of(verified, "tables/table5.tex") == "missing"
    assert "1 of these do not hold; missing: tables/table5.tex;" in closing(run, verified)


def test_all_tables_that_are_missing_do_not_hold(make_run, config):
    run = make_run()
    shutil.rmtree(run / "tables")
    assert len(verify(run, config).broken) == len(table_files(config))


def test_tables_that_were_never_rendered_are_a_remark(make_run, config, edit):
    run = make_run()
    (run / "tables" / "table5.tex").unlink()
    hashes = json.loads((run / "rendered" / "tables.json").read_text())["sha256"]
    edit(
        run / "rendered" / "tables.json",
        sha256={file: own for file, own in hashes.items() if file != "tables/table5.tex"},
    )
    verified = verify(run, config)
    assert not verified.broken and verified.remarks == ["tables/table5.tex"]
    assert "all numbers hold; not rendered: tables/table5.tex;" in closing(run, verified)
    shutil.rmtree(run / "tables")
    shutil.rmtree(run / "rendered")
    verified = verify(run, config)
    assert not verified.broken and len(verified.remarks) == len(table_files(config))
    assert "4 results, 0 files: " in closing(run, verified)


def test_a_file_among_the_tables_that_nobody_rendered_is_not_checked(make_run, config):
    run = make_run()
    (run / "tables" / "table6.md").write_text("mine")
    verified = verify(run, config)
    assert not verified.broken and verified.unchecked == ["tables/table6.md"]
    assert closing(run, verified).endswith("not checked: data of 4 results, tables/table6.md")


@pytest.fixture
def printed(make_run, config):
    """A run with what the workflow keeps of `modc tables`, and its note."""
    run = make_run()
    text = tables_summary(run, config)
    files = [run / "tables" / file for file in table_files(config)]
    paths = "".join(f"results/elsewhere/tables/{file.name}\n" for file in files)
    (run / "tables" / "summary.txt").write_text(text + paths)
    rendered.note(run, "tables", files, {"tables/summary.txt": text})
    return run


def test_what_was_printed_holds_wherever_the_run_was(printed, config):
    verified = verify(printed, config)
    assert not verified.broken and not verified.remarks and not verified.unchecked
    assert state_of(verified, "tables/summary.txt") == "unchanged"


@pytest.mark.parametrize("spoil", ["number", "word", "line"])
def test_what_was_printed_and_altered_is_named(printed, config, edit, spoil):
    path = printed / "tables" / "summary.txt"
    text = path.read_text()
    number = re.search(r"\d\d\.\d\d", text)[0]
    spoiled = {
        "number": text.replace(number, f"9{number[1:-1]}{(int(number[-1]) + 1) % 10}", 1),
        "word": text.replace("ASENv2", "SENv2", 1),
        "line": text.split("\n", 1)[1],
    }[spoil]
    assert spoiled != text
    path.write_text(spoiled)
    assert verify(printed, config).broken == ["tables/summary.txt"]
    edit(printed / "rendered" / "tables.json", code="of another version")
    assert verify(printed, config).broken == ["tables/summary.txt"]


def test_what_an_older_version_printed_holds_if_its_numbers_do(printed, config, edit):
    note = printed / "rendered" / "tables.json"
    hashes = json.loads(note.read_text())["sha256"]
    del hashes["tables/summary.txt"]
    edit(note, code="of another version", sha256=hashes)
    path = printed / "tables" / "summary.txt"
    text = path.read_text()
    number = re.search(r"\d\d\.\d\d", text)[0]
    path.write_text(text.replace(number, f"1{number}", 1))
    assert state_of(verify(printed, config), "tables/summary.txt") == "changed"
    path.write_text(text.replace("Verdict", "Judgement"))
    verified = verify(printed, config)
    assert not verified.broken and state_of(verified, "tables/summary.txt") == "other layout"


def first_word(path):
    """Take the first letter off a network's name."""
    content = path.read_text()
    assert "ASENv2" in content
    path.write_text(content.replace("ASENv2", "SENv2", 1))


def last_line(path):
    """Take the last line off, a row or a note."""
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


@pytest.mark.parametrize("spoil", [first_word, last_line])
@pytest.mark.parametrize("noted", ["here", "not at all", "by other code"])
def test_words_and_rows_count_too(make_run, config, edit, spoil, noted):
    run = make_run()
    files = [f"tables/table4.{kind}" for kind in ("md", "tex", "csv", "html")]
    for file in files:
        spoil(run / file)
    if noted == "not at all":
        shutil.rmtree(run / "rendered")
    elif noted == "by other code":
        edit(run / "rendered" / "tables.json", code="0123")
    assert verify(run, config).broken == files


def test_tables_that_another_version_wrote_hold_if_their_numbers_do(make_run, config, other_code):
    run = make_run()
    path = run / "tables" / "table4.csv"
    table = pd.read_csv(path, keep_default_na=False, dtype=str)
    fewer = table.drop(columns=["verdict", "queries_low"])
    fewer.to_csv(path, index=False)
    shorter = run / "tables" / "table4.md"
    shorter.write_text("\n".join(shorter.read_text().splitlines()[:30]))
    files = ["tables/table4.md", "tables/table4.csv"]
    assert verify(run, config).broken == files
    other_code(run, "tables", *files)
    verified = verify(run, config)
    assert not verified.broken
    assert verified.remarks == [*files, "code of tables"]
    assert state_of(verified, "tables/table4.csv") == "other layout"
    said = "all numbers hold; words not compared, as other code rendered them: tables/table4.md, "
    assert f"{said}tables/table4.csv; other than here: code of tables" in closing(run, verified)
    for column, value in (("published", "0.5"), ("network", "ASENv3"), ("status", "fine")):
        altered = fewer.copy()
        altered.loc[3, column] = value
        altered.to_csv(path, index=False)
        other_code(run, "tables", "tables/table4.csv")
        verified = verify(run, config)
        assert verified.broken == ["tables/table4.csv"]
        (check,) = (check for check in verified.rendered if check.state == "changed")
        assert check.details[0].startswith("line 5 (") and f", {column}: " in check.details[0]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"code": 1, "sha256": []}', b"\xff"])
def test_a_damaged_note_is_none_and_each_difference_counts(make_run, config, content):
    run = make_run()
    (run / "rendered" / "tables.json").write_bytes(content)
    last_line(run / "tables" / "table4.md")
    verified = verify(run, config)
    assert verified.broken == ["tables/table4.md"]
    assert [own.state for own in verified.rendered_by] == ["cannot be checked"]


@pytest.fixture
def shown(make_run, config):
    """A run with its page and its figures."""
    run = make_run()
    rendered.note(run, "figures", figures.render(run, config)[0])
    rendered.note(run, "report", [page.render(run, config)])
    return run


def test_the_page_and_the_figures_hold(shown, config):
    verified = verify(shown, config)
    assert not verified.broken and not verified.remarks and not verified.unchecked
    assert state_of(verified, "report.html") == "unchanged"
    assert state_of(verified, "figures/labels-fashionai.csv") == "unchanged"
    assert state_of(verified, "figures/labels-fashionai.svg") == "as written"
    assert closing(shown, verified).endswith(" of figures not drawn again, but as written")
    assert "of figures" in text(shown, verified)


@pytest.mark.parametrize(
    ("file", "broken"),
    [
        ("report.html", ["report.html"]),
        ("figures/labels-fashionai.csv", ["figures/labels-fashionai.csv"]),
        # The page shows both.
        ("figures/labels-fashionai.svg", ["report.html", "figures/labels-fashionai.svg"]),
        ("figures/figures.json", ["report.html", "figures/figures.json"]),
    ],
)
def test_a_page_or_a_figure_that_was_altered_is_named(shown, config, file, broken):
    path = shown / file
    content = path.read_text()
    assert "FashionAI" in content
    path.write_text(content.replace("FashionAI", "FashionBI", 1))
    assert verify(shown, config).broken == broken


def test_a_page_of_other_code_is_not_compared(shown, config, other_code):
    path = shown / "report.html"
    path.write_text(path.read_text().replace("FashionAI", "FashionBI", 1))
    other_code(shown, "report", "report.html")
    verified = verify(shown, config)
    assert not verified.broken and state_of(verified, "report.html") == "not compared"
    assert "as other code rendered them: report.html; " in closing(shown, verified)
    path.write_text(path.read_text() + "more")
    assert verify(shown, config).broken == ["report.html"]


def test_a_page_that_prints_other_training_code_is_not_compared(shown, config, monkeypatch):
    monkeypatch.setattr(provenance, "training_code", lambda *_: "0123456789abcdef")
    verified = verify(shown, config)
    assert not verified.broken and state_of(verified, "report.html") == "not compared"


def test_figures_that_are_gone_or_were_put_there_are_named(shown, config):
    (shown / "figures" / "labels-fashionai.svg").unlink()
    (shown / "figures" / "own.png").write_bytes(b"x")
    (shown / "coverage").mkdir()
    verified = verify(shown, config)
    assert "figures/labels-fashionai.svg" in verified.broken
    assert verified.unchecked == ["coverage/", "figures/own.png"]
    assert "not checked: data of 4 results, coverage/, figures/own.png" in closing(shown, verified)
    (shown / "rendered" / "figures.json").unlink()
    (said,) = verify(shown, config).unchecked[1:]
    assert said.endswith(" files in figures/, whose hashes were not noted")


def test_line_ends_do_not_count(make_run, config):
    run = make_run()
    path = run / "tables" / "table1.csv"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert not verify(run, config).broken


def test_a_query_that_was_altered_is_no_longer_what_was_scored(make_run, config):
    run = make_run()
    path = run / CELL / "modc" / "queries.csv"
    queries = pd.read_csv(path)
    queries.loc[0, "MAP@all"] += 0.12
    queries.to_csv(path, index=False)
    verified = verify(run, config)
    assert "FashionAI/ASEN/10/seed-0/modc" in verified.broken
    details = next(check for check in verified.scores if check.state == "changed").details
    assert "SHA-256" in details[0]
    # One of 12 queries, and one of the 4 of its attribute.
    stored = json.loads((path.parent / "scores.json").read_text())
    for line, part, count in zip(
        details[1:], (stored["overall"], stored["attributes"][0]), (12, 4), strict=True
    ):
        assert f"MAP@all: {part['MAP@all']} stored" in line
        found = float(line.split(" by queries.csv")[0].split()[-1])
        assert found == pytest.approx(part["MAP@all"] + 0.12 / count)


def test_queries_of_the_same_means_in_another_order_are_found(make_run, config):
    run = make_run()
    path = run / CELL / "baseline" / "queries.csv"
    header, *rows = path.read_text().splitlines(keepends=True)
    path.write_text(header + "".join(rows[::-1]))
    assert "FashionAI/ASEN/10/seed-0/baseline" in verify(run, config).broken


def test_a_mean_that_was_altered_changes_the_tables_too(make_run, config, edit):
    run = make_run()
    path = run / CELL / "baseline" / "scores.json"
    overall = json.loads(path.read_text())["overall"]
    edit(path, overall={**overall, "Recall@100": 0.125})
    broken = verify(run, config).broken
    assert {"FashionAI/ASEN/10/seed-0/baseline", "tables/table4.csv"} <= set(broken)


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"\xff\xfe", b"attribute,value\n", b"attribute,relevant\n9,1\n", b"a\n" + b'"'],
)
def test_queries_that_are_damaged(make_run, config, content):
    run = make_run()
    (run / CELL / "modc" / "queries.csv").write_bytes(content)
    verified = verify(run, config)
    assert state_of(verified, "FashionAI/ASEN/10/seed-0/modc") == "changed"


@pytest.mark.parametrize("kept", [0, 1, 500])
def test_scores_that_are_cut(make_run, config, kept):
    run = make_run()
    path = run / CELL / "modc" / "scores.json"
    path.write_bytes(path.read_bytes()[:kept])
    verified = verify(run, config)
    assert state_of(verified, "FashionAI/ASEN/10/seed-0/modc") == "changed"
    assert "tables/table4.csv" in verified.broken


@pytest.mark.parametrize("file", ["scores.json", "queries.csv"])
def test_scores_do_not_hold_without_both_files(make_run, config, file):
    run = make_run()
    (run / CELL / "modc" / file).unlink()
    verified = verify(run, config)
    assert state_of(verified, "FashionAI/ASEN/10/seed-0/modc") == "missing"
    assert "FashionAI/ASEN/10/seed-0/modc" in verified.broken


def test_a_cell_that_never_ran_is_no_failure(make_run, config):
    run = make_run()
    config["grid"]["seeds"] = [0, 1]
    configuration.write(run / "config.yaml", config)
    verified = verify(run, config)
    assert len(verified.scores) == 4 and {check.state for check in verified.scores} == {"unchanged"}


def test_another_configuration_is_named(make_run, config):
    run = make_run()
    config["training"]["batch"] = 7
    verified = verify(run, config)
    origin = origin_of(verified, "settings of training")
    assert origin.state == "other" and origin.detail.startswith("warm_up: ")
    assert "settings of training" in verified.remarks
    assert "tables/table4.csv" in verified.broken  # it marks them as of other settings


def test_a_later_stages_setting_is_named_by_that_stage(make_run, config):
    run = make_run()
    config["methods"]["modc"]["pseudo_label_confidence"] = 0.5
    verified = verify(run, config)
    assert origin_of(verified, "settings of training").detail.startswith("pseudo_triplets: ")
    baseline = "FashionAI/ASEN/10/seed-0/baseline"
    assert origin_of(verified, "settings of training", baseline).state == "same"


def test_results_outside_the_grid_are_named_and_not_checked(make_run, config):
    run = make_run()
    config["grid"]["labeled_percent"]["FashionAI"] = [100]
    verified = verify(run, config)
    names = [f"FashionAI/ASEN/10/seed-0/{method}" for method in ("baseline", "modc")]
    assert verified.outside == names and len(verified.scores) == 2
    assert names[0] in text(run, verified)
    assert "not checked: data of 2 results, 2 results outside the grid" in closing(run, verified)


def test_data_that_are_not_there_cannot_be_checked_and_are_no_failure(make_run, config):
    verified = verify(make_run(), config)
    for what in ("manifest of FashionAI", "index of FashionAI"):
        origin = origin_of(verified, what)
        assert origin.state == "cannot be checked" and "is not there" in origin.detail
    assert not verified.broken and not verified.remarks


def test_the_data_that_made_it(make_run, config, data):
    _, manifest_sha256, index_sha256 = data
    run = make_run(manifest_sha256=manifest_sha256, index_sha256=index_sha256)
    verified = verify(run, config)
    for what in ("manifest of FashionAI", "index of FashionAI"):
        assert origin_of(verified, what).state == "same"
    assert not verified.not_checked and closing(run, verified).endswith("all numbers hold")


def test_other_data_than_those_that_made_it(make_run, config, data):
    verified = verify(make_run(), config)
    assert verified.remarks == ["manifest of FashionAI", "index of FashionAI"]
    assert not verified.broken


def test_data_that_were_altered_are_named(make_run, config, data):
    folder, manifest_sha256, index_sha256 = data
    run = make_run(manifest_sha256=manifest_sha256, index_sha256=index_sha256)
    with (folder / "manifest.csv").open("a") as file:
        file.write("1.jpg,ok,3,ab,1,1\n")
    origin = origin_of(verify(run, config), "manifest of FashionAI")
    assert origin.state == "other" and "changed since it was frozen" in origin.detail


def test_other_code_and_packages_are_remarks(make_run, config, edit):
    run = make_run()
    path = run / CELL / "modc" / "scores.json"
    stored = json.loads(path.read_text())
    edit(
        path,
        provenance=stored["provenance"] | {"code": "0123", "torch": "1.0"},
        scoring=stored["scoring"] | {"code": "4567", "numpy": "1.0"},
    )
    verified = verify(run, config)
    assert not verified.broken
    assert verified.remarks == [
        "code of training",
        "code of scoring",
        "packages of training",
        "packages of scoring",
    ]
    assert origin_of(verified, "packages of training").detail.startswith("torch 1.0, here ")
    assert "(FashionAI/ASEN/10/seed-0/modc)" in text(run, verified)


@pytest.mark.parametrize("nothing", [None, [], "x", {}])
def test_what_older_scores_do_not_say_cannot_be_checked(make_run, config, nothing):
    run = make_run(scoring=nothing, provenance=nothing, index_sha256=None)
    verified = verify(run, config)
    assert not verified.broken and not verified.remarks
    for what in ("code of training", "code of scoring", "index of FashionAI"):
        assert origin_of(verified, what).state == "cannot be checked"
        told = what if what.startswith("code") else "data"
        assert f"{told} of 4 results" in verified.not_checked


def test_the_ablation_is_checked_where_there_is_one(make_run, config):
    config["ablation"] |= {"assumptions": ["A4"]}
    config["ablation"]["cell"] = {"dataset": "FashionAI", "network": "ASEN", "labeled_percent": 10}
    run = make_run()
    shutil.copytree(run / "cells", run / "ablation" / "A4-margin" / "cells")
    files, printed = ablation.render(run, config)
    summary = run / "ablation" / "summary.txt"
    summary.write_text("".join(f"{line}\n" for line in (printed, *files)))
    verified = verify(run, config)
    assert not verified.broken
    assert state_of(verified, "ablation/ablation.csv") == "unchanged"
    assert state_of(verified, "ablation/summary.txt") == "unchanged"
    assert state_of(verified, "ablation/A4-margin/FashionAI/ASEN/10/seed-0/modc") == "unchanged"
    path = run / "ablation" / "ablation.md"
    path.write_text(path.read_text().replace("Ablation", "Oblation"))
    summary.write_text(summary.read_text().replace("A4", "A5"))
    assert verify(run, config).broken == ["ablation/ablation.md", "ablation/summary.txt"]


def test_a_folder_that_is_no_run(tmp_path, config):
    with pytest.raises(UserError, match="neither tables nor scores"):
        verify(tmp_path, config)


def test_json_has_all_of_it(make_run, config):
    run = make_run()
    (run / CELL / "modc" / "queries.csv").unlink()
    found = json.loads(json.dumps(as_json(verify(run, config))))
    assert found["holds"] is False and "FashionAI/ASEN/10/seed-0/modc" in found["broken"]
    assert len(found["rendered"]) == len(table_files(config)) and len(found["scores"]) == 4
    assert found["made_by"]["FashionAI/ASEN/100/seed-0/modc"][0]["state"] == "same"
