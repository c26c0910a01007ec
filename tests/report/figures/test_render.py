"""All figures of a run: the same each time, and each without what it does not need."""

import io
import shutil
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from modc.report.figures import retrieval
from modc.report.figures.listing import LISTING, read_figures
from modc.report.figures.render import render
from modc.report.figures.run import Run

EXAMPLES = ["figure2-skirt-length.png", "figure2-neckline-design.png"]
CURVES = "curves-fashionai-asenv2.png"
ALL = ["figure1.png", *EXAMPLES, "labels-fashionai.svg", "gain.svg", CURVES]
CELL = "cells/FashionAI/ASENv2/100/seed-0"


def drawn_by_file(folder: Path) -> dict[str, dict]:
    drawn, _ = read_figures(folder)
    return {figure["file"]: figure for figure in drawn}


def pictures_of(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (folder / "figures").iterdir()}


def test_everything_is_drawn_and_the_same_each_time(full_run, config, monkeypatch):
    monkeypatch.setattr(retrieval, "FOUND", 2)  # of eight, which take most of the time
    folder = full_run()
    paths, left_out = render(folder, config)
    assert left_out == {}
    first = pictures_of(folder)
    assert {path.name for path in paths} == set(first)
    assert set(first) == {*ALL, *(f"{Path(name).stem}.csv" for name in ALL), LISTING}
    assert list(drawn_by_file(folder)) == ALL
    for figure in drawn_by_file(folder).values():
        assert all(figure[words].strip() for words in ("title", "caption", "alt"))
        data = pd.read_csv(folder / "figures" / figure["data"])
        assert len(data)
    shutil.rmtree(folder / "figures")
    render(folder, config)
    assert pictures_of(folder) == first


def test_rows_of_images_are_small_enough_for_a_page(full_run, config):
    # Of noise, which no compression makes small.
    picture = retrieval.draw(Run(full_run(), config), "skirt_length").picture
    assert Image.open(io.BytesIO(picture)).mode == "P"
    assert len(picture) < 400_000


def test_a_run_that_has_nothing_names_every_figure_with_its_reason(config, tmp_path):
    paths, left_out = render(tmp_path, config)
    assert [path.name for path in paths] == [LISTING]
    assert list(left_out) == ALL
    assert all(left_out.values())
    drawn, missing = read_figures(tmp_path)
    assert drawn == []
    assert [place["file"] for place in missing] == ALL


@pytest.mark.parametrize(
    ("lost", "without", "reason"),
    [
        ("modc/supervised/test.npz", ["figure1.png", *EXAMPLES], "no embeddings"),
        ("baseline/warm_up/test.npz", EXAMPLES, "no embeddings"),
        ("modc/queries.csv", EXAMPLES, "no scores"),
        ("modc/scores.json", [], ""),
    ],
)
def test_a_missing_part_leaves_out_what_needs_it_alone(
    without_ink, full_run, config, lost, without, reason
):
    folder = full_run()
    (folder / CELL / lost).unlink()
    _, left_out = render(folder, config)
    assert list(left_out) == without
    assert all(reason in said and str(folder / CELL / lost) in said for said in left_out.values())


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe"])
@pytest.mark.parametrize(
    ("file", "without"),
    [
        ("modc/supervised/test.npz", ["figure1.png", *EXAMPLES]),
        ("modc/queries.csv", EXAMPLES),
        ("modc/supervised/curve.csv", [CURVES]),
    ],
)
def test_a_damaged_file_is_named(without_ink, full_run, config, file, without, damage):
    folder = full_run()
    (folder / CELL / file).write_bytes(damage)
    _, left_out = render(folder, config)
    assert list(left_out) == without
    assert all(str(folder / CELL / file) in said for said in left_out.values())


@pytest.mark.parametrize("changed", ["", "scores.json", "curve.csv"])
def test_without_embeddings_what_still_holds_stays(without_ink, full_run, config, changed):
    folder = full_run()
    render(folder, config)
    before = {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
    (folder / CELL / "modc" / "supervised" / "test.npz").unlink()
    if changed == "scores.json":
        (folder / CELL / "modc" / changed).unlink()
    if changed == "curve.csv":
        (folder / CELL / "modc" / "supervised" / changed).write_bytes(b"")
    written, left_out = render(folder, config)
    after = {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
    assert {path.name for path in written} == after.keys()
    gone = {"": [], "scores.json": ["figure1.png", *EXAMPLES], "curve.csv": [CURVES]}[changed]
    assert list(left_out) == gone
    gone += [Path(name).with_suffix(".csv").name for name in gone]
    assert after.keys() == before.keys() - {*gone}
    kept = {"figure1.png", *EXAMPLES} - {*gone}
    assert all(after[name] == before[name] for name in kept)
    assert kept <= drawn_by_file(folder).keys()


@pytest.mark.parametrize("lost", ["pictures", "model"])
def test_figure_1_without_the_universal_space(without_ink, full_run, config, lost):
    folder = full_run()
    if lost == "model":
        (folder / CELL / "modc" / "supervised" / "model.pt").unlink()
    else:
        shutil.rmtree(Path(config["data"]) / "FashionAI" / "prepared" / "packed")
    _, left_out = render(folder, config)
    assert list(left_out) == ([] if lost == "model" else EXAMPLES)
    figure = drawn_by_file(folder)["figure1.png"]
    assert "(a) is left out" in figure["caption"]
    data = pd.read_csv(folder / "figures" / "figure1.csv")
    assert set(data["space"]) == {"attribute"}


def test_embeddings_of_another_index_are_not_drawn(without_ink, full_run, config):
    folder = full_run()
    shutil.rmtree(Path(config["data"]))
    other = full_run(lambda turn, values: (turn + 1) % values)
    kept = (other / CELL / "modc" / "supervised" / "test.npz").read_bytes()
    shutil.rmtree(Path(config["data"]))
    full_run()
    (folder / CELL / "modc" / "supervised" / "test.npz").write_bytes(kept)
    _, left_out = render(folder, config)
    assert list(left_out) == ["figure1.png", *EXAMPLES]
    assert all("another index" in reason for reason in left_out.values())


def test_one_value_only(without_ink, full_run, config):
    folder = full_run(lambda turn, values: 0)
    assert render(folder, config)[1] == {}
    data = pd.read_csv(folder / "figures" / "figure2-skirt-length.csv")
    assert data["same_value"].all()
    assert (data["average_precision"] == 1).all()


def test_retrieval_shows_what_was_scored(without_ink, full_run, config):
    folder = full_run()
    data = retrieval.draw(Run(folder, config), "neckline_design").data
    shown = data.drop_duplicates(["case", "method"])
    queries = {m: pd.read_csv(folder / CELL / m / "queries.csv") for m in ("baseline", "modc")}
    gain = queries["modc"]["top1/known/MAP@all"] - queries["baseline"]["MAP@all"]
    own = gain[queries["modc"]["attribute"] == 1]
    ap = shown.pivot(index="case", columns="method", values="average_precision")
    shown_gain = ap["modc"] - ap["baseline"]
    assert shown_gain["gains most"] == pytest.approx(own.max(), abs=2e-4)
    assert shown_gain["gains least"] == pytest.approx(own.min(), abs=2e-4)
    # The frames: right exactly where the value is the query's.
    assert (data["same_value"] == (data["value"] == data["query_value"])).all()
    assert data.groupby(["case", "method"]).size().eq(9).all()
