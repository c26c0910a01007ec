"""A dataset outside this package, from its file to the tables: nothing here is changed for it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from survival import copied

from modc import config as configuration
from modc import datasets
from modc.config import merge
from modc.data.index import check
from modc.errors import UserError

REPOSITORY = Path(__file__).resolve().parents[1]
OUTSIDE = REPOSITORY / "tests" / "outside"
# A training of seconds, whose numbers say nothing.
TINY = {
    "networks": {"ASENv2": {"backbone": "resnet10"}},
    "training": {"triplets_per_epoch": 32, "stages": {"ASENv2": {"warm_up": {"epochs": 1}}}},
    "modc": {
        "warm_up": {"ASENv2": "shared"},
        "stages": {"ASENv2": {"epochs": {"supervised": 1, "semi_supervised": 1}}},
    },
    "threads": 1,
}


def snakemake(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run Snakemake in a copy of the project; return exit status and all output."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    done = subprocess.run(
        ["snakemake", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def place(tmp_path) -> Path:
    """A copy of the project, and elsewhere the dataset's file with its configuration."""
    (tmp_path / "project").mkdir()
    copied(tmp_path / "project")
    mine = tmp_path / "mine"
    mine.mkdir()
    shutil.copy(OUTSIDE / "dots.py", mine)
    settings = merge(yaml.safe_load((OUTSIDE / "dots.yaml").read_text()), TINY)
    (mine / "dots.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


def test_a_dataset_of_ones_own_goes_all_the_way(place):
    call = ("--configfile", "../mine/dots.yaml", "--cores", "2", "--quiet", "rules")
    status, output = snakemake(place / "project", *call)
    assert status == 0, output
    results = place / "project" / "results" / "dots"
    table = (results / "tables" / "Dots.md").read_text()
    assert re.search(r"^\| ASENv2, 100 % +\| +\d+\.\d\d \| +\d+\.\d\d \|", table, re.M), table
    scores = json.loads(next(results.rglob("baseline/scores.json")).read_text())
    assert scores["attribute_names"] == ["color", "size"] and scores["overall"]["queries"] == 24
    assert "Dots" in (results / "report.html").read_text()
    assert "Nothing to be done" in snakemake(place / "project", *call)[1]


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
    assert dots.fetch().endswith("300 images are drawn")
    index = dots.index()
    check(index)
    assert index.dataset == "Dots" and len(index.labels) == 600
