"""Images of an open coat over a skirt or trousers, with FashionAI's eight attributes.

Each attribute shows at its own place: lengths at the hem of their garment or along the arm, the
designs of neck, collar, neckline and lapel one below the other around the neck.
"""

import numpy as np

from modc.datasets.fashionai import ATTRIBUTES
from modc.drawn.canvas import (
    BLACK,
    FEET,
    SKIN,
    WAIST,
    WHITE,
    Canvas,
    Color,
    cloth_color,
    mannequin,
    mirrored,
    sleeves,
)

# How often a design that is not the annotated one is drawn at all: distraction, in moderation.
DISTRACTION = 0.4
DESIGNS = ("collar_design", "lapel_design", "neckline_design", "neck_design")


def draw(attribute: str, value: int, rng: np.random.Generator) -> bytes:
    """Return a JPEG image in which `attribute` has `value` and the others random values."""
    values = {name: int(rng.integers(count)) for name, count in ATTRIBUTES.items()}
    for design in DESIGNS:
        if rng.random() > DISTRACTION:
            values[design] = 0
    values[attribute] = value
    top, coat, lower = (cloth_color(rng) for _ in range(3))
    trousers = {"pant_length": True, "skirt_length": False}.get(attribute, rng.random() < 0.5)
    wears_coat = attribute in ("coat_length", "lapel_design") or rng.random() < 0.5
    canvas = Canvas(rng)
    mannequin(canvas)
    if trousers:
        _trousers(canvas, _hem("pant_length", values, WAIST + 8), lower)
    else:
        _skirt(canvas, _hem("skirt_length", values, WAIST + 8), lower)
    canvas.both_sides([(64, 24), (46, 25), (40, 31), (46, WAIST + 2), (64, WAIST + 2)], top)
    _neckline(canvas, values["neckline_design"])
    length = (values["sleeve_length"] + 0.4) / ATTRIBUTES["sleeve_length"]
    sleeves(canvas, length, coat if wears_coat else top, BLACK)
    if wears_coat:
        _coat(canvas, _hem("coat_length", values, 48), coat)
    _lapel(canvas, values["lapel_design"])
    _collar(canvas, values["collar_design"])
    _neck(canvas, values["neck_design"])
    return canvas.jpeg()


def _hem(attribute: str, values: dict[str, int], shortest: float) -> float:
    """Return where a garment ends: the values evenly spaced from `shortest` to the feet."""
    return shortest + values[attribute] * (FEET - shortest) / (ATTRIBUTES[attribute] - 1)


def _skirt(canvas: Canvas, hem: float, cloth: Color) -> None:
    flare = 16 + 6 * (hem - WAIST) / (FEET - WAIST)
    canvas.both_sides([(64, WAIST), (48, WAIST), (64 - flare, hem), (64, hem)], cloth)
    canvas.rectangle(64 - flare, hem - 2.5, 64 + flare, hem, BLACK)


def _trousers(canvas: Canvas, hem: float, cloth: Color) -> None:
    canvas.rectangle(46, WAIST, 82, WAIST + 6, cloth)
    canvas.both_sides([(46, WAIST), (64, WAIST), (62.5, hem), (49, hem)], cloth)
    canvas.both_sides([(49, hem - 2.5), (62.5, hem - 2.5), (62.5, hem), (49, hem)], BLACK)


def _coat(canvas: Canvas, hem: float, cloth: Color) -> None:
    canvas.both_sides([(46, 25), (54, 25), (52, hem), (36, hem), (42, 50), (40, 31)], cloth)
    canvas.both_sides([(36, hem - 3), (52, hem - 3), (52, hem), (36, hem)], WHITE)


def _neck(canvas: Canvas, design: int) -> None:
    """On the neck, above the shoulders: bare, band, roll neck, ruff, bow."""
    if design == 1:
        canvas.rectangle(55, 19, 73, 25, BLACK)
    elif design == 2:
        canvas.rectangle(54, 7, 74, 25, WHITE)
    elif design == 3:
        for x in (48, 56, 64, 72, 80):
            canvas.polygon([(x - 5, 9), (x + 5, 9), (x, 24)], BLACK)
    elif design == 4:
        canvas.both_sides([(64, 16), (44, 8), (44, 24)], WHITE)
        canvas.disc((64, 16), 4.5, BLACK)


def _collar(canvas: Canvas, design: int) -> None:
    """On the shoulders beside the neck: none, pointed, round, square, scalloped."""
    if design == 1:
        canvas.both_sides([(57, 23), (42, 25), (47, 42)], WHITE)
    elif design == 2:
        for center in ((47, 31), mirrored((47, 31))):
            canvas.disc(center, 8.5, BLACK)
    elif design == 3:
        canvas.both_sides([(56, 23), (38, 25), (38, 41), (54, 41)], WHITE)
        canvas.both_sides([(52, 27), (42, 28), (42, 37), (50, 37)], BLACK)
    elif design == 4:
        for x, y in ((55, 26), (48, 28), (41, 31)):
            canvas.disc((x, y), 4.5, WHITE)
            canvas.disc(mirrored((x, y)), 4.5, WHITE)


def _lapel(canvas: Canvas, design: int) -> None:
    """On the chest along the coat's edges: none, notched, peaked, shawl, banded."""
    if design == 1:
        canvas.both_sides([(54, 40), (42, 42), (47, 46), (43, 49), (56, 62)], BLACK)
    elif design == 2:
        canvas.both_sides([(56, 46), (38, 38), (44, 52), (57, 64)], WHITE)
    elif design == 3:
        canvas.both_sides([(52, 38), (44, 44), (44, 60), (52, 65)], BLACK)
        canvas.both_sides([(50, 43), (46, 46), (46, 58), (50, 61)], WHITE)
    elif design == 4:
        for y in (42, 50, 58):
            canvas.both_sides([(42, y), (56, y), (56, y + 4), (42, y + 4)], WHITE)


def _neckline(canvas: Canvas, design: int) -> None:
    """The opening of the top below the neck, skin with a dark edge."""
    outlines = [
        [],
        [(54, 24), (64, 52), (74, 24)],  # V
        [(54, 24), (54, 32), (58, 38), (64, 40), (70, 38), (74, 32), (74, 24)],  # round
        [(54, 24), (54, 40), (74, 40), (74, 24)],  # square
        [(42, 25), (46, 31), (82, 31), (86, 25)],  # boat
        [(54, 24), (54, 40), (59, 44), (64, 34), (69, 44), (74, 40), (74, 24)],  # sweetheart
        [(38, 24), (38, 38), (90, 38), (90, 24)],  # off the shoulders
        [(62, 24), (62, 60), (66, 60), (66, 24)],  # slit
        [(44, 24), (74, 50), (78, 24)],  # asymmetric
    ]
    if design < len(outlines):
        outline = outlines[design]
        if outline:
            canvas.polygon(outline, SKIN)
            canvas.line([*outline, outline[0]], 2.5, BLACK)
    else:  # keyhole
        canvas.disc((64, 42), 9, BLACK)
        canvas.disc((64, 42), 6.5, SKIN)
