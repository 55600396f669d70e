"""Colours, shapes and letters of the centre screen: a canvas that both brands draw on. Pure but for the fonts.

Rules of this module: a theme is all of a brand's look at day or at night. Shapes are drawn four times as large and
reduced; masks, gradients and lines of text are kept. A canvas is one picture; who draws on a kept one copies it first.

Not for: what is where (`hil.ecu.centre_places`), symbols (`hil.ecu.centre_icons`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hil.ecu.centre_places import Rect
from hil.ecu.centre_state import SIZE
from hil.ecu.cluster_state import Rgb

_FONTS: Final = Path(__file__).parent / "fonts"
FONT_FILES: Final = {
    "alta plain": str(_FONTS / "Inter-Medium.otf"),
    "alta bold": str(_FONTS / "Inter-SemiBold.otf"),
    "brio plain": str(_FONTS / "RobotoCondensed-Medium.ttf"),
    "brio bold": str(_FONTS / "RobotoCondensed-Bold.ttf"),
}
FINE: Final = 4
"""Supersampling of shapes."""
Align = Literal["left", "middle", "right"]


@dataclass(frozen=True, slots=True)
class Theme:
    """A brand at day or at night. `shape` is `round` or `cut`;"""

    brand: str
    night: bool
    shape: str
    radius: int
    top: Rgb
    bottom: Rgb
    bar: Rgb
    card: Rgb
    card_low: Rgb
    edge: Rgb
    ink: Rgb
    faint: Rgb
    accent: Rgb
    accent_low: Rgb
    on_accent: Rgb
    track: Rgb
    good: Rgb
    bad: Rgb
    warn: Rgb


ALTA_DAY: Final = Theme(
    brand="alta", night=False, shape="round", radius=22,
    top=(44, 68, 104), bottom=(16, 27, 46), bar=(13, 22, 38), card=(58, 84, 122), card_low=(38, 58, 90),
    edge=(96, 126, 168), ink=(246, 250, 255), faint=(182, 200, 224), accent=(92, 184, 255), accent_low=(36, 116, 214),
    on_accent=(255, 255, 255), track=(24, 38, 62), good=(46, 196, 120), bad=(232, 60, 62), warn=(255, 190, 40),
)  # fmt: skip
ALTA_NIGHT: Final = replace(
    ALTA_DAY, night=True,
    top=(12, 18, 30), bottom=(3, 5, 9), bar=(3, 5, 9), card=(24, 34, 52), card_low=(15, 22, 35), edge=(44, 60, 84),
    ink=(206, 216, 230), faint=(134, 148, 170), accent=(66, 140, 214), accent_low=(24, 78, 148),
    on_accent=(226, 234, 244), track=(8, 12, 20), good=(34, 148, 92), bad=(190, 44, 46), warn=(206, 150, 30),
)  # fmt: skip
BRIO_DAY: Final = Theme(
    brand="brio", night=False, shape="cut", radius=18,
    top=(72, 62, 58), bottom=(34, 28, 27), bar=(24, 19, 18), card=(92, 80, 75), card_low=(64, 54, 50),
    edge=(128, 112, 104), ink=(255, 250, 244), faint=(222, 206, 192), accent=(255, 130, 36), accent_low=(222, 58, 26),
    on_accent=(255, 255, 255), track=(34, 27, 25), good=(60, 186, 96), bad=(232, 40, 44), warn=(255, 196, 40),
)  # fmt: skip
BRIO_NIGHT: Final = replace(
    BRIO_DAY, night=True,
    top=(26, 20, 18), bottom=(8, 6, 5), bar=(6, 4, 4), card=(44, 36, 33), card_low=(27, 21, 19), edge=(70, 56, 50),
    ink=(226, 214, 202), faint=(160, 144, 130), accent=(214, 98, 26), accent_low=(158, 38, 18),
    on_accent=(240, 228, 216), track=(13, 10, 9), good=(44, 140, 72), bad=(190, 34, 36), warn=(206, 152, 30),
)  # fmt: skip
_THEMES: Final = {(theme.brand, theme.night): theme for theme in (ALTA_DAY, ALTA_NIGHT, BRIO_DAY, BRIO_NIGHT)}


def theme_of(brand: str, night: bool) -> Theme:
    """A brand's theme."""
    return _THEMES[brand, night]


