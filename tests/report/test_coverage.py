"""The coverage of a dataset: the counts, the page, the picture, and what is refused."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from made_datasets import made
from PIL import Image

from modc.atomic import write_bytes
from modc.cli import cli
from modc.config import load, merge
from modc.data import manifest
from modc.data.index import read, write
from modc.datasets.darn import DARN
from modc.drawn import garments
from modc.errors import UserError
from modc.report.coverage import COLUMNS, render
from modc.report.files import coverage_files, listed_datasets

from .conftest import paper

REPOSITORY = Path(__file__).parents[2]
PARTS = {
    "train": {"train": "label_train.txt"},
    "valid": {"query": "query_valid.txt", "candidate": "candidate_valid.txt"},
    "test": {"query": "query_test.txt", "candidate": "candidate_test.txt"},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with drawn garments as data/DARN, frozen and indexed, and their configuration."""
    place = tmp_path_factory.mktemp("coverage")
    folder = place / "data" / "DARN"
    garments.write_darn(folder, 400, 3)
    for line in (folder / "urls.txt").read_text().splitlines():
        way, name = line.split("/", 4)[4].split("/", 1)
        if way in ("ok", "flaky"):
            write_bytes(folder / "pic" / name, (folder / garments.SERVED / name).read_bytes())
        elif way in ("page", "empty"):
            write_bytes(folder / "pic" / name, b"")
    lists = [folder / "splits" / f"filenames_{split}.txt" for split in PARTS]
    paths = [name for path in lists for name in path.read_text().split()]
    manifest.write(folder, manifest.describe(folder, paths), {"list of URLs": "ab12"})
    write(made(DARN, folder, "leave_out").index(), folder / "prepared" / "index")
    (place / "data.yaml").write_text(yaml.safe_dump({"data": str(place / "data"), "run": "r"}))
    return place


@pytest.fixture
def config(config, place):
    return merge(config, {"data": str(place / "data")})


@pytest.fixture(scope="module")
def written(place, tmp_path_factory):
    """The files of a coverage, which no test may change."""
    config = merge(paper(), {"data": str(place / "data")})
    return {path.suffix: path for path in render(tmp_path_factory.mktemp("run"), config, "DARN")}


