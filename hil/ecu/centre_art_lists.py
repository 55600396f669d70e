"""How driver profiles, settings and software update look. Pure. Rules as in `hil.ecu.centre_art_cards`."""

from __future__ import annotations

from typing import Final

from hil.ecu.centre_pen import gradient, mixed, shape_mask
from hil.ecu.centre_places import Rect
from hil.ecu.centre_sheet import Sheet
from hil.ecu.centre_state import DASHES, ProfilesBody, SettingsBody, UpdateBody

LANGUAGE_NAMES: Final = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español"}
_RECOGNISED: Final = {
    "Key": "by_key", "Phone": "by_phone", "Face": "by_face", "Fingerprint": "by_fingerprint", "Screen": "by_screen",
}  # fmt: skip
_CHOICES: Final = {
    "unit_km": "km", "unit_mi": "mi", "unit_celsius": "°C", "unit_fahrenheit": "°F", "clock_24": "24 h",
    "clock_12": "12 h",
}  # fmt: skip
CHIME_LEVELS: Final = 5


# ---- profiles


def profiles_still(sheet: Sheet) -> None:
    """Four cards."""
    theme = sheet.theme
    for index in range(4):
        card = sheet.places[f"profile_{index}"]
        sheet.canvas.card(card)
        side = min(card.w - 60, card.h * 36 // 100)
        disc = Rect(card.middle[0] - side // 2, card.y + 30, side, side)
        colour = (theme.faint, theme.accent, theme.good, theme.warn)[index]
        face = gradient(side, side, mixed(colour, (255, 255, 255), 0.15), mixed(colour, (0, 0, 0), 0.5))
        sheet.canvas.image.paste(face, disc.box, shape_mask(side, side, "round", side // 2))
        sheet.icon(disc, "profiles", side * 6 // 10, theme.on_accent)
        name = sheet.word("guest" if index == 0 else f"profile_{index}")
        sheet.text(f"profile_{index}_name", name, 38, weight="bold")


def profiles(sheet: Sheet, body: ProfilesBody) -> None:
    """Which one is active."""
    theme = sheet.theme
    for index in range(4):
        card, active = sheet.places[f"profile_{index}"], index == body.active
        if active:
            sheet.canvas.frame(card, theme.accent, 5)
        key = "loading" if index == body.loading else "active" if active else "select"
        sheet.text(f"profile_{index}_state", sheet.word(key), 27, theme.accent if active else theme.faint)
        if index < len(body.details):
            upper, lower = body.details[index]
            for row, line in enumerate((upper, lower)):
                sheet.put(card.cut(top=card.h * 58 // 100 + 34 * row, left=10, right=10).top(34), line, 23, theme.faint)
    if body.recognised_by in _RECOGNISED:
        sheet.text("recognised", f"{sheet.word('recognised')} {sheet.word(_RECOGNISED[body.recognised_by])}", 27)


# ---- settings


def settings_still(sheet: Sheet) -> None:
    """Rows, labels and choices that aren't lit."""
    for name in ("language", "distance", "temperature", "clock", "design", "brightness", "chime"):
        sheet.canvas.card(sheet.places[f"{name}_row"])
        sheet.text(f"{name}_label", sheet.word(name), 26, align="left")
    for name in sheet.places.targets:
        if not name.startswith("dock_") and not name.endswith("_slider"):
            _put_choice(sheet, name, lit=False)


def settings(sheet: Sheet, body: SettingsBody) -> None:
    """What is in effect."""
    for name in (
        f"language_{body.language}",
        "unit_mi" if body.miles else "unit_km",
        "unit_fahrenheit" if body.fahrenheit else "unit_celsius",
        "clock_12" if body.hours12 else "clock_24",
        ("design_auto", "design_day", "design_night")[body.day_night],
    ):
        _put_choice(sheet, name, lit=True)
    for name, part, text in (
        ("brightness", body.brightness / 100, f"{body.brightness} %"),
        ("chime", body.chime / CHIME_LEVELS, str(body.chime)),
    ):
        track = sheet.places[f"{name}_slider"]
        sheet.canvas.bar(Rect(track.x + 10, track.y + track.h // 2 - 7, track.w - 30, 14), part, knob=True)
        sheet.text(name, text, 26, weight="bold")


def _put_choice(sheet: Sheet, name: str, *, lit: bool) -> None:
    theme, rect = sheet.theme, sheet.places[name]
    language = name.removeprefix("language_")
    text = LANGUAGE_NAMES[language] if language in LANGUAGE_NAMES else _CHOICES.get(name) or sheet.word(name)
    if lit:
        sheet.canvas.image.paste(
            gradient(rect.w, rect.h, theme.accent, theme.accent_low), rect.box,
            shape_mask(rect.w, rect.h, theme.shape, 14),
        )  # fmt: skip
    else:
        sheet.canvas.fill(rect, theme.track, 14)
    sheet.put(rect.inset(6, 0), text, 25, theme.on_accent if lit else theme.faint, weight="bold" if lit else "plain")


# ---- update


def update_still(sheet: Sheet) -> None:
    """The stage and the facts' labels."""
    places, theme = sheet.places, sheet.theme
    sheet.canvas.card(places["update_card"])
    disc = places["update_icon"]
    face = gradient(disc.w, disc.h, theme.accent, theme.accent_low)
    sheet.canvas.image.paste(face, disc.box, shape_mask(disc.w, disc.h, "round", disc.w // 2))
    sheet.icon(disc, "update", 84, theme.on_accent)
    for name in ("version", "campaign", "size", "duration"):
        card = places[f"{name}_card"]
        sheet.canvas.fill(card, theme.track, 14)
        sheet.put(card.cut(left=8, right=8, top=10).top(34), sheet.word(name), 22, theme.faint)


def update(sheet: Sheet, body: UpdateBody) -> None:
    """How far it is."""
    theme = sheet.theme
    colour = theme.bad if body.status in ("update_failed", "update_rolled_back") else None
    sheet.text("update_state", sheet.word(body.status), 44, colour, align="left", weight="bold")
    if body.result:
        sheet.text("update_result", sheet.word(body.result), 30, theme.warn, align="left")
    if body.progress is not None:
        sheet.canvas.bar(sheet.places["update_bar"], body.progress / 100)
        sheet.text("update_progress", f"{body.progress} %", 30, weight="bold", align="right")
    facts = (("version", body.installed), ("campaign", body.campaign), ("size", body.size), ("duration", body.duration))
    for name, text in facts:
        sheet.text(name, text or DASHES, 28)
    if body.may_consent:
        sheet.beside("install", "check", sheet.word("install"), theme.good)
    if body.may_postpone:
        sheet.beside("later", "close", sheet.word("later"))
