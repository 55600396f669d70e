"""How telephone, speech, emergency call and dialogs look. Pure. Rules as in `hil.ecu.centre_art_cards`."""

from __future__ import annotations

from typing import Final

from hil.ecu.centre_pen import gradient, mixed, shape_mask
from hil.ecu.centre_places import Rect
from hil.ecu.centre_sheet import Sheet, clock_of
from hil.ecu.centre_state import DASHES, ECallBody, PhoneBody, PopUp, VoiceBody

PHONE_WORDS: Final = {
    "": "not_available", "Disconnected": "no_phone", "Idle": "phone_idle", "Incoming": "incoming",
    "Outgoing": "outgoing", "Active": "call_active", "OnHold": "on_hold", "Ended": "call_ended",
    "Rejected": "call_rejected",
}  # fmt: skip
VOICE_WORDS: Final = {
    "": "not_available", "Idle": "voice_idle", "Listening": "listening", "Processing": "processing",
    "Speaking": "done", "Failed": "voice_failed", "Offline": "voice_offline",
}  # fmt: skip
COMMAND_WORDS: Final = {
    "CallContact": "say_call", "NavigateTo": "say_navigate", "NavigateHome": "say_home", "PlayMedia": "say_play",
    "NextTrack": "say_next", "Warmer": "say_warmer", "Cooler": "say_cooler", "SeatHeating": "say_seat",
    "WindowOpen": "say_open", "WindowClose": "say_close", "Help": "say_help", "Cancel": "say_cancel",
    "Confirm": "say_confirm", "Reject": "say_reject",
}  # fmt: skip
ECALL_WORDS: Final = {
    "": "not_available", "Idle": "ecall_idle", "Triggered": "ecall_triggered", "Dialling": "ecall_dialling",
    "SendingData": "ecall_sending", "Talking": "ecall_talking", "WaitingForCallBack": "ecall_waiting",
    "Ended": "ecall_ended", "Failed": "ecall_failed",
}  # fmt: skip
CALL_KEYS: Final = {
    "Incoming": ("accept", "hang_up"),
    "Outgoing": ("mic_mute", "hang_up"),
    "Active": ("mic_mute", "hold", "hang_up"),
    "OnHold": ("hold", "hang_up"),
}
"""State of the telephone -> keys that it has then."""


def phone_still(sheet: Sheet) -> None:
    """Cards and labels."""
    places, theme = sheet.places, sheet.theme
    for name in ("phone_card", "call_card"):
        sheet.canvas.card(places[name])
    for spot, key in (("phone_battery", "battery"), ("phone_signal", "signal"), ("missed", "missed")):
        sheet.put(places[spot].top(34), sheet.word(key), 22, theme.faint, align="left")
    sheet.beside("redial", "phone", sheet.word("redial"))


