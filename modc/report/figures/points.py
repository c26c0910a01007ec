"""Vectors as points on a map: a bounded sample, and a reproducible t-SNE."""

import numpy as np

from modc import seeds

# scikit-learn's default; with few points, a third of their number (van der Maaten's advice).
PERPLEXITY = 30
# t-SNE makes no sense for fewer points.
LEAST_POINTS = 7
INITIAL_SPREAD = 1e-4


def sample(groups: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Return sorted rows, at most `most`: about equally many from each group of `groups` (N,).

    All rows if there are no more than `most`. The draw depends only on the seed.
    """
    if len(groups) <= most:
        return np.arange(len(groups))
    shuffled = seeds.generator(seed, axis="figure").permutation(len(groups))
    turn = np.empty(len(groups), np.int64)  # the position of each row within its group
    for group in np.unique(groups):
        rows = shuffled[groups[shuffled] == group]
        turn[rows] = np.arange(len(rows))
    order = shuffled[np.argsort(turn[shuffled], kind="stable")]
    return np.sort(order[:most])


def flat_map(vectors: np.ndarray, seed: int) -> np.ndarray:
    """Return t-SNE coordinates float64 (N, 2) of `vectors` (N, D), the same each time.

    Runs on one thread and starts from the principal components, which are returned as they are for
    fewer than LEAST_POINTS points or if all points are equal.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    # With several threads, the order of summation would change the map.
    with threadpool_limits(1):
        start = _principal(vectors.astype(np.float64))
        spread = start[:, 0].std() if len(start) else 0.0
        if len(vectors) < LEAST_POINTS or spread == 0:
            return start
        tsne = TSNE(
            perplexity=min(PERPLEXITY, (len(vectors) - 1) / 3),
            init=(start / spread * INITIAL_SPREAD).astype(np.float32),
            random_state=seed,
            n_jobs=1,
        )
        return tsne.fit_transform(vectors.astype(np.float32)).astype(np.float64)


def _principal(vectors: np.ndarray) -> np.ndarray:
    """Return the first two principal components (N, 2), each with its largest entry positive."""
    components = np.zeros((len(vectors), 2))
    if len(vectors):
        centered = vectors - vectors.mean(axis=0)
        left, size, _ = np.linalg.svd(centered, full_matrices=False)
        kept = min(2, len(size))
        components[:, :kept] = left[:, :kept] * size[:kept]
        largest = components[np.abs(components).argmax(axis=0), [0, 1]]
        components *= np.where(largest < 0, -1, 1)
        components[np.abs(components) < 1e-12 * max(1, np.abs(vectors).max())] = 0
    return components
