import shutil

import pytest

from modc.errors import UserError
from modc.grid import cells
from modc.papers.paper import Course
from modc.report.figures import curves
from modc.report.figures.run import Run

from .conftest import write_curves

CELLS = "cells/FashionAI/ASENv2"


@pytest.fixture
def run(tmp_path, config, without_ink) -> Run:
    """A run that has curves alone."""
    for cell in cells(config):
        write_curves(tmp_path, config, cell)
    return Run(tmp_path, config)


def chain(data, method):
    """The validation scores of a method's stages with all labels."""
    own = data[(data["labeled_percent"] == 100) & (data["method"] == method)]
    return own[own["quantity"] == "valid_MAP@all"]


def test_epochs_count_on_over_the_stages(run):
    data = curves.draw(run, "FashionAI", "ASENv2").data
    own = chain(data, "modc")
    assert own["stage"].tolist() == ["warm_up"] * 3 + ["supervised"] * 3
    assert own["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    assert own["epoch_of_stage"].tolist() == [1, 2, 3] * 2
    assert own["value"].tolist() == [0.1, 0.2, 0.3] * 2


def test_each_method_has_a_row_of_its_own_stages(run, monkeypatch):
    drawn = []
    monkeypatch.setattr(curves, "png", lambda figure: drawn.append(figure) or b"")
    data = curves.draw(run, "FashionAI", "ASENv2").data
    assert chain(data, "baseline")["stage"].tolist() == ["warm_up"] * 3
    labels = [axes.get_ylabel().split("\n")[0] for axes in drawn[0].axes[::2]]
    assert labels == [f"{m}, {p} % labels" for p in (10, 100) for m in ("baseline", "modc")]


def test_losses_and_validation_alone_are_drawn(run):
    data = curves.draw(run, "FashionAI", "ASENv2").data
    assert set(data["quantity"]) == {"loss", "triplet", "cluster", "valid_MAP@all", "valid_Acc"}
    # A warm-up has no centers.
    assert "valid_Acc" not in set(data.loc[data["stage"] == "warm_up", "quantity"])


def test_a_cell_that_is_not_trained_is_said_and_one_under_way_is_drawn(run):
    shutil.rmtree(run.folder / CELLS / "10")
    (run.folder / CELLS / "100" / "seed-0" / "modc" / "supervised" / "curve.csv").unlink()
    figure = curves.draw(run, "FashionAI", "ASENv2")
    assert "Not trained yet: baseline at 10 %, modc at 10 % of the labels." in figure.caption
    assert set(figure.data["stage"]) == {"warm_up"}


def test_no_curve_is_no_figure(run):
    shutil.rmtree(run.folder / CELLS)
    with pytest.raises(UserError, match=r"no stage of ASENv2 on FashionAI has a curve\.csv"):
        curves.draw(run, "FashionAI", "ASENv2")


def test_every_seed_is_drawn_and_the_first_with_marks(run, config, monkeypatch):
    first = run.folder / CELLS / "100" / "seed-0"
    shutil.copytree(first, first.with_name("seed-1"))
    # Its warm-up took an epoch less.
    curve = first.with_name("seed-1") / "baseline" / "warm_up" / "curve.csv"
    curve.write_text("".join(curve.read_text().splitlines(keepends=True)[:-1]))
    config["grid"]["seeds"] = [0, 1, 2]
    drawn = []
    monkeypatch.setattr(curves, "png", lambda figure: drawn.append(figure) or b"")
    figure = curves.draw(run, "FashionAI", "ASENv2")
    own = chain(figure.data, "modc")
    assert own.loc[own["seed"] == 0, "epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    assert own.loc[own["seed"] == 1, "epoch"].tolist() == [1, 2, 3, 4, 5]
    assert "Thin lines" in figure.caption
    assert "seeds 0, 1" in drawn[0].get_suptitle()
    axes = next(own for own in drawn[0].axes if own.get_ylabel().startswith("modc, 100 %"))
    lines = [line for line in axes.lines if len(line.get_xdata()) > 2]
    marked = [line.get_marker() != "None" for line in lines]
    assert any(marked) and not all(marked)
    # One line that parts the two stages: the first seed's.
    parting = [line for line in axes.lines if line.get_linestyle() == ":"]
    assert [line.get_xdata()[0] for line in parting] == [3.5]


COURSE = Course("FashionAI", "a network", "a log", ((1, 0.2), (3, 0.4), (9, 0.5)))


def test_a_published_course_is_drawn_beside_the_baseline_with_all_labels(run, monkeypatch):
    before = curves.draw(run, "FashionAI", "ASENv2").data
    run.config["datasets"]["FashionAI"].pop("generate", None)
    monkeypatch.setattr(curves, "courses", lambda config, dataset: [COURSE])
    figure = curves.draw(run, "FashionAI", "ASENv2")
    data, points = figure.data[: len(before)], figure.data[len(before) :]
    assert data["value"].tolist() == before["value"].tolist()
    # As far as the first stage of three epochs goes.
    assert points[["labeled_percent", "epoch", "value"]].values.tolist() == [
        [100, 1, 0.2],
        [100, 3, 0.4],
    ]
    assert points["seed"].isna().all() and "a log" in figure.caption


@pytest.mark.parametrize(
    ("course", "settings"),
    [
        (Course("FashionAI", "a network", "a log", ((1, 0.2), (9, 0.4))), {}),
        (COURSE, {"generate": {"images": 300, "seed": 0}}),
    ],
)
def test_no_course_is_drawn_of_one_point_or_beside_drawn_images(run, monkeypatch, course, settings):
    run.config["datasets"]["FashionAI"].pop("generate", None)
    run.config["datasets"]["FashionAI"] |= settings
    monkeypatch.setattr(curves, "courses", lambda config, dataset: [course])
    figure = curves.draw(run, "FashionAI", "ASENv2")
    assert figure.data["seed"].notna().all() and "a log" not in figure.caption
