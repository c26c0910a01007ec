"""What a figure is: a picture, the numbers behind it, and the words beside it."""

from dataclasses import dataclass

import pandas as pd

# The figures are the paper's: its two methods, by their keys in the configuration.
BASELINE_METHOD, PAPERS_METHOD = "baseline", "modc"


@dataclass(frozen=True)
class Figure:
    """A drawn figure.

    picture: the bytes of an SVG or a PNG; data: the numbers behind it; title: a few words; caption:
    what is seen and how it was made; alt: what it shows, for those who do not see it.
    """

    picture: bytes
    data: pd.DataFrame
    title: str
    caption: str
    alt: str
