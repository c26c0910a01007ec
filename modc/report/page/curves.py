"""The learning curve of a training, all its stages in a row, as points of a small drawing."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from modc import paths

WIDTH, HEIGHT = 320.0, 100.0
# A drawing of this width shows no more.
MOST_POINTS = 120
SCORE = "valid_MAP@all"


def curve(folders: Iterable[Path]) -> dict | None:
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


def _scores(path: Path) -> np.ndarray:
    """Return the scores of a curve's epochs; none if the file is not there or not a curve."""
    try:
        scores = pd.to_numeric(pd.read_csv(path, usecols=[SCORE])[SCORE], errors="coerce")
    except (OSError, ValueError):  # not there, not text, cut, or without the column
        return np.array([])
    scores = scores.to_numpy(float)
    return scores[np.isfinite(scores)]


def _points(x: np.ndarray, y: np.ndarray) -> str:
    chosen = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).astype(int))
    return " ".join(f"{x[i]:.1f},{y[i]:.1f}" for i in chosen)
