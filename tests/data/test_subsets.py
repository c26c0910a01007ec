"""Labeled parts: the right sizes, nested, whole images, the same on every machine."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from modc.data.split_files import read_labels
from modc.data.subsets import labeled_part, read, write
from modc.datasets import fashionai
from modc.errors import UserError

PERCENTS = (1, 5, 10, 50, 100)


def labels(seed: int, images: int = 600, attributes: int = 3) -> pd.DataFrame:
    """Return skewed labels, several an image, with values of one image among them."""
    rng = np.random.default_rng(seed)
    rows = []
    for image in range(images):
        for attribute in range(attributes):
            if attribute == image % attributes or rng.random() < 0.4:
                rows.append((image * 3, attribute, min(7, int(rng.geometric(0.4)) - 1)))
    rows.append((images * 3, 0, 9))
    return pd.DataFrame(rows, columns=["image", "attribute", "value"])


@pytest.mark.parametrize("rule", ["stratified", "uniform"])
@pytest.mark.parametrize("seed", range(5))
def test_smaller_parts_lie_within_larger_ones_and_all_is_all(rule, seed):
    table = labels(seed)
    parts = [set(labeled_part(table, percent, rule, 2, seed)) for percent in PERCENTS]
    assert all(small < large for small, large in pairwise(parts))
    assert parts[-1] == set(table["image"])


@pytest.mark.parametrize("percent", PERCENTS)
@pytest.mark.parametrize("at_least", [0, 2, 5])
def test_each_value_keeps_its_share_and_at_least_so_many(percent, at_least):
    table = labels(0)
    chosen = set(labeled_part(table, percent, "stratified", at_least, 0))
    for _, group in table.groupby(["attribute", "value"]):
        kept = sum(image in chosen for image in group["image"])
        assert kept >= min(len(group), max(at_least, round(percent / 100 * len(group))))


def test_with_one_label_an_image_each_share_is_exact():
    table = labels(3).drop_duplicates("image")
    chosen = set(labeled_part(table, 10, "stratified", 2, 0))
    for _, group in table.groupby(["attribute", "value"]):
        kept = sum(image in chosen for image in group["image"])
        assert kept == max(min(2, len(group)), round(0.1 * len(group)))


def test_a_uniform_part_has_its_share_of_the_images():
    table = labels(0)
    images = table["image"].nunique()
    assert len(labeled_part(table, 10, "uniform", 2, 0)) == round(0.1 * images)


def test_the_order_of_the_labels_does_not_matter_and_the_seed_does():
    table = labels(0)
    shuffled = table.sample(frac=1, random_state=1)
    first = labeled_part(table, 10, "stratified", 2, 0)
    assert np.array_equal(first, labeled_part(shuffled, 10, "stratified", 2, 0))
    assert not np.array_equal(first, labeled_part(table, 10, "stratified", 2, 1))


def test_the_draw_is_pinned():
    # A change here changes every result at less than 100 %.
    assert labeled_part(labels(0), 1, "uniform", 2, 0).tolist() == [
        102,
        561,
        1236,
        1272,
        1623,
        1632,
    ]


def test_the_real_training_labels(shared):
    path = shared / "annotations" / "FashionAI" / "label_train.txt"
    table = read_labels(path, tuple(fashionai.ATTRIBUTES.values()), images=144_335)
    sizes = table.groupby(["attribute", "value"]).size()
    for percent in (1, 10):
        chosen = labeled_part(table, percent, "stratified", 2, 0)
        assert len(chosen) == sum(max(2, round(percent / 100 * size)) for size in sizes)


def test_it_reads_back_as_written(tmp_path):
    write(tmp_path / "1.csv", np.array([3, 5, 8]))
    assert read(tmp_path / "1.csv").tolist() == [3, 5, 8]


@pytest.mark.parametrize("text", ["", "picture\n1\n", "image\none\n", "image,value\n1,2\n"])
def test_a_foreign_file_is_refused(tmp_path, text):
    (tmp_path / "1.csv").write_text(text)
    with pytest.raises(UserError, match="expected a CSV of one column"):
        read(tmp_path / "1.csv")
    with pytest.raises(UserError, match="run `modc subset`"):
        read(tmp_path / "absent.csv")
