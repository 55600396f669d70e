"""Draws a look: what never changes once a theme, and every changing thing as a patch blended into a copy of it.

Rules of this module: `background` and what hangs on it are kept by brand, theme and unit of speed; every `put_*`
blends its patches into a picture and returns nothing. Words are laid on at every picture, so that a language costs no
background of its own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from hil.ecu import cluster_paint as paint
from hil.ecu import symbols
from hil.ecu.cluster_alta import ALTA
from hil.ecu.cluster_brio import BRIO
from hil.ecu.cluster_dial import Dial, Light, light_of, put_dial, put_light, put_needle
from hil.ecu.cluster_look import Bar, Card, Line, Look, Theme
from hil.ecu.cluster_paint import blend, dimmed
from hil.ecu.cluster_state import (
    AMBER,
    COLOURS,
    COOLANT_C,
    RED,
    RPM_MAX,
    SCALE_ENDS,
    ClusterState,
    Guidance,
    Rgb,
    Warning,
)
from hil.ecu.cluster_words import WORDS
from hil.hmi.frames import Pixels

SIZE: Final = paint.SIZE
LOOKS: Final[dict[str, Look]] = {"alta": ALTA, "brio": BRIO}


def theme_of(brand: str, night: bool) -> Theme:
    """Colours of a brand by day or by night."""
    return LOOKS[brand].night if night else LOOKS[brand].day


# ---- what never changes


@lru_cache(maxsize=8)
def background(brand: str, night: bool, unit: str) -> Pixels:
    """All that doesn't change within a brand, a theme and a unit of speed. Copy it before drawing on it."""
    look, theme = LOOKS[brand], theme_of(brand, night)
    pixels = paint.gradient(theme.top, theme.bottom)
    look.decorate(pixels, theme)
    for dial in (look.speed[unit], look.rpm):
        put_dial(pixels, dial, theme.dial, look.scale_file)
    return pixels


@lru_cache(maxsize=8)
def lights(brand: str, night: bool, unit: str) -> tuple[Light, Light]:
    """The lit tracks of the speed dial and of the rev dial."""
    look, ground = LOOKS[brand], background(brand, night, unit)
    colours = theme_of(brand, night).dial
    return light_of(ground, look.speed[unit], colours), light_of(ground, look.rpm, colours)


@lru_cache(maxsize=4)
def splash(brand: str, night: bool) -> Pixels:
    """The picture shown while the cluster boots. Copy it before drawing on it."""
    return LOOKS[brand].splash(theme_of(brand, night))


def dark() -> Pixels:
    """The glass with its backlight off."""
    return np.zeros((SIZE[1], SIZE[0], 3), np.uint8)


# ---- the instruments


def instruments(state: ClusterState) -> Pixels:
    """The picture of a state whose screen is on, at full backlight."""
    look, theme = LOOKS[state.brand], theme_of(state.brand, state.night)
    pixels = background(state.brand, state.night, state.speed_unit).copy()
    _put_needles(pixels, look, theme, state)
    _put_bars(pixels, look, theme, state)
    _put_words(pixels, look, theme, state)
    _put_numbers(pixels, look, theme, state)
    for name in sorted(state.telltales):
        put_telltale(pixels, look, theme, name)
    if state.speed_limit is not None:
        _put_sign(pixels, look, theme, state.speed_limit)
    if state.acc_speed is not None:
        _put_cruise(pixels, look, theme, state.acc_speed)
    if state.guidance:
        _put_guidance(pixels, look, theme, state.guidance)
    if state.warning:
        put_warning(pixels, look, theme, state.warning, state.warnings_queued)
    return pixels


def _put_needles(pixels: Pixels, look: Look, theme: Theme, state: ClusterState) -> None:
    parts = state.speed / SCALE_ENDS[state.brand, state.speed_unit], state.rpm / RPM_MAX
    dials: tuple[Dial, Dial] = look.speed[state.speed_unit], look.rpm
    lit = lights(state.brand, state.night, state.speed_unit)
    for dial, part, light in zip(dials, parts, lit, strict=True):
        put_light(pixels, light, dial.angle(part))
        put_needle(pixels, dial, theme.dial.needle, part)


