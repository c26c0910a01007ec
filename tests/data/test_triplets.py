"""Triplets: what may stand in one, how often, and what is left out."""

import numpy as np
import pandas as pd
import pytest

from modc.data.triplets import Triplets
from modc.errors import UserError


def table(rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["image", "attribute", "value"])


# Attribute 0: values 0 (images 0-5), 1 (6, 7), 2 (8: alone); attribute 1: values 0 and 3.
LABELS = table(
    [(image, 0, 0) for image in range(6)]
    + [(6, 0, 1), (7, 0, 1), (8, 0, 2)]
    + [(0, 1, 0), (6, 1, 0), (1, 1, 3), (9, 1, 3)]
)
VALUE = {(row.image, row.attribute): row.value for row in LABELS.itertuples()}


@pytest.mark.parametrize("negatives", ["image", "value"])
def test_every_triplet_is_one(negatives):
    drawn = Triplets(LABELS, negatives).draw(5000, np.random.default_rng(0))
    assert drawn.shape == (5000, 4) and drawn.dtype == np.int64
    for anchor, positive, negative, attribute in drawn.tolist():
        assert anchor != positive
        assert VALUE[anchor, attribute] == VALUE[positive, attribute]
        assert VALUE[anchor, attribute] != VALUE[negative, attribute]


def test_attributes_and_then_values_are_drawn_alike_often():
    drawn = Triplets(LABELS, "image").draw(20000, np.random.default_rng(0))
    assert abs((drawn[:, 3] == 0).mean() - 0.5) < 0.02
    first = drawn[drawn[:, 3] == 0]
    assert abs(np.isin(first[:, 0], [6, 7]).mean() - 0.5) < 0.02
    for anchor in range(6):  # within a value, alike often
        assert abs((first[:, 0] == anchor).mean() - 0.5 / 6) < 0.02


@pytest.mark.parametrize(("negatives", "expected"), [("image", 1 / 3), ("value", 1 / 2)])
def test_the_two_ways_to_draw_a_negative(negatives, expected):
    drawn = Triplets(LABELS, negatives).draw(20000, np.random.default_rng(0))
    first = drawn[(drawn[:, 3] == 0) & (drawn[:, 0] < 6)]
    # Image 8 is one of three images of other values, and one of two other values.
    assert abs((first[:, 2] == 8).mean() - expected) < 0.02


def test_a_value_with_one_image_is_only_ever_a_negative():
    triplets = Triplets(LABELS, "image")
    assert triplets.skipped == [(0, 2)]
    drawn = triplets.draw(5000, np.random.default_rng(0))
    assert 8 in drawn[:, 2] and 8 not in drawn[:, :2]


def test_an_attribute_of_one_value_is_left_out():
    labels = table([(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0), (2, 1, 1)])
    drawn = Triplets(labels, "value").draw(100, np.random.default_rng(0))
    assert set(drawn[:, 3]) == {1}


@pytest.mark.parametrize("rows", [[], [(0, 0, 0), (1, 0, 1)], [(0, 0, 0), (1, 0, 0)]])
def test_labels_that_allow_no_triplet_are_refused(rows):
    with pytest.raises(UserError, match="no triplet can be drawn"):
        Triplets(table(rows), "image")


def test_the_order_of_the_labels_does_not_matter():
    shuffled = LABELS.sample(frac=1, random_state=0)
    one = Triplets(LABELS, "value").draw(100, np.random.default_rng(0))
    two = Triplets(shuffled, "value").draw(100, np.random.default_rng(0))
    assert np.array_equal(one, two)
