"""The workflow file for forks, and the tiny run that it calls."""

import re
from pathlib import Path

import pytest
import yaml

from modc import config, grid
from modc.cell import Cell

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def workflow() -> dict:
    return yaml.safe_load((REPOSITORY / ".github" / "workflows" / "ci.yml").read_text())


def test_it_calls_targets_of_the_makefile(workflow):
    makefile = (REPOSITORY / "Makefile").read_text()
    targets = set(re.findall(r"^([\w-]+):", makefile, re.M))
    steps = workflow["jobs"]["check"]["steps"]
    called = [step["run"] for step in steps if step.get("run", "").startswith("make ")]
    assert called == ["make install", "make lint", "make test", "make tiny"]
    assert {call.removeprefix("make ") for call in called} <= targets
    assert "--configfile configs/tiny.yaml " in makefile


def test_it_may_only_read_and_every_action_has_a_version(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    assert "permissions" not in workflow["jobs"]["check"]
    used = [step["uses"] for step in workflow["jobs"]["check"]["steps"] if "uses" in step]
    assert used and all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in used)


def test_the_oldest_python_is_that_of_the_package(workflow):
    project = (REPOSITORY / "pyproject.toml").read_text()
    oldest = re.search(r'requires-python = ">=(\S+)"', project)[1]
    versions = workflow["jobs"]["check"]["strategy"]["matrix"]["python"]
    # As texts: 3.10 would be 3.1.
    assert all(isinstance(version, str) for version in versions)
    assert versions[0] == oldest


def test_the_tiny_run_has_one_cell_a_dataset():
    tiny = config.load([REPOSITORY / "config.yaml", REPOSITORY / "configs" / "tiny.yaml"])
    assert grid.cells(tiny) == [Cell("FashionAI", "ASENv2", 100, 0), Cell("DARN", "ASENv2", 10, 0)]
    assert grid.methods(tiny) == ("baseline", "modc")
    assert (tiny["run"], tiny["data"]) == ("tiny", "data/tiny")
