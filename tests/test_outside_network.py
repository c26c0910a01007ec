"""What docs/extending.md shows: a network of one's own, from its file to the tables."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from project_copy import REPOSITORY, TINY, copied, snakemake

OUTSIDE = REPOSITORY / "tests" / "outside"


def blocks(language: str) -> list[str]:
    """Return the code blocks of the page in one language."""
    page = (REPOSITORY / "docs" / "extending.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


@pytest.mark.parametrize(("name", "language"), [("pooled.py", "python"), ("pooled.yaml", "yaml")])
def test_the_page_has_the_examples_that_are_tested(name, language):
    assert (OUTSIDE / name).read_text() in blocks(language)


def small(folder: Path, grid: dict) -> None:
    """Make the paper's recipes of the networks in `grid` tiny, and write tiny.yaml."""
    recipe = {"epochs": 1, "learning_rate": 1e-3}
    stages = {name: {"warm_up": recipe} for name in grid["networks"]}
    own = {
        name: {"epochs": TINY["methods"]["modc"]["stages"]["ASENv2"]["epochs"]} for name in stages
    }
    for name, stage in stages.items():
        own[name] |= stage
    config = {
        **TINY,
        "grid": {**TINY["grid"], **grid},
        "networks": {name: {"backbone": "resnet10"} for name in stages},
        "training": {"triplets_per_epoch": 32, "stages": stages},
        "methods": {"modc": {"stages": own, "unlabeled_ratio": 0.34}},
    }
    (folder / "tiny.yaml").write_text(yaml.safe_dump(config))


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A run with a network from a file beside the configuration, and with CSN."""
    folder = copied(tmp_path_factory.mktemp("extending"))
    shutil.copy(OUTSIDE / "pooled.py", folder)
    shutil.copy(OUTSIDE / "pooled.yaml", folder)
    percents = {"FashionAI": [10]}
    small(
        folder,
        {"datasets": ["FashionAI"], "networks": ["Pooled", "CSN"], "labeled_percent": percents},
    )
    files = ("--configfile", "pooled.yaml", "tiny.yaml")
    status, output = snakemake(folder, *files, "--cores", "2", "--quiet", "rules")
    assert status == 0, output
    return folder


def test_both_are_trained_scored_and_tabled(ran):
    results = ran / "results" / "tiny"
    frame = pd.read_csv(results / "tables" / "table4.csv", keep_default_na=False)
    for network in ("Pooled", "CSN"):
        own = frame[frame["network"] == network]
        assert set(own["method"]) == {"baseline", "modc"} and set(own["published"]) == {""}
        there = own[(own["labeled_percent"] == 10)]
        assert len(there) and (there["ours"].astype(float) > 0).all()
        scores = json.loads(
            (results / f"cells/FashionAI/{network}/10/seed-0/modc/scores.json").read_text()
        )
        ours = there[
            (there["metric"] == "MAP@all")
            & (there["top_n"].astype(str) == "1")
            & (there["query_label"] == "known")
        ]["ours"].astype(float)
        assert ours.tolist() == [scores["overall"]["prioritized"]["top1"]["known"]["MAP@all"]]
    # Below the paper's, and among ours alone.
    text = (results / "tables" / "table4.md").read_text()
    ours, published = text.split("Published", 1)
    assert ours.index("CSN") > ours.index("ASEN++") and "CSN |" not in published
    assert "Pooled" in (results / "report.html").read_text()


def test_a_second_run_has_nothing_to_do(ran):
    files = ("--configfile", "pooled.yaml", "tiny.yaml")
    status, output = snakemake(ran, *files, "--cores", "2", "--quiet", "rules")
    assert status == 0 and "Nothing to be done" in output


def test_its_model_embeds_images(ran, tmp_path):
    from PIL import Image

    Image.new("RGB", (50, 60), "red").save(tmp_path / "a.png")
    model = "results/tiny/cells/FashionAI/Pooled/10/seed-0/baseline/warm_up/model.pt"
    done = subprocess.run(
        [
            *(Path(sys.executable).parent / "modc", "embed", "--network", "pooled:Pooled"),
            *("--checkpoint", model, "--attributes", "8", "--output", tmp_path / "a.npz"),
            tmp_path / "a.png",
        ],
        cwd=ran,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "(1, 8, 256)" in done.stdout
