"""How plots look: colors and marks that do not depend on color vision, and the files."""

import io

import matplotlib
from PIL import Image

from modc.colors import BLUE, COLORS, ORANGE

# The marks differ as well as the colors.
MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h", "*")
BASELINE, MODC = ORANGE, BLUE
DPI = 100
# A PNG of more bytes gets a palette.
MOST_BYTES = 200_000
PALETTE = 256


def look(number: int) -> tuple[str, str]:
    """Return the color and mark of the `number`-th of a series: 88 pairs differ."""
    return COLORS[number % len(COLORS)], MARKS[number % len(MARKS)]


def new_figure(width: float, height: float):
    """Return an empty matplotlib figure of so many inches, without a screen."""
    # Not the interactive backend: a job has no screen.
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def svg(figure) -> bytes:
    """Return a figure as SVG, the same bytes each time."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "modc"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def png(figure) -> bytes:
    """Return a figure as PNG, the same bytes each time; with a palette where it is large."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    if buffer.tell() <= MOST_BYTES:
        return buffer.getvalue()
    smaller = io.BytesIO()
    Image.open(buffer).convert("RGB").quantize(PALETTE).save(smaller, "PNG", optimize=True)
    return smaller.getvalue()


def percent_text(fraction: float) -> str:
    """Return a fraction as percent, such as 34.1 %."""
    return f"{100 * fraction:.1f} %"
