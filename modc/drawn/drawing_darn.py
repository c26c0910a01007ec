"""Images of a top over a skirt or trousers, with DARN's nine attributes.

As in drawing_fashionai, each attribute shows at its own place: the category below the top's hem,
buttons on the placket, the pattern beside it, the collar around the neck, the sleeves on the arms.
"""

import numpy as np

from modc.datasets.darn import ATTRIBUTES
from modc.drawn.canvas import (
    BLACK,
    BLUE,
    FEET,
    GREEN,
    RED,
    SKIN,
    WAIST,
    WHITE,
    YELLOW,
    Canvas,
    Color,
    arm_point,
    cloth_color,
    color,
    mannequin,
    mirrored,
    sleeves,
)

HUES = 11
# Saturation and brightness of the five groups of clothes colors.
TONES = ((0.75, 0.7), (0.45, 0.95), (0.9, 0.4), (0.5, 0.55), (0.35, 0.75))
ACCENTS = (BLACK, WHITE, RED, YELLOW)
LONGEST_TOP = 88.0  # where the longest top ends; the lower garment ends below


def draw(values: dict[str, int], rng: np.random.Generator) -> bytes:
    """Return a JPEG image of a garment with the given value of each of DARN's attributes."""
    canvas = Canvas(rng)
    hue, tone = values["clothes color"] % HUES, TONES[values["clothes color"] // HUES]
    cloth = color(hue / HUES, *tone)
    mannequin(canvas)
    _lower_garment(canvas, values["clothes category"], cloth_color(rng))
    _top(canvas, values["clothes length"], values["clothes shape"], cloth)
    _pattern(canvas, values["clothes pattern"])
    canvas.rectangle(60, 32, 68, 61, cloth)
    _buttons(canvas, values["clothes button"])
    _sleeves(canvas, values["sleeve length"], values["sleeve shape"], cloth)
    _collar(canvas, values["collar shape"])
    return canvas.jpeg()


def _lower_garment(canvas: Canvas, category: int, cloth: Color) -> None:
    """Four kinds, wide skirt, narrow skirt, trousers, flared trousers, of five lengths each."""
    kind, length = divmod(category, 5)
    hem = 92 + length * (FEET - 92) / 4
    if kind < 2:
        half = (24, 15)[kind]
        canvas.both_sides([(64, WAIST), (50, WAIST), (64 - half, hem), (64, hem)], cloth)
        canvas.rectangle(64 - half, hem - 2.5, 64 + half, hem, BLACK)
    else:
        outside = (49, 43)[kind - 2]
        canvas.both_sides([(64, WAIST), (47, WAIST), (outside, hem), (62, hem)], cloth)
        canvas.both_sides([(outside, hem - 2.5), (62, hem - 2.5), (62, hem), (outside, hem)], WHITE)


def _top(canvas: Canvas, length: int, shape: int, cloth: Color) -> None:
    """Seven lengths; a shape is one of three waists with one of four widths at the hem."""
    steps = ATTRIBUTES["clothes length"] - 1
    hem = 61 + length * (LONGEST_TOP - 61) / steps
    waist, flare = 12 + 4 * (shape % 3), 14 + 4 * (shape // 3)
    outline = [(64, 24), (46, 25), (40, 31), (64 - waist, 54), (64 - flare, hem), (64, hem)]
    canvas.both_sides(outline, cloth)
    canvas.rectangle(64 - flare, hem - 2.5, 64 + flare, hem, BLACK)


def _pattern(canvas: Canvas, pattern: int) -> None:
    """None, or seven patterns in four colors, on both sides of the placket."""
    if pattern == 0:
        return
    kind, accent = (pattern - 1) // len(ACCENTS), ACCENTS[(pattern - 1) % len(ACCENTS)]
    left, right, top, bottom = 50, 59, 34, 60
    lines = []
    if kind in (0, 2):
        lines += [[(left, y), (right, y)] for y in (37, 44, 51, 58)]
    if kind in (1, 2):
        lines += [[(x, top), (x, bottom)] for x in (51, 55, 59)]
    if kind == 3:
        lines += [[(left, y + 7), (right, y)] for y in (34, 41, 48)]
    if kind == 4:
        lines += [[(left, y), (54.5, y + 6), (right, y)] for y in (36, 44, 52)]
    for line in lines:
        canvas.line(line, 2, accent)
        canvas.line([mirrored(point) for point in line], 2, accent)
    if kind == 5:
        for point in ((52, 38), (57, 44), (52, 50), (57, 56)):
            canvas.disc(point, 2.5, accent)
            canvas.disc(mirrored(point), 2.5, accent)
    if kind == 6:
        canvas.both_sides([(left, 36), (right, 36), (right, 56), (left, 56)], accent)


def _buttons(canvas: Canvas, design: int) -> None:
    """None, or one to four in three kinds, on the placket."""
    if design == 0:
        return
    count, kind = (design - 1) // 3 + 1, (design - 1) % 3
    for y in np.linspace(38, 57, count) if count > 1 else [47.5]:
        if kind == 2:
            canvas.rectangle(61, y - 2.5, 67, y + 2.5, YELLOW)
        else:
            canvas.disc((64, y), 3, (BLACK, WHITE)[kind])


def _sleeves(canvas: Canvas, length: int, shape: int, cloth: Color) -> None:
    """Eight lengths; a shape is a plain end, or one of four cuff widths in four colors."""
    fraction = (length + 0.4) / ATTRIBUTES["sleeve length"]
    sleeves(canvas, fraction, cloth, BLACK)
    if shape == 0:
        return
    width, accent = 10 + 4 * ((shape - 1) // len(ACCENTS)), ACCENTS[(shape - 1) % len(ACCENTS)]
    start, end = arm_point(max(0.0, fraction - 0.1)), arm_point(fraction)
    canvas.line([start, end], width, accent)
    canvas.line([mirrored(start), mirrored(end)], width, accent)


def _collar(canvas: Canvas, design: int) -> None:
    """None, or five collars in five colors, from the neck to the shoulders."""
    if design == 0:
        return
    kind, accent = (design - 1) // 5, (BLACK, WHITE, RED, BLUE, GREEN)[(design - 1) % 5]
    if kind == 0:
        canvas.rectangle(54, 18, 74, 26, accent)
    elif kind == 1:
        canvas.both_sides([(58, 22), (42, 25), (48, 34), (60, 30)], accent)
    elif kind == 2:
        canvas.polygon([(52, 22), (64, 34), (76, 22)], accent)
        canvas.polygon([(57, 20), (64, 28), (71, 20)], SKIN)
    elif kind == 3:
        for center in ((50, 28), mirrored((50, 28))):
            canvas.disc(center, 6, accent)
    else:
        canvas.both_sides([(64, 14), (46, 8), (46, 22)], accent)
