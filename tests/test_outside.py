"""What docs/extending.md shows: a network and a method of one's own, from files to the tables."""

import json
import re
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from project_copy import REPOSITORY, TINY, copied, snakemake

from modc.cli import cli

OUTSIDE = REPOSITORY / "tests" / "outside"
FILES = ("pooled.py", "pooled.yaml", "in_batch.py", "in_batch.yaml")
CELL = "cells/FashionAI/Pooled/10/seed-0"
# Nothing else of the package is changed for them.
RECIPE = {"epochs": 1, "learning_rate": 1e-3}
SMALL = {
    **TINY,
    "report": {},
    "grid": {
        "datasets": ["FashionAI"],
        "networks": ["Pooled", "CSN"],
        "labeled_percent": {"FashionAI": [10]},
        "extra_seeds": [],
    },
    "networks": {name: {"backbone": "resnet10"} for name in ("Pooled", "CSN")},
    "training": {
        "triplets_per_epoch": 32,
        "stages": {name: {"warm_up": RECIPE} for name in ("Pooled", "CSN")},
    },
    "methods": {
        "modc": {
            "stages": {
                name: {"warm_up": RECIPE, "epochs": {"supervised": 1, "semi_supervised": 1}}
                for name in ("Pooled", "CSN")
            },
            "unlabeled_ratio": 0.34,
        },
        "InBatch": {"epochs": 2},
    },
}
CALL = ("--configfile", "pooled.yaml", "in_batch.yaml", "tiny.yaml", "--cores", "2")
TABLE = "results/tiny/tables/table4.md"


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """Leave no module of a copy to the tests that follow."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in ("pooled", "in_batch"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A run of the baseline, MODC and the method, on the network, both beside the configuration."""
    folder = copied(tmp_path_factory.mktemp("extending"), SMALL)
    for name in FILES:
        shutil.copy(OUTSIDE / name, folder)
    status, output = snakemake(folder, *CALL, "--quiet", "rules", "--", TABLE)
    assert status == 0, output
    return folder


@pytest.mark.parametrize("name", FILES)
def test_the_page_has_the_examples_that_are_tested(name):
    page = (REPOSITORY / "docs" / "extending.md").read_text()
    language = "python" if name.endswith(".py") else "yaml"
    assert (OUTSIDE / name).read_text() in re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_the_network_is_trained_scored_and_tabled_under_every_method(ran):
    results = ran / "results" / "tiny"
    frame = pd.read_csv(results / "tables" / "table4.csv", keep_default_na=False)
    own = frame[(frame["network"] == "Pooled") & (frame["labeled_percent"] == 10)]
    assert set(own["method"]) == {"baseline", "modc", "InBatch"} and set(own["published"]) == {""}
    assert (own["ours"].astype(float) > 0).all()
    scores = json.loads((results / CELL / "modc/scores.json").read_text())
    ours = own[
        (own["method"] == "modc")
        & (own["metric"] == "MAP@all")
        & (own["top_n"].astype(str) == "1")
        & (own["query_label"] == "known")
    ]["ours"].astype(float)
    assert ours.tolist() == [scores["overall"]["prioritized"]["top1"]["known"]["MAP@all"]]


def test_csn_is_trained_under_both_methods_and_its_rows_stand_below_the_papers(ran):
    tables = ran / "results" / "tiny" / "tables"
    frame = pd.read_csv(tables / "table4.csv", keep_default_na=False)
    own = frame[(frame["network"] == "CSN") & (frame["labeled_percent"] == 10)]
    assert {"baseline", "modc"} <= set(own["method"]) and set(own["published"]) == {""}
    assert (own["ours"].astype(float) > 0).all()
    ours, published = (tables / "table4.md").read_text().split("Published", 1)
    assert ours.index("| CSN") > ours.index("| ASEN++") and "| CSN" not in published


def test_the_method_is_trained_scored_and_tabled(ran):
    results = ran / "results" / "tiny"
    curve = pd.read_csv(results / CELL / "InBatch/in_batch/curve.csv")
    assert len(curve) == 2 and (curve["loss"] == curve["in_batch"]).all()
    scores = json.loads((results / CELL / "InBatch/scores.json").read_text())
    assert scores["method"] == "InBatch" and "Acc" not in scores["overall"]
    assert [stage["stage"] for stage in scores["stages"]] == ["warm_up", "in_batch"]
    frame = pd.read_csv(results / "tables" / "table4.csv", keep_default_na=False)
    own = frame[(frame["method"] == "InBatch") & (frame["network"] == "Pooled")]
    assert set(own["query_label"]) == {"plain"}
    (there,) = own[(own["labeled_percent"] == 10) & (own["metric"] == "MAP@100")].to_dict("records")
    assert float(there["ours"]) == scores["overall"]["MAP@100/hits"]
    baseline = json.loads((results / CELL / "baseline/scores.json").read_text())
    gain = scores["overall"]["MAP@100/hits"] - baseline["overall"]["MAP@100/hits"]
    assert float(there["gain"]) == pytest.approx(gain)


def test_they_stand_below_the_papers_rows_among_ours_alone_and_on_the_page(ran, monkeypatch):
    monkeypatch.chdir(ran)
    call = ["report", "--config", "results/tiny/config.yaml"]
    assert CliRunner().invoke(cli, call, catch_exceptions=False).exit_code == 0
    results = ran / "results" / "tiny"
    ours, published = (results / "tables" / "table4.md").read_text().split("Published", 1)
    assert ours.index("| Pooled") > ours.index("| ASEN++")
    assert ours.index("| InBatch(Pooled)") > ours.index("| MODC(ASEN++)")
    assert "| InBatch" not in published and "| Pooled" not in published
    assert "InBatch(Pooled)" in (results / "report.html").read_text()


def test_the_networks_model_embeds_images(ran, tmp_path, monkeypatch):
    from PIL import Image
    from quick import Narrow

    monkeypatch.setattr("modc.networks.backbone.ResNet", Narrow)
    monkeypatch.chdir(ran)
    monkeypatch.syspath_prepend(ran)
    Image.new("RGB", (50, 60), "red").save(tmp_path / "a.png")
    model = ran / "results" / "tiny" / CELL / "baseline/warm_up/model.pt"
    call = ["embed", "--network", "pooled:Pooled", "--checkpoint", model, "--attributes", 8]
    call += ["--output", tmp_path / "a.npz", tmp_path / "a.png"]
    done = CliRunner().invoke(cli, list(map(str, call)))
    assert done.exit_code == 0, done.output
    with np.load(tmp_path / "a.npz") as arrays:
        assert arrays["embedding"].shape == (1, 8, 256)


def test_an_edit_of_the_methods_file_trains_its_cells_alone(ran):
    path = ran / "in_batch.py"
    path.write_text(path.read_text().replace("torch.inf", "1e9"))
    status, output = snakemake(ran, *CALL, "-n")
    assert status == 0, output
    trained = re.findall(r"^rule train:\n(?: .*\n)*? +output: (\S+)", output, re.MULTILINE)
    # Those of both networks.
    assert len(trained) == 2 and all("/seed-0/InBatch/" in output for output in trained)
