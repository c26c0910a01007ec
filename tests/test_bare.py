"""From the source tree, with little but PyTorch installed: what is not used is not asked for."""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from modc import __version__, paths
from modc import cli as command_line
from modc.cli import PACKAGES, cli

REPOSITORY = Path(__file__).resolve().parents[1]
BARE = REPOSITORY / "tests" / "bare"
TINY = {
    "run": "tiny",
    "datasets": {
        "FashionAI": {
            "class": "modc.drawn.fashionai:DrawnFashionAI",
            "generate": {"images": 300, "seed": 0},
            "image_size": 32,
            "detail_size": 32,
        }
    },
    "grid": {
        "datasets": ["FashionAI"],
        "networks": ["ASENv2"],
        "labeled_percent": {"FashionAI": [100]},
        "extra_seeds": [],
    },
    "networks": {"ASENv2": {"backbone": "resnet10"}},
    "methods": {
        "modc": {
            "warm_up": {"ASENv2": "shared"},
            "stages": {"ASENv2": {"epochs": {"supervised": 1}}},
        }
    },
    "training": {
        "triplets_per_epoch": 32,
        "stages": {"ASENv2": {"warm_up": {"epochs": 1}}},
    },
}
# Several commands in one process, which pays for one import of PyTorch.
COMMANDS = """
import json, sys
from modc.cli import cli, main
for arguments in json.loads(sys.argv.pop()):
    sys.argv[1:] = arguments
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
"""


def bare(*arguments, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess:
    """Run Python with `arguments` and the source tree, without the packages that are absent."""
    environment = os.environ | {"PYTHONPATH": f"{BARE}{os.pathsep}{REPOSITORY}"}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
    )


def run(*steps: list) -> None:
    """Run each step here, where all packages are."""
    for step in steps:
        done = CliRunner().invoke(cli, list(map(str, step)), catch_exceptions=False)
        assert done.exit_code == 0, done.output


def test_a_model_is_trained_scored_and_used_without_them(tmp_path):
    data = tmp_path / "data" / "FashionAI"
    (tmp_path / "tiny.yaml").write_text(
        yaml.safe_dump({**TINY, "run": "tiny", "data": str(data.parent)})
    )
    configs = ["--config", REPOSITORY / "config.yaml", "--config", tmp_path / "tiny.yaml"]
    fetched = ["fetch", "FashionAI", *configs]
    listed = ["index", "FashionAI", *configs]
    index, packed = paths.index_folder(data), paths.packed_folder(data)
    run(
        fetched,
        listed,
        ["pack", "--index", index, "--folder", data, "--size", 32, "--output", packed],
    )
    with zipfile.ZipFile(next(data.glob("*.zip"))) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".jpg"))
        (tmp_path / "image.jpg").write_bytes(archive.read(name))
    labeled = paths.labeled_part(data, "stratified", 0, 0, 100)
    trained = ["train", *configs, "--cell", "FashionAI/ASENv2/100/0", "--threads", 1, "--method"]
    results = tmp_path / "results/tiny/cells/FashionAI/ASENv2/100/seed-0"
    steps = [
        fetched,
        listed,
        ["subset", "--index", index, "--percent", 100, "--output", labeled],
        [*trained, "baseline"],
        [*trained, "modc"],
        [
            *("score", "--embeddings", results / "modc" / "supervised" / "test.npz"),
            *("--output", tmp_path / "scores.json"),
        ],
        [
            *("embed", "--network", "ASENv2"),
            *("--checkpoint", results / "baseline" / "warm_up" / "model.pt"),
            *("--attributes", 8, "--output", tmp_path / "embedded.npz", tmp_path / "image.jpg"),
        ],
    ]
    steps = json.dumps([list(map(str, step)) for step in steps])
    done = bare("-c", COMMANDS, steps, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("pip install jsonschema") == 1
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["method"] == "modc" and scores["overall"]["queries"] > 0
    assert (tmp_path / "embedded.npz").exists()


@pytest.mark.parametrize(
    ("command", "package"),
    [
        (["pack", "--index", "i", "--folder", "f", "--size", "32", "--output", "o"], "simplejpeg"),
        (["fetch", "DARN", "--part", "listing"], "gdown"),
        (["tables", "--config", "config.yaml"], "tabulate"),
    ],
)
def test_a_package_that_is_needed_is_named(command, package):
    done = bare("-m", "modc.cli", *command)
    assert done.returncode == 1
    expected = f"modc: error: {package} is not installed; pip install {package}"
    # The first line may say that the configuration is not checked.
    assert done.stderr.splitlines()[-1] == expected and len(done.stderr.splitlines()) < 3


def test_the_versions_are_known_without_an_installation():
    done = bare("-m", "modc.cli", "--version")
    assert done.returncode == 0 and __version__ in done.stdout
    done = bare("-c", "from modc import provenance; print(provenance.software())")
    assert done.returncode == 0 and f"'modc': '{__version__}'" in done.stdout
    assert "'simplejpeg': 'not installed'" in done.stdout


@pytest.mark.parametrize("module", ["modc.absent", "torch.absent", "absent"])
def test_an_import_that_is_a_bug_stays_one(monkeypatch, module):
    def broken(*_, **__):
        raise ModuleNotFoundError(name=module)

    monkeypatch.setattr(command_line, "cli", broken)
    with pytest.raises(ModuleNotFoundError):
        command_line.main()


def test_every_dependency_is_known_by_its_module():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    named = {dependency.partition(">")[0] for dependency in project["dependencies"]}
    # The command line cannot even start without click, and never imports Snakemake.
    assert set(PACKAGES.values()) == named - {"click", "snakemake"}
