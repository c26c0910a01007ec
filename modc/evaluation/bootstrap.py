"""How far a mean over queries could lie elsewhere with other queries: the bootstrap."""

import numpy as np

from modc.seeds import generator

DRAWS = 2000
LEVEL = 0.95
# So many draws are averaged by one matrix product; memory does not grow with draws x queries.
AT_ONCE = 50


def intervals(values: np.ndarray, draws: int = DRAWS, level: float = LEVEL) -> np.ndarray:
    """Return the bootstrap intervals (2, M), low and high, of the column means of `values` (Q, M).

    The queries are drawn with replacement as often as there are, the same for all columns; an
    interval holds the middle `level` of the means. For two methods on the same queries give the
    differences: the interval is then paired. It says nothing about another training.
    """
    queries = len(values)
    rng = generator(0, use="bootstrap", queries=queries)
    means = np.empty((draws, values.shape[1]))
    for start in range(0, draws, AT_ONCE):
        count = min(AT_ONCE, draws - start)
        drawn = rng.integers(queries, size=(count, queries)) + queries * np.arange(count)[:, None]
        often = np.bincount(drawn.ravel(), minlength=count * queries).reshape(count, queries)
        means[start : start + count] = often.astype(float) @ values / queries
    outside = (1 - level) / 2
    return np.quantile(means, [outside, 1 - outside], axis=0)
