"""What DARN's names give away, counted again with loops and on the real lists."""

from collections import defaultdict

import pandas as pd
import pytest

from modc.data.split_files import read_filenames, read_labels
from modc.datasets import darn
from modc.datasets.darn_names import folders, read_names, stems


def labels(*rows):
    return pd.DataFrame(rows, columns=["attribute", "value", "name"])


def test_folders_that_map_one_to_one():
    found = folders(labels((0, 3, "pic/11/a_1.jpg"), (0, 3, "pic/11/b_1.jpg"), (0, 4, "12/c_1")))
    assert (found.folders, found.of_one_category) == (2, 2)
    assert (found.categories, found.of_one_folder) == (2, 2)


def test_folders_that_do_not():
    found = folders(
        labels(
            (0, 3, "pic/11/a_1.jpg"),
            (0, 4, "pic/11/b_1.jpg"),
            (0, 4, "pic/12/c_1.jpg"),
            (0, 5, "pic/13/d_1.jpg"),
            (1, 3, "pic/14/e_1.jpg"),  # of another attribute
        )
    )
    assert (found.folders, found.of_one_category) == (3, 2)
    assert (found.categories, found.of_one_folder) == (3, 2)


def test_stems_that_recur_across_splits_not_within():
    found = stems(
        {
            "train": ["pic/1/10_2_1.jpg", "pic/1/10_2_2.jpg", "pic/1/30_1_1.jpg"],
            "valid": ["pic/1/10_2_3.jpg"],
            "test": ["1/10_2_4", "pic/2/30_1_1.jpg", "pic/1/10_22_1.jpg"],
        }
    )
    assert (found.stems, found.recurring) == (4, 1)
    assert found.shared == {"train": 2, "valid": 1, "test": 1}
    assert found.images == {"train": 3, "valid": 1, "test": 3}


def test_the_split_files_are_read(darn):
    found_folders, found_stems = read_names(darn / "splits")
    assert found_folders.folders == found_folders.of_one_category == found_folders.of_one_folder > 5
    assert found_stems.images == {"train": 240, "valid": 80, "test": 80}


@pytest.fixture
def real(shared):
    folder = shared / "annotations" / "DARN"
    return folder, {s: read_filenames(folder / f"filenames_{s}.txt") for s in ("valid", "test")}


def test_real_folders(real):
    folder, names = real
    rows, by_folder, by_value = [], defaultdict(set), defaultdict(set)
    for split, own in names.items():
        for role in ("query", "candidate"):
            path = folder / f"{role}_{split}.txt"
            table = read_labels(path, tuple(darn.ATTRIBUTES.values()), len(own))
            for image, attribute, value in table.itertuples(index=False):
                rows.append((attribute, value, own[image]))
                if attribute == 0:
                    by_folder[own[image].split("/")[1]].add(value)
                    by_value[value].add(own[image].split("/")[1])
    found = folders(labels(*rows))
    assert (found.folders, found.categories) == (len(by_folder), len(by_value)) == (20, 20)
    assert found.of_one_category == sum(len(values) == 1 for values in by_folder.values()) == 20
    assert found.of_one_folder == sum(len(own) == 1 for own in by_value.values()) == 20


def test_real_stems(real):
    names = real[1]
    own = {split: [name[4:].rsplit("_", 1)[0] for name in names[split]] for split in names}
    both = set(own["valid"]) & set(own["test"])
    found = stems(names)
    assert found.recurring == len(both) > 1000
    assert found.stems == len(set(own["valid"]) | set(own["test"]))
    assert found.shared == {split: sum(s in both for s in own[split]) for split in own}
