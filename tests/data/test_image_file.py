"""One image file, wherever it is opened: the same size, the same upright array, or a state."""

import io
import random
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin, TiffImagePlugin

from modc.data.decode import squares
from modc.data.image_file import FORMATS, Unusable, open_image, rgb, shown_size
from modc.data.images import ImageFolder
from modc.data.square import Form, short_side_square
from modc.errors import UserError
from modc.fetch.picture import prepare

WIDTH, HEIGHT = 60, 40
LOSSLESS = ("PNG", "TIFF", "BMP")
WITHOUT_EXIF = ("GIF", "BMP", "JPEG2000")
LOSSY = [name for name in FORMATS if name not in (*LOSSLESS, "GIF")]


def scene() -> np.ndarray:
    """Return uint8 (HEIGHT, WIDTH, 3) in which no turn looks like another."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([x * 4, y * 6, 255 - x * 2 - y * 3], axis=-1).astype(np.uint8)


def saved(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(value) -> Image.Exif:
    block = Image.Exif()
    block[0x0112] = value
    return block


def xmp(value: int, form: str = 'tiff:Orientation="%d"') -> bytes:
    said = form % value
    inside = f"<rdf:Description {said}/>" if "=" in said else said
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf='
        f'"http://www.w3.org/1999/02/22-rdf-syntax-ns#">{inside}</rdf:RDF></x:xmpmeta>'
    ).encode()


def everywhere(data: bytes, folder) -> list[np.ndarray]:
    """Return the image as each part of the project opens it, after checking their sizes."""
    (folder / "a.jpg").write_bytes(data)
    images = ImageFolder(folder)
    opened = np.asarray(images.open("a.jpg"))
    size = opened.shape[1::-1]
    assert images.size("a.jpg") == shown_size(open_image(data)) == size
    kept = prepare(data, None, 95, 10**8)
    assert (kept.width, kept.height) == size
    short = min(size)
    square = short_side_square(Image.fromarray(opened), short)
    found = squares(images, "a.jpg", [Form(short)])[0].astype(int)
    assert np.abs(found - square).max() <= 2
    return [opened, np.asarray(rgb(kept.data))]


def assert_like(data: bytes, expected: np.ndarray, folder, apart: float = 0.0) -> None:
    """Check that the image is `expected`, each level within `apart` on average."""
    opened, kept = everywhere(data, folder)
    assert opened.shape == expected.shape
    assert np.abs(opened.astype(float) - expected).mean() <= apart
    # What is kept is a JPEG.
    assert np.abs(kept.astype(float) - expected).mean() <= apart + 3


@pytest.mark.parametrize("how", range(1, 9))
@pytest.mark.parametrize("kind", [name for name in FORMATS if name not in WITHOUT_EXIF])
def test_every_format_is_turned_as_its_exif_says(tmp_path, kind, how):
    image = Image.fromarray(scene())
    upright = np.asarray(ImageOps.exif_transpose(_marked(image, how)))
    options = {"TIFF": {"compression": "tiff_deflate"}, "PNG": {}}.get(kind, {"quality": 95})
    data = saved(image, kind, exif=exif(how), **options)
    assert_like(data, upright, tmp_path, apart=0 if kind in LOSSLESS else 6)


@pytest.mark.parametrize("how", range(1, 9))
@pytest.mark.parametrize(
    "form", ['tiff:Orientation="%d"', "<tiff:Orientation>%d</tiff:Orientation>"]
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_xmp_alone_turns_too(tmp_path, kind, form, how):
    image = Image.fromarray(scene())
    upright = np.asarray(ImageOps.exif_transpose(_marked(image, how)).convert("RGB"))
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp(how, form).decode(), zip=True)
        data = saved(image, kind, pnginfo=info)
    elif kind == "TIFF":
        data = tiff_with_xmp(how, form)
    else:
        data = saved(image, kind, quality=95, xmp=xmp(how, form))
    assert_like(data, upright, tmp_path, apart=0 if kind in LOSSLESS else 6)


def tiff_with_xmp(how: int, form: str = 'tiff:Orientation="%d"') -> bytes:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags.tagtype[700] = 1  # of bytes
    tags[700] = xmp(how, form)
    return saved(Image.fromarray(scene()), "TIFF", tiffinfo=tags)


def _marked(image: Image.Image, how: int) -> Image.Image:
    return Image.open(io.BytesIO(saved(image, "PNG", exif=exif(how))))


def raw_exif(kind: int, count: int, value: bytes, more: bytes = b"") -> bytes:
    """Return an EXIF block whose orientation is text (2), short (3), a fraction (5), bytes (7)."""
    entry = struct.pack("<HHHI", 1, 0x0112, kind, count) + value.ljust(4, b"\0")
    return b"Exif\0\0II*\0" + struct.pack("<I", 8) + entry + bytes(4) + more


@pytest.mark.parametrize(
    "block",
    [
        raw_exif(2, 2, b"6\0"),
        raw_exif(7, 1, b"6"),
        raw_exif(7, 4, b"\6\0\0\0"),
        raw_exif(3, 1, struct.pack("<H", 0)),
        raw_exif(3, 1, struct.pack("<H", 9)),
        raw_exif(5, 1, struct.pack("<I", 26), struct.pack("<2I", 6, 1)),
        raw_exif(11, 1, struct.pack("<f", 6.5)),
        raw_exif(99, 1, b"\6"),
        raw_exif(2, 1_000_000, struct.pack("<I", 26)),
        b"Exif\0\0rubbish",
        b"Exif\0\0",
        raw_exif(3, 1, b"\6")[:20],
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.filterwarnings("ignore")
def test_an_orientation_that_is_no_number_from_1_to_8_counts_as_none(tmp_path, kind, block):
    data = saved(Image.fromarray(scene()), kind, exif=block)
    assert_like(data, scene(), tmp_path, apart=6 if kind == "JPEG" else 0)


@pytest.mark.parametrize("value", [(6, 6), 6.0, "6", 9])
@pytest.mark.filterwarnings("ignore")
def test_whatever_a_tiffs_orientation_is_its_size_is_that_of_its_pixels(tmp_path, value):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags.tagtype[0x0112] = {tuple: 3, float: 11, str: 2, int: 3}[type(value)]
    tags[0x0112] = value
    everywhere(saved(Image.fromarray(scene()), "TIFF", tiffinfo=tags), tmp_path)


@pytest.mark.parametrize("said", ["xmp", "raw profile"])
def test_what_turns_a_png_stays_behind_a_long_text(tmp_path, said):
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * 2_000_000)
    if said == "xmp":
        info.add_itxt("XML:com.adobe.xmp", xmp(6).decode(), zip=True)
    else:
        block = exif(6).tobytes()
        profile = f"\nexif\n{len(block):8}\n{block.hex()}\n"
        info.add_text("Raw profile type exif", profile, zip=True)
    data = saved(Image.fromarray(scene()), "PNG", pnginfo=info)
    assert_like(data, np.rot90(scene(), -1), tmp_path)


def test_exif_comes_before_xmp(tmp_path):
    data = saved(Image.fromarray(scene()), "JPEG", quality=95, exif=exif(1), xmp=xmp(6))
    assert_like(data, scene(), tmp_path, apart=6)


GRAY = np.linspace(0, 255, WIDTH * HEIGHT).astype(np.uint8).reshape(HEIGHT, WIDTH)
SHARP = np.where(np.indices((HEIGHT, WIDTH)).sum(0) > 50, 255, 0).astype(np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(
    ("mode", "pixels", "gray"),
    [
        ("1", SHARP > 0, SHARP),
        ("L", GRAY, GRAY),
        ("I;16", GRAY.astype(np.uint16) * 257, GRAY),
        ("I;16B", (GRAY.astype(np.uint16) * 257).astype(">u2"), GRAY),
    ],
)
def test_gray_levels_stay_what_they_are(tmp_path, kind, mode, pixels, gray):
    if mode == "I;16B":
        image = Image.frombytes(mode, (WIDTH, HEIGHT), pixels.tobytes())
    else:
        image = Image.fromarray(pixels)
    data = saved(image, kind)
    assert_like(data, np.repeat(gray[..., None], 3, axis=2), tmp_path)


def tiff(levels: np.ndarray, bits: int, white_is_zero: bool) -> bytes:
    """Return an uncompressed TIFF of one strip; 12 bits are packed, two levels in three bytes."""
    if bits == 16:
        strip = levels.astype("<u2").tobytes()
    else:
        pairs = levels.reshape(-1, 2).astype(np.uint32)
        packed = (pairs[:, 0] << 12 | pairs[:, 1])[:, None] >> np.array([16, 8, 0]) & 255
        strip = packed.astype(np.uint8).tobytes()
    height, width = levels.shape
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, 0 if white_is_zero else 1)]
    tags += [(273, 8), (277, 1), (278, height), (279, len(strip))]
    entries = b"".join(struct.pack("<2H2I", tag, 4, 1, value) for tag, value in tags)
    start = struct.pack("<2sHI", b"II", 42, 8 + len(strip)) + strip
    return start + struct.pack("<H", len(tags)) + entries + bytes(4)


@pytest.mark.parametrize(("bits", "white_is_zero"), [(16, False), (16, True), (12, False)])
def test_tiffs_of_more_than_8_bits_keep_their_gray_levels(bits, white_is_zero):
    white = 2**bits - 1
    levels = (GRAY.astype(np.int64) * white + 127) // 255
    data = tiff(white - levels if white_is_zero else levels, bits, white_is_zero)
    assert np.abs(np.asarray(rgb(data))[..., 0].astype(int) - GRAY).max() <= 1


def test_transparent_levels_of_16_bits_are_white():
    data = saved(Image.fromarray(GRAY.astype(np.uint16) * 257), "PNG")
    at = data.index(b"IDAT") - 4
    data = data[:at] + chunk(b"tRNS", struct.pack(">H", 0)) + data[at:]
    expected = np.where(GRAY == 0, 255, GRAY)
    assert np.array_equal(np.asarray(rgb(data))[..., 0], expected)


def test_what_the_machine_lacks_is_not_the_images_fault(monkeypatch):
    def fail(error):
        def load(*_):
            raise error

        return load

    data = saved(Image.fromarray(scene()), "PNG")
    with monkeypatch.context() as patch:
        patch.setattr(Image.Image, "load", fail(MemoryError()))
        patch.setattr("PIL.PngImagePlugin.PngImageFile.load", fail(MemoryError()), raising=False)
        with pytest.raises(Unusable) as raised:
            rgb(data)
        assert raised.value.state == "truncated"
    monkeypatch.setattr(
        "PIL.PngImagePlugin.PngImageFile.load", fail(OSError(28, "No space left")), raising=False
    )
    with pytest.raises(OSError, match="No space left"):
        rgb(data)


@pytest.mark.parametrize("kind", ["I", "F"])
def test_gray_levels_without_a_range_are_refused(kind):
    data = saved(Image.fromarray(GRAY).convert(kind), "TIFF")
    for use in (rgb, open_image, lambda data: prepare(data, None, 95, 10**8)):
        with pytest.raises(Unusable) as raised:
            use(data)
        assert raised.value.state == "not_an_image"


ALPHA = np.where(np.indices((HEIGHT, WIDTH))[1] < 30, 0, 255).astype(np.uint8)
ON_WHITE = np.where(ALPHA[..., None] == 0, 255, scene())


@pytest.mark.parametrize(
    "make",
    [
        lambda: (saved(_with_alpha("RGBA"), "PNG"), ON_WHITE, 0),
        lambda: (saved(_with_alpha("RGBA"), "TIFF"), ON_WHITE, 0),
        lambda: (saved(_with_alpha("RGBA"), "WEBP", lossless=True), ON_WHITE, 0),
        lambda: (saved(_with_alpha("LA"), "PNG"), _gray_on_white(), 0),
        lambda: (saved(_palette(), "PNG", transparency=0), _palette_on_white(), 0),
        lambda: (
            saved(_palette(), "PNG", transparency=b"\0" + b"\xff" * 255),
            _palette_on_white(),
            0,
        ),
        lambda: (saved(_palette(), "GIF", transparency=0), _palette_on_white(), 0),
        lambda: (saved(Image.fromarray(GRAY), "PNG", transparency=0), _gray(GRAY, 0), 0),
        lambda: (saved(Image.fromarray(scene()).convert("CMYK"), "TIFF"), scene(), 1),
        lambda: (saved(Image.fromarray(scene()).convert("CMYK"), "JPEG", quality=95), scene(), 6),
        lambda: (saved(Image.fromarray(GRAY), "JPEG", quality=95), _gray(GRAY), 2),
        lambda: (saved(Image.fromarray(scene()), "BMP"), scene(), 0),
    ],
)
def test_every_mode_is_shown_in_rgb_on_white(tmp_path, make):
    data, expected, apart = make()
    assert_like(data, expected, tmp_path, apart)


def _with_alpha(mode: str) -> Image.Image:
    image = Image.fromarray(scene()).convert(mode)
    image.putalpha(Image.fromarray(ALPHA))
    return image


def _gray_on_white() -> np.ndarray:
    gray = np.asarray(Image.fromarray(scene()).convert("L"))
    return _gray(np.where(ALPHA == 0, 255, gray))


def _gray(levels: np.ndarray, transparent: int | None = None) -> np.ndarray:
    if transparent is not None:
        levels = np.where(levels == transparent, 255, levels)
    return np.repeat(levels[..., None], 3, axis=2)


def _palette() -> Image.Image:
    image = Image.fromarray((SHARP > 0).astype(np.uint8), "P")
    image.putpalette([10, 20, 30, 200, 100, 50] + [0] * 756)
    return image


def _palette_on_white() -> np.ndarray:
    return np.where(SHARP[..., None] > 0, np.array([200, 100, 50]), 255).astype(np.uint8)


MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK", "PA"),
    "JPEG": ("L", "RGB", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
}


@pytest.mark.parametrize("how", range(1, 9))
@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind in MODES for mode in MODES[kind]])
def test_every_mode_of_every_format_is_turned_alike(tmp_path, kind, mode, how):
    # Gray, so that no mode loses a color, and smooth, so that JPEG keeps it.
    gray = SHARP if mode == "1" else (np.indices((HEIGHT, WIDTH)).sum(0) * 2).astype(np.uint8)
    if mode == "I;16":
        image = Image.fromarray(gray.astype(np.uint16) * 257)
    elif mode == "PA":
        image = Image.fromarray(gray).convert("P").convert("PA")
    else:
        image = Image.fromarray(gray).convert("RGB" if mode == "RGBA" else "L").convert(mode)
    shown = gray
    if mode in ("LA", "RGBA"):
        image.putalpha(Image.fromarray(ALPHA))
        shown = np.where(ALPHA == 0, 255, gray)
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95}}.get(kind, {})
    upright = ImageOps.exif_transpose(_marked(Image.fromarray(_gray(shown)), how))
    data = saved(image, kind, exif=exif(how), **options)
    assert_like(data, np.asarray(upright), tmp_path, apart=1 if kind == "JPEG" else 0)


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


@pytest.mark.parametrize("at", ["before", "after"])
@pytest.mark.parametrize(
    "made",
    [
        lambda: chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9)),
        lambda: chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(3_000_000), 9)),
        lambda: chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(bytes(3_000_000), 9)),
        lambda: chunk(b"tEXt", b"Comment\0" + b"x" * 3_000_000),
        lambda: chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(900_000), 9)) * 200,
        lambda: chunk(b"zTXt", b"Comment\0\0rubbish"),
    ],
    ids=["bomb", "profile", "itxt", "text", "many", "rubbish"],
)
def test_texts_and_profiles_of_any_size_leave_the_pixels_alone(tmp_path, made, at):
    data = saved(Image.fromarray(scene()), "PNG", exif=exif(1))
    place = data.index(b"IDAT" if at == "before" else b"IEND") - 4
    assert_like(data[:place] + made() + data[place:], scene(), tmp_path)


def test_a_jpeg_that_ends_early_is_never_filled_up(tmp_path):
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (200, 200, 3), np.uint8))
    data = saved(noise, "JPEG")
    # Its end marker stands where its data break off.
    cut = data[: len(data) // 2] + b"\xff\xd9"
    (tmp_path / "a.jpg").write_bytes(cut)
    with pytest.raises(Unusable) as raised:
        prepare(cut, None, 95, 10**8)
    assert raised.value.state == "truncated"
    for use in (
        ImageFolder(tmp_path).open,
        lambda path: squares(ImageFolder(tmp_path), path, [Form(64)]),
    ):
        with pytest.raises(UserError, match="truncated"):
            use("a.jpg")


@pytest.mark.parametrize("sides", [(1, 65_000), (15, 100), (400, 19)])
def test_what_has_no_photographs_shape_is_refused(sides):
    with pytest.raises(Unusable) as raised:
        open_image(saved(Image.new("RGB", sides), "JPEG"))
    assert raised.value.state == "not_an_image"


def test_too_many_pixels_are_refused_before_they_are_decoded():
    data = saved(Image.fromarray(scene()), "PNG")
    with pytest.raises(Unusable) as raised:
        open_image(data, most_pixels=WIDTH * HEIGHT - 1)
    assert raised.value.state == "too_many_pixels"
    assert open_image(data, most_pixels=WIDTH * HEIGHT).size == (WIDTH, HEIGHT)


def samples() -> list[bytes]:
    image = Image.fromarray(scene())
    made = [saved(image, kind, exif=exif(6)) for kind in LOSSY if kind != "JPEG2000"]
    made += [saved(image, kind) for kind in (*LOSSLESS, "GIF", "JPEG2000") if kind in FORMATS]
    made += [saved(image, "JPEG", progressive=True, xmp=xmp(5), exif=raw_exif(2, 2, b"6\0"))]
    made += [saved(image, "TIFF", compression="tiff_lzw", exif=exif(8))]
    made += [saved(image.convert(mode), "PNG", exif=exif(3)) for mode in ("1", "P", "LA", "RGBA")]
    made += [saved(Image.fromarray(GRAY.astype(np.uint16) * 257), "PNG"), tiff_with_xmp(6)]
    made += [saved(image.convert("CMYK"), "JPEG"), saved(Image.fromarray(GRAY), "JPEG")]
    return made


def mutated(data: bytes, rng: random.Random) -> bytes:
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        # Headers and metadata stand in front.
        at = rng.randrange(min(len(data), rng.choice((30, 200, len(data)))))
        (what,) = rng.choices(range(5), (6, 2, 2, 2, 1))
        if what == 0:
            data[at] = rng.randrange(256)
        elif what == 1:
            data[at : at + 4] = struct.pack(
                ">I", rng.choice((0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF))
            )
        elif what == 2:
            del data[at : at + rng.randrange(1, 50)]
        elif what == 3:
            data[at:at] = rng.randbytes(rng.randrange(1, 50))
        else:
            del data[at + 1 :]
        if not data:
            break
    return bytes(data)


def fuzz(seed: int, times: int, folder) -> int:
    """Open mutated images; return how many of them were taken."""
    rng, taken = random.Random(seed), 0
    originals = samples()
    for _ in range(times):
        data = mutated(rng.choice(originals), rng)
        path = folder / "a.jpg"
        path.write_bytes(data)
        images = ImageFolder(folder)
        try:
            kept = prepare(data, 32, 95, 10**6)
        except Unusable as why:
            assert why.state in ("not_an_image", "truncated", "too_many_pixels") and why.detail
            for use in (
                images.size,
                images.open,
                lambda path: squares(ImageFolder(folder), path, [Form(16)]),
            ):
                try:
                    use("a.jpg")
                except UserError as error:
                    assert "\n" not in str(error)
                else:
                    # Only the header need be sound for its size, and the limit is lower here.
                    assert use == images.size or why.state == "too_many_pixels"
            continue
        taken += 1
        opened = images.open("a.jpg")
        assert opened.mode == "RGB" and images.size("a.jpg") == opened.size
        whole = prepare(data, None, 95, 10**6)
        assert (whole.width, whole.height) == opened.size
        assert rgb(whole.data).size == opened.size
        shrunk = min(1, 32 / min(opened.size))
        assert abs(kept.width - shrunk * opened.width) <= 1
        assert abs(kept.height - shrunk * opened.height) <= 1
        square = short_side_square(opened, 16).astype(int)
        assert np.abs(squares(images, "a.jpg", [Form(16)])[0] - square).max() <= 2
    return taken


@pytest.mark.filterwarnings("ignore")
def test_mutated_files_are_opened_alike_or_have_a_state(tmp_path):
    assert fuzz(0, 600, tmp_path) > 60


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(1, 9))
def test_many_mutated_files_are_opened_alike_or_have_a_state(tmp_path, seed):
    assert fuzz(seed, 5000, tmp_path) > 500
