"""Figure 1: t-SNE of the test split in the universal, an attribute-specific, and the class-specific
spaces (supplement, Figure 1).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from modc import datasets, paths
from modc.errors import UserError
from modc.evaluation.prioritized import nearest_values
from modc.evaluation.ranking import unit
from modc.grid import Cell
from modc.plot_style import look, new_figure, png
from modc.report.figures.figure import PAPERS_METHOD, Figure
from modc.report.figures.pictures import pictures
from modc.report.figures.points import flat_map, sample
from modc.report.figures.run import Run, shown_cell

NAME = "figure1"
MOST_POINTS = 800
# A ResNet-50 takes minutes for these on one CPU core.
MOST_PICTURES = 480
SEED = 0
COLUMNS = ["space", "image", "attribute", "value", "nearest", "x", "y"]
CENTER = -1  # the image number of a cluster center


@dataclass(frozen=True)
class _Test:
    """All rows of the test split: image, attribute, value, embedding; centers of one attribute."""

    rows: pd.DataFrame
    embedding: np.ndarray
    centers: np.ndarray
    key: str


def draw(run: Run) -> Figure:
    """Draw Figure 1 of MODC, without the universal space if its features are unavailable.

    Raises UserError if the cell has no embeddings.
    """
    cell = shown_cell(run.config, NAME)
    index = run.index(cell.dataset)
    attribute = int(np.argmax(index.values))  # the one with the most values
    test = _read(run, cell, attribute)
    try:
        universal, why = _universal(run, cell, test), ""
    except (UserError, OSError) as error:
        universal, why = None, str(error)
    special = _attribute_map(test, attribute)
    figure = new_figure(11, 4.6)
    axes = figure.subplots(1, 3)
    shown = [name.replace("_", " ") for name in index.attributes]
    if universal is None:
        axes[0].text(0.5, 0.5, "not drawn, see the caption", ha="center", va="center")
    else:
        _scatter(axes[0], universal, universal["attribute"].to_numpy(), dict(enumerate(shown)))
    named = datasets.of(run.config, cell.dataset)
    values = {
        value: named.value_name(index.attributes[attribute], value)
        for value in range(index.values[attribute])
    }
    _scatter(axes[1], special, special["value"].to_numpy(), values)
    _scatter(axes[2], special, special["nearest"].to_numpy(), values, wrong=True)
    for letter, ax, title in zip(
        "abc",
        axes,
        (
            "universal space\nby attribute",
            f"space of {shown[attribute]}\nby value",
            "class-specific spaces\nby nearest center",
        ),
        strict=True,
    ):
        ax.set_title(f"({letter}) {title}", fontsize="medium")
        ax.set(xticks=[], yticks=[], aspect="equal", adjustable="datalim")
    what = f"MODC({cell.network}), {cell.dataset}, {cell.labeled_percent} % of the labels"
    figure.suptitle(f"t-SNE of the test split: {what}", fontsize="medium")
    points = special[special["image"] != CENTER]
    right = float((points["value"] == points["nearest"]).mean())
    return Figure(
        picture=png(figure),
        data=pd.concat([part for part in (universal, special) if part is not None]),
        title=f"Figure 1: the spaces of {what}",
        caption=_caption(shown[attribute], universal, points, cell, why)
        + run.why_not_comparable(cell, PAPERS_METHOD),
        alt=f"Three scatter plots of {what}: images by attribute, and those annotated for "
        f"{shown[attribute]} by value and by nearest cluster center; the nearest center is that of "
        f"the point's own value for {100 * right:.0f} % of the points.",
    )


def _caption(
    attribute: str, universal: pd.DataFrame | None, points: pd.DataFrame, cell: Cell, why: str
) -> str:
    first = (
        f"(a) is left out: {why}."
        if universal is None
        else f"(a) The universal space: average-pooled backbone features of "
        f"{len(universal)} test images, colored by annotated attribute."
    )
    return (
        f"{first} (b) The embeddings for {attribute} of {len(points)} test images, colored by "
        f"value; stars are the cluster centers. (c) The same map, colored by nearest cluster "
        f"center, which divides it into class-specific spaces; an open mark is an image whose "
        f"value is another one. Colors and marks mean the same in (b) and (c). Seed {cell.seed}. "
        f"t-SNE has no scale, and distances between groups mean little."
    )


def _read(run: Run, cell: Cell, attribute: int) -> _Test:
    """Return the test split of a cell and its centers of `attribute`."""
    arrays, facts = run.embeddings(cell, PAPERS_METHOD)
    index = run.index(cell.dataset)
    rows = pd.concat([index.rows("test", role) for role in ("query", "candidate")])
    stored = np.concatenate([arrays[f"{role}_value"] for role in ("query", "candidate")])
    if "centers" not in arrays or not np.array_equal(stored, rows["value"]):
        raise UserError(
            f"{run.stage_folder(cell, PAPERS_METHOD) / paths.EMBEDDINGS}: not MODC's of this index"
        )
    embedding = np.concatenate([arrays[f"{role}_embedding"] for role in ("query", "candidate")])
    return _Test(
        rows.reset_index(drop=True), unit(embedding), arrays["centers"][attribute], facts["key"]
    )


def _universal(run: Run, cell: Cell, test: _Test) -> pd.DataFrame:
    from modc.report.figures.universal import pooled_features

    once = test.rows.drop_duplicates("image")
    chosen = once.iloc[sample(once["attribute"].to_numpy(), MOST_PICTURES, SEED)]
    squares = pictures(run, cell.dataset, chosen["image"].to_numpy())
    model = run.stage_folder(cell, PAPERS_METHOD) / paths.MODEL
    features = pooled_features(model, test.key, squares)
    return _frame("universal", chosen, flat_map(features, SEED))


def _attribute_map(test: _Test, attribute: int) -> pd.DataFrame:
    """Return the map of one attribute's embeddings and of its centers, which come last."""
    own = np.flatnonzero(test.rows["attribute"] == attribute)
    own = own[sample(test.rows["value"].to_numpy()[own], MOST_POINTS, SEED)]
    values = np.flatnonzero(np.isfinite(test.centers).all(axis=1))
    vectors = np.concatenate([test.embedding[own], unit(test.centers[values])])
    centers = pd.DataFrame({"image": CENTER, "attribute": attribute, "value": values})
    frame = _frame("attribute", pd.concat([test.rows.iloc[own], centers]), flat_map(vectors, SEED))
    return frame.assign(nearest=nearest_values(vectors, test.centers, 1)[:, 0])


