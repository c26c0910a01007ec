"""The one place that opens an image: from its bytes to upright RGB, whatever tool wrote them."""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError, features

from modc.data.states import NOT_AN_IMAGE, TOO_MANY_PIXELS, TRUNCATED
from modc.errors import UserError

FORMATS = (
    *("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"),
    *(["AVIF"] if features.check("avif") else []),
    *(["JPEG2000"] if features.check("jpg_2000") else []),
)
SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff"),
    *(".avif", ".jp2"),
)
# Registers the formats that Pillow does not load by itself when formats are given.
Image.init()
# Of damaged metadata and of many pixels; the limits are this module's. For all threads at once.
warnings.filterwarnings("ignore", module=r"PIL\.")
# An image of more pixels is refused before it is decoded: such a file is an attack or a mistake.
PIXEL_LIMIT = 100_000_000
# A photograph's long side is not many times its short one. A strip of one pixel by 65,000 would be
# enlarged to many gigabytes.
MOST_ASPECT = 20
LEAST_SIDE = 16
_ORIENTATION = 0x0112  # of EXIF
UPRIGHT = 1
_BITS, _PHOTOMETRIC = 258, 262  # of TIFF
_TURN = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PNG = b"\x89PNG\r\n\x1a\n"
# Of a PNG's texts, those that may say how it is to be turned, and the most bytes of one, unpacked:
# Pillow opens no file with a longer text or color profile.
_TURNING_TEXTS = (b"XML:com.adobe.xmp", b"Raw profile type exif")
_TEXT_LIMIT = 1_000_000


class Unusable(Exception):
    """An image that cannot be used: why, as a state of `modc.data.states` and a detail."""

    def __init__(self, state: str, detail: str):
        super().__init__(state, detail)
        self.state, self.detail = state, detail


def open_image(data: bytes, most_pixels: int = PIXEL_LIMIT) -> Image.Image:
    """Return the image in `data`, its header read and its pixels not yet; of several, the first.

    Raises Unusable for what is no photograph, of more than `most_pixels`, or in none of FORMATS;
    and for gray levels of 32 bits, since nothing says which of them is white.
    """
    with decoding(data):
        image = Image.open(io.BytesIO(_without_texts(data)), formats=FORMATS)
    if image.width * image.height > most_pixels:
        raise Unusable(TOO_MANY_PIXELS, f"{image.width} x {image.height}")
    if not is_photograph(*image.size):
        raise Unusable(NOT_AN_IMAGE, f"{image.width} x {image.height}: not a photograph")
    if image.mode == "F" or (image.mode == "I" and image.format != "PNG"):
        raise Unusable(NOT_AN_IMAGE, f"gray levels of mode {image.mode} have no known range")
    return image


def rgb(data: bytes, most_pixels: int = PIXEL_LIMIT, upright: bool = True) -> Image.Image:
    """Return the whole image in `data` in RGB, upright or as its pixels lie.

    Raises Unusable where there is none.
    """
    image = open_image(data, most_pixels)
    with decoding(data):
        if is_jpeg(image):
            small_gray(data)
        how = orientation(image)
        return turned(to_rgb(image), how if upright else UPRIGHT)


def is_jpeg(image: Image.Image) -> bool:
    """Whether an opened image is a JPEG file, perhaps with others behind it."""
    return image.format in ("JPEG", "MPO")


@contextmanager
def decoding(data: bytes) -> Iterator[None]:
    """Turn what a decoder raises for `data` into Unusable: one image must not stop the others."""
    try:
        yield
    except Unusable:
        raise
    except Image.DecompressionBombError:
        raise Unusable(TOO_MANY_PIXELS, "far too many") from None
    except UnidentifiedImageError:
        raise _unidentified(data) from None
    except OSError as error:
        if error.errno is not None:  # of the machine, not of the image
            raise
        raise Unusable(TRUNCATED, str(error)[:200]) from None
    except MemoryError:
        # Perhaps this machine's fault, so of the states that may pass.
        raise Unusable(TRUNCATED, "not enough memory to decode it") from None
    except UserError:
        raise
    except Exception as error:
        raise Unusable(NOT_AN_IMAGE, f"damaged: {type(error).__name__}: {error}"[:200]) from None


def orientation(image: Image.Image) -> int:
    """Return 1 to 8, how an opened image is to be turned, by its EXIF or else its XMP.

    Anything but such a number counts as 1. Raises Unusable for a PNG or TIFF that is not whole:
    the EXIF of a PNG may stand behind its pixels, and Pillow turns a TIFF as it decodes it.
    """
    if image.format in ("PNG", "TIFF"):
        with decoding(b""):
            image.load()
    if image.format == "TIFF":
        return UPRIGHT
    try:
        found = image.getexif().get(_ORIENTATION)
    # A damaged EXIF block may raise anything; the pixels are sound.
    except Exception:
        return UPRIGHT
    return found if isinstance(found, int) and found in _TURN else UPRIGHT