def _put_line(pixels: Pixels, theme: Theme, line: Line, text: str) -> None:
    size = paint.fitting((text,), line.width, line.size, line.file) if line.width else line.size
    shown = paint.clipped(text, line.width, size, line.file) if line.width else text
    paint.put_text(
        pixels, line.at, shown, size, theme.soft if line.soft else theme.ink, file=line.file, align=line.align
    )


def _put_words(pixels: Pixels, look: Look, theme: Theme, state: ClusterState) -> None:
    """Labels and units."""
    words, unit = WORDS[state.language], state.distance_unit
    shown = {name: unit if name.endswith("_unit") else words[name] for name in look.labels}
    if state.power_pct is None:
        del shown["charge"], shown["power"]
    for name, text in shown.items():
        _put_line(pixels, theme, look.labels[name], text)


def _put_numbers(pixels: Pixels, look: Look, theme: Theme, state: ClusterState) -> None:
    shown = {
        "speed": "---" if state.speed_number is None else str(state.speed_number),
        "speed_unit": state.speed_unit,
        "gear": state.gear or "",
        "odometer": "------" if state.odometer is None else f"{state.odometer:06d}",
        "trip": "---" if state.trip is None else f"{state.trip:.1f}",
        "range": "---" if state.range_km is None else str(state.range_km),
        "clock": state.clock or "",
        "outside": state.outside or "",
    }
    for name, text in shown.items():
        if text:
            _put_line(pixels, theme, look.texts[name], text)


# ---- bars


def _put_bars(pixels: Pixels, look: Look, theme: Theme, state: ClusterState) -> None:
    low, high = COOLANT_C
    coolant = None if state.coolant_C is None else (state.coolant_C - low) / (high - low)
    power = None if state.power_pct is None else state.power_pct / 100
    parts = {"fuel": state.fuel, "coolant": coolant, "charge": state.charge, "power": power}
    for name, part in parts.items():
        if part is not None:
            _put_bar(pixels, look, theme, look.bars[name], part)


