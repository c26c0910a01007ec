"""Which cells are comparable by their coverage, and what a table says about it."""

import pytest
from made_claims import by_trainings
from made_tables import paper_table

from modc.datasets.darn import DARN
from modc.grid import cells
from modc.report.claims import claims
from modc.report.claims_text import notes
from modc.report.comparable import percent, smallest_share
from modc.report.latex import fragment
from modc.report.layout import page
from modc.report.markdown import markdown, plain
from modc.report.results import STALE, collect

METHODS = ("baseline", "modc")

ROLES = ("train", "query", "candidate")
NO_QUERIES = "no interval over queries: queries.csv is missing"
# Of DARN's places, what of 100 is there; all the others have everything.
LOST = {
    ("clothes button", "train"): 94,
    ("clothes color", "query"): 80,
    ("collar shape", "candidate"): 95,
    ("sleeve shape", "candidate"): 94,
}


@pytest.fixture
def write_lost(config, write_cell, scores_of, tmp_path):
    """Write a run of DARN whose pictures are partly lost.

    overall: the shares by role; others: what of 100 is there where LOST does not say.
    """

    def write(overall=(99, 98, 97), manifest=lambda cell: "f" * 64, others=100):
        for cell in cells(config):
            for method in METHODS:
                scores = scores_of(cell, method)
                scores["manifest_sha256"] = manifest(cell)
                if cell.dataset == "DARN":
                    lose(scores, overall, others)
                write_cell(cell, scores, method)
        return tmp_path

    return write


