"""A method outside this package, from its file to the tables: nothing here is changed for it."""

import json
import re
import shutil

import pandas as pd
import pytest
from project_copy import REPOSITORY, TINY, copied, snakemake

from modc.config import merge

OUTSIDE = REPOSITORY / "tests" / "outside"
CELL = "cells/FashionAI/ASENv2/100/seed-0"
SMALL = {"grid": {"datasets": ["FashionAI"]}, "methods": {"InBatch": {"epochs": 2}}}
CALL = ("--configfile", "in_batch.yaml", "tiny.yaml", "--cores", "2")


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A run of the baseline, MODC, and a method from a file beside the configuration."""
    folder = copied(tmp_path_factory.mktemp("method"), merge(TINY, SMALL))
    for name in ("in_batch.py", "in_batch.yaml"):
        shutil.copy(OUTSIDE / name, folder)
    status, output = snakemake(folder, *CALL, "--quiet", "rules")
    assert status == 0, output
    return folder


def test_the_page_has_the_example_that_is_tested():
    text = (REPOSITORY / "docs" / "extending.md").read_text()
    for name, language in (("in_batch.py", "python"), ("in_batch.yaml", "yaml")):
        blocks = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
        assert (OUTSIDE / name).read_text() in blocks


def test_it_is_trained_scored_and_tabled(ran):
    results = ran / "results" / "tiny"
    curve = pd.read_csv(results / CELL / "InBatch/in_batch/curve.csv")
    assert len(curve) == 2 and (curve["loss"] == curve["in_batch"]).all()
    scores = json.loads((results / CELL / "InBatch/scores.json").read_text())
    assert scores["method"] == "InBatch" and "Acc" not in scores["overall"]
    assert [stage["stage"] for stage in scores["stages"]] == ["warm_up", "in_batch"]
    frame = pd.read_csv(results / "tables" / "table1.csv", keep_default_na=False)
    own = frame[(frame["method"] == "InBatch") & (frame["network"] == "ASENv2")]
    assert set(own["published"]) == {""} and set(own["query_label"]) == {""}
    there = own[(own["attribute"] == "overall") & (own["metric"] == "MAP@100")].iloc[0]
    assert float(there["ours"]) == scores["overall"]["MAP@100/hits"]
    baseline = json.loads((results / CELL / "baseline/scores.json").read_text())
    gain = scores["overall"]["MAP@100/hits"] - baseline["overall"]["MAP@100/hits"]
    assert float(there["gain"]) == pytest.approx(gain)


def test_it_stands_below_the_papers_rows_and_on_the_page(ran):
    results = ran / "results" / "tiny"
    ours, published = (results / "tables" / "table1.md").read_text().split("Published", 1)
    assert ours.index("| InBatch(ASENv2)") > ours.index("MODC(ASEN++)")
    assert "InBatch" not in published
    assert "InBatch(ASENv2)" in (results / "report.html").read_text()


def test_an_edit_of_its_file_trains_its_cells_alone(ran):
    assert "Nothing to be done" in snakemake(ran, *CALL, "--quiet", "rules")[1]
    path = ran / "in_batch.py"
    path.write_text(path.read_text().replace("torch.inf", "1e9"))
    status, output = snakemake(ran, *CALL, "-n")
    assert status == 0, output
    trained = re.findall(r"^rule train:\n(?: .*\n)*? +output: (\S+)", output, re.MULTILINE)
    assert len(trained) == 1 and f"{CELL}/InBatch/" in trained[0]
