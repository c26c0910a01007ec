"""What is kept of a downloaded body, and what is found to be no picture."""

import io
import struct
import zlib
from contextlib import contextmanager
from hashlib import sha256

import numpy as np
import pytest
from PIL import Image

from modc.data.image_file import Unusable, rgb
from modc.fetch.picture import look, prepare

LIMITS = {"short_side": 64, "quality": 95, "most_pixels": 1_000_000}


def reason(body: bytes, **limits) -> Unusable:
    with pytest.raises(Unusable) as error:
        prepare(body, **{**LIMITS, **limits})
    return error.value


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)), np.int16)


def test_a_small_jpeg_is_kept_as_it_came(picture):
    body = picture(1, (60, 90))
    kept = prepare(body, **LIMITS)
    assert kept.data == body and kept.sha256 == sha256(body).hexdigest()
    assert (kept.width, kept.height) == (60, 90)


@pytest.mark.parametrize(("size", "expected"), [((200, 300), (64, 96)), ((301, 128), (150, 64))])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_larger_one_is_shrunk_to_its_short_side(picture, size, expected, kind):
    body = picture(2, size, kind)
    kept = prepare(body, **LIMITS)
    assert (kept.width, kept.height) == expected
    image = Image.open(io.BytesIO(kept.data))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", expected)
    direct = Image.open(io.BytesIO(body)).resize(expected, Image.Resampling.LANCZOS)
    assert np.abs(pixels(kept.data) - np.asarray(direct, np.int16)).mean() < 3


@pytest.mark.parametrize("size", [(40, 60), (200, 300)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_that_is_to_be_turned_is_kept_as_it_lies(picture, size, kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    kept = prepare(picture(3, size, kind, exif=exif), **LIMITS)
    assert kept.width > kept.height
    plain = prepare(picture(3, size, kind), **LIMITS)
    assert (kept.width, kept.height) == (plain.height, plain.width)
    unturned = np.asarray(rgb(kept.data, upright=False), np.int16)
    assert np.abs(unturned - pixels(plain.data)).mean() < 1
    upright = np.asarray(rgb(kept.data), np.int16)
    assert np.abs(upright - np.rot90(pixels(plain.data), -1)).mean() < 1


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGBA"), ("PNG", "P"), ("GIF", "P"), ("BMP", "RGB")],
)
def test_every_kind_becomes_a_jpeg_in_rgb(picture, kind, mode):
    kept = prepare(picture(4, (50, 50), kind, mode), **LIMITS)
    image = Image.open(io.BytesIO(kept.data))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (50, 50))


def test_what_is_transparent_becomes_white():
    file = io.BytesIO()
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(file, "PNG")
    assert pixels(prepare(file.getvalue(), **LIMITS).data).min() > 250


def test_a_transparent_color_leaves_no_edge_when_shrunk():
    image = Image.new("L", (600, 600), 0)
    image.paste(255, (100, 100, 401, 401))
    file = io.BytesIO()
    image.convert("RGB").save(file, "PNG", transparency=(0, 0, 0))
    assert pixels(prepare(file.getvalue(), **LIMITS).data).min() > 250


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"\n  <html>", "a web page"),
        (b"GIF89a", ""),
        (b"%PDF-1.4", "no known format"),
        (b"\0" * 100, "no known format"),
    ],
)
def test_what_is_no_picture_is_found_out(body, detail):
    why = reason(body)
    assert why.state in ("not_an_image", "truncated") and detail in why.detail
    assert detail == "" or why.state == "not_an_image"


@pytest.mark.parametrize("size", [(60, 90), (200, 300)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0.0005, 0.1, 0.5, 0.9, 0.99])
def test_a_picture_that_breaks_off_is_found_out(picture, size, kind, share):
    body = picture(5, size, kind)
    assert reason(body[: max(12, int(share * len(body)))]).state in ("truncated", "not_an_image")
    if share >= 0.1:
        assert reason(body[: int(share * len(body))]).state == "truncated"