def lose(scores: dict, overall: tuple[int, int, int], others: int) -> None:
    coverage = scores["coverage"]
    for name, place in zip(scores["attribute_names"], coverage["attributes"], strict=True):
        place |= {role: [100, LOST.get((name, role), others)] for role in ROLES}
    listed = (1000, DARN.counts["test"]["query"], DARN.counts["test"]["candidate"])
    coverage["overall"] = {
        role: [count, count * share // 100]
        for role, count, share in zip(ROLES, listed, overall, strict=True)
    }
    parts = [*scores["attributes"], scores["overall"]]
    for part, place in zip(parts, [*coverage["attributes"], coverage["overall"]], strict=True):
        part |= {"queries": place["query"][1], "candidates": place["candidate"][1]}


def laid_out(folder, config, number):
    return page(paper_table(number, collect(folder, config), config), f"table{number}", config)


def test_each_cell_is_marked_by_the_coverage_of_its_attribute(config, write_lost):
    folder = write_lost()
    frame = paper_table(2, collect(folder, config), config)
    for row in frame.to_dict("records"):
        lost = [count for (name, _), count in LOST.items() if name == row["attribute"]]
        expected = ["not comparable: coverage below 95 %"] if min([100, *lost]) < 95 else []
        assert row["status"].split("; ") == [*expected, NO_QUERIES]
    table = laid_out(folder, config, 2)
    names = [name for _, name in table.columns]
    for part, is_marked in (("Ours", True), ("Published", False), ("Difference", True)):
        for row in table.parts[part]:
            marked = {n for n, e in zip(names, row.entries, strict=True) if e.text.endswith("†")}
            below = {"clothes button", "clothes color", "sleeve shape"}
            assert marked == (below if is_marked else set())
    assert table.title.endswith("PARTLY NOT COMPARABLE TO THE PAPER")


def test_the_warning_names_what_is_not_comparable(config, write_lost):
    folder = write_lost((90, 90, 90))
    words = "NOT COMPARABLE TO THE PAPER: "
    assert laid_out(folder, config, 2).notes[0].startswith(f"PARTLY {words}DARN: coverage below")
    assert laid_out(folder, config, 5).notes[0].startswith(f"{words}coverage below 95 %.")


def test_claims_are_judged_on_what_is_comparable(config, write_lost):
    """FashionAI is whole, and nothing of DARN is enough."""
    results = collect(write_lost((90, 90, 90), others=94), config)
    frames = {f"table{n}": paper_table(n, results, config) for n in (1, 2)}
    # The paper's numbers, as those of the made run say nothing.
    own = {n: f.assign(ours=f["published"]) for n, f in frames.items()}
    checked = claims(own, config, by_trainings(0.01, 0.02))
    evidence = checked[0].ours
    assert (evidence.verdict, evidence.count("supports")) == ("holds", 24)
    assert evidence.over == "over the 24 of 51 cells that are comparable"
    warned = "PARTLY NOT COMPARABLE TO THE PAPER: DARN: coverage below 95 %."
    assert notes(checked, 1)[0] == warned


def test_the_coverage_stands_under_the_table(config, write_lost):
    table = laid_out(write_lost(), config, 2)
    (note,) = [note for note in table.notes if note.startswith("Coverage")]
    assert note.startswith(
        "Coverage of DARN: training images 99.0 % (990 of 1,000), queries 97.9 % (4,207 of 4,293), "
        "candidates 96.9 % (16,652 of 17,168); manifest ffffffffffff. "
    )
    assert " 95 % of each " in note
    assert note.endswith(
        " marked †: clothes button (training images 94.0 %), clothes color (queries 80.0 %), "
        "sleeve shape (candidates 94.0 %)."
    )
    assert note in plain(table) and note in markdown(table)
    assert r"queries 97.9 \% (4,207 of 4,293)" in fragment(table, "table2")


@pytest.mark.parametrize(
    ("overall", "is_marked"), [((95, 95, 95), False), ((94, 95, 95), True), ((95, 95, 90), True)]
)
def test_the_smallest_share_decides_over_all(config, write_lost, overall, is_marked):
    # 95 % of the counts, rounded down, is below 95 %: so the threshold is set just below.
    config["datasets"]["DARN"]["comparable_coverage"] = 0.9499
    table = laid_out(write_lost(overall), config, 5)
    texts = [e.text for row in table.parts["Difference"] for e in row.entries if e.text]
    assert [text.endswith("†") for text in texts] == [is_marked] * len(texts)
    assert ("NOT COMPARABLE" in table.title) == is_marked and "PARTLY" not in table.title


def test_the_threshold_is_the_configurations(config, write_lost):
    folder = write_lost()
    config["datasets"]["DARN"]["comparable_coverage"] = 0.5
    table = laid_out(folder, config, 2)
    assert "†" not in plain(table) and "COMPARABLE" not in table.title
    (note,) = [note for note in table.notes if note.startswith("Coverage")]
    assert " 50 % of each " in note and note.endswith("none is below.")


def test_another_reason_comes_first(config, write_lost):
    folder = write_lost()
    config["training"]["margin"] = 0.5
    frame = paper_table(2, collect(folder, config), config)
    assert set(frame["status"]) == {f"not comparable: {STALE}; {NO_QUERIES}"}


def test_a_dataset_that_is_whole_says_nothing_of_it(config, write_run):
    folder = write_run(config)
    assert "Coverage" not in plain(laid_out(folder, config, 1))
    assert "Coverage of DARN: training images 100.0 %" in plain(laid_out(folder, config, 2))


def test_cells_of_several_manifests_are_named(config, write_lost):
    folder = write_lost(manifest=lambda cell: ("a" if cell.network == "ASEN" else "b") * 64)
    notes = [n for n in laid_out(folder, config, 5).notes if n.startswith("Coverage")]
    assert len(notes) == 2
    assert "manifest aaaaaaaaaaaa. Used by ASEN 100 %, ASEN 10 %." in notes[0]
    assert "manifest bbbbbbbbbbbb. Used by ASENv2 100 %, ASENv2 10 %, ASEN++ 100 %" in notes[1]


def test_nothing_run_says_nothing_of_it(config, tmp_path):
    assert "Coverage" not in plain(laid_out(tmp_path, config, 2))


def test_shares():
    assert smallest_share({"train": [10, 9], "query": [4, 1], "candidate": [1, 1]}) == 0.25
    assert [percent(1, 3), percent(9999, 10000), percent(7, 7), percent(0, 0)] == [
        "33.3 %",
        "99.9 %",
        "100.0 %",
        "–",
    ]