def exif(how: int) -> Image.Exif:
    """Return EXIF data that say how an image is to be turned, and nothing where it is upright."""
    data = Image.Exif()
    if how != UPRIGHT:
        data[_ORIENTATION] = how
    return data


def shown_size(image: Image.Image) -> tuple[int, int]:
    """Return the width and height of an opened image once it is upright."""
    how = orientation(image)  # before the size, which it may change
    width, height = image.size
    return (height, width) if how >= 5 else (width, height)


def turned(image: Image.Image, how: int) -> Image.Image:
    """Return the image upright; how: its `orientation`."""
    return image.transpose(_TURN[how]) if how in _TURN else image


def to_rgb(image: Image.Image) -> Image.Image:
    """Return an opened image in RGB: 16 bits become 8, what is transparent becomes white."""
    if image.mode.startswith("I"):
        return _of_16_bits(image)
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    if image.has_transparency_data or image.mode in ("La", "RGBa"):
        image = image.convert("LA" if image.mode == "La" else "RGBA").convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _of_16_bits(image: Image.Image) -> Image.Image:
    image.load()  # numpy would not pass on that it fails
    levels, white, tags = np.asarray(image).astype(np.uint32), 65535, getattr(image, "tag_v2", {})
    if tags:
        white = 2 ** min(16, tags.get(_BITS, (16,))[0]) - 1
        if tags.get(_PHOTOMETRIC) == 0:  # white is zero
            levels = white - levels
    transparent = image.info.get("transparency")
    if image.format == "PNG" and isinstance(transparent, int):
        levels = np.where(levels == transparent, white, levels)
    shown = ((levels * 255 + white // 2) // white).clip(0, 255)
    return Image.fromarray(shown.astype(np.uint8)).convert("RGB")


def is_photograph(width: int, height: int) -> bool:
    """Whether an image of this size, in pixels, can be one of a garment."""
    short, long = sorted((width, height))
    return short >= LEAST_SIDE and long <= MOST_ASPECT * short


def small_gray(data: bytes) -> np.ndarray | None:
    """Return a JPEG's brightness at an eighth of its size, which reads the whole file.

    Raises Unusable if its data end early, which Pillow fills with gray where it can. Other
    complaints of the decoder, such as stray bytes between parts, are common and harmless: then
    None, and Pillow is to look. None, too, where simplejpeg is not installed.
    """
    try:
        import simplejpeg
    except ModuleNotFoundError:
        return None
    try:
        gray = simplejpeg.decode_jpeg(
            data, "GRAY", fastdct=True, min_height=1, min_width=1, strict=True
        )
    except ValueError as error:
        if any(sign in str(error).lower() for sign in ("premature end", "huffman")):
            raise Unusable(TRUNCATED, str(error)[:200]) from None
        return None
    return gray[:, :, 0]


def _without_texts(data: bytes) -> bytes:
    """Return a PNG without its color profile and its texts, save those that may turn it.

    Pillow opens no file where one of them is too long. Other data come back as they are.
    """
    if not data.startswith(_PNG):
        return data
    kept, at, turning = [_PNG], len(_PNG), set(_TURNING_TEXTS)
    while at < len(data):
        header = data[at : at + 8]
        end = at + 12 + struct.unpack(">I", header[:4])[0] if len(header) == 8 else len(data)
        if header[4:] in (b"tEXt", b"zTXt", b"iTXt", b"iCCP"):
            keyword, _, rest = data[at + 8 : end - 4].partition(b"\0")
            wanted = keyword in turning and _is_short(header[4:], rest)
            # Once each, so that no file has us unpack text after text.
            turning.discard(keyword)
        else:
            wanted = True
        if wanted:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def _is_short(kind: bytes, rest: bytes) -> bool:
    """Whether a PNG's text, what follows its keyword, is within the limit once unpacked."""
    if kind == b"zTXt":
        packed = rest[1:]
    elif kind == b"iTXt" and rest[:1] == b"\1":
        packed = rest[2:].split(b"\0", 2)[-1]
    else:
        return len(rest) <= _TEXT_LIMIT
    try:
        return len(zlib.decompressobj().decompress(packed, _TEXT_LIMIT + 1)) <= _TEXT_LIMIT
    except zlib.error:
        return False


def _unidentified(data: bytes) -> Unusable:
    if not data:
        return Unusable(NOT_AN_IMAGE, "empty")
    if data.startswith(b"\xff\xd8") or data.startswith(_PNG[:4]):
        return Unusable(TRUNCATED, "breaks off within its header")
    start = data.lstrip()[:1]
    return Unusable(NOT_AN_IMAGE, "a web page" if start == b"<" else "no known format")