def test_a_progressive_jpeg_that_breaks_off_is_found_out(picture):
    body = picture(6, (200, 300), progressive=True)
    prepare(body, **LIMITS)
    assert reason(body[: len(body) * 2 // 3]).state == "truncated"


def test_damage_within_a_picture_stops_nothing(picture):
    rng = np.random.default_rng(0)
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP"):
        body = picture(7, (60, 90), kind, "P" if kind == "GIF" else "RGB")
        for _ in range(60):
            damaged = np.frombuffer(body, np.uint8).copy()
            damaged[rng.integers(0, len(body), 8)] = rng.integers(0, 256, 8)
            try:
                prepare(damaged.tobytes(), **LIMITS)
            except Unusable as why:
                assert why.state in ("truncated", "not_an_image", "too_many_pixels")


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_is_cut_and_closed_again_is_found_out(picture, progressive):
    body = picture(6, (300, 400), quality=90, progressive=progressive)
    assert reason(body[: len(body) // 2] + b"\xff\xd9").state == "truncated"


def test_zeros_within_a_jpeg_are_found_out(picture):
    body = bytearray(picture(6, (300, 400), quality=90))
    body[len(body) // 2 : len(body) // 2 + 800] = bytes(800)
    assert reason(bytes(body)).state == "truncated"


def test_what_follows_a_jpeg_does_no_harm(picture):
    body = picture(6, (60, 90)) + b"<html>"
    assert prepare(body, **LIMITS).data == body


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 16), (15, 100)])
def test_what_has_no_photographs_shape_is_refused(picture, size):
    why = reason(picture(6, size))
    assert why.state == "not_an_image" and "not a photograph" in why.detail


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_a_large_picture_is_decoded_alone_and_in_little_memory(mode):
    # 16 million pixels of one color in a few kilobytes, as of an attack.
    file, entered = io.BytesIO(), []
    Image.new(mode, (4000, 4000), "white").save(file, "PNG")

    @contextmanager
    def large():
        entered.append(mode)
        yield

    kept = prepare(file.getvalue(), 512, 95, 25_000_000, large)
    assert entered == [mode] and (kept.width, kept.height) == (512, 512)
    assert pixels(kept.data).min() > 250


def test_too_many_pixels_are_refused_before_they_are_decoded(picture):
    assert reason(picture(8, (100, 100)), most_pixels=9_999).state == "too_many_pixels"
    for side in (20_000, 100_000):
        why = reason(png_header(side), most_pixels=50_000_000)
        assert why.state == "too_many_pixels"


def png_header(side: int) -> bytes:
    """Return a PNG file that claims side x side pixels of one color, in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def test_one_look_survives_another_size_and_compression(picture):
    first = prepare(picture(9, (300, 300), quality=95), **LIMITS).look
    assert prepare(picture(9, (300, 300), quality=60), **LIMITS).look == first
    assert prepare(picture(9, (300, 300), "PNG"), **LIMITS).look == first
    assert prepare(picture(10, (300, 300)), **LIMITS).look != first


def test_look_says_where_brightness_falls():
    levels = np.zeros((9, 9), np.uint8)
    levels[:, 3] = 100
    levels[5, :] = 200
    found = np.unpackbits(np.frombuffer(bytes.fromhex(look(Image.fromarray(levels))), np.uint8))
    across, down = found.reshape(2, 8, 8)
    for row in range(8):
        for column in range(8):
            here, right, below = (
                levels[row, column],
                levels[row, column + 1],
                levels[row + 1, column],
            )
            assert across[row, column] == (int(here) > int(right) + 2)
            assert down[row, column] == (int(here) > int(below) + 2)


def test_noise_in_a_plain_picture_gives_no_look_of_its_own():
    rng = np.random.default_rng(0)
    plain = [Image.fromarray(200 + rng.integers(0, 3, (90, 90)).astype(np.uint8)) for _ in range(2)]
    assert look(plain[0]) == look(plain[1]) == "0" * 32
