"""Drawn garments: the files of FashionAI and DARN, and attributes that show where they belong."""

import io
import re
import zipfile
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from made_datasets import made
from PIL import Image

from modc.datasets.darn import DARN
from modc.datasets.fashionai import FashionAI
from modc.drawn import drawing_darn, drawing_fashionai, garments

# Rows of the central square (of 128) in which an attribute of FashionAI may change the picture.
PLACES = {
    "skirt_length": (64, 127),
    "sleeve_length": (20, 104),
    "coat_length": (20, 127),
    "pant_length": (64, 127),
    "collar_design": (14, 50),
    "lapel_design": (32, 72),
    "neckline_design": (18, 68),
    "neck_design": (0, 34),
}


def center(data: bytes) -> np.ndarray:
    picture = Image.open(io.BytesIO(data))
    top = (picture.height - 128) // 2
    return np.asarray(picture)[top : top + 128].astype(int)


@pytest.mark.parametrize("attribute", FashionAI.attributes)
def test_a_value_changes_the_picture_at_its_place_alone(attribute):
    count = FashionAI.attributes[attribute]
    first, last = PLACES[attribute]
    for seed in range(5):
        # The same generator draws the same picture, apart from the attribute asked for.
        drawn = [
            center(drawing_fashionai.draw(attribute, value, np.random.default_rng(seed)))
            for value in range(count)
        ]
        for one, two in pairwise(drawn):
            changed = np.abs(one - two).max(axis=(1, 2)) > 60
            assert changed.any()
            assert not changed[:first].any() and not changed[last:].any()


@pytest.mark.parametrize("attribute", DARN.attributes)
def test_every_value_of_darn_looks_different(attribute):
    count = DARN.attributes[attribute]
    values = dict.fromkeys(DARN.attributes, 1)
    drawn = [
        center(drawing_darn.draw({**values, attribute: value}, np.random.default_rng(0)))
        for value in range(count)
    ]
    for one in range(count):
        for other in range(one):
            assert (np.abs(drawn[one] - drawn[other]).max(axis=2) > 20).sum() >= 8, (one, other)


def test_fashionai_files_have_the_real_form(fashionai):
    rows = []
    for number in (1, 2):
        name = f"fashionAI_attributes_train{number}"
        with zipfile.ZipFile(fashionai / f"{name}.zip") as archive:
            names = set(archive.namelist())
            text = archive.read(f"{name}/Annotations/label.csv").decode()
            rows += [line.split(",") for line in text.splitlines()]
            assert {f"{name}/{row[0]}" for row in rows if f"{name}/{row[0]}" in names} == {
                member for member in names if member.endswith(".jpg")
            }
    assert len(rows) == 400
    for path, attribute, marks in rows:
        assert re.fullmatch(rf"Images/{attribute}/[0-9a-f]{{32}}\.jpg", path)
        assert len(marks) == FashionAI.attributes[attribute.removesuffix("_labels")]
        assert marks.count("y") == 1 and set(marks) <= set("nym")
    assert 0 < sum("m" in marks for _, _, marks in rows) < 60


def test_annotations_and_split_files_agree(fashionai):
    index = made(FashionAI, fashionai).index()
    marks = {}
    for archive in fashionai.glob("*.zip"):
        with zipfile.ZipFile(archive) as opened:
            text = opened.read(f"{archive.stem}/Annotations/label.csv").decode()
            marks |= {line.split(",")[0]: line.split(",")[2] for line in text.splitlines()}
    for row in index.labels.itertuples():
        path = index.images["path"][row.image]
        assert marks[path[path.index("Images/") :]].index("y") == row.value


def test_darn_files_have_the_real_form(darn):
    lines = (darn / "urls.txt").read_text().splitlines()
    assert len(lines) == 400
    assert all(re.fullmatch(r"\d{8}/\d{4}_\d{2}_\d{1,2} http://\S+", line) for line in lines)
    train = (darn / "splits" / "label_train.txt").read_text().splitlines()
    counts = [len(line.split()) // 2 for line in train]
    assert min(counts) >= 1 and max(counts) > 3
    ways = Counter(line.split("/")[4] for line in lines)
    assert ways.pop("ok") + ways.pop("flaky") == 384
    assert sum(ways.values()) == 16 and set(ways) == set(garments.FAILURES)


def test_darn_is_skewed_and_has_unanswerable_queries(darn):
    index = made(DARN, darn, "leave_out").index()
    labels = index.rows("train", "train")
    lengths = labels[labels["attribute"] == 7]["value"].value_counts(normalize=True)
    assert 0.6 < lengths.max() < 0.95
    found = 0
    for split in ("valid", "test"):
        candidates = index.rows(split, "candidate")[["attribute", "value"]]
        have = set(map(tuple, candidates.to_numpy()))
        queries = index.rows(split, "query")[["attribute", "value"]].to_numpy()
        found += sum(tuple(query) not in have for query in queries)
    assert 0 < found < 20
