"""The picture of the centre screen: a state goes in, 1280 x 800 pixels come out. Pure but for the fonts.

Rules of this module: what never changes on a view is drawn once for brand, theme, language and features, and kept; a
picture is a copy of that with the live parts on it. Equal states share one raster (`render` is cached).

Not for: what the views show (`hil.ecu.centre_art_*`, one function each), where things are (`hil.ecu.centre_places`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import numpy as np
from PIL import Image

from hil.ecu import centre_art_camera, centre_art_cards, centre_art_lists, centre_art_map, centre_art_talk
from hil.ecu.centre_icons import icon
from hil.ecu.centre_pen import Canvas, frame_mask, mixed, theme_of
from hil.ecu.centre_places import DOCK_H, RAIL_W, STATUS_H, Places, Rect, dock, places
from hil.ecu.centre_sheet import Sheet
from hil.ecu.centre_state import SIZE, CentreState, Status
from hil.ecu.cluster_state import Screen
from hil.hmi.frames import Pixels

RASTERS: Final = 12
"""Rasters kept: 3 MB each."""
_STILL: Final[dict[str, Callable[[Sheet], None]]] = {
    "home": centre_art_cards.home_still,
    "navigation": centre_art_map.still,
    "climate": centre_art_cards.climate_still,
    "media": centre_art_cards.media_still,
    "phone": centre_art_talk.phone_still,
    "profiles": centre_art_lists.profiles_still,
    "settings": centre_art_lists.settings_still,
    "camera": centre_art_camera.still,
    "voice": centre_art_talk.voice_still,
    "update": centre_art_lists.update_still,
    "ecall": centre_art_talk.ecall_still,
}
_LIVE: Final[dict[str, Callable[[Sheet, Any], None]]] = {
    "home": centre_art_cards.home,
    "navigation": centre_art_map.navigation,
    "climate": centre_art_cards.climate,
    "media": centre_art_cards.media,
    "phone": centre_art_talk.phone,
    "profiles": centre_art_lists.profiles,
    "settings": centre_art_lists.settings,
    "camera": centre_art_camera.camera,
    "voice": centre_art_talk.voice,
    "update": centre_art_lists.update,
    "ecall": centre_art_talk.ecall,
}


@lru_cache(maxsize=RASTERS)
def render(state: CentreState) -> Pixels:
    """The picture of a state: 800 x 1280 x 3, RGB, read-only. The same array for equal states."""
    pixels = _draw(state)
    pixels.flags.writeable = False
    return pixels


def warm_up(brand: str = "alta") -> None:
    """Draw what is drawn once, so that the first frames of a process cost no more than later ones."""
    for state in (CentreState(screen=Screen.SPLASH, brand=brand), CentreState(brand=brand)):
        render(state)


def _draw(state: CentreState) -> Pixels:
    if state.screen is Screen.OFF:
        return np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    if state.screen is Screen.SPLASH:
        return np.array(_splash(state.brand), np.uint8)
    image = _page(state)
    if state.dimming < 1:
        image = image.point([round(level * state.dimming) for level in range(256)] * 3)
    return np.array(image, np.uint8)


def _page(state: CentreState) -> Image.Image:
    still = _still(state.brand, state.night, state.language, state.view, state.features)
    place = places(state.brand, state.view, state.features)
    sheet = Sheet(Canvas(theme_of(state.brand, state.night), still.copy()), place, state.language)
    _LIVE[state.view](sheet, state.body)
    _put_status(sheet, state.status)
    _put_pressed(sheet, state, place)
    if state.volume is not None and state.view != "media":
        _put_volume(sheet, state.volume)
    if state.popup is not None:
        centre_art_talk.popup(sheet, state.popup, state.pressed)
    return sheet.canvas.image


def _put_pressed(sheet: Sheet, state: CentreState, place: Places) -> None:
    theme = sheet.theme
    if state.pressed in place.targets:
        sheet.canvas.frame(place.targets[state.pressed].inset(2), theme.ink, 5)
    if state.focus in place.targets:
        sheet.canvas.frame(place.targets[state.focus].inset(1), theme.accent, 4)


# ---- what never changes


@lru_cache(maxsize=24)
def _still(brand: str, night: bool, language: str, view: str, features: tuple[str, ...]) -> Image.Image:
    theme = theme_of(brand, night)
    sheet = Sheet(Canvas(theme, _background(brand, night).copy()), places(brand, view, features), language)
    _put_dock(sheet, view, dock(features))
    _STILL[view](sheet)
    return sheet.canvas.image


@lru_cache(maxsize=4)
def _background(brand: str, night: bool) -> Image.Image:
    canvas = Canvas(theme_of(brand, night))
    theme = canvas.theme
    if brand == "brio":
        for index in range(7):
            left = 560 + 150 * index
            stripe = [(left, STATUS_H), (left + 70, STATUS_H), (left - 370, 800), (left - 440, 800)]
            canvas.draw.polygon(stripe, fill=mixed(theme.top, theme.bottom, 0.75 if index % 2 else 0.62))
        canvas.draw.rectangle((0, 0, 1279, STATUS_H - 1), fill=theme.bar)
        canvas.draw.rectangle((0, STATUS_H, RAIL_W - 1, 799), fill=theme.bar)
        canvas.draw.rectangle((0, STATUS_H - 3, 1279, STATUS_H - 1), fill=theme.accent_low)
        return canvas.image
    glow = Image.new("L", (64, 40), 0)
    glow.putdata(
        [
            max(0, round(110 - 3.4 * ((x - 32) ** 2 * 0.5 + (y + 6) ** 2) ** 0.5 * 1.3))
            for y in range(40)
            for x in range(64)
        ]
    )
    canvas.mask((0, 0), glow.resize(SIZE, Image.Resampling.BICUBIC), mixed(theme.top, theme.accent, 0.35))
    canvas.draw.rectangle((0, 800 - DOCK_H, 1279, 799), fill=theme.bar)
    canvas.draw.line((0, 800 - DOCK_H, 1279, 800 - DOCK_H), fill=theme.edge)
    return canvas.image


def _put_dock(sheet: Sheet, view: str, names: tuple[str, ...]) -> None:
    canvas, theme = sheet.canvas, sheet.theme
    for name in names:
        rect, lit = sheet.places[f"dock_{name}"], name == view
        colour = theme.accent if lit else theme.faint
        if lit and theme.brand == "brio":
            canvas.draw.rectangle(rect.box, fill=mixed(theme.bar, theme.accent_low, 0.55))
            canvas.draw.rectangle(rect.left(6).box, fill=theme.accent)
            colour = theme.on_accent
        elif lit:
            canvas.fill(Rect(rect.middle[0] - 34, rect.y, 68, 5), theme.accent, 2)
        side = 42
        canvas.mask((rect.middle[0] - side // 2, rect.middle[1] - 34), icon(name, side), colour)
        sheet.put(Rect(rect.x + 8, rect.middle[1] + 12, rect.w - 10, 30), sheet.word(name), 20, colour)


# ---- status bar and volume


def _put_status(sheet: Sheet, status: Status) -> None:
    theme = sheet.theme
    sheet.text("clock", status.clock or "--:--", 34, weight="bold")
    sheet.text("outside", status.outside or "---", 28, align="left")
    name = (
        "---" if status.profile is None else sheet.word("guest" if not status.profile else f"profile_{status.profile}")
    )
    spot = sheet.places["profile"]
    sheet.canvas.mask((spot.x, spot.y + 8), icon("profiles", 30), theme.faint)
    sheet.put(spot.cut(left=38), name, 24, theme.ink, align="left")
    _put_signal(sheet, status.signal)
    if status.alert or status.call:
        rect = sheet.places["alert"]
        sheet.canvas.fill(rect, theme.bad if status.alert else theme.good, 14)
        text = sheet.word(status.alert) if status.alert else status.call
        mark = icon("sos" if status.alert else "phone", 30)
        sheet.canvas.mask((rect.x + 12, rect.y + 7), mark, theme.on_accent)
        sheet.put(rect.cut(left=52, right=12), text, 24, theme.on_accent, align="left", weight="bold")


def _put_signal(sheet: Sheet, bars: int | None) -> None:
    spot, theme = sheet.places["signal"], sheet.theme
    if bars is None:
        sheet.put(spot, "---", 28, theme.faint)
        return
    for index in range(5):
        height = 10 + 6 * index
        left = spot.x + 18 + 14 * index
        colour = theme.ink if index < bars else mixed(theme.bar, theme.faint, 0.35)
        sheet.canvas.draw.rectangle((left, spot.y + 37 - height, left + 8, spot.y + 37), fill=colour)


def _put_volume(sheet: Sheet, volume: int) -> None:
    theme, area = sheet.theme, sheet.places["content"]
    card = Rect(area.x + area.w // 2 - 260, area.y + 14, 520, 76)
    sheet.canvas.card(card, top=theme.bar, low=theme.bar)
    sheet.canvas.mask((card.x + 20, card.y + 18), icon("speaker", 40), theme.ink)
    sheet.canvas.bar(Rect(card.x + 80, card.y + 30, 340, 16), volume / 50)
    sheet.put(Rect(card.x + 432, card.y + 14, 76, 48), str(volume), 32, theme.ink, weight="bold")


@lru_cache(maxsize=2)
def _splash(brand: str) -> Image.Image:
    """The picture shown while the screen boots."""
    canvas = Canvas(theme_of(brand, True))
    theme = canvas.theme
    if brand == "brio":
        for index, part in enumerate((1.0, 0.62, 0.34)):
            left = 470 + 92 * index
            bar = [(left + 120, 250), (left + 186, 250), (left + 66, 450), (left, 450)]
            canvas.draw.polygon(bar, fill=mixed(theme.bottom, theme.accent, part))
        canvas.text(Rect(340, 490, 600, 90), "B R I O", 78, theme.ink, weight="bold")
        return canvas.image
    for radius, part in ((150, 0.2), (128, 0.5), (106, 1.0)):
        ring = frame_mask(2 * radius, 2 * radius, "round", radius, 5)
        canvas.mask((640 - radius, 350 - radius), ring, mixed(theme.bottom, theme.accent, part))
    canvas.text(Rect(490, 300, 300, 100), "A", 104, theme.ink, weight="bold")
    canvas.text(Rect(340, 530, 600, 80), "A L T A", 60, theme.ink)
    return canvas.image
