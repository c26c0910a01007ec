"""The learning curve of a stage, as CSV and as a picture."""

from pathlib import Path

import matplotlib
import pandas as pd

from modc.atomic import atomic_path

# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
LOSS, VALIDATION = "loss", ("valid_MAP@all", "valid_MAP@100", "valid_Acc")


def write_curve(csv: Path, png: Path, curve: list[dict], title: str) -> None:
    """Write the rows of `curve`, one an epoch, and draw them: losses above, validation below.

    Rows have epoch (from 1), learning_rate, loss and its terms, and fractions valid_*. title: says
    what was trained and why it stopped.
    """
    frame = pd.DataFrame(curve)
    with atomic_path(csv) as temporary:
        frame.to_csv(temporary, index=False)
    # Not the interactive backend: training has no screen.
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 6), layout="constrained")
    above, below = figure.subplots(2, sharex=True)
    terms = [c for c in frame if c not in ("epoch", "learning_rate", *VALIDATION)]
    for number, term in enumerate(terms):
        width = 2.5 if term == LOSS else 1.2
        colour = COLOURS[number % len(COLOURS)]
        style = "-" if number < len(COLOURS) else "--"
        above.plot(frame["epoch"], frame[term], style, marker=".", lw=width, c=colour, label=term)
    for number, name in enumerate(name for name in VALIDATION if name in frame):
        label = name.removeprefix("valid_")
        below.plot(frame["epoch"], 100 * frame[name], marker=".", c=COLOURS[number], label=label)
    above.set(title=title, ylabel="training loss")
    below.set(xlabel="epoch", ylabel="validation, percent")
    below.xaxis.get_major_locator().set_params(integer=True)
    for axes in (above, below):
        axes.grid(alpha=0.3)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize="small")
    with atomic_path(png) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})
