"""From a downloaded body to the picture that is kept: checked, upright, RGB, small enough."""

import io
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import simplejpeg
from PIL import Image, ImageOps, UnidentifiedImageError

from modc.data.images import is_photograph
from modc.data.states import NOT_AN_IMAGE, TOO_MANY_PIXELS, TRUNCATED

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP")
# Registers WebP too, which Pillow does not look for by itself when it is told the formats.
Image.init()
# A picture of more pixels than this takes much memory while it is decoded.
LARGE = 4_000_000
_ORIENTATION = 0x0112  # of EXIF; 1 is upright
# Two neighbours differ if by more levels than this, so that noise in a plain area counts as none.
_TOLERANCE = 2


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is kept.

    data: the JPEG file. look: 32 hexadecimal digits that pictures of the same look share, whatever
    their size and compression. width and height in pixels.
    """

    data: bytes
    sha256: str
    look: str
    width: int
    height: int


class NotKept(Exception):
    """The body is not to be kept: why, as a state and a detail."""

    def __init__(self, state: str, detail: str):
        super().__init__(state, detail)
        self.state, self.detail = state, detail


def prepare(
    body: bytes,
    short_side: int | None,
    quality: int,
    most_pixels: int,
    large: Callable[[], AbstractContextManager] = nullcontext,
) -> Picture:
    """Return the picture in `body`, ready to be kept.

    A picture whose short side is above `short_side` pixels is shrunk to it; None keeps the size.
    What is a JPEG file in RGB, upright and small enough, is kept as it came; all else becomes one
    of `quality`. Every pixel's data are read, so that a body which breaks off is found out. large:
    what is entered while a picture that takes much memory is decoded. Raises NotKept for all that
    is no whole picture of a photograph's shape, or one of more than `most_pixels`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(body), formats=FORMATS)
        if image.width * image.height > most_pixels:
            raise NotKept(TOO_MANY_PIXELS, f"{image.width} x {image.height}")
        if not is_photograph(*image.size):
            raise NotKept(NOT_AN_IMAGE, f"{image.width} x {image.height}: no photograph")
        with large() if image.width * image.height > LARGE else nullcontext():
            grey = _small_grey(body) if image.format == "JPEG" else None
            return _prepare(body, image, grey, short_side, quality)
    except NotKept:
        raise
    except Image.DecompressionBombError:
        raise NotKept(TOO_MANY_PIXELS, "far too many") from None
    except UnidentifiedImageError:
        raise _unidentified(body) from None
    except OSError as error:
        raise NotKept(TRUNCATED, str(error)[:200]) from None
    # Decoders raise whatever damaged data lead them to, and one picture must not stop the others.
    except Exception as error:
        raise NotKept(NOT_AN_IMAGE, f"damaged: {type(error).__name__}: {error}"[:200]) from None


def _prepare(
    body: bytes, image: Image.Image, grey: np.ndarray | None, short_side: int | None, quality: int
) -> Picture:
    orientation = image.getexif().get(_ORIENTATION, 1) if "exif" in image.info else 1
    scale = min(1.0, short_side / min(image.size)) if short_side else 1.0
    if image.format == "JPEG" and image.mode == "RGB" and orientation == 1 and scale == 1.0:
        width, height = image.size
        if grey is None:
            # An eighth of the size still reads the whole file, in a third of the time.
            image.draft("RGB", (max(1, width // 8), max(1, height // 8)))
        seen = image if grey is None else Image.fromarray(grey)
        return Picture(body, sha256(body).hexdigest(), look(seen), width, height)
    size = tuple(max(1, round(side * scale)) for side in image.size)
    if scale < 1.0:
        image.draft("RGB", size)
    upright = _rgb(ImageOps.exif_transpose(_reduced(image, size)))
    if scale < 1.0:
        turned = size[::-1] if orientation >= 5 else size
        upright = upright.resize(turned, Image.Resampling.LANCZOS, reducing_gap=3.0)
    file = io.BytesIO()
    upright.save(file, "JPEG", quality=quality)
    data = file.getvalue()
    return Picture(data, sha256(data).hexdigest(), look(upright), *upright.size)


def _reduced(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the picture reduced by a whole number to no less than three times `size`.

    All that follows makes copies, which a large picture of many channels has no room for.
    """
    factor = min(image.size) // (3 * min(size))
    if factor < 2 or image.mode not in ("RGB", "RGBA", "L", "LA", "CMYK"):
        return image
    exif = image.info.get("exif")
    reduced = image.reduce(factor)
    if exif:
        reduced.info["exif"] = exif
    return reduced


def _small_grey(body: bytes) -> np.ndarray | None:
    """Return a JPEG's brightness at an eighth of its size, which reads the whole file.

    Raises NotKept if its data end early, which Pillow fills with grey where it can. Other
    complaints of the decoder, such as stray bytes between parts, are common and harmless: then
    None, and Pillow is to look.
    """
    try:
        grey = simplejpeg.decode_jpeg(
            body, "GRAY", fastdct=True, min_height=1, min_width=1, strict=True
        )
    except ValueError as error:
        if any(sign in str(error).lower() for sign in ("premature end", "huffman")):
            raise NotKept(TRUNCATED, str(error)[:200]) from None
        return None
    return grey[:, :, 0]


def look(image: Image.Image) -> str:
    """Return 32 hexadecimal digits: where brightness falls to the right and downwards, of 9 x 9.

    A difference hash, of 64 bits each way.
    """
    small = image.convert("L").resize((9, 9), Image.Resampling.BOX)
    levels = np.asarray(small, np.int16)
    across = levels[:8, :8] > levels[:8, 1:] + _TOLERANCE
    down = levels[:8, :8] > levels[1:, :8] + _TOLERANCE
    return np.packbits(np.stack([across, down])).tobytes().hex()


def _rgb(image: Image.Image) -> Image.Image:
    """Return the picture in RGB; what is transparent becomes white."""
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA"):
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _unidentified(body: bytes) -> NotKept:
    if not body:
        return NotKept(NOT_AN_IMAGE, "empty")
    if body.startswith(b"\xff\xd8") or body.startswith(b"\x89PNG"):
        return NotKept(TRUNCATED, "breaks off within its header")
    start = body.lstrip()[:1]
    return NotKept(NOT_AN_IMAGE, "a web page" if start == b"<" else "no known format")