def rows_of(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the table that stands below a heading."""
    text = page.split(heading, 1)[1]
    lines = text[text.index("\n|") + 1 :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_files_are_those_that_are_promised(written):
    names = sorted(path.name for path in written[".md"].parent.iterdir())
    assert names == sorted(coverage_files("DARN")) == ["darn.csv", "darn.md", "darn.png"]
    assert {path.name for path in written.values()} == set(names)


def test_every_listed_label_is_counted(written, place):
    frame = pd.read_csv(written[".csv"])
    assert frame.columns.tolist() == COLUMNS
    assert (frame["missing"] == frame["expected"] - frame["obtained"]).all()
    folder = place / "data" / "DARN"
    there = set(manifest.read(folder).pictures["path"])
    for split, roles in PARTS.items():
        names = (folder / "splits" / f"filenames_{split}.txt").read_text().split()
        for role, file in roles.items():
            expected = obtained = 0
            for line in (folder / "splits" / file).read_text().splitlines():
                image, *pairs = line.split()
                expected += len(pairs) // 2
                obtained += (len(pairs) // 2) * (names[int(image)] in there)
            own = frame[(frame["split"] == split) & (frame["role"] == role)]
            assert (own["expected"].sum(), own["obtained"].sum()) == (expected, obtained)


def test_the_page_has_the_totals_beside_the_authors(written):
    rows = rows_of(written[".md"].read_text(), "# Coverage of DARN")
    assert [row[1] for row in rows] == ["214,619", "203,990", "400", "**384**", "16"]
    assert [row[2] for row in rows] == ["100.0 %", "95.0 %", "", "**96.0 %**", ""]


def test_the_page_names_the_manifest(written, place):
    frozen, page = manifest.read(place / "data" / "DARN"), written[".md"].read_text()
    for text in (frozen.sha256, frozen.facts["frozen"], "list of URLs: ab12", "drawn"):
        assert text in page
    assert rows_of(page, "## The manifest") == [
        ["missing", "14"],
        ["not_an_image", "2"],
        ["ok", "384"],
    ]


def test_the_page_counts_splits(written, place):
    index = read(place / "data" / "DARN" / "prepared" / "index")
    rows = [row for row in rows_of(written[".md"].read_text(), "## Splits") if row[0]]
    assert [row[:2] for row in rows] == [[split, "images"] for split in PARTS]
    for split, _, listed, obtained, missing, _ in rows:
        assert int(obtained) == (index.images["split"] == split).sum()
        assert int(missing) == index.missing[split] == int(listed) - int(obtained)


def test_the_page_says_which_attributes_are_comparable(config, place, tmp_path):
    found = {}
    for threshold in (0.5, 0.95, 1.0):
        config["datasets"]["DARN"]["comparable_coverage"] = threshold
        page = render(tmp_path, config, "DARN")[0].read_text()
        found[threshold] = rows_of(page, "## Attributes")
    assert [row[0] for row in found[0.5]] == [*DARN.attributes, "overall"]
    assert {row[-1] for row in found[0.5]} == {"yes"}
    for threshold in (0.95, 1.0):
        for row in found[threshold]:
            train, *_, query, candidate, verdict = (cell.removesuffix(" %") for cell in row[1:])
            smallest = min(map(float, (train, query, candidate)))
            assert verdict == ("yes" if smallest >= 100 * threshold else "no")
    assert "no" in {row[-1] for row in found[0.95]}


def test_the_page_lists_values_and_those_with_nothing(written):
    page, frame = written[".md"].read_text(), pd.read_csv(written[".csv"])
    lost = frame[frame["obtained"] == 0]
    assert len(lost)
    section = page.split("## Values with nothing obtained")[1].split("## Values")[0]
    assert len(re.findall(r" \d+ \(\d+\)", section)) == len(lost)
    first = lost.iloc[0]
    assert f"{first['attribute']} {first['value']} ({first['expected']})" in section
    rows = rows_of(page, "## Values\n")
    assert len(rows) == len(frame[["attribute", "value"]].drop_duplicates())
    test = frame[(frame["split"] == "test") & (frame["role"] == "candidate")]
    counts = {
        (r.attribute, str(r.value)): f"{r.obtained} / {r.expected}" for r in test.itertuples()
    }
    assert {(row[0], row[1]): row[-1] for row in rows if row[-1]} == counts


def test_values_are_called_by_their_names(config, place, tmp_path, monkeypatch):
    letters = "abcdefghijklm"
    monkeypatch.setattr(DARN, "value_names", {"clothes button": tuple(letters)})
    page, csv, _ = render(tmp_path, config, "DARN")
    frame = pd.read_csv(csv)
    values = frame.loc[frame["attribute"] == "clothes button", "value"].unique()
    rows = rows_of(page.read_text(), "## Values\n")
    assert {row[1] for row in rows if row[0] == "clothes button"} == {letters[v] for v in values}
    assert all(row[1].isdecimal() for row in rows if row[0] != "clothes button")


def test_the_page_says_what_the_names_give_away(written):
    section = written[".md"].read_text().split("## Remarks")[1]
    count = re.search(r"(\d+) of the (\d+) folders hold a single clothes category", section)
    assert count[1] == count[2]
    assert "0 of 400 stems" in section


def test_the_picture_is_one_and_the_same_again(written, config, tmp_path):
    before = written[".png"].read_bytes()
    with Image.open(written[".png"]) as picture:
        assert picture.format == "PNG" and picture.width > 900 and picture.height > 600
    assert render(tmp_path, config, "DARN")[2].read_bytes() == before


def test_an_index_of_another_manifest_is_refused(config, place, tmp_path):
    folder = place / "data" / "DARN"
    kept = [(path, path.read_bytes()) for path in folder.glob("manifest.*")]
    manifest.write(folder, manifest.read(folder).table[1:], {})
    with pytest.raises(UserError, match="from manifest .* run `modc index` again"):
        render(tmp_path, config, "DARN")
    assert not (tmp_path / "coverage").exists()
    for path, data in kept:
        path.write_bytes(data)
    render(tmp_path, config, "DARN")


def run(place, *arguments):
    configs = ["--config", str(REPOSITORY / "config.yaml"), "--config", str(place / "data.yaml")]
    return CliRunner().invoke(cli, ["coverage", *configs, *arguments])


def test_the_command_renders_what_is_there(place, tmp_path):
    done = run(place, "--results", str(tmp_path))
    assert done.exit_code == 0
    assert "FashionAI is left out: " in done.output and "darn.png" in done.output
    assert len(list((tmp_path / "coverage").iterdir())) == 3


@pytest.mark.parametrize(
    ("dataset", "message"),
    [("FashionAI", "no such file of the index"), ("FashionMNIST", "expected one of FashionAI")],
)
def test_a_dataset_that_was_asked_for_must_be_there(place, tmp_path, dataset, message):
    done = run(place, "--results", str(tmp_path), "--dataset", dataset)
    assert isinstance(done.exception, UserError) and message in str(done.exception)
    assert not (tmp_path / "coverage").exists()


def test_datasets_that_have_a_manifest():
    config = load([REPOSITORY / "config.yaml"])
    assert listed_datasets(config) == ["FashionAI", "DARN"]
    config["grid"]["datasets"] = ["FashionMNIST"]
    assert listed_datasets(config) == []
