"""The whole page, as a parser sees it: whatever a run has or has not."""

import itertools
import re
import shutil
from pathlib import Path

import pytest
import yaml
from made_tables import published
from parsed_page import Parsed

from modc import paths
from modc.cost import cell_stages
from modc.grid import cells
from modc.report.page.content import page_data
from modc.report.page.page import render

METHODS = ("baseline", "modc")

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def page_of(config):
    def make(folder):
        return Parsed(render(folder, config).read_text())

    return make


def small_grid(config, percents, network="ASEN"):
    """Leave one network on FashionAI: the paper's tables are laid out all the same."""
    config["grid"] |= {"datasets": ["FashionAI"], "networks": [network]}
    config["grid"]["labeled_percent"] = {"FashionAI": percents}


def check(page):
    """What holds for every page."""
    assert len(page.ids) == len(set(page.ids))
    inside = [link for link in page.links if link.startswith("#")]
    assert inside and {link[1:] for link in inside} <= set(page.ids)
    outside = [link for link in page.links if not link.startswith("#")]
    assert not any(re.match(r"\w+:|//", link) for link in outside)
    assert all(source.startswith("data:") for source in page.sources)
    assert not any(tag == "link" or "srcset" in own for tag, own in page.tags)
    assert [tag for tag, _ in page.tags if tag in ("h1", "main", "header", "nav")] == [
        "header",
        "nav",
        "main",
        "h1",
    ]
    assert ("html", {"lang": "en"}) in page.tags
    text = page.text("pre")
    assert "nan" not in re.findall(r"\b\w+\b", text.lower())
    assert "None" not in text and "Undefined" not in text
    tables = sum(tag == "table" for tag, _ in page.tags)
    assert sum(tag == "caption" for tag, _ in page.tags) == tables


def test_a_whole_run(write_run, config):
    folder = write_run(config)
    epochs = "".join(f"{i},{(i * 37 % 100) / 100}\n" for i in range(1, 201))
    for cell in cells(config):
        for method, stage in cell_stages(config, cell):
            path = folder / paths.stage_folder(cell, method, stage) / "curve.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("epoch,valid_MAP@all\n" + epochs)
    path = render(folder, config)
    assert path.stat().st_size < 2e6
    page = Parsed(path.read_text())
    check(page)
    assert "missing" not in page.ids
    for place in published().to_dict("records"):
        assert any(name.startswith(f"{place['table']}-") for name in page.ids)
    places = [name for name in page.ids if re.match(r"table\d-[A-Z]", name)]
    assert len(places) == 327
    assert sum(name.startswith("run-") for name in page.ids) == 42
    # Ours, published, difference and verdict of each.
    assert sum(link[1:] in set(places) for link in page.links) >= 4 * 327
    assert "All 42 trainings" in page.text()


def test_an_empty_run(page_of, tmp_path):
    page = page_of(tmp_path)
    check(page)
    text = page.text()
    assert "This run says nothing about the paper yet: it has no numbers." in text
    assert "0 of 42 trainings" in text.replace("  ", " ")


def test_a_half_finished_run_with_failures(page_of, write_run, config):
    small_grid(config, [1, 10, 100])
    folder = write_run(config)
    failed, damaged, stopped, *_ = cells(config)
    for method in METHODS:
        shutil.rmtree(folder / paths.method_folder(failed, method))
    (folder / paths.scores(damaged, "baseline")).write_text("{")
    (folder / paths.scores(stopped, "modc")).unlink()
    logs = {
        failed: "modc: error: no room </script><b>",
        stopped: "epoch 7",
    }
    for cell, text in logs.items():
        log = folder / paths.train_log(cell, "baseline", "warm_up")
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(text)
    page = page_of(folder)
    check(page)
    text = page.text()
    assert "missing" in page.ids
    assert "failed in warm_up: no room </script><b>" in text
    assert "scores.json is not JSON" in text
    assert "not finished: warm_up started" in text and "epoch 7" in text
    assert "2 of 6" in text
    place = next(
        own
        for own in page_data(folder, config)["places"]
        if own["run"].startswith(
            f"run-{failed.dataset}-{failed.network}-{failed.labeled_percent}-modc"
        )
    )
    assert (place["badge"], place["status"]) == ("failed", "failed in warm_up")
    assert place["seeds"][0]["why"] == "failed in warm_up"


