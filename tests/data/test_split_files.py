"""The public split files, their quirks and their mistakes."""

import numpy as np
import pytest

from modc.data.split_files import find, read_filenames, read_labels, read_split
from modc.datasets import darn, fashionai
from modc.errors import UserError


def test_several_labels_a_line_and_no_newline_at_the_end(tmp_path):
    path = tmp_path / "label_train.txt"
    path.write_text("0 0 3 2 1\n2 1 0")
    rows = read_labels(path, (4, 1, 2), images=3)
    assert rows.to_numpy().tolist() == [[0, 0, 3], [0, 2, 1], [2, 1, 0]]


def test_byte_order_mark_windows_newlines_and_blank_lines(tmp_path):
    path = tmp_path / "filenames_test.txt"
    path.write_bytes("\ufeffa.jpg\r\n\r\nb c.jpg \r\n".encode())
    assert read_filenames(path) == ["a.jpg", "b c.jpg"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 0 1\n1 0\n", "line 2: '1 0'; expected `index attribute value`"),
        ("0 0 1 2\n", "line 1: '0 0 1 2'; expected"),
        ("0 zero 1\n", "line 1: '0 zero 1'; expected"),
        ("0 0 -1\n", "line 1: '0 0 -1'; expected"),
        ("0 0 1\n\n3 0 0\n", "line 3: image 3; the split has 3 filenames, so expected 0 to 2"),
        ("0 1 0\n", "line 1: attribute 1; expected 0 to 0"),
        ("0 0 2\n", "line 1: value 2 of attribute 0; expected 0 to 1"),
        ("", "empty; expected lines"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path, text, message):
    path = tmp_path / "query_test.txt"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        read_labels(path, (2,), images=3)
    assert str(error.value).startswith(str(path)) and message in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a.jpg\nb.jpg\na.jpg\n", "line 3: a.jpg is already in line 1"),
        (b"\n", "empty; expected one image path per line"),
        (b"\xff\xfe\x00", "not a text file"),
        (None, "no such split file"),
        (b"a.jpg\n../b.jpg\n", r"line 2: \.\./b\.jpg: it leads out of its folder"),
        (b"a/../../b.jpg\n", "it leads out of its folder"),
        (b"/etc/passwd\n", "line 1: /etc/passwd: it is an absolute path"),
        (b"C:\\b.jpg\n", "it is an absolute path"),
        (b"\\b.jpg\n", "it is an absolute path"),
        (b"a.jpg\n\nb\0c.jpg\n", r"line 3: b\\x00c\.jpg: it has a control character"),
        (b"a/" + 300 * b"b" + b".jpg\n", r"line 1: a/b+\.\.\.: a part of it is longer than 255 b"),
        (100 * b"\xe2\x82\xac" + b".jpg\n", "a part of it is longer than 255 bytes"),
    ],
)
def test_bad_filenames_are_refused(tmp_path, content, message):
    path = tmp_path / "filenames_train.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_filenames(path)


def test_the_split_files_are_found_where_people_put_them(tmp_path):
    assert find(tmp_path) is None
    deep = tmp_path / "data" / "FashionAI"
    deep.mkdir(parents=True)
    (deep / "filenames_train.txt").write_text("a\n")
    assert find(tmp_path) == deep
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "filenames_train.txt").write_text("a\n")
    assert find(tmp_path) == tmp_path / "splits"


@pytest.mark.parametrize(
    ("name", "attributes", "images", "queries", "candidates"),
    [
        ("FashionAI", fashionai.ATTRIBUTES, 18000, 3600, 14400),
        ("DARN", darn.ATTRIBUTES, 21461, 4293, 17168),
    ],
)
@pytest.mark.parametrize("split", ["valid", "test"])
def test_the_real_lists(shared, name, attributes, images, queries, candidates, split):
    folder = shared / "annotations" / name
    values = tuple(attributes.values())
    names, roles = read_split(folder, split, values)
    assert len(names) == images
    assert [len(roles["query"]), len(roles["candidate"])] == [queries, candidates]
    numbers = np.concatenate([roles[role]["image"] for role in ("query", "candidate")])
    assert len(np.unique(numbers)) == len(numbers) == images
    assert set(roles["query"]["attribute"]) == set(range(len(attributes)))


def test_the_real_training_labels(shared):
    path = shared / "annotations" / "FashionAI" / "label_train.txt"
    rows = read_labels(path, tuple(fashionai.ATTRIBUTES.values()), images=144_335)
    assert len(rows) == 144_335
