"""A canvas and a mannequin: what the drawn images of both datasets have in common.

Figures are drawn in a square of 128 x 128 units that becomes the central square of a portrait
image, so that a center crop keeps everything that matters. Position and scale vary a little.
"""

import colorsys
import io

import numpy as np
from PIL import Image, ImageDraw

SIDE = 128  # width of an image in pixels, and side of the figure's square in units
HEIGHTS = (128, 171)  # range of an image's height in pixels, the upper end exclusive
JPEG_QUALITY = 95
# Drawn this much larger and reduced, since PIL draws edges without antialiasing.
OVERSAMPLING = 2
SHIFT = 4  # largest displacement of the figure in units
SCALES = (0.92, 1.04)  # anything within 8 to 120 units stays inside the central square

Point = tuple[float, float]
Color = tuple[int, int, int]

BLACK, WHITE, RED, YELLOW, BLUE, GREEN = (
    (20, 20, 24),
    (250, 250, 250),
    (214, 30, 40),
    (250, 208, 30),
    (30, 70, 200),
    (20, 140, 70),
)
SKIN = (236, 190, 160)

# The mannequin's left arm, mirrored for the right one: from the shoulder to the hand.
SHOULDER, HAND = (42.0, 31.0), (12.0, 94.0)
WAIST, FEET = 64.0, 119.0


class Canvas:
    """An image in the making; points are in units of the figure's square, shifted and scaled."""

    def __init__(self, rng: np.random.Generator):
        self.height = int(rng.integers(*HEIGHTS))
        pale = color(rng.random(), rng.uniform(0.0, 0.2), rng.uniform(0.7, 0.95))
        self._image = Image.new("RGB", (SIDE * OVERSAMPLING, self.height * OVERSAMPLING), pale)
        self._draw = ImageDraw.Draw(self._image)
        self._scale = rng.uniform(*SCALES) * OVERSAMPLING
        shift = rng.uniform(-SHIFT, SHIFT, 2)
        self._center = (np.array([SIDE, self.height]) / 2 + shift) * OVERSAMPLING

    def polygon(self, points: list[Point], fill: Color) -> None:
        """Fill a polygon."""
        self._draw.polygon([self._pixel(point) for point in points], fill=fill)

    def both_sides(self, points: list[Point], fill: Color) -> None:
        """Fill a polygon and its mirror image about the figure's axis."""
        self.polygon(points, fill)
        self.polygon([mirrored(point) for point in points], fill)

    def disc(self, center: Point, radius: float, fill: Color) -> None:
        """Fill a disc."""
        x, y = self._pixel(center)
        r = radius * self._scale
        self._draw.ellipse([x - r, y - r, x + r, y + r], fill=fill)

    def line(self, points: list[Point], width: float, fill: Color) -> None:
        """Draw a line of the given width through the points."""
        pixels = [self._pixel(point) for point in points]
        self._draw.line(pixels, fill=fill, width=max(1, round(width * self._scale)), joint="curve")

    def rectangle(self, left: float, top: float, right: float, bottom: float, fill: Color) -> None:
        """Fill an upright rectangle."""
        self._draw.rectangle([self._pixel((left, top)), self._pixel((right, bottom))], fill=fill)

    def jpeg(self) -> bytes:
        """Return the finished image as the bytes of a JPEG file."""
        buffer = io.BytesIO()
        self._image.reduce(OVERSAMPLING).save(buffer, "JPEG", quality=JPEG_QUALITY)
        return buffer.getvalue()

    def _pixel(self, point: Point) -> Point:
        return (
            float(self._center[0] + (point[0] - SIDE / 2) * self._scale),
            float(self._center[1] + (point[1] - SIDE / 2) * self._scale),
        )


def mirrored(point: Point) -> Point:
    """Return the point on the figure's other side."""
    return SIDE - point[0], point[1]


def color(hue: float, saturation: float, brightness: float) -> Color:
    """Return the color of a hue, saturation and brightness, each in 0..1."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, brightness)
    return round(255 * red), round(255 * green), round(255 * blue)


def cloth_color(rng: np.random.Generator) -> Color:
    """Return a random color of middle brightness: black, white and skin stand out from it."""
    return color(rng.uniform(0.25, 0.95), rng.uniform(0.45, 0.8), rng.uniform(0.45, 0.75))


def arm_point(fraction: float) -> Point:
    """Return the point on the left arm at a fraction 0..1 of the way from shoulder to hand."""
    return (
        SHOULDER[0] + fraction * (HAND[0] - SHOULDER[0]),
        SHOULDER[1] + fraction * (HAND[1] - SHOULDER[1]),
    )


def mannequin(canvas: Canvas) -> None:
    """Draw the bare figure: neck, torso, arms and legs; no head, as in many product photographs."""
    canvas.rectangle(57, 8, 71, 28, SKIN)
    canvas.both_sides([(64, 24), (46, 26), (40, 31), (46, WAIST), (64, WAIST)], SKIN)
    for side in (lambda point: point, mirrored):
        canvas.line([side(SHOULDER), side(HAND)], 9, SKIN)
        canvas.disc(side(SHOULDER), 4.5, SKIN)
        canvas.disc(side(HAND), 5, SKIN)
    canvas.both_sides([(47, WAIST), (64, WAIST), (62, FEET), (52, FEET)], SKIN)


def sleeves(canvas: Canvas, fraction: float, cloth: Color, cuff: Color) -> None:
    """Cover both arms down to a fraction 0..1 of their length; a cuff marks the end."""
    for side in (lambda point: point, mirrored):
        end = side(arm_point(fraction))
        canvas.disc(side(SHOULDER), 6.5, cloth)
        canvas.line([side(SHOULDER), end], 13, cloth)
        canvas.line([side(arm_point(max(0.0, fraction - 0.05))), end], 14, cuff)


def placeholder() -> bytes:
    """Return the JPEG image that a web shop shows where a photograph is gone: a crossed frame."""
    image = Image.new("RGB", (SIDE, SIDE), (235, 235, 235))
    draw = ImageDraw.Draw(image)
    draw.rectangle((24, 24, 104, 104), outline=(150, 150, 150), width=4)
    draw.line((24, 24, 104, 104), fill=(150, 150, 150), width=4)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
