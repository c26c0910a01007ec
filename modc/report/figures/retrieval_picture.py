"""The image of Figure 2: rows of queries and their results, each in a frame.

The frame shows whether a result is correct: by color, line style, and a tick or a cross.
"""

import numpy as np
import pandas as pd

from modc.plot_style import new_figure, percent_text, png
from modc.report.figures.figure import BASELINE_METHOD, PAPERS_METHOD

RIGHT, WRONG = "#1A8A3A", "#D0202A"
# Inches of an image, and of the text on the left.
SIDE, WORDS = 0.92, 1.15
NAMES = {BASELINE_METHOD: "baseline", PAPERS_METHOD: "MODC"}


def draw_rows(frame: pd.DataFrame, squares: np.ndarray, title: str) -> bytes:
    """Return a PNG with a row of images for each (case, method) of `frame`, in its order.

    frame: columns case, method, average_precision, rank (0: the query), value_name, same_value;
    squares: its images, uint8 (N, S, S, 3).
    """
    rows = list(frame.groupby(["case", "method"], sort=False))
    count = int(frame["rank"].max()) + 1
    figure = new_figure(WORDS + SIDE * count, 0.5 + (SIDE + 0.12) * len(rows))
    figure.suptitle(title, fontsize="medium")
    grid = figure.subplots(
        len(rows), count + 1, squeeze=False, width_ratios=[WORDS / SIDE, *[1] * count]
    )
    positions = dict(zip(frame.index, range(len(frame)), strict=True))
    for axes, ((case, method), own) in zip(grid, rows, strict=True):
        words = f"{case}\n" if method == BASELINE_METHOD else ""
        axes[0].text(
            1,
            0.5,
            f"{words}{NAMES[method]}\nAP {percent_text(own['average_precision'].iloc[0])}",
            ha="right",
            va="center",
            fontsize=8,
        )
        for ax in axes:
            ax.set_axis_off()
        for place in own.itertuples():
            ax = axes[1 + place.rank]
            ax.imshow(squares[positions[place.Index]], interpolation="antialiased")
            _frame(ax, place)
    return png(figure)


def _frame(axes, place) -> None:
    """Frame an image and write its value; the query's frame is black."""
    from matplotlib.patches import Rectangle

    if place.rank == 0:
        color, line, sign = "#000000", "-", "query"
    elif place.same_value:
        color, line, sign = RIGHT, "-", "✓"
    else:
        color, line, sign = WRONG, (0, (2, 1)), "✗"
    frame = {"fill": False, "ec": color, "ls": line, "lw": 3, "clip_on": False}
    axes.add_patch(Rectangle((0, 0), 1, 1, transform=axes.transAxes, **frame))
    axes.text(
        0.04,
        0.95,
        sign,
        transform=axes.transAxes,
        ha="left",
        va="top",
        fontsize=8,
        color="white",
        bbox={"boxstyle": "square,pad=0.15", "fc": color, "ec": "none"},
    )
    axes.text(
        0.96,
        0.04,
        place.value_name,
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        fontsize=6,
        bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.8},
    )
