"""The colors of everything that is drawn."""

# Okabe and Ito's, which color-blind readers can tell apart, then black and gray.
COLORS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#8A8A8A",
)
BLUE, ORANGE, GREEN = COLORS[:3]
BLACK, GRAY = COLORS[-2:]
