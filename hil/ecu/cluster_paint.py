"""Strokes that the cluster's picture is made of: patches, lines of text, cards, rings. Pure but for the fonts.

Rules of this module: coordinates are continuous, pixel (0, 0) covers 0..1. A mask is coverage, 0 to 255; whatever is
laid on a picture is a mask and a colour. Masks are kept, so that what was drawn once costs only its blending.

Not for: what stands where, and in which colour. That is the look's.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hil.ecu.cluster_state import Rgb
from hil.hmi.frames import Pixels

Mask = NDArray[np.uint8]
Grid = NDArray[np.floating[Any]]
SIZE: Final = (1280, 480)
FONTS: Final = Path(__file__).parent / "fonts"
_LARGE: Final = 2000
"""Pixels of a patch from which it is blended through an image."""
FINE: Final = 4
"""Supersampling of polygons."""


def blend(pixels: Pixels, mask: Mask, left: int, top: int, colour: Rgb) -> None:
    """Lay `colour` over a patch, by coverage. Both ways give the same pixels; each is the faster one for its size."""
    patch = pixels[top : top + mask.shape[0], left : left + mask.shape[1]]
    if mask.size > _LARGE:
        image = Image.fromarray(patch)
        image.paste(colour, (0, 0), Image.fromarray(mask))
        patch[:] = np.asarray(image)
        return
    cover = mask.astype(np.uint16)[..., None]
    mixed = patch * (255 - cover) + np.array(colour, np.uint16) * cover + 128
    mixed += mixed >> 8  # with the next line: divided by 255 and rounded
    np.right_shift(mixed, 8, out=patch, casting="unsafe")


def dimmed(colour: Rgb, light: float) -> Rgb:
    """A colour at a part of its brightness."""
    red, green, blue = (round(channel * light) for channel in colour)
    return red, green, blue


def between(first: Rgb, second: Rgb, part: float) -> Rgb:
    """A colour on the way from one to another."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(first, second, strict=True))
    return red, green, blue


def gradient(top: Rgb, bottom: Rgb) -> Pixels:
    """A whole screen, from a colour at its top to one at its bottom."""
    part = np.linspace(0, 1, SIZE[1])[:, None, None]
    rows = np.array(top) * (1 - part) + np.array(bottom) * part
    return np.ascontiguousarray(np.broadcast_to(np.rint(rows).astype(np.uint8), (SIZE[1], SIZE[0], 3)))


def glow(pixels: Pixels, centre: tuple[float, float], reach: tuple[float, float], colour: Rgb, strength: float) -> None:
    """Light that fades out in an ellipse."""
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(np.float32)
    away = np.hypot((x + 0.5 - centre[0]) / reach[0], (y + 0.5 - centre[1]) / reach[1])
    fall = np.clip(1 - away, 0, 1) ** 2 * strength
    pixels[:] = np.clip(np.rint(pixels + fall[..., None] * np.array(colour, np.float32)), 0, 255)


# ---- texts


@lru_cache(maxsize=64)
def font(file: str, size: int) -> ImageFont.FreeTypeFont:
    """A font that ships with the ECU."""
    return ImageFont.truetype(str(FONTS / file), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=1024)
def text_mask(file: str, size: int, text: str) -> tuple[Mask, int]:
    """Coverage of a line of text, and how far below the mask's top the middle of its capitals lies, px."""
    face = font(file, size)
    ascent, descent = face.getmetrics()
    image = Image.new("L", (max(1, math.ceil(face.getlength(text))) + 2, ascent + descent), 0)
    ImageDraw.Draw(image).text((1, 0), text, fill=255, font=face)
    capital = face.getbbox("H")
    return np.asarray(image, np.uint8), round((capital[1] + capital[3]) / 2)


def put_text(
    pixels: Pixels, at: tuple[float, float], text: str, size: int, colour: Rgb, *, file: str, align: float = 0.5
) -> None:
    """A line of text: `align` 0 begins at the point, 0.5 is centred on it, 1 ends there; its capitals are centred."""
    mask, middle = text_mask(file, size, text)
    blend(pixels, mask, round(at[0] - align * mask.shape[1]), round(at[1]) - middle, colour)


