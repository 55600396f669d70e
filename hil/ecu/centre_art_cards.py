"""How home, climate and media look. Pure.

Rules of this module: `*_still` draws what never changes on a view, the function of the view's name the rest.

Not for: frames, docks and pop-ups (`hil.ecu.centre_art`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from PIL import Image

from hil.ecu.centre_icons import icon
from hil.ecu.centre_pen import Theme, gradient, mixed, shape_mask
from hil.ecu.centre_places import AIRS, SOURCES, SWITCHES, Rect
from hil.ecu.centre_sheet import Sheet, clock_of
from hil.ecu.centre_state import DASHES, ClimateBody, HomeBody, MediaBody
from hil.ecu.cluster_state import Rgb

FAN_LEVELS: Final = 10
_HEAT: Final[Rgb] = (255, 110, 50)


# ---- home


def home_still(sheet: Sheet) -> None:
    """Tiles with symbol and name."""
    theme, canvas = sheet.theme, sheet.canvas
    for target, tile in sheet.places.targets.items():
        if not target.startswith("tile_"):
            continue
        name = target.removeprefix("tile_")
        canvas.card(tile)
        if theme.brand == "brio":
            canvas.draw.polygon(
                [(tile.x + 20, tile.y + 66), (tile.x + 120, tile.y + 66), (tile.x + 114, tile.y + 71),
                 (tile.x + 14, tile.y + 71)],
                fill=theme.accent,
            )  # fmt: skip
            canvas.mask((tile.x + 20, tile.y + 18), icon(name, 38), theme.accent)
            sheet.put(
                Rect(tile.x + 70, tile.y + 16, tile.w - 84, 42), sheet.word(name), 28, align="left", weight="bold"
            )
            continue
        disc = Rect(tile.x + 20, tile.y + 20, 68, 68)
        canvas.image.paste(gradient(68, 68, theme.accent, theme.accent_low), disc.box, shape_mask(68, 68, "round", 34))
        sheet.icon(disc, name, 38, theme.on_accent)
        sheet.put(Rect(tile.x + 102, tile.y + 32, tile.w - 116, 44), sheet.word(name), 26, align="left", weight="bold")


def home(sheet: Sheet, body: HomeBody) -> None:
    """The live lines."""
    for name, large, small in body.tiles:
        sheet.text(f"{name}_value", large, 36, align="left")
        sheet.text(f"{name}_detail", small, 23, sheet.theme.faint, align="left")


# ---- climate


def climate_still(sheet: Sheet) -> None:
    """Cards and everything that isn't lit."""
    places, theme = sheet.places, sheet.theme
    for side, label in (("left", "driver"), ("right", "passenger")):
        card = places[f"{side}_card"]
        sheet.canvas.card(card)
        sheet.put(card.inset(10, 12).top(36), sheet.word(label), 24, theme.faint)
        sheet.button(f"{side}_plus", "plus", side=40)
        sheet.button(f"{side}_minus", "minus", side=40)
    for name in ("fan_card", "air_card"):
        sheet.canvas.card(places[name])
    sheet.put(places["fan_card"].inset(22, 12).top(34), sheet.word("fan"), 24, theme.faint, align="left")
    sheet.button("fan_minus", "minus", side=30)
    sheet.button("fan_plus", "plus", side=30)
    for name in AIRS:
        sheet.button(name, name, sheet.word(name))
    for name in SWITCHES:
        sheet.button(name, name, sheet.word(name))
    spot = places["inside"]
    sheet.put(spot.top(spot.h * 45 // 100), sheet.word("inside"), 22, theme.faint)


def climate(sheet: Sheet, body: ClimateBody) -> None:
    """Temperatures, fan, what is switched on."""
    places, theme = sheet.places, sheet.theme
    for side, value in (("left", body.left), ("right", body.right)):
        sheet.text(f"temperature_{side}", DASHES if value is None else f"{value} {body.unit}", 64)
    _put_fan(sheet, body.fan)
    if body.air is not None and body.air < len(AIRS):
        sheet.button(AIRS[body.air], AIRS[body.air], sheet.word(AIRS[body.air]), lit=True)
    for name in sorted(body.on):
        sheet.button(name, name, sheet.word(name), lit=True)
    for side, level in (("left", body.seat_left), ("right", body.seat_right)):
        _put_seat(sheet, places[f"seat_{side}"], level)
    spot = places["inside"]
    cabin = DASHES if body.cabin is None else f"{body.cabin} {body.unit}"
    sheet.put(spot.cut(top=spot.h * 42 // 100), cabin, 30)
    if body.fault:
        sheet.put(
            places["fan_card"].inset(22, 12).top(34).cut(left=120, right=80), sheet.word(body.fault), 22, theme.warn
        )


def _put_fan(sheet: Sheet, fan: int | None) -> None:
    theme, bar = sheet.theme, sheet.places["fan_bar"]
    for index in range(FAN_LEVELS):
        cell = bar.column(index, FAN_LEVELS, 7)
        height = cell.h * (35 + 65 * index // (FAN_LEVELS - 1)) // 100
        lit = fan is not None and index < fan
        sheet.canvas.fill(cell.bottom(height), theme.accent if lit else theme.track, 5)
    text = DASHES if fan is None else sheet.word("off") if fan == 0 else str(fan)
    sheet.text("fan", text, 28, weight="bold", align="right")


def _put_seat(sheet: Sheet, rect: Rect, level: int | None) -> None:
    theme = sheet.theme
    hot = mixed(theme.bad, _HEAT, 0.5)
    if level:
        sheet.canvas.card(rect, top=mixed(theme.card, hot, 0.7), low=mixed(theme.card_low, hot, 0.5), edge=hot)
    else:
        sheet.canvas.card(rect)
    sheet.icon(rect.cut(right=rect.w // 2), "seat", 58)
    if level is None:
        sheet.put(rect.cut(left=rect.w // 2), DASHES, 30)
        return
    for index in range(3):
        cell = rect.cut(left=rect.w // 2, right=24, top=34, bottom=34).column(index, 3, 8)
        sheet.canvas.fill(cell, theme.warn if index < level else theme.track, 6)


# ---- media


def media_still(sheet: Sheet) -> None:
    """Sources, cover and keys that aren't lit."""
    for name in SOURCES:
        sheet.button(f"source_{name}", text=sheet.word(name))
    sheet.canvas.card(sheet.places["stage"])
    for name in ("shuffle", "previous", "next", "repeat"):
        sheet.button(name, name, side=44)


def media(sheet: Sheet, body: MediaBody) -> None:
    """What plays."""
    theme = sheet.theme
    if body.source in SOURCES:
        sheet.button(f"source_{body.source}", text=sheet.word(body.source), lit=True)
    cover = sheet.places["cover"]
    sheet.canvas.image.paste(
        _cover(theme, body.source or "off", cover.w), cover.box, shape_mask(cover.w, cover.h, theme.shape, theme.radius)
    )
    radio = body.source in ("fm", "am", "dab")
    title = body.title or (body.station if radio else "")
    sheet.text(
        "title", title or sheet.word("no_title" if body.source else "not_available"), 46, align="left", weight="bold"
    )
    sheet.text("artist", body.artist or (body.station if title != body.station else ""), 32, theme.faint, align="left")
    source = sheet.word(body.source) if body.source in SOURCES or body.source in ("am", "off") else DASHES
    line = f"{source}  {body.frequency}" if radio else source
    sheet.text("source", line, 26, theme.accent, align="left")
    _put_progress(sheet, body)
    sheet.button("play", "pause" if body.playing else "play", lit=True, side=48)
    if body.shuffle:
        sheet.button("shuffle", "shuffle", lit=True, side=44)
    if body.repeat:
        sheet.button("repeat", "repeat", lit=True, side=44)
    _put_loudness(sheet, body)


def _put_progress(sheet: Sheet, body: MediaBody) -> None:
    part = (body.seconds or 0) / body.duration if body.duration else 0.0
    sheet.canvas.bar(sheet.places["progress"], part)
    sheet.text("elapsed", clock_of(body.seconds), 24, sheet.theme.faint, align="left")
    sheet.text("duration", clock_of(body.duration or None), 24, sheet.theme.faint, align="right")


def _put_loudness(sheet: Sheet, body: MediaBody) -> None:
    sheet.icon(sheet.places["mute"], "mute" if body.muted else "speaker", 48, sheet.theme.bad if body.muted else None)
    track = sheet.places["volume_slider"]
    sheet.canvas.bar(Rect(track.x, track.y + track.h // 2 - 8, track.w, 16), (body.volume or 0) / 50, knob=True)
    sheet.text("volume", DASHES if body.volume is None else str(body.volume), 36, weight="bold")


@lru_cache(maxsize=32)
def _cover(theme: Theme, source: str, side: int) -> Image.Image:
    """A drawn cover: rings or slanted bars in the brand's colours, with the source's symbol."""
    shades = {"fm": 0.0, "dab": 0.25, "usb": 0.45, "bluetooth": 0.65, "streaming": 0.85}
    base = mixed(theme.accent_low, theme.bad if theme.brand == "brio" else (120, 60, 220), shades.get(source, 0.5))
    image = gradient(side, side, mixed(base, theme.accent, 0.5), mixed(base, (0, 0, 0), 0.6)).copy()
    layer = Image.new("L", (side, side), 0)
    for index in range(5):
        radius = side * (9 - 2 * index) // 18
        shape = shape_mask(
            2 * radius,
            2 * radius,
            "round" if theme.brand == "alta" else "cut",
            radius // (1 if theme.brand == "alta" else 2),
        )
        layer.paste(26 + 22 * index if index % 2 == 0 else 12, (side // 2 - radius, side // 2 - radius), shape)
    image.paste((255, 255, 255), (0, 0), layer)
    mark = icon("media", side // 3)
    at = (side - mark.width) // 2
    image.paste(theme.on_accent, (at, at), mark)
    return image
