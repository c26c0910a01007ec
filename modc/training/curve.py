"""The learning curve of a stage, as CSV and as a picture."""

from pathlib import Path

import matplotlib
import pandas as pd

from modc.atomic import atomic_path
from modc.colors import COLORS

# The loss is black.
TERMS = COLORS[:6]
LOSS, VALIDATION = "loss", ("valid_MAP@all", "valid_MAP@100", "valid_Acc")
# Of the unlabelled images, where a stage has them.
SHARES = ("share_pseudo_labeled", "share_pseudo_anchors")


def write_curve(csv: Path, png: Path, curve: list[dict], title: str) -> None:
    """Write the rows of `curve`, one an epoch, and draw them: losses above, percentages below.

    Rows have epoch (from 1), learning_rate, loss and its terms, and fractions share_* and valid_*.
    title: says what was trained and why it stopped.
    """
    frame = pd.DataFrame(curve)
    with atomic_path(csv) as temporary:
        frame.to_csv(temporary, index=False)
    # Not the interactive backend: training has no screen.
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6))
    figure.suptitle(title, fontsize="medium")
    place = {"left": 0.09, "right": 0.72, "top": 0.93, "bottom": 0.08, "hspace": 0.08}
    above, below = figure.subplots(2, sharex=True, gridspec_kw=place)
    above.plot(frame["epoch"], frame[LOSS], marker=".", lw=2.5, c="black", label=LOSS)
    others = ("epoch", "learning_rate", LOSS, *SHARES, *VALIDATION)
    for number, term in enumerate(name for name in frame if name not in others):
        _draw(above, number, frame["epoch"], frame[term], term.replace("_", " "))
    for number, name in enumerate(name for name in (*VALIDATION, *SHARES) if name in frame):
        label = name.replace("valid_", "validation ").replace("_", " ")
        _draw(below, number, frame["epoch"], 100 * frame[name], label)
    above.set(ylabel="training loss")
    below.set(xlabel="epoch", ylabel="percent")
    below.set_xlim(frame["epoch"].min() - 0.5, frame["epoch"].max() + 0.5)
    below.xaxis.get_major_locator().set_params(integer=True)
    for axes in (above, below):
        axes.grid(alpha=0.3)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize="small")
    with atomic_path(png) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})


def _draw(axes, number: int, epochs: pd.Series, values: pd.Series, label: str) -> None:
    style = "-" if number < len(TERMS) else "--"
    colour = TERMS[number % len(TERMS)]
    axes.plot(epochs, values, style, marker=".", lw=1.2, c=colour, label=label)