@lru_cache(maxsize=256)
def fitting(lines: tuple[str, ...], width: int, size: int, file: str) -> int:
    """The largest font size up to `size` in which all lines fit; 14 at least, smaller can't be read."""
    fits = (s for s in range(size, 14, -1) if all(font(file, s).getlength(line) <= width for line in lines))
    return next(fits, 14)


@lru_cache(maxsize=256)
def clipped(line: str, width: int, size: int, file: str) -> str:
    """The line, cut off with dots where it doesn't fit."""
    if font(file, size).getlength(line) <= width:
        return line
    cuts = (line[:end].rstrip() + "..." for end in range(len(line), 0, -1))
    return next(cut for cut in cuts if font(file, size).getlength(cut) <= width)


# ---- shapes


def polygon_mask(width: int, height: int, *shapes: list[tuple[float, float]]) -> Mask:
    """Coverage of polygons on a patch, anti-aliased."""
    image = Image.new("L", (width * FINE, height * FINE), 0)
    draw = ImageDraw.Draw(image)
    for shape in shapes:
        draw.polygon([(x * FINE - 0.5, y * FINE - 0.5) for x, y in shape], fill=255)
    return np.asarray(image.reduce(FINE), np.uint8)


@lru_cache(maxsize=64)
def card_mask(width: int, height: int, radius: int, slant: int = 0) -> Mask:
    """A rectangle with rounded corners, or with `slant` px cut off its left top and right bottom corners."""
    if slant:
        points = [(slant, 0), (width, 0), (width, height - slant), (width - slant, height), (0, height), (0, slant)]
        return polygon_mask(width, height, [(float(x), float(y)) for x, y in points])
    image = Image.new("L", (width * FINE, height * FINE), 0)
    box = (0, 0, width * FINE - 1, height * FINE - 1)
    ImageDraw.Draw(image).rounded_rectangle(box, radius * FINE, fill=255)
    return np.asarray(image.reduce(FINE), np.uint8)


@lru_cache(maxsize=64)
def frame_mask(width: int, height: int, radius: int, line: int, slant: int = 0) -> Mask:
    """The outline of a card."""
    outer = card_mask(width, height, radius, slant).copy()
    inner = card_mask(width - 2 * line, height - 2 * line, max(0, radius - line), max(0, slant - line // 2))
    outer[line:-line, line:-line] -= np.minimum(outer[line:-line, line:-line], inner)
    return outer


@lru_cache(maxsize=16)
def disc_mask(radius: int) -> Mask:
    """A disc in a square of twice its radius."""
    return card_mask(2 * radius, 2 * radius, radius)


@lru_cache(maxsize=8)
def polar_grid(half: int) -> tuple[Grid, Grid]:
    """Radius and angle (degrees clockwise from twelve o'clock, -180 to 180) of the pixels of a square round a pivot."""
    y, x = np.mgrid[-half:half, -half:half].astype(np.float32) + np.float32(0.5)
    return np.hypot(x, y), np.degrees(np.arctan2(x, -y)).astype(np.float32)


def band(radius: Grid, inner: float, outer: float) -> Grid:
    """Coverage, 0..1, of a ring between two radii."""
    covered: Grid = np.clip(radius - inner + 0.5, 0, 1) * np.clip(outer - radius + 0.5, 0, 1)
    return covered


def polar(pivot: tuple[float, float], radius: float, angle_deg: float) -> tuple[float, float]:
    """The point at a radius and an angle from a pivot."""
    angle = math.radians(angle_deg)
    return pivot[0] + radius * math.sin(angle), pivot[1] - radius * math.cos(angle)


def scaled(pixels: Pixels, light: float) -> Pixels:
    """The whole picture at a part of its brightness."""
    table = np.rint(np.arange(256) * light).astype(np.uint8)
    return np.array(Image.fromarray(pixels).point(list(table) * 3), np.uint8)
