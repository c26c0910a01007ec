"""Triplets of images: an anchor, a positive of its value, a negative of another value."""

import numpy as np
import pandas as pd

from modc.errors import UserError


class Triplets:
    """Draws triplets from labels.

    labels: columns image, attribute, value, each row once. An image with several values of an
    attribute stands under each of them, as in the public code, and so may be its own negative.
    negatives: "image" draws the negative uniformly over the attribute's images of other values
    (ASEN, ASENv2), "value" draws one of its other values first, then an image of it (ASEN++).

    The attribute is drawn uniformly, then the anchor's value uniformly within it. A value with
    fewer than two images is never an anchor's and stands in `skipped` as (attribute, value). Raises
    UserError if no triplet can be formed at all.
    """

    def __init__(self, labels: pd.DataFrame, negatives: str):
        self.negatives = negatives
        ordered = labels.sort_values(["attribute", "value", "image"], kind="stable")
        self._images = ordered["image"].to_numpy(np.int64)
        # One entry a (attribute, value) that occurs: its run in the ordered images.
        keys, start, count = (
            np.unique(
                ordered[["attribute", "value"]].to_numpy(np.int64),
                axis=0,
                return_index=True,
                return_counts=True,
            )
            if len(ordered)
            else (np.empty((0, 2), np.int64), np.empty(0, int), np.empty(0, int))
        )
        self._attribute, self._start, self._count = keys[:, 0], start, count
        usable = count >= 2
        self.skipped = [tuple(map(int, key)) for key in keys[~usable]]
        # One entry an attribute that can form a triplet: its run of values, and of anchor values.
        attributes = [
            (attribute, np.flatnonzero(keys[:, 0] == attribute))
            for attribute in np.unique(keys[:, 0])
        ]
        self._values_of = [
            (attribute, runs, runs[usable[runs]])
            for attribute, runs in attributes
            if len(runs) > 1 and usable[runs].any()
        ]
        if not self._values_of:
            raise UserError(
                "no triplet can be drawn: no attribute has two values, one of them with two "
                "labeled images; raise labeled_part.at_least or the labeled percentage"
            )

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return int64 (count, 4): images of anchor, positive and negative, and the attribute."""
        drawn = np.empty((count, 4), np.int64)
        chosen = rng.integers(len(self._values_of), size=count)
        for position, (attribute, runs, anchors) in enumerate(self._values_of):
            rows = np.flatnonzero(chosen == position)
            run = anchors[rng.integers(len(anchors), size=len(rows))]
            first = rng.integers(self._count[run])
            other = rng.integers(self._count[run] - 1)
            other += other >= first  # any but the anchor itself
            drawn[rows, 0] = self._images[self._start[run] + first]
            drawn[rows, 1] = self._images[self._start[run] + other]
            drawn[rows, 2] = self._negatives(runs, run, rng)
            drawn[rows, 3] = attribute
        return drawn

    def _negatives(self, runs: np.ndarray, run: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return for each anchor's value `run` an image of another of the attribute's `runs`."""
        if self.negatives == "value":
            other = rng.integers(len(runs) - 1, size=len(run))
            other += other >= run - runs[0]
            other = runs[other]
            return self._images[self._start[other] + rng.integers(self._count[other])]
        # An attribute's images are one run of the ordered images, from which the anchor's are cut.
        begin = self._start[runs[0]]
        total = self._count[runs].sum()
        place = rng.integers(total - self._count[run])
        place += np.where(place >= self._start[run] - begin, self._count[run], 0)
        return self._images[begin + place]