def test_three_seeds_one_of_which_is_missing(page_of, write_run, config):
    small_grid(config, [10, 100])
    config["grid"]["seeds"] = [0, 1, 2]
    folder = write_run(config)
    first = cells(config)[2]
    for method in METHODS:
        shutil.rmtree(folder / paths.method_folder(first, method))
    page = page_of(folder)
    check(page)
    assert "standard deviation over the seeds" in page.text()
    shown = [text for tag, text in page.texts if tag == "h4"]
    assert shown == ["Seed 0", "Seed 1", "Seed 2"] * 4


def test_a_dataset_that_the_paper_does_not_have(page_of, write_run, config):
    config["grid"]["datasets"] = ["FashionMNIST"]
    page = page_of(write_run(config))
    check(page)
    assert "table-FashionMNIST-ASEN-baseline-100-overall-MAP-100" in page.ids
    text = page.text()
    assert "Do the paper's claims hold on FashionMNIST?" in text
    assert "FashionMNIST with 100 % of the labels; " in text
    assert "On FashionMNIST, a dataset not in the paper," in text
    # Nothing of the grid is missing, and none of the paper's numbers was asked for.
    assert "missing" not in page.ids and "no numbers" not in text
    assert "51 missing" not in text and "The paper's numbers by verdict" not in text
    # Its own cells stand there, and its own table comes first.
    assert "The 6 cells on FashionMNIST" in text
    assert text.index("FashionMNIST, a dataset not in the") < text.index("Table 1: FashionAI")
    assert "5 of the paper's tables are not in this run's grid" in text


def test_a_smaller_grid_than_the_papers(page_of, write_run, config):
    config["grid"] |= {"datasets": ["FashionAI"], "networks": ["ASEN", "ASENv2"]}
    config["grid"]["labeled_percent"]["FashionAI"] = [10, 100]
    folder = write_run(config)
    data = page_data(folder, config)
    assert data["absences"] == []
    counted = {entry["verdict"]: entry["count"] for entry in data["verdicts"]}
    assert counted["missing"] == 0 and counted["not in grid"] == 327 - 80
    statuses = {p["verdict"]: p["status"] for p in data["places"] if not p["seeds"]}
    assert statuses == {"not in grid": "not in this run's grid"}
    first = data["claims"][0]["sides"][0]
    assert (first["side"], first["counts"]["not in grid"]) == ("ours", 51 - 16)
    page = page_of(folder)
    check(page)
    assert "missing" not in page.ids
    assert "80 of the paper's 327 numbers that are in this run's grid" in page.text()
    assert "3 of the paper's tables are not in this run's grid" in page.text()


def test_whatever_files_say_is_text(write_run, write_cell, scores_of, config, page_of):
    nasty = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"
    small_grid(config, [10])
    folder = write_run(config)
    for cell, method in itertools.product(cells(config), METHODS):
        scores = scores_of(cell, method)
        scores["provenance"] = {"device": nasty, "code": {"a": [nasty]}, "machine": None}
        scores["index_sha256"] = nasty
        scores["manifest_sha256"] = nasty
        for stage in scores["stages"]:
            stage["stopped"] = stage["stage"] = nasty
        write_cell(cell, scores, method)
    config["run"] = nasty
    page = page_of(folder)
    scripts = [tag for tag, _ in page.tags if tag == "script"]
    assert len(scripts) == 1 and page.sources == []
    # Of each training: its stages with why they stopped, and what made it.
    assert page.text().count(nasty) > 20


def test_odd_provenance_stops_nothing(write_run, write_cell, scores_of, config, page_of):
    small_grid(config, [1, 5, 10, 100])
    folder = write_run(config)
    odd = [None, [], "text", {"device": []}]
    for cell, provenance in zip(cells(config), odd, strict=True):
        write_cell(cell, scores_of(cell) | {"provenance": provenance})
    check(page_of(folder))


