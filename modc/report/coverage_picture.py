"""The coverage as a chart: the share obtained of each attribute, and of each of its values."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

from modc.atomic import atomic_path
from modc.colors import BLUE, GREEN, ORANGE
from modc.data.index import Index

# Okabe and Ito's colors, which color-blind readers can tell apart; the marks differ too.
SERIES = (
    ("train", "train", "training images", BLUE, "o"),
    ("test", "query", "test queries", ORANGE, "s"),
    ("test", "candidate", "test candidates", GREEN, "^"),
)
LANE = 0.26  # distance of the series of one attribute, in rows
# Area of a value's mark in square points: for one image, and added for each doubling.
VALUE_SIZE, DOUBLING = 14, 4


def draw(path: Path, frame: pd.DataFrame, index: Index, threshold: float) -> None:
    """Draw the share obtained as PNG: one bar per attribute and series, one mark per value.

    frame: columns split, role, attribute, value, expected, obtained. A mark's area grows with the
    logarithm of the number listed. threshold: the share from which a number is comparable.
    """
    # Not the interactive backend: a job has no screen.
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    names = list(index.attributes)
    figure = Figure(figsize=(9, 1.4 + 0.72 * len(names)), layout="constrained")
    axes = figure.subplots()
    for lane, (split, role, label, color, mark) in enumerate(SERIES):
        part = frame[(frame["split"] == split) & (frame["role"] == role)]
        rows = part["attribute"].map({name: row for row, name in enumerate(names)})
        sums = part.groupby(rows)[["expected", "obtained"]].sum()
        heights = sums.index + (lane - 1) * LANE
        shares = 100 * sums["obtained"] / sums["expected"]
        axes.barh(heights, shares, LANE * 0.9, color=color, alpha=0.45, label=label, zorder=2)
        axes.scatter(
            100 * part["obtained"] / part["expected"],
            rows + (lane - 1) * LANE,
            s=VALUE_SIZE + DOUBLING * np.log2(part["expected"]),
            c=color,
            marker=mark,
            edgecolors="white",
            linewidths=0.5,
            zorder=3,
        )
    line = f"comparable from {100 * threshold:g} %"
    axes.axvline(100 * threshold, color="black", lw=1.2, ls="--", label=line, zorder=4)
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.set(xlabel="obtained, percent of those listed")
    # Slightly more than 0 to 100, so that marks at both ends are not cut off.
    axes.set(xlim=(-1.2, 101.2), ylim=(len(names) - 0.4, -0.6))
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    obtained, missing = len(index.images), sum(index.missing.values())
    what = "drawn images" if index.generated else "images"
    axes.set_title(
        f"{index.dataset}: {obtained:,} of {obtained + missing:,} {what}\n"
        "bars: attributes; marks: their values, larger where more are listed",
        fontsize="medium",
    )
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130, metadata={"Software": None})
