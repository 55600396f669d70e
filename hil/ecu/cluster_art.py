"""How the virtual cluster looks: places, colours, dials, needles and texts of its 1280 x 480 screen.

Rules of this module: coordinates are continuous, pixel (0, 0) covers 0..1; angles are degrees clockwise from twelve
o'clock. What never changes is drawn once, supersampled, and kept; every `put_*` blends one patch into a picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from hil.ecu import symbols
from hil.hmi.frames import Pixels

Rgb = tuple[int, int, int]
Mask = NDArray[np.uint8]
SIZE: Final = (1280, 480)
_FONTS: Final = Path(__file__).parent / "fonts"
_BOLD: Final = str(_FONTS / "DejaVuSans-Bold.ttf")
_PLAIN: Final = str(_FONTS / "DejaVuSans.ttf")
_FINE: Final = 4
"""Supersampling of dials and needles."""


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of day or night. `light` dims the lit telltales, 0..1."""

    light: float
    top: Rgb
    bottom: Rgb
    face: Rgb
    face_edge: Rgb
    rim: Rgb
    ink: Rgb
    faint: Rgb
    ghost: Rgb
    needle: Rgb
    redline: Rgb


DAY: Final = Theme(
    light=1.0,
    top=(13, 18, 26),
    bottom=(3, 5, 8),
    face=(26, 33, 44),
    face_edge=(9, 12, 18),
    rim=(86, 98, 116),
    ink=(238, 242, 248),
    faint=(140, 150, 166),
    ghost=(24, 29, 37),
    needle=(255, 78, 24),
    redline=(214, 34, 40),
)
NIGHT: Final = Theme(
    light=0.6,
    top=(5, 7, 11),
    bottom=(1, 2, 3),
    face=(13, 17, 24),
    face_edge=(4, 6, 9),
    rim=(44, 52, 66),
    ink=(168, 174, 184),
    faint=(92, 100, 114),
    ghost=(13, 16, 21),
    needle=(178, 52, 16),
    redline=(140, 22, 26),
)


@dataclass(frozen=True, slots=True)
class Gauge:
    """A round dial: the needle sweeps from `-sweep/2` to `+sweep/2` degrees around twelve o'clock."""

    pivot: tuple[int, int]
    labels: tuple[str, ...]
    minor: int
    unit: str
    redline: float = 1.0
    sweep: float = 260.0

    def angle(self, part: float) -> float:
        """The needle's angle for a part of the scale, 0..1."""
        return self.sweep * (part - 0.5)


SPEED_GAUGE: Final = Gauge((240, 222), tuple(str(v) for v in range(0, 261, 20)), 4, "km/h")
RPM_GAUGE: Final = Gauge((1040, 222), tuple(str(v) for v in range(9)), 4, "1000/min", redline=6.5 / 8)
DIAL: Final = 208
"""Half the side of the square that a dial covers, px."""

RED, AMBER, GREEN, BLUE = (255, 40, 36), (255, 176, 0), (34, 214, 88), (44, 122, 255)
STRIP_Y: Final = 450
PITCH: Final = 56


def _strip(slot: int) -> tuple[int, int]:
    """Centre of a slot of the bottom strip; slots -10 to 10, 0 in the middle."""
    return 640 + PITCH * slot, STRIP_Y


TELLTALES: Final[dict[str, tuple[tuple[int, int], int, Rgb]]] = {
    "turn_left": ((486, 44), 44, GREEN),
    "turn_right": ((794, 44), 44, GREEN),
    "position_lights": ((572, 44), 42, GREEN),
    "low_beam": ((640, 44), 42, GREEN),
    "high_beam": ((708, 44), 42, BLUE),
    "brake": (_strip(-3), 42, RED),
    "oil": (_strip(-2), 42, RED),
    "battery": (_strip(-1), 42, RED),
    "engine": (_strip(0), 42, AMBER),
    "abs": (_strip(1), 42, AMBER),
    "airbag": (_strip(2), 42, RED),
    "seat_belt": (_strip(3), 42, RED),
}
"""Name to (centre, side in px, colour when lit)."""


def dark() -> Pixels:
    """The glass with its backlight off."""
    return np.zeros((SIZE[1], SIZE[0], 3), np.uint8)


def _blend(pixels: Pixels, mask: Mask, left: int, top: int, colour: Rgb) -> None:
    """Lay `colour` over a patch, by coverage."""
    patch = pixels[top : top + mask.shape[0], left : left + mask.shape[1]]
    cover = mask.astype(np.uint16)[..., None]
    mixed = patch * (255 - cover) + np.array(colour, np.uint16) * cover + 128
    mixed += mixed >> 8  # with the next line: divided by 255 and rounded
    np.right_shift(mixed, 8, out=patch, casting="unsafe")


