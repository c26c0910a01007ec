"""The ablation's table: differences and their intervals, shared models, and what is missing."""

import json

import numpy as np
import pytest

from modc import paths
from modc.ablation import ablation_cells, variants
from modc.grid import last_stage, settings_chain
from modc.report.ablation import SAME, ablation_table, render
from modc.report.results import STALE

METHODS = ("baseline", "modc")

QUERIES = 60


@pytest.fixture
def write_ablation(config, scores_of, tmp_path):
    """Write scores of the default (""), and of each variant by name, from gains over noise."""
    config["ablation"]["assumptions"] = ["A3", "A4", "A12"]

    def write(gains: dict[str, float], seeds=(0,)):
        config["grid"]["seeds"] = list(seeds)
        named = {variant.name: variant.config for variant in variants(config)}
        for name, gain in gains.items():
            own = named.get(name, config)
            for cell in ablation_cells(config):
                for method in METHODS:
                    root = tmp_path / paths.variant_folder(name) if name else tmp_path
                    folder = root / paths.method_folder(cell, method)
                    folder.mkdir(parents=True)
                    scores = scores_of(cell, method)
                    last = last_stage(own, cell, method)
                    scores["overall"]["queries"] = QUERIES
                    scores["coverage"]["overall"]["query"] = [3600, QUERIES]
                    scores["settings_chain"] = settings_chain(own, cell, method, last)
                    if method == "modc":
                        by_label = scores["overall"]["prioritized"]["top1"]["known"]
                        of_seed = gain[cell.seed] if isinstance(gain, tuple) else gain
                        value = 0.5 + cell.seed / 100 + of_seed
                        by_label |= {"MAP@100": value, "MAP@100/hits": value}
                    (folder / "scores.json").write_text(json.dumps(scores))
        return tmp_path

    return write


def said(folder, config) -> str:
    """What goes to the terminal."""
    return render(folder, config)[-1].read_text()


def test_a_difference_of_one_seed_has_no_interval(config, write_ablation):
    folder = write_ablation({"": 0.0, "A4-margin": 0.25, "A3-momentum_0.5": -0.125})
    frame = ablation_table(folder, config).set_index("alternative")
    margin = frame.loc["margin"]
    assert margin["difference"] == pytest.approx(0.25)
    assert margin[["low", "high", "noise"]].isna().all()
    assert frame.loc["momentum_0.5", "difference"] == pytest.approx(-0.125)
    assert frame.loc["memory_bank", "status"] == "not run"
    assert np.isnan(frame.loc["memory_bank", "difference"])
    assert (frame.loc["this run", "assumption"], frame.loc["this run", "status"]) == ("", "")
    assert "sign alone" in said(folder, config) and "unknown" in said(folder, config)


def test_the_interval_is_between_trainings_paired_by_seed(config, write_ablation):
    folder = write_ablation({"": 0.0, "A4-margin": (0.02, 0.03, 0.01)}, seeds=(0, 1, 2))
    row = ablation_table(folder, config).set_index("alternative").loc["margin"]
    assert row["seeds"] == 3
    assert row["difference"] == pytest.approx(0.02)
    # Student's t for two degrees of freedom: 4.3027; the seeds' own spread is not in it.
    half = 4.3027 * 0.01 / np.sqrt(3)
    assert row[["low", "high"]].tolist() == pytest.approx([0.02 - half, 0.02 + half], rel=1e-4)
    assert row["noise"] == pytest.approx(4.3027 * 0.01 * np.sqrt(2), rel=1e-4)


def test_the_files_say_what_they_show(config, write_ablation):
    folder = write_ablation({"": 0.0, "A4-margin": 0.25})
    files, text = render(folder, config), said(folder, config)
    endings = (".md", ".tex", "-standalone.tex", ".csv")
    names = [f"ablation{ending}" for ending in endings]
    assert [path.name for path in files] == [*names, "summary.txt"]
    markdown = files[0].read_text()
    assert "MODC(ASENv2)_top1, FashionAI, 10 % of the labels" in text
    assert "A4 cluster-level loss: margin" in markdown and "+25.00" in markdown
    assert r"A3 memory\_\allowbreak{}bank: not run." in files[1].read_text()
    assert "between trainings" in markdown and "nan" not in markdown
    assert r"\begin{tabular}" in files[1].read_text()