def test_the_numbers_are_those_of_the_scores(write_run, scores_of, config):
    data = page_data(write_run(config), config)
    name = "table4-ASENv2-modc-top1-unknown-10-overall-MAP-all"
    place = next(place for place in data["places"] if place["id"] == name)
    cell = next(
        cell
        for cell in cells(config)
        if (cell.dataset, cell.network, cell.labeled_percent) == ("FashionAI", "ASENv2", 10)
    )
    ours = scores_of(cell, "modc")["overall"]["prioritized"]["top1"]["unknown"]["MAP@all"]
    assert place["ours"] == ours
    assert place["seeds"] == [{"seed": 0, "value": ours, "why": ""}]
    assert place["baseline"] == "table4-ASENv2-baseline-10-overall-MAP-all"
    assert place["run"] == "run-FashionAI-ASENv2-10-modc"
    run = next(run for run in data["runs"] if run["id"] == place["run"])
    assert run["seeds"][0]["folder"] == str(paths.method_folder(cell, "modc"))
    assert run["settings"][0][0] == "warm_up"
    first = yaml.safe_load(run["settings"][0][1])
    assert first["epochs"] == config["training"]["stages"]["ASENv2"]["warm_up"]["epochs"]
    assert first["batch"] == config["training"]["batch"]
    # A later stage lists what differs alone.
    assert "batch" not in yaml.safe_load(run["settings"][1][1])


def test_values_without_a_labeled_image_are_named(write_run, config, page_of):
    absent = [["skirt_length", 3], ["clothes color", 2], ["odd"]]
    small_grid(config, [10])
    folder = write_run(config, absent_values=absent)
    seed = page_data(folder, config)["runs"][0]["seeds"][0]
    assert seed["absent_values"] == ["skirt length Midi", "clothes color 2", "['odd']"]
    assert "skirt length Midi, clothes color 2, ['odd']" in page_of(folder).text()


def test_several_kinds_of_provenance_are_counted(write_run, write_cell, scores_of, config):
    small_grid(config, [10, 100])
    folder = write_run(config, provenance={"device": "cpu"})
    cell = cells(config)[0]
    write_cell(cell, scores_of(cell) | {"provenance": {"device": "cuda"}})
    (source,) = page_data(folder, config)["sources"]
    assert source["name"] == "device"
    assert source["values"] == [{"value": "cpu", "count": 3}, {"value": "cuda", "count": 1}]


def test_rendered_again_to_the_same_bytes(write_run, config):
    small_grid(config, [10, 100])
    folder = write_run(config)
    assert render(folder, config).read_bytes() == render(folder, config).read_bytes()


def test_it_cites_what_the_project_says(page_of, config, tmp_path):
    small_grid(config, [10])
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    page = page_of(tmp_path)
    (cited,) = [text for tag, text in page.texts if tag == "pre" and "@software" in text]
    paper = citation["references"][0]
    for words in (citation["title"], citation["authors"][0]["name"], paper["title"]):
        assert words in cited
    assert " and ".join(author["family-names"] for author in paper["authors"]) in cited
    assert str(paper["year"]) in cited


def test_a_spread_from_the_configuration_is_told_from_a_measured_one(write_run, config, page_of):
    entry = {"dataset": "FashionAI", "labels": "100", "attribute": "overall", "metric": "MAP@100"}
    named = entry | {"sd": 0.004, "dof": 6, "source": "an earlier run"}
    config["report"]["training_sd"] = [named]
    extra = {"dataset": "FashionAI", "network": "ASENv2", "labeled_percent": [10], "seeds": [1]}
    small_grid(config, [10, 100], "ASENv2")
    config["grid"]["extra_seeds"] = [extra]
    folder = write_run(config)
    sources = {
        place["labeled"]: place["source"]
        for place in (
            {**place, "labeled": place["id"].split("-overall")[0].rsplit("-", 1)[1]}
            for place in page_data(folder, config)["places"]
            if place["table"] == "Table 4" and place["training_sd"] is not None
        )
    }
    assert sources == {"100": "an earlier run", "10": ""}
    text = page_of(folder).text()
    assert re.search(r"0\.40 \([^)]*an earlier run, 6 degrees", text)
    assert "(pooled standard deviation, 1 degrees of freedom)" in text
