"""The index: written and read back, checked for whatever would spoil a training or a score."""

import dataclasses

import pytest

from modc import paths
from modc.data.index import check, read, write
from modc.errors import UserError


def changed(index, table: str, row: int, **values):
    """Return the index with some cells of one row replaced."""
    frame = getattr(index, table).copy()
    for column, value in values.items():
        frame.loc[row, column] = value
    return dataclasses.replace(index, **{table: frame})


def test_it_reads_back_as_written(tmp_path, index):
    write(index, tmp_path)
    again = read(tmp_path)
    assert again.attributes == index.attributes and again.values == index.values
    assert again.images.equals(index.images.astype(again.images.dtypes))
    assert again.labels.equals(index.labels)
    assert again.coverage.equals(index.coverage)
    assert again.sha256 == index.sha256


def test_the_hash_covers_the_manifest_and_it_reads_back(tmp_path, index):
    frozen = dataclasses.replace(index, manifest_sha256="ab12")
    assert frozen.sha256 != index.sha256
    write(frozen, tmp_path)
    assert read(tmp_path).manifest_sha256 == "ab12"
    path = tmp_path / paths.INDEX
    path.write_text(path.read_text().replace("ab12", "ab13"))
    with pytest.raises(UserError, match="does not fit the SHA-256"):
        read(tmp_path)


def test_listed_training_images_are_those_there_and_those_missing(index):
    assert index.training_images == (2, 2)
    assert dataclasses.replace(index, missing={"train": 3, "test": 1}).training_images == (5, 2)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("test,query,0,0,1,1", "test,query,0,0,2,2"),
        ("test,query,0,0,1,1", "test,query,0,0,0,1"),
        ("test,query,0,0,1,1\n", ""),
    ],
)
def test_a_coverage_of_other_labels_is_refused(tmp_path, index, old, new):
    write(index, tmp_path)
    path = tmp_path / paths.COUNTS
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match="does not match the labels"):
        read(tmp_path)


def test_labels_that_are_listed_without_a_picture_stay(tmp_path, index):
    more = index.coverage.copy()
    more.loc[len(more)] = ["test", "query", 0, 1, 5, 0]
    more = more.groupby(["split", "role", "attribute", "value"], as_index=False, sort=False).sum()
    write(dataclasses.replace(index, coverage=more), tmp_path)
    assert read(tmp_path).coverage.equals(more)


def test_rows_are_those_of_one_split_and_role_in_their_order(index):
    assert index.rows("test", "candidate")["image"].tolist() == [8, 9]
    assert index.rows("train", "query").empty


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("images", 1, {"path": "0.jpg"}), "the image 0.jpg is listed twice"),
        (("labels", 0, {"image": 10}), "a label names image 10; expected 0 to 9"),
        (("labels", 0, {"attribute": 1}), "image 0.jpg has attribute 1; expected 0 to 0"),
        (("labels", 0, {"value": 2}), "image 0.jpg has value 2 of side; expected 0 to 1"),
        (("labels", 0, {"value": -1}), "image 0.jpg has value -1 of side; expected 0 to 1"),
        (("labels", 3, {"image": 2}), "image 2.jpg has two labels of side in valid"),
    ],
)
def test_a_contradiction_is_named(tmp_path, index, change, message):
    table, row, values = change
    with pytest.raises(UserError) as error:
        write(changed(index, table, row, **values), tmp_path / "out")
    assert message in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("split", "role"),
    [("train", "train"), ("valid", "query"), ("test", "query"), ("test", "candidate")],
)
def test_an_attribute_without_images_in_a_role_is_named(index, split, role):
    labels = index.labels
    kept = labels[(labels["split"] != split) | (labels["role"] != role)]
    with pytest.raises(UserError, match=f"the attribute side has no {role} image in {split}"):
        check(dataclasses.replace(index, labels=kept))


def test_an_altered_index_is_refused(tmp_path, index):
    write(index, tmp_path)
    path = tmp_path / paths.LABELS
    path.write_text(path.read_text().replace("train,train,0,0,0", "train,train,0,0,1"))
    with pytest.raises(UserError, match="does not fit the SHA-256"):
        read(tmp_path)


@pytest.mark.parametrize(
    "name",
    [paths.IMAGES, paths.LABELS, paths.COUNTS, paths.INDEX],
)
def test_a_missing_or_foreign_file_is_refused(tmp_path, index, name):
    write(index, tmp_path)
    (tmp_path / name).write_text("what,is,this\n")
    with pytest.raises(UserError, match="run `modc index` again"):
        read(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match="no such file"):
        read(tmp_path)
