"""The learning curve of a stage: its file, its lines in a chart, its points in a small drawing."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from modc import paths
from modc.atomic import atomic_path, write_bytes
from modc.colors import BLACK
from modc.errors import UserError
from modc.plot_style import look, new_figure, png

LOSS, SCORE = "loss", "valid_MAP@all"
# Scores and shares are fractions, and drawn in percent; every other quantity is a loss.
FRACTIONS = ("valid_", "share_")
NO_QUANTITIES = ("epoch", "learning_rate")
# Color and mark of each quantity; of unlabeled images it has the same, dashed and open.
LOOKS = {
    SCORE: look(0),
    "valid_MAP@100": look(10),
    "valid_Acc": look(1),
    "share_pseudo_labeled": look(11),
    "share_pseudo_anchors": look(12),
    LOSS: (BLACK, "."),
    "triplet": look(2),
    "local_triplet": look(3),
    "alignment": look(4),
    "cluster": look(5),
    "self_supervision": look(7),
}
# From here on no look is taken.
FIRST_FREE_LOOK = 16
# The small drawing of a page; of its width, no more points are seen.
WIDTH, HEIGHT, MOST_POINTS = 320.0, 100.0, 120


def write_curve(csv: Path, picture: Path, curve: list[dict], title: str) -> None:
    """Write the rows of `curve`, one an epoch, and draw them: losses above, percentages below.

    Rows have epoch (from 1), learning_rate, loss and its terms, and fractions share_* and valid_*.
    title: says what was trained and why it stopped.
    """
    frame = pd.DataFrame(curve)
    with atomic_path(csv) as temporary:
        frame.to_csv(temporary, index=False)
    figure = new_figure(8, 6)
    figure.suptitle(title, fontsize="medium")
    above, below = figure.subplots(2, sharex=True)
    drawn = looks(quantities(frame))
    for name, own in drawn.items():
        draw_line(below if is_fraction(name) else above, name, frame["epoch"], frame[name], own)
    above.set(ylabel="training loss")
    below.set(xlabel="epoch", ylabel="percent")
    below.set_xlim(frame["epoch"].min() - 0.5, frame["epoch"].max() + 0.5)
    for axes in (above, below):
        finish(axes)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize="small")
    write_bytes(picture, png(figure))


def read_curve(path: Path) -> pd.DataFrame:
    """Return the epochs of a curve.csv and their quantities, all float64.

    Raises UserError where it is not one, OSError where it cannot be read.
    """
    try:
        curve = pd.read_csv(path)
        return curve[["epoch", *quantities(curve)]].astype(float)
    except (ValueError, KeyError):
        raise UserError(f"{path}: not a curve that training writes; train again") from None


def quantities(curve: pd.DataFrame) -> list[str]:
    """Return what a curve has of each epoch."""
    return [name for name in curve if name not in NO_QUANTITIES]


def is_fraction(quantity: str) -> bool:
    """Return whether a quantity is a score or a share, not a loss."""
    return quantity.startswith(FRACTIONS)


def looks(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return the color and the mark of each quantity that is drawn together with the others."""
    names = list(names)
    unknown = [base for base in dict.fromkeys(map(_base, names)) if base not in LOOKS]
    known = LOOKS | {base: look(FIRST_FREE_LOOK + n) for n, base in enumerate(unknown)}
    return {name: known[_base(name)] for name in names}


def draw_line(
    axes,
    quantity: str,
    epochs: pd.Series,
    values: pd.Series,
    own_look: tuple[str, str],
    mark_every: int = 1,
    is_thin: bool = False,
) -> None:
    """Draw a quantity over the epochs of one stage, fractions in percent.

    own_look: as `looks` has it. mark_every: so many epochs. is_thin: without marks, and not in the
    legend.
    """
    color, mark = own_look
    is_unlabeled = _base(quantity) != quantity
    marked = {
        "marker": mark,
        "mfc": "white" if is_unlabeled else color,
        "ms": 4,
        "markevery": mark_every,
        "lw": 2 if quantity == LOSS else 1.2,
        "label": quantity.replace("valid_", "validation ").replace("_", " "),
    }
    axes.plot(
        epochs,
        values * 100 if is_fraction(quantity) else values,
        "--" if is_unlabeled else "-",
        c=color,
        **({"lw": 0.6, "alpha": 0.6} if is_thin else marked),
    )


def finish(axes) -> None:
    """Give a chart of curves its grid, and whole epochs."""
    axes.grid(alpha=0.3)
    axes.xaxis.get_major_locator().set_params(integer=True)


def small_drawing(folders: Iterable[Path]) -> dict | None:
    """Return validation MAP@all over the epochs of stages; None if no stage has a curve.

    folders: the stages', in order. Keys: lines (points of each stage, as SVG takes them), starts (x
    of each stage, with its number from 1), low, high (fractions, the axis), epochs, first, best,
    last. A file that is absent or no curve is left out.
    """
    read = {
        number: scores
        for number, folder in enumerate(folders, start=1)
        if len(scores := _scores(folder / paths.CURVE))
    }
    if not read:
        return None
    every = np.concatenate(list(read.values()))
    low, high = float(every.min()), float(every.max())
    x = np.linspace(0, WIDTH, len(every)) if len(every) > 1 else np.array([WIDTH / 2])
    y = HEIGHT * (1 - (every - low) / (high - low)) if high > low else 0 * every + HEIGHT / 2
    lines, starts, begin = [], [], 0
    for number, scores in read.items():
        own = slice(max(begin - 1, 0), begin + len(scores))  # joined to the stage before
        lines.append(_points(x[own], y[own]))
        starts.append((round(float(x[begin]), 1), number))
        begin += len(scores)
    return {
        "lines": lines,
        "starts": starts,
        "low": low,
        "high": high,
        "epochs": len(every),
        "first": float(every[0]),
        "best": high,
        "last": float(every[-1]),
    }


def _base(quantity: str) -> str:
    return quantity.removeprefix("pseudo_").removeprefix("unlabeled_")


def _scores(path: Path) -> np.ndarray:
    """Return the scores of a curve's epochs; none if the file is not there or not a curve."""
    try:
        scores = read_curve(path)[SCORE].to_numpy()
    except (OSError, UserError, KeyError):
        return np.array([])
    return scores[np.isfinite(scores)]


def _points(x: np.ndarray, y: np.ndarray) -> str:
    chosen = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).astype(int))
    return " ".join(f"{x[i]:.1f},{y[i]:.1f}" for i in chosen)
