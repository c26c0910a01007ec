"""Coverage, counted again with loops over the split files and over the files on disk."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from made_datasets import made

from modc.data.label_counts import COLUMNS, count, of_places
from modc.data.split_files import read_labels
from modc.datasets.darn import DARN
from modc.datasets.fashionai import FashionAI

FILES = [
    ("train", "train", "label_train.txt"),
    *(
        (split, role, f"{role}_{split}.txt")
        for split in ("valid", "test")
        for role in ("query", "candidate")
    ),
]


def counted_by_hand(folder, is_there) -> tuple[Counter, Counter]:
    """Return labels listed and labels with a picture, by (split, role, attribute, value)."""
    expected, obtained = Counter(), Counter()
    for split, role, file in FILES:
        names = (folder / "splits" / f"filenames_{split}.txt").read_text().split()
        for line in (folder / "splits" / file).read_text().splitlines():
            image, *pairs = map(int, line.split())
            for attribute, value in zip(pairs[::2], pairs[1::2], strict=True):
                expected[split, role, attribute, value] += 1
                obtained[split, role, attribute, value] += is_there(names[image])
    return expected, obtained


def test_counts_what_is_listed_and_what_is_there(darn):
    placeholder = (darn / "served" / "placeholder.jpg").read_bytes()

    def is_there(name):
        path = darn / name
        return path.exists() and path.read_bytes() != placeholder

    expected, obtained = counted_by_hand(darn, is_there)
    assert 0 < sum(expected.values()) - sum(obtained.values()) < 100
    frame = made(DARN, darn, "leave_out").index().coverage
    assert frame.columns.tolist() == COLUMNS
    rows = {tuple(row[:4]): row[4:] for row in frame.itertuples(index=False, name=None)}
    assert len(rows) == len(frame)
    assert rows == {key: (expected[key], obtained[key]) for key in expected}
    assert (frame["obtained"] == 0).any()


def test_everything_is_obtained_where_nothing_is_missing(fashionai):
    frame = made(FashionAI, fashionai).index().coverage
    assert (frame["expected"] == frame["obtained"]).all() and frame["expected"].sum() == 400


def test_the_order_is_that_of_splits_roles_attributes_values(darn):
    frame = made(DARN, darn, "leave_out").index().coverage
    splits, roles = ["train", "valid", "test"], ["train", "query", "candidate"]
    keys = [
        (splits.index(row.split), roles.index(row.role), row.attribute, row.value)
        for row in frame.itertuples()
    ]
    assert keys == sorted(keys)


def test_what_each_number_rests_on(darn):
    index = made(DARN, darn, "leave_out").index()
    names = (darn / "splits" / "filenames_train.txt").read_text().split()
    missing = set(names) - set(index.images["path"])
    assert index.training_images == (240, 240 - len(missing)) and missing
    places = of_places(index.coverage, 9, index.training_images)
    assert places["overall"]["train"] == [240, 240 - len(missing)]
    expected, obtained = counted_by_hand(darn, set(index.images["path"]).__contains__)
    for number, place in enumerate(places["attributes"]):
        for split, role in (("train", "train"), ("test", "query"), ("test", "candidate")):
            assert place[role] == [
                sum(n for key, n in counts.items() if key[:3] == (split, role, number))
                for counts in (expected, obtained)
            ]
    for role in ("query", "candidate"):
        sums = np.sum([place[role] for place in places["attributes"]], axis=0)
        assert places["overall"][role] == sums.tolist()


def test_a_value_without_a_picture_stays_in_the_count():
    labels = pd.DataFrame({"split": "test", "role": "query", "attribute": 0, "value": [4, 2, 4]})
    frame = count(labels, np.array([False, True, False]))
    assert frame[["value", "expected", "obtained"]].to_numpy().tolist() == [[2, 1, 1], [4, 2, 0]]


@pytest.mark.parametrize(
    ("dataset", "attributes"),
    [("FashionAI", FashionAI.attributes), ("DARN", DARN.attributes)],
)
def test_real_test_split(shared, dataset, attributes):
    path = shared / "annotations" / dataset / "query_test.txt"
    labels = read_labels(path, tuple(attributes.values()), 21_461).assign(
        split="test", role="query"
    )
    is_there = np.random.default_rng(0).random(len(labels)) < 0.7
    frame = count(labels, is_there)
    kept = [line.split()[1:] for line, there in zip(path.open(), is_there, strict=True) if there]
    found = {(str(r.attribute), str(r.value)): r.obtained for r in frame.itertuples() if r.obtained}
    assert found == Counter(map(tuple, kept))
    assert frame["expected"].sum() == len(labels)
