"""How far a mean over queries could lie elsewhere with other queries: the bootstrap."""

import numpy as np

from modc.seeds import generator

DRAWS = 2000
LEVEL = 0.95


def interval(values: np.ndarray, draws: int = DRAWS, level: float = LEVEL) -> tuple[float, float]:
    """Return the bootstrap interval (low, high) of the mean of `values` (Q,).

    The queries are drawn with replacement as often as there are; the interval holds the middle
    `level` of the means. For two methods on the same queries give the differences: the interval is
    then paired. It says nothing about another training.
    """
    rng = generator(0, use="bootstrap", queries=len(values))
    # In parts, so that memory does not grow with draws x queries.
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(draws)]
    outside = (1 - level) / 2
    low, high = np.quantile(means, [outside, 1 - outside])
    return float(low), float(high)
