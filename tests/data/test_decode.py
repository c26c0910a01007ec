"""Decoding: the fast way beside Pillow's, and every picture that must not take it."""

import io
import struct

import numpy as np
import pytest
import simplejpeg
from matplotlib.cbook import get_sample_data
from PIL import Image
from sklearn.datasets import load_sample_images

from modc.data import decode
from modc.data.decode import squares
from modc.data.images import ImageFolder
from modc.data.square import Form, short_side_square
from modc.errors import UserError

SIZES = (224, 448)


@pytest.fixture(scope="module")
def photographs() -> list[Image.Image]:
    with get_sample_data("grace_hopper.jpg") as file:
        portrait = Image.open(file).convert("RGB")
    return [portrait, *map(Image.fromarray, load_sample_images().images)]


def direct(path, sizes=SIZES) -> list[np.ndarray]:
    with Image.open(path) as picture:
        return [short_side_square(picture.convert("RGB"), size) for size in sizes]


@pytest.mark.parametrize("sides", [(512, 512), (512, 683), (500, 600), (641, 513)])
@pytest.mark.parametrize(("quality", "subsampling"), [(75, "4:2:0"), (85, "4:4:4"), (95, "4:2:0")])
def test_a_photograph_is_within_a_grey_level_of_the_direct_way(
    tmp_path, photographs, sides, quality, subsampling, monkeypatch
):
    monkeypatch.setattr(decode, "formed", None)  # the fast way must do without it
    for number, photograph in enumerate(photographs):
        path = tmp_path / f"{number}.jpg"
        photograph.resize(sides).save(path, quality=quality, subsampling=subsampling)
        for ours, expected in zip(
            squares(ImageFolder(tmp_path), path.name, [Form(size) for size in SIZES]),
            direct(path),
            strict=True,
        ):
            assert ours.dtype == np.uint8 and ours.shape == expected.shape
            difference = np.abs(ours.astype(int) - expected)
            assert difference.mean() < 0.01 and difference.max() <= 2


@pytest.mark.parametrize(
    "sides", [(28, 28), (19, 18), (257, 100), (341, 513), (16, 320), (65, 224)]
)
@pytest.mark.parametrize("size", [224, 65, 16])
def test_any_shape_has_the_same_center_square(tmp_path, sides, size):
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (*sides[::-1], 3)).astype(np.uint8))
    noise.save(tmp_path / "a.jpg", quality=95)
    (ours,) = squares(ImageFolder(tmp_path), "a.jpg", [Form(size)])
    (expected,) = direct(tmp_path / "a.jpg", [size])
    difference = np.abs(ours.astype(int) - expected)
    assert difference.mean() < 0.2 and difference.max() <= 2


