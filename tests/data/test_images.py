"""Pictures in files and idx files, good and bad."""

import gzip
import io
import struct

import numpy as np
import pytest
from PIL import Image

from modc.data.images import ImageFolder, read_idx_images
from modc.errors import UserError


def jpeg(width=30, height=20, **options) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (200, 10, 10)).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def idx(pictures: np.ndarray) -> bytes:
    return struct.pack(">4I", 0x803, *pictures.shape) + pictures.tobytes()


def test_files_are_found_in_a_fixed_order(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.JPG").write_bytes(jpeg())
    (tmp_path / "1.png").write_bytes(jpeg())
    (tmp_path / "notes.txt").write_text("no picture")
    folder = ImageFolder(tmp_path)
    assert folder.paths == ["1.png", "b/2.JPG"]
    assert [folder.size(path) for path in folder.paths] == [(30, 20)] * 2
    assert all(folder.open(path).size == (30, 20) for path in folder.paths)


def test_rows_of_an_idx_file_are_grey_pictures_shown_in_color(tmp_path):
    pictures = np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3)
    (tmp_path / "x-idx3-ubyte.gz").write_bytes(gzip.compress(idx(pictures)))
    folder = ImageFolder(tmp_path)
    opened = np.asarray(folder.open("x-idx3-ubyte.gz/00001"))
    assert np.array_equal(opened, np.repeat(pictures[1][..., None], 3, axis=2))
    assert folder.size("x-idx3-ubyte.gz/00000") == (3, 4)
    with pytest.raises(UserError, match="x-idx3-ubyte.gz/00002: no such image"):
        folder.open("x-idx3-ubyte.gz/00002")


def test_a_picture_is_turned_as_its_exif_orientation_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    (tmp_path / "a.jpg").write_bytes(jpeg(30, 20, exif=exif))
    folder = ImageFolder(tmp_path)
    assert folder.size("a.jpg") == (20, 30)
    assert folder.open("a.jpg").size == (20, 30)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such image"),
        (b"", "not_an_image"),
        (b"<html>gone</html>", "not_an_image"),
        (jpeg(1, 65_000), "not_an_image"),
        (jpeg(300, 300)[:600], "truncated"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, "truncated"),
    ],
)
def test_a_bad_picture_is_named_in_one_line(tmp_path, content, message):
    if content is not None:
        (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(UserError) as error:
        ImageFolder(tmp_path).open("a.jpg")
    assert str(error.value).startswith(f"{tmp_path}/a.jpg: ") and message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_is_no_picture(tmp_path):
    (tmp_path / "a.jpg").mkdir()
    with pytest.raises(UserError, match=r"a\.jpg: Is a directory"):
        ImageFolder(tmp_path).open("a.jpg")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an idx file"),
        (idx(np.zeros((2, 4, 4), np.uint8))[:-1], "holds 31 bytes, expected 32"),
        (struct.pack(">2I", 0x801, 0), "not an idx file of 3 dimensions"),
    ],
)
def test_a_bad_idx_file_is_named(tmp_path, data, message):
    (tmp_path / "x-ubyte").write_bytes(data)
    with pytest.raises(UserError, match=message):
        read_idx_images(tmp_path / "x-ubyte")


def test_a_damaged_gzip_file_is_named(tmp_path):
    path = tmp_path / "x-ubyte.gz"
    path.write_bytes(gzip.compress(idx(np.zeros((2, 4, 4), np.uint8)))[:-6])
    with pytest.raises(UserError, match="damaged gzip"):
        read_idx_images(path)
    path.write_bytes(b"plain")
    with pytest.raises(UserError, match="damaged gzip"):
        read_idx_images(path)
