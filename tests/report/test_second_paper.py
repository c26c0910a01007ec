"""A second paper is a folder: RPF's published rows with our baselines' beside them."""

import re
from pathlib import Path

import pandas as pd
import pytest

from modc import plugins
from modc.papers import paper
from modc.papers.places import ALLOWED
from modc.report.claim_cells import SUPPORTS
from modc.report.claims import check_published
from modc.report.files import table_files
from modc.report.layout import page
from modc.report.page.page import render as page_of
from modc.report.render import render_all
from modc.report.results import collect
from modc.report.tables import Source, paper_table

REPOSITORY = Path(__file__).resolve().parents[2]
OUTSIDE = REPOSITORY / "tests" / "outside"
# Test queries of each attribute in the real split files.
QUERIES = {
    "rpf_fashionai": [422, 623, 535, 422, 341, 289, 703, 265],
    "rpf_darn": [476, 448, 491, 448, 463, 533, 509, 483, 442],
}


@pytest.fixture
def second(config) -> dict:
    config["report"]["papers"] = ["modc", "rpf"]
    return plugins.with_folders(config, [OUTSIDE / "rpf.yaml"])


@pytest.mark.parametrize("name", QUERIES)
def test_its_overall_is_the_query_weighted_mean_of_its_attributes(second, name):
    *attributes, overall = paper.tables(second)[name].published.values()
    counts = QUERIES[name]
    mean = sum(n * v for n, v in zip(counts, attributes, strict=True)) / sum(counts)
    assert mean == pytest.approx(overall, abs=1e-4)


@pytest.mark.parametrize("name", QUERIES)
def test_our_baselines_stand_beside_its_published_row(second, write_run, scores_of, name):
    source = Source(collect(write_run(second), second), second)
    table = paper.tables(second)[name]
    frame = paper_table(table, source)
    laid_out = page(frame, name, second)
    (rows,) = laid_out.parts.values()
    assert [row.label for row in rows] == ["RPF, published", "ASEN", "ASENv2", "ASEN++"]
    first, asen, *_ = rows
    assert [e.text for e in first.entries] == [f"{100 * v:.2f}" for v in table.published.values()]
    own = frame[frame["network"] == "ASEN"]
    assert [e.text for e in asen.entries] == [f"{100 * v:.2f}" for v in own["ours"]]
    # Nothing of ours is compared with it.
    assert set(frame["verdict"]) == {""}
    assert not laid_out.is_compared


def test_its_files_are_rendered_with_the_others(second, write_run, tmp_path):
    render_all(write_run(second), second, tmp_path / "out")
    assert {f"{name}.md" for name in QUERIES} <= set(table_files(second))
    frame = pd.read_csv(tmp_path / "out" / "tables" / "rpf_darn.csv", keep_default_na=False)
    assert frame["network"].unique().tolist() == ["RPF", "ASEN", "ASENv2", "ASEN++"]
    assert set(frame["metric"]) == {"MAP@all"}


def test_it_may_be_the_only_paper(second, write_run, tmp_path):
    second["report"]["papers"] = ["rpf"]
    folder = write_run(second)
    render_all(folder, second, tmp_path / "out")
    written = {path.name for path in (tmp_path / "out" / "tables").iterdir()}
    assert "table1.md" not in written and "rpf_fashionai.md" in written
    summary = (tmp_path / "out" / "tables" / "summary.txt").read_text()
    assert summary.startswith("RPF on FashionAI: MAP over all")
    text = page_of(folder, second).read_text()
    assert "RPF on FashionAI" in text and "Table 1" not in text


def test_its_claim_is_checked_on_its_own_numbers(second):
    own = paper.papers(second)[1]
    (statement,) = own.claims
    cells = check_published(own, statement, second).cells
    assert [round(cell.difference, 4) for cell in cells] == [0.2341, 0.2344]
    assert {cell.verdict for cell in cells} == {SUPPORTS}


@pytest.mark.parametrize(
    "name", ["rpf/paper.yaml", "rpf/rpf_darn.csv", "rpf/claims.yaml", "rpf.yaml"]
)
def test_the_page_has_the_example_that_is_tested(name):
    page = (REPOSITORY / "docs" / "extending.md").read_text()
    language = name.rpartition(".")[2]
    shown = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert (OUTSIDE / name).read_text() in shown


def test_the_page_has_the_allowed_values():
    page = (REPOSITORY / "docs" / "extending.md").read_text()
    for column, values in ALLOWED.items():
        (row,) = re.findall(rf"^\| `{column}` \| (.*) \|$", page, re.MULTILINE)
        assert re.findall(r"`(.*?)`", row) == [value for value in values if value]