def _put_bar(pixels: Pixels, look: Look, theme: Theme, bar: Bar, part: float) -> None:
    left, top, width, height = bar.box
    mask = paint.card_mask(width, height, height // 2)
    blend(pixels, mask, left, top, theme.groove)
    if bar.hot < 1:
        begin = round(width * bar.hot)
        hot = paint.card_mask(width - begin, 2, 1)
        blend(pixels, hot, left + begin, top + height + 3, dimmed(RED, theme.light * 0.85))
    if bar.fills == "right":
        _fill(pixels, mask, bar, (0.0, part * width), theme.accent)
    else:
        middle = width / 2
        ends = sorted((middle, middle * (1 + part)))
        _fill(pixels, mask, bar, (ends[0], ends[1]), theme.accent if part >= 0 else theme.regain)
        for y in (top - 6, top + height + 2):
            blend(pixels, paint.card_mask(2, 4, 0), left + width // 2 - 1, y, theme.soft)
    _mark_bar(pixels, look, theme, bar)


def _fill(pixels: Pixels, mask: paint.Mask, bar: Bar, ends: tuple[float, float], colour: Rgb) -> None:
    """Fill a bar between two places, to a part of a pixel."""
    columns = np.arange(mask.shape[1] + 1, dtype=np.float32)
    inside = np.clip(np.minimum(columns[1:], ends[1]) - np.maximum(columns[:-1], ends[0]), 0, 1)
    blend(pixels, np.rint(mask * inside).astype(np.uint8), bar.box[0], bar.box[1], colour)


def _mark_bar(pixels: Pixels, look: Look, theme: Theme, bar: Bar) -> None:
    left, top, width, height = bar.box
    for x, letter in ((left - 14, bar.ends[0]), (left + width + 14, bar.ends[1])):
        if letter:
            paint.put_text(pixels, (x, top + height / 2), letter, 15, theme.soft, file=look.label_file)
    if bar.symbol:
        name, at, side = bar.symbol
        _put_symbol(pixels, name, at, side, theme.soft)


# ---- telltales, sign, cruise control, guidance


def _put_symbol(pixels: Pixels, name: str, at: tuple[int, int], side: int, colour: Rgb) -> None:
    blend(pixels, symbols.mask(name, side), at[0] - side // 2, at[1] - side // 2, colour)


def put_telltale(pixels: Pixels, look: Look, theme: Theme, name: str) -> None:
    """A lit telltale."""
    at, side = look.telltales[name]
    _put_symbol(pixels, name, at, side, dimmed(COLOURS[name], theme.light))


def _put_sign(pixels: Pixels, look: Look, theme: Theme, limit: int) -> None:
    """The traffic sign: black on white in a red ring."""
    (x, y), radius = look.sign
    ring = max(4, radius // 6)
    for reach, colour in ((radius, (255, 255, 255)), (radius - 1, (214, 20, 32)), (radius - 1 - ring, (250, 250, 250))):
        blend(pixels, paint.disc_mask(reach), x - reach, y - reach, dimmed(colour, theme.light * 0.94))
    line = look.texts["speed_limit"]
    size = line.size if limit < 100 else round(line.size * 0.86)
    paint.put_text(pixels, line.at, str(limit), size, (8, 8, 10), file=line.file)


def _put_cruise(pixels: Pixels, look: Look, theme: Theme, speed: int) -> None:
    _put_symbol(pixels, "cruise", *look.cruise, theme.soft)
    _put_line(pixels, theme, look.texts["acc_speed"], str(speed))


def _put_guidance(pixels: Pixels, look: Look, theme: Theme, guidance: Guidance) -> None:
    _put_symbol(pixels, guidance.manoeuvre, *look.guidance, theme.ink)
    _put_line(pixels, theme, look.texts["guidance_distance"], guidance.distance)
    _put_line(pixels, theme, look.texts["guidance_road"], guidance.road)


# ---- the pop-up


def severity_colour(theme: Theme, severity: str) -> Rgb:
    """White, amber, amber or red."""
    colours = {"information": theme.ink, "caution": AMBER, "warning": AMBER, "critical": RED}
    return theme.ink if severity == "information" else dimmed(colours[severity], theme.light)


def put_warning(pixels: Pixels, look: Look, theme: Theme, warning: Warning, queued: int) -> None:
    """A card with a symbol, up to two lines, and how many more wait."""
    card, colour = look.card, severity_colour(theme, warning.severity)
    left, top, width, height = card.box
    blend(pixels, paint.card_mask(width, height, card.radius, card.slant), left, top, theme.card)
    blend(pixels, paint.frame_mask(width, height, card.radius, 2, card.slant), left, top, colour)
    for x, y, wide, high in card.marks[: 2 if warning.severity in ("warning", "critical") else 1]:
        blend(pixels, paint.card_mask(wide, high, wide // 2), left + x, top + y, colour)
    (x, y), side = card.symbol
    _put_symbol(pixels, warning.symbol or warning.severity, (left + x, top + y), side, colour)
    _put_lines(pixels, theme, card, warning.lines)
    if queued > 0:
        at = left + card.queue[0], top + card.queue[1]
        paint.put_text(pixels, at, f"+{min(queued, 9)}", 15, theme.soft, file=card.file)


def _put_lines(pixels: Pixels, theme: Theme, card: Card, lines: tuple[str, ...]) -> None:
    size = paint.fitting(lines, card.text[1], card.sizes[len(lines) - 1], card.file)
    for index, line in enumerate(lines):
        y = card.box[1] + card.box[3] / 2 + (index - (len(lines) - 1) / 2) * size * 1.42
        shown = paint.clipped(line, card.text[1], size, card.file)
        paint.put_text(pixels, (card.box[0] + card.text[0], y), shown, size, theme.ink, file=card.file, align=0)
