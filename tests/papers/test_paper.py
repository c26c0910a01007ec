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
CLAIM = (OUTSIDE / "rpf" / "claims.yaml").read_text()
ASSUMPTION = """- {{id: A3, name: one, statement: It is so., source: not stated, effect: none,
   default: {}}}
"""


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
    with pytest.raises(UserError, match="2 tables are called rpf_fashionai"):
        paper.papers(config)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("claims.yaml", CLAIM, "2 claims are called rpf_sleeve_length_is_easiest"),
        ("assumptions.yaml", ASSUMPTION.format("{}"), "2 assumptions are called A3"),
    ],
)
def test_claims_and_assumptions_of_one_name_are_said(config, copy, name, text, message):
    for table in ("rpf_darn", "rpf_fashionai"):
        (copy / f"{table}.csv").rename(copy / f"{table.replace('rpf_', 'other_')}.csv")
    for own in (copy / "paper.yaml", copy / "claims.yaml"):
        own.write_text(own.read_text().replace("rpf_", "other_"))
    config["report"]["papers"] = ["modc", "rpf", str(copy)]
    assert len(paper.papers(config)) == 3
    paper.read.cache_clear()
    (copy / name).write_text(text.replace("[rpf_", "[other_"))
    with pytest.raises(UserError, match=message):
        paper.papers(config)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("paper.yaml", "title:", "heading:", "paper.yaml: the key 'heading' is unknown"),
        ("paper.yaml", "tables:", "{", "paper.yaml, line 3: not YAML"),
        ("paper.yaml", "tables:", "title: A\ntables:", "not YAML: the key 'title' stands twice"),
        (
            "paper.yaml",
            ", caption:",
            ", said:",
            "tables.rpf_fashionai: the key 'said' is unknown, ",
        ),
        ("paper.yaml", 'title: "', "title: [x]\n#", "paper.yaml: title: expected text"),
        ("paper.yaml", "tables:", "figures: 3\ntables:", "figures: expected a mapping of texts"),
        (
            "paper.yaml",
            "tables:",
            "figures: {fig1: A}\ntables:",
            "figures: fig1: expected figure1 or",
        ),
        ("paper.yaml", "RPF on DARN", "[x]", "tables.rpf_darn: title: expected text"),
        (
            "paper.yaml",
            "rpf_darn:",
            "rpf_dran:",
            "tables.rpf_dran: expected rpf_dran.csv beside it",
        ),
        ("paper.yaml", "rpf_darn:", "../evil:", "tables.../evil: expected a name of lower-case"),
        ("paper.yaml", "rpf_darn:", "claims:", "tables.claims: expected a name of lower-case"),
        ("paper.yaml", "rpf_darn:", "summary:", "tables.summary: expected a name of lower-case"),
        ("rpf_darn.csv", "metric", "measure", "rpf_darn.csv: missing column: metric"),
        ("rpf_darn.csv", "45.18", "145.18", "rpf_darn.csv, line 2: value: expected a number"),
        ("rpf_darn.csv", "45.18", "nan", "rpf_darn.csv, line 2: value: expected a number"),
        ("rpf_darn.csv", "45.18", "", "rpf_darn.csv, line 2: value is empty"),
        ("rpf_darn.csv", "45.18", "45,18", "rpf_darn.csv, line 2: too many fields; expected 9"),
        ("rpf_darn.csv", ",45.18", "", "rpf_darn.csv, line 2: too few fields; expected 9"),
        ("rpf_darn.csv", ",100,", ",all,", "line 2: labeled_percent: all; expected a whole number"),
        ("rpf_darn.csv", ",100,", ",0,", "line 2: labeled_percent: 0; expected a whole number"),
        ("rpf_darn.csv", ",100,", ",101,", "line 2: labeled_percent: 101; expected a whole number"),
        ("rpf_darn.csv", ",,,", ",,3,", "line 2: top_n: 3; expected 1, 2 or empty"),
        ("rpf_darn.csv", ",,,", ",knwon,,", "query_label: knwon; expected known, unknown or empty"),
        ("rpf_darn.csv", "@all", "@10", "line 2: metric: MAP@10; expected MAP@100, MAP@all, "),
        ("rpf_darn.csv", ",RPF,", ",,", "rpf_darn.csv, line 2: network is empty"),
        ("rpf_darn.csv", "clothes button", "clothes category", "lines 2 and 3: the same place"),
        ("rpf_darn.csv", "DARN,", "DRAN,", "rpf_darn.csv: expected numbers of one dataset"),
        (
            "claims.yaml",
            "sentence:",
            "sentense:",
            "easiest): the key 'sentense' is unknown, the key",
        ),
        (
            "claims.yaml",
            "- {attribute: clothes shape}",
            "- 3",
            "worse: expected a list of mappings",
        ),
        (
            "claims.yaml",
            "{network: RPF",
            "{netwrok: RPF",
            "better: no column 'netwrok'; expected one",
        ),
        (
            "claims.yaml",
            "- {attribute:",
            "- {atribute:",
            "worse[0]: no column 'atribute'; expected",
        ),
        ("claims.yaml", "[rpf_darn]", "[nope]", "tables: 'nope'; expected one of 'rpf_darn', "),
        ("claims.yaml", "[rpf_darn]", "[]", "easiest): tables: expected at least one"),
        (
            "claims.yaml",
            "MAP@all",
            "MAP@1000",
            "better.metric: 'MAP@1000'; expected one of 'MAP@all'",
        ),
        ("claims.yaml", "{network:", "{method: Baseline, network:", "better.method: 'Baseline'; "),
        ("claims.yaml", "clothes shape}", "shape}", "worse[0].attribute: 'shape'; expected one of"),
        (
            "claims.yaml",
            "clothes shape}",
            "sleeve length}",
            "worse[0]: no other number corresponds",
        ),
        (
            "claims.yaml",
            "of_attributes: true",
            "of_attributes: false",
            "better: no number of overall",
        ),
        ("claims.yaml", "of_attributes: true", "of_attributes: 1", "expected true or false"),
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


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("paper.yaml", b"title: x\ntables: {}\n", "paper.yaml: tables: expected at least one"),
        ("paper.yaml", b"title: x\ntables: [a, b]\n", "paper.yaml: tables: expected a mapping"),
        ("paper.yaml", b"title: \xe9\n", "paper.yaml: not UTF-8; save it as UTF-8"),
        ("rpf_darn.csv", "Länge".encode("latin-1"), "rpf_darn.csv: not UTF-8; save it as UTF-8"),
        (
            "claims.yaml",
            CLAIM.partition("worse:")[0].encode() + b"worse: 3",
            "worse: expected a list",
        ),
        ("claims.yaml", CLAIM.partition("worse:")[0].encode() + b"worse: []", "worse: expected at"),
        (
            "claims.yaml",
            b"- best\n",
            "claims.yaml, entry 1: expected a mapping with the keys key, ",
        ),
        ("claims.yaml", b"best: 1\n", "claims.yaml: expected a list"),
        ("assumptions.yaml", ASSUMPTION.format("3").encode(), "entry 1 (A3): default: expected a"),
    ],
)
def test_a_file_of_another_kind_is_said(copy, file, content, message):
    (copy / file).write_bytes(content)
    with pytest.raises(UserError) as error:
        paper.read(copy)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_table_without_rows_is_said_and_a_byte_order_mark_is_not_part_of_a_column(copy):
    path = copy / "rpf_darn.csv"
    text = path.read_text()
    path.write_text(text.partition("\n")[0])
    with pytest.raises(UserError, match=r"rpf_darn\.csv: no rows"):
        paper.read(copy)
    path.write_text(text, encoding="utf-8-sig")
    assert paper.read(copy) == paper.read(OUTSIDE / "rpf")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "clothes button",
            "clothes buttons",
            "line 3: attribute: clothes buttons; expected clothes",
        ),
        ("RPF,baseline", "RPF,base", "rpf_darn.csv, line 2: method: base; expected baseline, modc"),
        ("DARN,", "Darn,", "rpf_darn.csv, line 2: dataset: Darn; expected DARN"),
        ("DARN,", "DRAN,", "rpf_darn.csv, line 2: dataset: DRAN; expected DARN"),
        ("DARN,", "Fashon-AI,", "rpf_darn.csv, line 2: dataset: Fashon-AI; expected FashionAI"),
    ],
)
def test_what_the_configuration_does_not_have_is_said_with_its_line(
    config, copy, old, new, message
):
    path = copy / "rpf_darn.csv"
    path.write_text(path.read_text().replace(old, new))
    config["report"]["papers"] = [str(copy)]
    with pytest.raises(UserError) as error:
        paper.papers(config)
    assert message in str(error.value)


def test_a_dataset_that_is_not_configured_may_have_a_table(config, copy):
    path = copy / "rpf_darn.csv"
    path.write_text(path.read_text().replace("DARN,", "FashionIQ,"))
    config["report"]["papers"] = [str(copy)]
    assert paper.datasets(config) == ["FashionAI", "FashionIQ"]


def test_an_assumption_about_a_key_that_is_not_configured_is_said(config, copy):
    (copy / "assumptions.yaml").write_text(ASSUMPTION.format("{grid.such.key: 1}"))
    config["report"]["papers"] = [str(copy)]
    with pytest.raises(UserError, match=r"assumptions\.yaml, entry 1 \(A3\): default: grid\.such"):
        paper.papers(config)


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
        ("source", "origin", "courses.csv: missing column: source"),
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
