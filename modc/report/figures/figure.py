"""A figure: an image, the numbers behind it, and its title, caption and alt text."""

from dataclasses import dataclass

import pandas as pd

# The figures are the paper's: its two methods, by their keys in the configuration.
BASELINE_METHOD, PAPERS_METHOD = "baseline", "modc"


@dataclass(frozen=True)
class Figure:
    """A drawn figure.

    picture: the bytes of an SVG or a PNG; data: the numbers behind it; title: a few words; caption:
    what is shown and how it was made; alt: a description for readers who cannot see it.
    """

    picture: bytes
    data: pd.DataFrame
    title: str
    caption: str
    alt: str