def mixed(one: Rgb, other: Rgb, part: float) -> Rgb:
    """Between two colours."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return red, green, blue


# ---- kept masks


@lru_cache(maxsize=128)
def font(weight: str, size: int) -> ImageFont.FreeTypeFont:
    """A font of ours."""
    return ImageFont.truetype(FONT_FILES[weight], size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=1024)
def text_mask(weight: str, size: int, text: str) -> Image.Image:
    """Coverage of a line of text: as wide as its advance, as high as the font."""
    face = font(weight, size)
    ascent, descent = face.getmetrics()
    image = Image.new("L", (max(1, math.ceil(face.getlength(text))), ascent + descent), 0)
    ImageDraw.Draw(image).text((0, 0), text, fill=255, font=face)
    return image


@lru_cache(maxsize=1024)
def fitting(weight: str, size: int, text: str, width: int) -> tuple[int, str]:
    """The largest size up to `size` (18 at least) at which a text fits, and the text, cut with dots if it must be."""
    least = min(size, max(18, size * 6 // 10))
    for tried in range(size, least - 1, -1):
        if font(weight, tried).getlength(text) <= width:
            return tried, text
    face = font(weight, least)
    cuts = (text[:end].rstrip() + "..." for end in range(len(text), 0, -1))
    return least, next((cut for cut in cuts if face.getlength(cut) <= width), "...")


@lru_cache(maxsize=256)
def shape_mask(w: int, h: int, shape: str, radius: int) -> Image.Image:
    """Coverage of a card: rounded, or with two corners cut off."""
    image = Image.new("L", (w * FINE, h * FINE), 0)
    draw, reach = ImageDraw.Draw(image), min(radius, w // 2, h // 2) * FINE
    right, low = w * FINE - 1, h * FINE - 1
    if shape == "round":
        draw.rounded_rectangle((0, 0, right, low), reach, fill=255)
    else:
        draw.polygon(
            [(reach, 0), (right, 0), (right, low - reach), (right - reach, low), (0, low), (0, reach)], fill=255
        )
    return image.reduce(FINE)


@lru_cache(maxsize=256)
def frame_mask(w: int, h: int, shape: str, radius: int, line: int) -> Image.Image:
    """Coverage of a card's edge."""
    outer = np.asarray(shape_mask(w, h, shape, radius), np.int16).copy()
    inner = np.asarray(shape_mask(w - 2 * line, h - 2 * line, shape, max(radius - line, 1)), np.int16)
    outer[line:-line, line:-line] -= inner
    return Image.fromarray(np.clip(outer, 0, 255).astype(np.uint8))


@lru_cache(maxsize=128)
def gradient(w: int, h: int, top: Rgb, bottom: Rgb, *, across: bool = False) -> Image.Image:
    """From one colour to another, downward or to the right."""
    part = np.linspace(0, 1, w if across else h)[:, None]
    line = np.rint(np.array(top) * (1 - part) + np.array(bottom) * part).astype(np.uint8)
    cells = np.broadcast_to(line[None, :, :] if across else line[:, None, :], (h, w, 3))
    return Image.fromarray(np.ascontiguousarray(cells))


# ---- the canvas


class Canvas:
    """A picture in the making.

    Args:
        theme: whose colours and shapes it uses.
        image: what it draws on; a background of the theme where none is given.
    """

    def __init__(self, theme: Theme, image: Image.Image | None = None) -> None:
        self.theme = theme
        self.image = image if image is not None else gradient(*SIZE, theme.top, theme.bottom).copy()
        self.draw = ImageDraw.Draw(self.image)

    def mask(self, at: tuple[int, int], mask: Image.Image, colour: Rgb) -> None:
        """Lay a colour over the picture, by coverage."""
        self.image.paste(colour, (at[0], at[1], at[0] + mask.width, at[1] + mask.height), mask)

    def card(self, rect: Rect, *, top: Rgb | None = None, low: Rgb | None = None, edge: Rgb | None = None) -> None:
        """A raised surface."""
        theme = self.theme
        shape = shape_mask(rect.w, rect.h, theme.shape, theme.radius)
        self.image.paste(gradient(rect.w, rect.h, top or theme.card, low or theme.card_low), rect.box, shape)
        self.frame(rect, edge or theme.edge)

    def frame(self, rect: Rect, colour: Rgb, line: int = 2) -> None:
        """The edge of a surface."""
        theme = self.theme
        self.mask((rect.x, rect.y), frame_mask(rect.w, rect.h, theme.shape, theme.radius, line), colour)

    def fill(self, rect: Rect, colour: Rgb, radius: int | None = None) -> None:
        """A flat surface of the theme's shape."""
        if rect.w < 1 or rect.h < 1:
            return
        theme = self.theme
        reach = theme.radius if radius is None else radius
        self.mask((rect.x, rect.y), shape_mask(rect.w, rect.h, theme.shape, reach), colour)

    def text(
        self, rect: Rect, text: str, size: int, colour: Rgb | None = None, *, weight: str = "plain",
        align: Align = "middle",
    ) -> None:  # fmt: skip
        """A line of text in a rectangle, vertically centred, smaller or cut where it doesn't fit."""
        if not text:
            return
        name = f"{self.theme.brand} {weight}"
        size, text = fitting(name, size, text, rect.w)
        mask = text_mask(name, size, text)
        slack = rect.w - mask.width
        left = rect.x + (0 if align == "left" else slack if align == "right" else slack // 2)
        self.mask((left, rect.y + (rect.h - mask.height) // 2), mask, colour or self.theme.ink)

    def bar(self, rect: Rect, part: float, *, knob: bool = False) -> None:
        """A bar that is filled from the left, with a knob where it can be dragged."""
        theme, half = self.theme, rect.h // 2
        self.fill(rect, theme.track, half)
        width = round(rect.w * min(max(part, 0.0), 1.0))
        if width >= 2:
            self.fill(rect.left(max(width, rect.h)), theme.accent, half)
        if knob:
            at = Rect(rect.x + width - 19, rect.y + half - 19, 38, 38)
            self.fill(at, theme.ink, 19)
            self.fill(at.inset(5), theme.accent_low, 14)
