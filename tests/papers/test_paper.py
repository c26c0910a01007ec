"""A paper as a folder of data, and what is said of one that is not as it should be."""

import shutil
from pathlib import Path

import pytest

from modc import config as configuration
from modc.errors import UserError
from modc.papers import paper
from modc.papers.places import Place

REPOSITORY = Path(__file__).resolve().parents[2]
OUTSIDE = REPOSITORY / "tests" / "outside"


@pytest.fixture
def config() -> dict:
    return configuration.load([REPOSITORY / "config.yaml", OUTSIDE / "rpf.yaml"])


@pytest.fixture
def copy(tmp_path) -> Path:
    """A paper to spoil."""
    return shutil.copytree(OUTSIDE / "rpf", tmp_path / "rpf")


def test_the_papers_tables_by_name(config):
    names = ["table1", "table2", "table3", "table4", "table5", "rpf_fashionai", "rpf_darn"]
    assert list(paper.tables(config)) == names
    assert paper.datasets(config) == ["FashionAI", "DARN"]
    assert len(paper.assumptions(config)) == 30
    own = paper.tables(config)["rpf_darn"]
    place = Place("rpf_darn", "DARN", "RPF", "baseline", 100, "", "", "sleeve length", "MAP@all")
    assert own.published[place] == 0.8695


def test_a_folder_beside_the_configuration_or_the_current_one_is_found(config, monkeypatch, copy):
    assert paper.folders(config)[1] == OUTSIDE / "rpf"
    monkeypatch.chdir(copy.parent)
    own = {"report": {"papers": ["rpf"]}}
    assert paper.folders(own) == [Path("rpf")]
    assert paper.folders({"report": {"papers": [str(copy)]}}) == [copy]


def test_an_absent_paper_and_two_tables_of_one_name_are_said(config, copy):
    config["report"]["papers"] = ["RPF2"]
    with pytest.raises(UserError, match=r"report\.papers: RPF2: no paper\.yaml"):
        paper.papers(config)
    config["report"]["papers"] = ["rpf", str(copy)]
    with pytest.raises(UserError, match="two tables are called rpf_fashionai"):
        paper.papers(config)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("paper.yaml", "title:", "heading:", "paper.yaml: the key 'heading' is unknown"),
        ("paper.yaml", "tables:", "{", "paper.yaml, line 3: not YAML"),
        ("paper.yaml", ", caption:", ", said:", "tables.rpf_fashionai: the key 'caption' is"),
        ("paper.yaml", "rpf_darn:", "rpf_dran:", "rpf_dran.csv: No such file or directory"),
        ("rpf_darn.csv", "metric", "measure", "rpf_darn.csv: the columns metric are missing"),
        ("rpf_darn.csv", "45.18", "145.18", "rpf_darn.csv, line 2: value: expected a number"),
        ("rpf_darn.csv", "45.18", "nan", "rpf_darn.csv, line 2: value: expected a number"),
        ("rpf_darn.csv", ",100,", ",all,", "rpf_darn.csv, line 2: labeled_percent: expected"),
        ("rpf_darn.csv", "DARN,", "DRAN,", "rpf_darn.csv: expected numbers of one dataset"),
    ],
)
def test_what_is_wrong_is_said_with_its_file_and_line(copy, file, old, new, message):
    path = copy / file
    text = path.read_text()
    assert old in text
    head, _, tail = text.partition(old)
    path.write_text(head + new + tail)
    with pytest.raises(UserError) as error:
        paper.read(copy)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_an_entry_of_a_claim_that_is_not_known_is_said(copy):
    (copy / "claims.yaml").write_text("- {key: best, sentence: It is the best., who: us}\n")
    with pytest.raises(UserError, match=r"claims\.yaml, entry 1: .*who"):
        paper.read(copy)


def test_a_papers_files_have_a_fingerprint(copy):
    before = paper.fingerprint([copy])
    assert before == paper.fingerprint([OUTSIDE / "rpf"])
    (copy / "rpf_darn.csv").write_text("")
    assert paper.fingerprint([copy]) != before


COURSES = """dataset,course,epoch,value,source
DARN,one,1,40.0,a log
DARN,one,4,50.5,a log
DARN,two,2,30,another
"""


def test_courses_are_read_in_their_order(copy):
    (copy / "courses.csv").write_text(COURSES)
    first, second = paper.read(copy).courses
    assert (first.name, first.points) == ("one", ((1, 0.4), (4, 0.505)))
    assert (second.source, second.points) == ("another", ((2, 0.3),))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("source", "origin", "courses.csv: the columns source are missing"),
        ("one,4,", "one,1,", "courses.csv, line 3: epoch: expected a whole number above 1"),
        ("one,4,", "one,4.5,", "courses.csv, line 3: epoch: expected a whole number above 1"),
        ("40.0", "140", "courses.csv, line 2: value: expected a number from 0 to 100"),
    ],
)
def test_a_mistake_in_the_courses_is_said_with_its_line(copy, old, new, message):
    (copy / "courses.csv").write_text(COURSES.replace(old, new, 1))
    with pytest.raises(UserError) as error:
        paper.read(copy)
    assert message in str(error.value)


def test_the_courses_of_public_logs_are_of_both_datasets(config):
    for dataset, last in (("FashionAI", (68, 0.679)), ("DARN", (59, 0.596))):
        (course,) = paper.courses(config, dataset)
        assert course.points[-1] == last
