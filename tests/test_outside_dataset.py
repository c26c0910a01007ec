"""A dataset outside this package, from its file to the tables: nothing here is changed for it."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from project_copy import REPOSITORY, TINY, copied, snakemake

from modc import config as configuration
from modc import datasets
from modc.cli import cli
from modc.config import merge
from modc.data.index import check
from modc.errors import UserError

OUTSIDE = REPOSITORY / "tests" / "outside"
# A training of seconds, whose numbers say nothing.
TRAINING = {key: TINY[key] for key in ("networks", "training", "methods", "threads")}


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """Leave no module of a copy to the tests that follow."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in ("dots",):
        sys.modules.pop(name, None)


@pytest.fixture
def place(tmp_path) -> Path:
    """A copy of the project, and elsewhere the dataset's file with its configuration."""
    copied(tmp_path / "project")
    mine = tmp_path / "mine"
    mine.mkdir()
    shutil.copy(OUTSIDE / "dots.py", mine)
    settings = merge(yaml.safe_load((OUTSIDE / "dots.yaml").read_text()), TRAINING)
    settings["grid"]["methods"] = ["baseline"]
    (mine / "dots.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


def test_a_dataset_of_ones_own_goes_all_the_way(place, monkeypatch):
    project = place / "project"
    files = ("--configfile", "../mine/dots.yaml", "--cores", "2")
    call = (*files, "--quiet", "rules", "--", "results/dots/tables/Dots.md")
    status, output = snakemake(project, *call)
    assert status == 0, output
    results = project / "results" / "dots"
    table = (results / "tables" / "Dots.md").read_text()
    assert re.search(r"^\| ASENv2, 100 % +\| +\d+\.\d\d \| +\d+\.\d\d \|", table, re.M), table
    scores = json.loads(next(results.rglob("baseline/scores.json")).read_text())
    assert scores["attribute_names"] == ["color", "size"] and scores["overall"]["queries"] == 24
    with monkeypatch.context() as patch:
        patch.chdir(project)
        page = ["report", "--config", "results/dots/config.yaml"]
        assert CliRunner().invoke(cli, page, catch_exceptions=False).exit_code == 0
    assert "Dots" in (results / "report.html").read_text()
    assert "Nothing to be done" in snakemake(project, *call)[1]
    # An edit of its file makes the index anew, and with it what is made from that.
    file = place / "mine" / "dots.py"
    file.write_text(file.read_text().replace("SIDE = 32", "SIDE = 33"))
    output = snakemake(project, *files, "-n")[1]
    assert re.search(r"^index +1$", output, re.M) and re.search(r"^train +\d", output, re.M)


def test_the_documentation_shows_this_dataset():
    text = (REPOSITORY / "docs" / "extending.md").read_text()
    assert (OUTSIDE / "dots.py").read_text() in re.findall(r"```python\n(.*?)```", text, re.S)
    assert (OUTSIDE / "dots.yaml").read_text() in re.findall(r"```yaml\n(.*?)```", text, re.S)


def test_it_is_fetched_and_indexed_by_its_class_alone(tmp_path):
    config = configuration.load([REPOSITORY / "config.yaml", OUTSIDE / "dots.yaml"])
    assert config["class_folders"] == [str(REPOSITORY), str(OUTSIDE)]
    dots = datasets.of(config, "Dots", tmp_path)
    with pytest.raises(UserError, match="run `modc fetch Dots`"):
        dots.index()
    assert dots.fetch().endswith("300 images drawn")
    index = dots.index()
    check(index)
    assert index.dataset == "Dots" and len(index.labels) == 600