def turned(photograph: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(photograph, "JPEG", exif=exif)


def encoded(photograph: Image.Image, layout: str, **options) -> bytes:
    buffer = io.BytesIO()
    photograph.save(buffer, layout, **options)
    return buffer.getvalue()


def disturbed(photograph: Image.Image) -> bytes:
    """A JPEG with wrong bytes in the middle of its scan, which Pillow shows all the same."""
    data = bytearray(encoded(photograph, "JPEG", quality=90))
    middle = len(data) // 2
    data[middle : middle + 40] = b"\x00" * 40
    return bytes(data)


def mirrored_by_xmp(photograph: Image.Image) -> bytes:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="2"/></x:xmpmeta>'
    return encoded(photograph, "JPEG", xmp=xmp)


OTHERS = {
    "gray": lambda photograph: encoded(photograph.convert("L"), "JPEG"),
    "cmyk": lambda photograph: encoded(photograph.convert("CMYK"), "JPEG"),
    "turned": turned,
    "mirrored by XMP": mirrored_by_xmp,
    "disturbed": disturbed,
    "png": lambda photograph: encoded(photograph, "PNG"),
    "transparent": lambda photograph: encoded(photograph.convert("RGBA"), "PNG"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_any_other_picture_is_equal_to_the_direct_way(tmp_path, photographs, kind):
    (tmp_path / "a.jpg").write_bytes(OTHERS[kind](photographs[0]))
    folder = ImageFolder(tmp_path)
    picture = folder.open("a.jpg")
    for ours, size in zip(
        squares(folder, "a.jpg", [Form(size) for size in SIZES]), SIZES, strict=True
    ):
        assert np.array_equal(ours, short_side_square(picture, size))


@pytest.mark.parametrize("sides", [(512, 682), (341, 224), (224, 224)])
def test_a_whole_picture_is_squeezed(tmp_path, photographs, sides):
    photograph = photographs[0].resize(sides)
    photograph.save(tmp_path / "a.jpg", quality=90)
    (tmp_path / "b.png").write_bytes(encoded(photograph, "PNG"))
    folder = ImageFolder(tmp_path)
    for name in ("a.jpg", "b.png"):
        (ours,) = squares(folder, name, [Form(64, whole=True)])
        expected = np.asarray(folder.open(name).resize((64, 64), Image.Resampling.BILINEAR))
        assert np.abs(ours.astype(int) - expected).max() <= 2


@pytest.mark.parametrize("kind", ["turned", "mirrored by XMP"])
def test_a_picture_in_both_orientations(tmp_path, photographs, kind):
    photograph = photographs[0].resize((80, 100))
    (tmp_path / "a.jpg").write_bytes(OTHERS[kind](photograph))
    forms = [Form(64), Form(64, upright=False), Form(32, whole=True, upright=False)]
    upright, unturned, whole = squares(ImageFolder(tmp_path), "a.jpg", forms)
    expected = np.rot90(unturned, -1) if kind == "turned" else np.fliplr(unturned)
    assert np.abs(upright.astype(int) - expected).max() <= 1
    (tmp_path / "a.jpg").write_bytes(encoded(photograph, "JPEG"))
    (plain,) = squares(ImageFolder(tmp_path), "a.jpg", forms[2:])
    assert np.abs(plain.astype(int) - whole).max() <= 2


def test_rows_of_an_idx_file_are_equal_to_the_direct_way(tmp_path):
    rows = np.random.default_rng(0).integers(0, 256, (3, 28, 28)).astype(np.uint8)
    header = b"\x00\x00\x08\x03" + b"".join(n.to_bytes(4, "big") for n in rows.shape)
    (tmp_path / "x-ubyte").write_bytes(header + rows.tobytes())
    for number, row in enumerate(rows):
        (ours,) = squares(ImageFolder(tmp_path), f"x-ubyte/{number}", [Form(64)])
        assert np.array_equal(ours, short_side_square(Image.fromarray(row).convert("RGB"), 64))


def test_exif_that_turns_nothing_costs_nothing(tmp_path, photographs, monkeypatch):
    monkeypatch.setattr(decode, "formed", None)
    exif = Image.Exif()
    exif[0x0110] = "a camera"
    (tmp_path / "a.jpg").write_bytes(encoded(photographs[0], "JPEG", exif=exif))
    assert squares(ImageFolder(tmp_path), "a.jpg", [Form(64)])[0].shape == (64, 64, 3)


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, SystemError])
def test_whatever_the_fast_decoder_raises_pillow_is_asked(
    tmp_path, photographs, error, monkeypatch
):
    def fail(*_, **__):
        raise error

    (tmp_path / "a.jpg").write_bytes(encoded(photographs[0], "JPEG"))
    monkeypatch.setattr(decode.simplejpeg, "decode_jpeg_header", fail)
    (found,) = squares(ImageFolder(tmp_path), "a.jpg", [Form(64)])
    assert np.array_equal(found, direct(tmp_path / "a.jpg", [64])[0])


def test_a_picture_of_too_many_pixels_is_refused(tmp_path, photographs, monkeypatch):
    monkeypatch.setattr(simplejpeg, "decode_jpeg", None)
    data = bytearray(encoded(photographs[0], "JPEG"))
    # The sides stand in the header of the frame.
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">2H", 20_000, 20_000)
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(UserError, match="too_many_pixels"):
        squares(ImageFolder(tmp_path), "a.jpg", [Form(64)])


@pytest.mark.parametrize("part", [0.0, 0.02, 0.5, 0.99])
def test_a_truncated_picture_is_named(tmp_path, photographs, part):
    data = encoded(photographs[0], "JPEG")
    (tmp_path / "a.jpg").write_bytes(data[: int(part * len(data))])
    with pytest.raises(UserError, match=r"a\.jpg: (truncated|not_an_image)"):
        squares(ImageFolder(tmp_path), "a.jpg", [Form(64)])