def _dimmed(colour: Rgb, light: float) -> Rgb:
    red, green, blue = (round(channel * light) for channel in colour)
    return red, green, blue


# ---- texts


@lru_cache(maxsize=64)
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=512)
def _text_mask(path: str, size: int, text: str) -> Mask:
    """Coverage of a line of text: as wide as its advance, as high as the font."""
    font = _font(path, size)
    ascent, descent = font.getmetrics()
    image = Image.new("L", (max(1, math.ceil(font.getlength(text))), ascent + descent), 0)
    ImageDraw.Draw(image).text((0, 0), text, fill=255, font=font)
    return np.asarray(image, np.uint8)


def _put_text(
    pixels: Pixels, at: tuple[int, int], text: str, size: int, colour: Rgb, *, path: str = _PLAIN, align: float = 0.5
) -> None:
    """A line of text around `at`: `align` 0 begins there, 0.5 is centred, 1 ends there; vertically centred."""
    mask = _text_mask(path, size, text)
    left = round(at[0] - align * mask.shape[1])
    _blend(pixels, mask, left, at[1] - mask.shape[0] // 2, colour)


def put_speed(pixels: Pixels, theme: Theme, number: str, unit: str) -> None:
    """The digital speed and its unit."""
    _put_text(pixels, (640, 136), number, 104, theme.ink, path=_BOLD)
    _put_text(pixels, (640, 204), unit, 22, theme.faint)


def put_gear(pixels: Pixels, theme: Theme, gear: str) -> None:
    """The gear in its frame."""
    _blend(pixels, _frame_mask(64, 60, 10, 2), 608, 232, theme.rim)
    if gear:
        _put_text(pixels, (640, 262), gear, 44, theme.ink, path=_BOLD)


def put_odometer(pixels: Pixels, theme: Theme, number: str) -> None:
    """Total distance, at the left of the footer."""
    _put_text(pixels, (588, 394), number, 21, theme.ink, align=1)


def put_trip(pixels: Pixels, theme: Theme, number: str) -> None:
    """Trip distance, at the right of the footer."""
    _put_text(pixels, (782, 394), number, 21, theme.ink, align=1)


def put_message(pixels: Pixels, theme: Theme, lines: tuple[str, ...], alert: bool) -> None:
    """The pop-up: a card with a coloured bar and up to two lines."""
    colour = _dimmed(RED if alert else theme.ink, theme.light)
    _blend(pixels, _card_mask(352, 66, 10), 464, 302, theme.face)
    _blend(pixels, _frame_mask(352, 66, 10, 2), 464, 302, colour if alert else theme.rim)
    _blend(pixels, _card_mask(6, 46, 3), 474, 312, colour)
    size = _fitting(lines, 316, 24 if len(lines) == 1 else 20)
    for index, line in enumerate(lines):
        middle = 335 + round((index - (len(lines) - 1) / 2) * (size + 6))
        _put_text(pixels, (648, middle), _clipped(line, 316, size), size, theme.ink)


def _fitting(lines: tuple[str, ...], width: int, size: int) -> int:
    """The largest font size up to `size` in which all lines fit; 14 at least, smaller can't be read."""
    fits = (s for s in range(size, 14, -1) if all(_font(_PLAIN, s).getlength(line) <= width for line in lines))
    return next(fits, 14)


def _clipped(line: str, width: int, size: int) -> str:
    """The line, cut off with dots where it doesn't fit."""
    if _font(_PLAIN, size).getlength(line) <= width:
        return line
    cuts = (line[:end].rstrip() + "..." for end in range(len(line), 0, -1))
    return next(cut for cut in cuts if _font(_PLAIN, size).getlength(cut) <= width)


@lru_cache(maxsize=16)
def _card_mask(width: int, height: int, radius: int) -> Mask:
    image = Image.new("L", (width * _FINE, height * _FINE), 0)
    box = (0, 0, width * _FINE - 1, height * _FINE - 1)
    ImageDraw.Draw(image).rounded_rectangle(box, radius * _FINE, fill=255)
    return np.asarray(image.reduce(_FINE), np.uint8)


@lru_cache(maxsize=16)
def _frame_mask(width: int, height: int, radius: int, line: int) -> Mask:
    outer = _card_mask(width, height, radius).copy()
    outer[line:-line, line:-line] -= np.minimum(
        outer[line:-line, line:-line], _card_mask(width - 2 * line, height - 2 * line, radius - line)
    )
    return outer


# ---- telltales


@lru_cache(maxsize=64)
def _symbol(name: str) -> Mask:
    return symbols.mask(name, TELLTALES[name][1], _BOLD)


def _put_symbol(pixels: Pixels, name: str, colour: Rgb) -> None:
    (x, y), side, _ = TELLTALES[name]
    _blend(pixels, _symbol(name), x - side // 2, y - side // 2, colour)


def put_telltale(pixels: Pixels, theme: Theme, name: str) -> None:
    """A lit telltale."""
    _put_symbol(pixels, name, _dimmed(TELLTALES[name][2], theme.light))


# ---- needles


def _polar(pivot: tuple[float, float], radius: float, angle_deg: float) -> tuple[float, float]:
    angle = math.radians(angle_deg)
    return pivot[0] + radius * math.sin(angle), pivot[1] - radius * math.cos(angle)


@lru_cache(maxsize=256)
def _needle_mask(angle_deg: float) -> tuple[Mask, int, int]:
    """Coverage of a needle at an angle, and where its left top corner lies from the pivot, px."""
    tip, foot = (0.0, 0.0), (0.0, 0.0)
    tips = [_polar(_polar(tip, 170, angle_deg), 1.1, angle_deg + side) for side in (-90, 90)]
    feet = [_polar(_polar(foot, 20, angle_deg), 4.6, angle_deg + side) for side in (90, -90)]
    corners = tips + feet
    left, top = (math.floor(min(p[i] for p in corners)) - 1 for i in (0, 1))
    width, height = (math.ceil(max(p[i] for p in corners)) + 1 - low for i, low in ((0, left), (1, top)))
    image = Image.new("L", (width * _FINE, height * _FINE), 0)
    fine = [((x - left) * _FINE - 0.5, (y - top) * _FINE - 0.5) for x, y in corners]
    ImageDraw.Draw(image).polygon(fine, fill=255)
    return np.asarray(image.reduce(_FINE), np.uint8), left, top


@lru_cache(maxsize=4)
def _hub_mask(radius: int) -> Mask:
    return _card_mask(2 * radius, 2 * radius, radius)


def put_needle(pixels: Pixels, theme: Theme, gauge: Gauge, part: float) -> None:
    """A needle at a part of its scale, 0..1, with the hub over its foot."""
    x, y = gauge.pivot
    mask, left, top = _needle_mask(round(gauge.angle(part), 3))
    _blend(pixels, mask, x + left, y + top, theme.needle)
    for radius, colour in ((26, theme.rim), (23, theme.face_edge), (8, theme.needle)):
        _blend(pixels, _hub_mask(radius), x - radius, y - radius, colour)


# ---- what never changes


@lru_cache(maxsize=2)
def background(theme: Theme) -> Pixels:
    """All that doesn't change within a theme. Copy it before drawing on it."""
    pixels = _gradient(theme.top, theme.bottom)
    for gauge in (SPEED_GAUGE, RPM_GAUGE):
        _put_dial(pixels, theme, gauge)
    _put_lines(pixels, theme)
    _put_text(pixels, (468, 394), "ODO", 15, theme.faint, align=0)
    _put_text(pixels, (594, 394), "km", 15, theme.faint, align=0)
    _put_text(pixels, (658, 394), "TRIP", 15, theme.faint, align=0)
    _put_text(pixels, (788, 394), "km", 15, theme.faint, align=0)
    for name in TELLTALES:
        _put_symbol(pixels, name, theme.ghost)
    return pixels


def _gradient(top: Rgb, bottom: Rgb) -> Pixels:
    part = np.linspace(0, 1, SIZE[1])[:, None, None]
    rows = np.array(top) * (1 - part) + np.array(bottom) * part
    return np.ascontiguousarray(np.broadcast_to(np.rint(rows).astype(np.uint8), (SIZE[1], SIZE[0], 3)))


def _put_lines(pixels: Pixels, theme: Theme) -> None:
    """Hair lines above and below the centre, fading to their ends."""
    fade = np.sin(np.linspace(0, math.pi, 320)) ** 0.7 * 150
    for y in (78, 376):
        _blend(pixels, fade.astype(np.uint8)[None, :], 480, y, theme.rim)


def _put_dial(pixels: Pixels, theme: Theme, gauge: Gauge) -> None:
    x, y = gauge.pivot
    patch = Image.fromarray(pixels[y - DIAL : y + DIAL, x - DIAL : x + DIAL])
    fine = patch.resize((2 * DIAL * _FINE,) * 2, Image.Resampling.BILINEAR)
    _draw_face(fine, theme)
    _draw_scale(ImageDraw.Draw(fine), theme, gauge)
    pixels[y - DIAL : y + DIAL, x - DIAL : x + DIAL] = np.asarray(fine.reduce(_FINE))
    _label_dial(pixels, theme, gauge)


def _draw_face(fine: Image.Image, theme: Theme) -> None:
    """The disc with its bright-to-dark face and the rim around it."""
    middle, draw = fine.width / 2, ImageDraw.Draw(fine)
    for radius, colour in _rings(theme):
        reach = radius * _FINE
        draw.ellipse((middle - reach, middle - reach, middle + reach - 1, middle + reach - 1), fill=colour)


def _rings(theme: Theme) -> list[tuple[float, Rgb]]:
    rings: list[tuple[float, Rgb]] = [(198, theme.rim), (196, theme.face_edge)]
    for step in range(96):
        part = step / 95
        colour = tuple(round(e + (f - e) * part) for e, f in zip(theme.face_edge, theme.face, strict=True))
        rings.append((194 - 134 * part, (colour[0], colour[1], colour[2])))
    return rings


def _draw_scale(draw: ImageDraw.ImageDraw, theme: Theme, gauge: Gauge) -> None:
    middle = float(DIAL * _FINE)
    if gauge.redline < 1:
        box = [middle - 187 * _FINE, middle - 187 * _FINE, middle + 187 * _FINE, middle + 187 * _FINE]
        ends = gauge.angle(gauge.redline) - 90, gauge.angle(1) - 90
        draw.arc(box, *ends, fill=theme.redline, width=6 * _FINE)
    ticks = (len(gauge.labels) - 1) * gauge.minor
    for tick in range(ticks + 1):
        major, part = tick % gauge.minor == 0, tick / ticks
        angle, inner = gauge.angle(part), 168 if major else 177 if tick % 2 else 173
        ends_at = [_polar((middle, middle), radius * _FINE, angle) for radius in (inner, 186)]
        colour = theme.redline if part >= gauge.redline and gauge.redline < 1 else theme.ink if major else theme.faint
        draw.line(ends_at, fill=colour, width=round((3 if major else 1.6) * _FINE))


def _label_dial(pixels: Pixels, theme: Theme, gauge: Gauge) -> None:
    for index, label in enumerate(gauge.labels):
        part = index / (len(gauge.labels) - 1)
        size = 20 if len(gauge.labels) > 9 else 26
        x, y = _polar(gauge.pivot, _label_radius(gauge.angle(part), label, size), gauge.angle(part))
        _put_text(pixels, (round(x), round(y)), label, size, theme.ink, path=_BOLD)
    _put_text(pixels, (gauge.pivot[0], gauge.pivot[1] + 150), gauge.unit, 17, theme.faint)


def _label_radius(angle_deg: float, label: str, size: int) -> float:
    """Where a label's middle lies, so that its edge keeps its distance from the ticks."""
    half_width, half_height = _font(_BOLD, size).getlength(label) / 2, size * 0.37
    angle = math.radians(angle_deg)
    return 160 - math.hypot(half_width * math.sin(angle), half_height * math.cos(angle))


@lru_cache(maxsize=1)
def splash() -> Pixels:
    """The picture shown while the cluster boots. Copy it before drawing on it."""
    fine = Image.fromarray(_gradient(DAY.top, DAY.bottom)).resize((SIZE[0] * 2, SIZE[1] * 2))
    draw, middle = ImageDraw.Draw(fine), (SIZE[0], 380)
    box = (middle[0] - 170, middle[1] - 170, middle[0] + 170, middle[1] + 170)
    draw.arc(box, 140, 400, fill=DAY.rim, width=16)
    draw.arc(box, 140, 310, fill=DAY.needle, width=16)
    glow = fine.filter(ImageFilter.GaussianBlur(14))
    fine = ImageChops.lighter(glow, fine)
    ImageDraw.Draw(fine).line([middle, _polar(middle, 132, 40)], fill=DAY.ink, width=10)
    ImageDraw.Draw(fine).circle(middle, 14, fill=DAY.ink)
    pixels = np.array(fine.reduce(2), np.uint8)
    _put_text(pixels, (640, 330), "OPEN COCKPIT", 40, DAY.ink, path=_BOLD)
    _put_text(pixels, (640, 374), "virtual instrument cluster", 20, DAY.faint)
    return pixels