def phone(sheet: Sheet, body: PhoneBody) -> None:
    """The call."""
    theme, places = sheet.theme, sheet.places
    for spot, bars in (("phone_battery", body.battery), ("phone_signal", body.signal)):
        _put_bars(sheet, places[spot].cut(top=40), bars)
    sheet.put(places["missed"].cut(top=36).top(50), DASHES if body.missed < 0 else str(body.missed), 36, align="left")
    calling = body.status in CALL_KEYS
    disc = places["call_icon"]
    colour = theme.good if calling else theme.track
    sheet.canvas.mask((disc.x, disc.y), shape_mask(disc.w, disc.h, "round", disc.w // 2), colour)
    sheet.icon(disc, "profiles" if calling else "phone", 76, theme.on_accent if calling else theme.faint)
    sheet.text("phone_state", sheet.word(PHONE_WORDS[body.status]), 30, theme.faint)
    if calling:
        sheet.text("caller", body.caller or sheet.word("unknown_caller"), 52, weight="bold")
        sheet.text("call_time", clock_of(body.seconds) if body.status in ("Active", "OnHold") else "", 32)
    for name in CALL_KEYS.get(body.status, ()):
        _put_call_key(sheet, name, body)


def _put_call_key(sheet: Sheet, name: str, body: PhoneBody) -> None:
    theme = sheet.theme
    if name == "accept":
        sheet.button(name, "phone", sheet.word("accept"), colour=theme.good)
    elif name == "hang_up":
        key = "decline" if body.status == "Incoming" else "hang_up"
        sheet.button(name, "hang_up", sheet.word(key), colour=theme.bad)
    elif name == "hold":
        sheet.button(name, "pause", sheet.word("hold"), lit=body.status == "OnHold")
    else:
        sheet.button(name, "mute", sheet.word("mic_mute"), lit=body.muted)


def _put_bars(sheet: Sheet, rect: Rect, bars: int | None) -> None:
    theme = sheet.theme
    if bars is None:
        sheet.put(rect.top(44), DASHES, 32, align="left")
        return
    for index in range(5):
        cell = Rect(rect.x + 44 * index, rect.y + 6, 36, 26)
        sheet.canvas.fill(cell, theme.accent if index < bars else theme.track, 6)


# ---- voice


def voice_still(sheet: Sheet) -> None:
    """The stage and its keys."""
    sheet.canvas.card(sheet.places["voice_card"])
    sheet.beside("voice_start", "voice", sheet.word("speak"))
    sheet.beside("voice_stop", "stop", sheet.word("stop"))


def voice(sheet: Sheet, body: VoiceBody) -> None:
    """The orb, what was heard and the answer."""
    theme, orb = sheet.theme, sheet.places["voice_orb"]
    lively = body.status in ("Listening", "Processing", "Speaking")
    x, y = orb.middle
    for step in range(3):
        radius = 74 + (12 + body.level) * step if lively else 74 + 9 * step
        part = (0.18, 0.4, 1.0)[2 - step] if lively else (0.1, 0.2, 0.5)[2 - step]
        if step == 0:
            continue
        mask = shape_mask(2 * radius, 2 * radius, "round", radius)
        sheet.canvas.mask(
            (x - radius, y - radius), mask.point([round(v * part * 0.5) for v in range(256)]), theme.accent
        )
    low = theme.accent_low if lively else theme.card_low
    top = theme.accent if lively else theme.card
    mask = shape_mask(148, 148, "round", 74)
    sheet.canvas.image.paste(gradient(148, 148, top, low), (x - 74, y - 74), mask)
    sheet.icon(orb, "voice", 84, theme.on_accent if lively else theme.faint)
    sheet.text("voice_state", sheet.word(VOICE_WORDS[body.status]), 42, weight="bold")
    if body.command in COMMAND_WORDS:
        sheet.text("voice_heard", f"\u201c{sheet.word(COMMAND_WORDS[body.command])}\u201d", 36, theme.accent)
        if body.confidence is not None:
            sheet.text("voice_answer", f"{sheet.word('heard')} {body.confidence} %", 26, theme.faint)


# ---- emergency call


def ecall_still(sheet: Sheet) -> None:
    """The red stage."""
    theme = sheet.theme
    red = theme.bad
    sheet.canvas.card(
        sheet.places["ecall_card"], top=mixed(red, (0, 0, 0), 0.25), low=mixed(red, (0, 0, 0), 0.65), edge=red
    )
    sheet.icon(sheet.places["ecall_icon"], "sos", 210, theme.on_accent)
    sheet.text("ecall_title", sheet.word("ecall"), 50, theme.on_accent, weight="bold")
    sheet.text("stay_calm", sheet.word("stay_calm"), 28, theme.on_accent)


def ecall(sheet: Sheet, body: ECallBody) -> None:
    """How far the call is."""
    ink = sheet.theme.on_accent
    sheet.text("ecall_state", sheet.word(ECALL_WORDS[body.status]), 42, ink)
    trigger = {"Manual": "ecall_manual", "Automatic": "ecall_automatic"}.get(body.trigger)
    if trigger:
        sheet.text("ecall_trigger", sheet.word(trigger), 28, ink)
    if body.seconds is not None and body.status not in ("", "Idle"):
        sheet.text("ecall_time", clock_of(body.seconds), 38, ink, weight="bold")


# ---- dialogs


def popup(sheet: Sheet, dialog: PopUp, pressed: str) -> None:
    """A dialog over a dimmed view."""
    theme, canvas, card = sheet.theme, sheet.canvas, sheet.places["popup"]
    image = canvas.image
    area = sheet.places["content"]
    image.paste(image.crop(area.box).point([value * 45 // 100 for value in range(256)] * 3), area.box)
    is_call = dialog.kind == "call"
    mark, ink = (theme.good, theme.on_accent) if is_call else (theme.warn, theme.bar)
    canvas.card(card, top=theme.card, low=mixed(theme.card_low, theme.bar, 0.4), edge=mark)
    disc = Rect(card.x + 28, card.y + 40, 92, 92)
    canvas.mask((disc.x, disc.y), shape_mask(92, 92, "round", 46), mark)
    sheet.icon(disc, "phone" if is_call else "update", 50, ink)
    title = sheet.word("incoming" if is_call else "update_offered")
    sheet.text("popup_title", title, 30, theme.faint, align="left")
    sheet.text("popup_text", dialog.text or sheet.word("unknown_caller"), 46, align="left", weight="bold")
    yes, no = ("accept", "decline") if is_call else ("install", "later")
    sheet.beside("popup_yes", "phone" if is_call else "check", sheet.word(yes), theme.good)
    sheet.beside("popup_no", "hang_up" if is_call else "close", sheet.word(no), theme.bad if is_call else None)
    if pressed in ("popup_yes", "popup_no"):
        canvas.frame(sheet.places[pressed].inset(2), theme.ink, 5)