def _frame(space: str, rows: pd.DataFrame, points: np.ndarray) -> pd.DataFrame:
    places = dict(zip("xy", points.round(3).T, strict=True))
    frame = rows.reset_index(drop=True).assign(space=space, **places)
    return frame.reindex(columns=COLUMNS).astype({"nearest": "Int64"})


def _scatter(axes, points: pd.DataFrame, groups: np.ndarray, names: dict[int, str], wrong=False):
    """Draw the points of each group in its own color and mark, and the centers as stars.

    names: of the groups, for the legend. wrong: open marks where the nearest center is wrong.
    """
    is_center = (points["image"] == CENTER).to_numpy()
    is_open = wrong & (points["value"] != points["nearest"]).fillna(False).to_numpy(bool)
    x, y = points["x"].to_numpy(), points["y"].to_numpy()
    for group in np.unique(groups):
        color, mark = look(int(group))
        own = (groups == group) & ~is_center
        axes.scatter([], [], 16, color, marker=mark, label=names[group])
        for chosen, face in ((own & ~is_open, color), (own & is_open, "none")):
            axes.scatter(
                x[chosen], y[chosen], 14, marker=mark, fc=face, ec=color, lw=0.7, alpha=0.8
            )
        here = is_center & (groups == group)
        axes.scatter(x[here], y[here], 110, color, marker="*", ec="black", lw=0.8, zorder=3)
    columns = 10 if all(len(name) <= 2 for name in names.values()) else 2
    legend = {"fontsize": "x-small", "handletextpad": 0.1, "columnspacing": 0.8}
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=columns, **legend)