def test_drawn_images_are_named_as_that(config, write_ablation):
    folder = write_ablation({"": 0.0, "A4-margin": 0.25})
    for path in folder.rglob("scores.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "generated": True}))
    text = said(folder, config)
    assert "Not the paper's data: drawn images, not FashionAI." in text and "+25.00" in text


def test_what_cannot_matter_here_is_called_the_same(config, write_ablation):
    config["ablation"]["cell"]["labeled_percent"] = 100
    folder = write_ablation({"": 0.0})
    config["ablation"]["assumptions"] = ["A5", "A14"]
    for variant in variants(config):
        (folder / "ablation" / variant.name).mkdir(parents=True)
        (folder / "ablation" / variant.name / "cells").symlink_to(folder / "cells")
    frame = ablation_table(folder, config).set_index("alternative")
    expected = "the same model and scores of MODC: this cell does not depend on it"
    assert frame.loc["no_predictor", "status"] == expected
    assert frame.loc["branches", "status"] == expected
    assert "same" in said(folder, config)


def test_another_recipe_of_the_baseline_is_said_to_leave_modc_alone(config, write_ablation):
    config["methods"]["modc"]["warm_up"]["ASENv2"] = "apart"
    folder = write_ablation({"": 0.0})
    config["ablation"]["assumptions"] = ["A19"]
    (folder / "ablation" / "A19-as_modc").mkdir(parents=True)
    for path in folder.glob("cells/**/scores.json"):
        copy = folder / "ablation" / "A19-as_modc" / path.relative_to(folder)
        copy.parent.mkdir(parents=True)
        scores = json.loads(path.read_text())
        if scores["method"] == "baseline":
            (variant,) = variants(config)
            cell = ablation_cells(config)[0]
            stage = last_stage(variant.config, cell, "baseline")
            scores["settings_chain"] = settings_chain(variant.config, cell, "baseline", stage)
        copy.write_text(json.dumps(scores))
    row = ablation_table(folder, config).set_index("alternative").loc["as_modc"]
    same, _, why = row["status"].partition(": ")
    assert same == SAME and "baseline" in why


def test_the_runs_own_setting_is_called_so(config, write_ablation):
    config["methods"]["modc"]["cluster_loss"] = "margin"
    folder = write_ablation({"": 0.0, "A4-margin": 0.0})
    frame = ablation_table(folder, config).set_index("alternative")
    assert frame.loc["margin", "status"] == f"{SAME}: the run has this setting"


def test_where_a_seed_is_missing_all_numbers_are_of_the_others(config, write_ablation):
    folder = write_ablation({"": 0.0, "A4-margin": 0.25}, seeds=(0, 1))
    (lost,) = folder.glob("cells/*/*/*/seed-1/modc/scores.json")
    lost.unlink()
    frame = ablation_table(folder, config).set_index("alternative")
    run, margin = frame.loc["this run"], frame.loc["margin"]
    assert run["seeds"] == margin["seeds"] == 1
    assert run["status"] == "1 of 2 seeds, the others: not run"
    assert margin["status"] == "1 of 2 seeds, the others: not in the run"
    assert margin["difference"] == pytest.approx(0.25)
    assert margin["modc"] == pytest.approx(run["modc"] + 0.25)  # both of seed 0


def test_stale_scores_and_an_absent_default_are_no_numbers(config, write_ablation):
    folder = write_ablation({"": 0.0, "A4-margin": 0.25})
    config["methods"]["modc"]["self_supervision_weight"] = 2.0
    frame = ablation_table(folder, config)
    assert frame["difference"].isna().all()
    assert frame.set_index("alternative").loc["margin", "status"] == STALE


def test_without_a_default_there_is_no_difference(config, write_ablation):
    frame = ablation_table(write_ablation({"A4-margin": 0.25}), config).set_index("alternative")
    assert frame.loc["margin", "status"] == "the run has no scores to compare with"
    assert frame.loc["margin", "modc"] > 0 and np.isnan(frame.loc["margin", "difference"])


def test_nothing_run_renders_too(config, tmp_path):
    assert said(tmp_path, config).count("not run") >= len(variants(config))
    assert all(path.exists() for path in render(tmp_path, config))
