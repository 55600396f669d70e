"""Where things are on the centre screen: rectangles of targets and of what is only looked at. Pure.

Rules of this module: coordinates are px from the top left corner. Both brands have the same names; where they lie is
the brand's own: `alta` has its dock below, `brio` a rail at the left. A name that isn't in a plan isn't on that view.

Not for: how they look (`hil.ecu.centre_art`), or what a touch does (`hil.ecu.centre_actions`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

STATUS_H: Final = 60
DOCK_H: Final = 100
RAIL_W: Final = 118
AIRS: Final = ("air_auto", "air_face", "air_feet", "air_both", "air_screen")
SOURCES: Final = ("fm", "dab", "usb", "bluetooth", "streaming")
SWITCHES: Final = ("ac", "auto", "sync", "recirculation", "defrost_front", "defrost_rear", "heated_wheel")
_TILES: Final = ("navigation", "media", "climate", "phone", "profiles", "camera", "voice", "update")
_DOCK: Final = ("home", "navigation", "climate", "media", "phone", "settings")
_NEEDS: Final = frozenset({"navigation", "voice", "camera", "profiles", "phone", "update"})


class Rect(NamedTuple):
    """A rectangle."""

    x: int
    y: int
    w: int
    h: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom."""
        return self.x, self.y, self.x + self.w, self.y + self.h

    @property
    def middle(self) -> tuple[int, int]:
        """Its middle."""
        return self.x + self.w // 2, self.y + self.h // 2

    def holds(self, x: int, y: int) -> bool:
        """Whether a point lies in it."""
        return self.x <= x < self.x + self.w and self.y <= y < self.y + self.h

    def inset(self, dx: int, dy: int | None = None) -> Rect:
        """Smaller on all sides."""
        dy = dx if dy is None else dy
        return Rect(self.x + dx, self.y + dy, self.w - 2 * dx, self.h - 2 * dy)

    def column(self, index: int, count: int, gap: int = 16, *, span: int = 1) -> Rect:
        """One of `count` equal columns, or `span` of them."""
        left, right = ((self.w + gap) * place // count for place in (index, index + span))
        return Rect(self.x + left, self.y, right - left - gap, self.h)

    def row(self, index: int, count: int, gap: int = 16, *, span: int = 1) -> Rect:
        """One of `count` equal rows, or `span` of them."""
        top, bottom = ((self.h + gap) * place // count for place in (index, index + span))
        return Rect(self.x, self.y + top, self.w, bottom - top - gap)

    def left(self, w: int) -> Rect:
        """A strip at the left."""
        return Rect(self.x, self.y, w, self.h)

    def right(self, w: int) -> Rect:
        """A strip at the right."""
        return Rect(self.x + self.w - w, self.y, w, self.h)

    def top(self, h: int) -> Rect:
        """A strip at the top."""
        return Rect(self.x, self.y, self.w, h)

    def bottom(self, h: int) -> Rect:
        """A strip at the bottom."""
        return Rect(self.x, self.y + self.h - h, self.w, h)

    def cut(self, *, left: int = 0, top: int = 0, right: int = 0, bottom: int = 0) -> Rect:
        """Without strips at its sides."""
        return Rect(self.x + left, self.y + top, self.w - left - right, self.h - top - bottom)


@dataclass(frozen=True, slots=True)
class Places:
    """What is where on one view. `targets` can be touched, `spots` can't."""

    targets: dict[str, Rect]
    spots: dict[str, Rect]

    def __getitem__(self, name: str) -> Rect:
        return self.targets[name] if name in self.targets else self.spots[name]

    def at(self, x: int, y: int) -> str:
        """Name of the target at a point; empty where there is none."""
        return next((name for name, rect in self.targets.items() if rect.holds(x, y)), "")


def content(brand: str) -> Rect:
    """The part of the glass that a view has for itself."""
    if brand == "brio":
        return Rect(RAIL_W, STATUS_H, 1280 - RAIL_W, 800 - STATUS_H)
    return Rect(0, STATUS_H, 1280, 800 - STATUS_H - DOCK_H)


def fitted(names: tuple[str, ...], features: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the names that this variant has."""
    return tuple(name for name in names if name not in _NEEDS or name in features)


def tiles(features: tuple[str, ...]) -> tuple[str, ...]:
    """The tiles of the home view, in order."""
    return fitted(_TILES, features)


def dock(features: tuple[str, ...]) -> tuple[str, ...]:
    """The views that the dock opens, in order."""
    return fitted(_DOCK, features)


@lru_cache(maxsize=64)
def places(brand: str, view: str, features: tuple[str, ...]) -> Places:
    """What is where on a view, with dock and status bar."""
    area = content(brand).inset(28, 22) if view != "camera" else content(brand)
    targets: dict[str, Rect] = {}
    spots: dict[str, Rect] = {"content": content(brand)}
    _VIEWS[view](area, targets, spots, features)
    _add_frame(brand, targets, spots, features)
    return Places(targets, spots)


def _add_frame(brand: str, targets: dict[str, Rect], spots: dict[str, Rect], features: tuple[str, ...]) -> None:
    names = dock(features)
    strip = Rect(0, STATUS_H, RAIL_W, 800 - STATUS_H) if brand == "brio" else Rect(0, 800 - DOCK_H, 1280, DOCK_H)
    for index, name in enumerate(names):
        if brand == "brio":
            targets[f"dock_{name}"] = strip.row(index, len(names), 0)
        else:
            targets[f"dock_{name}"] = strip.inset(64, 0).column(index, len(names), 0)
    spots["clock"] = Rect(580, 6, 120, 48)
    spots["outside"] = Rect(28, 6, 150, 48)
    spots["profile"] = Rect(1000, 6, 130, 48)
    spots["signal"] = Rect(1150, 10, 100, 40)
    spots["alert"] = Rect(196, 8, 350, 44)
    _add_popup(content(brand), spots)


def _add_popup(area: Rect, spots: dict[str, Rect]) -> None:
    card = Rect(area.x + area.w // 2 - 330, area.y + area.h // 2 - 160, 660, 320)
    spots["popup"] = card
    spots["popup_title"] = card.cut(left=140, top=42, right=24).top(44)
    spots["popup_text"] = card.cut(left=140, top=96, right=24).top(60)
    buttons = card.inset(28, 26).bottom(84)
    spots["popup_yes"], spots["popup_no"] = buttons.column(0, 2, 20), buttons.column(1, 2, 20)


def _home(area: Rect, targets: dict[str, Rect], spots: dict[str, Rect], features: tuple[str, ...]) -> None:
    names = tiles(features)
    columns = (len(names) + 1) // 2
    for index, name in enumerate(names):
        tile = area.row(index // columns, 2, 20).column(index % columns, columns, 20)
        targets[f"tile_{name}"] = tile
        spots[f"{name}_value"] = tile.cut(left=18, right=18, bottom=58).bottom(54)
        spots[f"{name}_detail"] = tile.cut(left=18, right=18, bottom=18).bottom(40)


def _navigation(area: Rect, targets: dict[str, Rect], spots: dict[str, Rect], features: tuple[str, ...]) -> None:
    panel = area.left(400)
    spots["map"] = area.cut(left=420)
    card = panel.cut(bottom=280)
    spots["guidance"] = card
    spots["guidance_icon"] = Rect(card.x + 24, card.y + 22, 120, 120)
    spots["guidance_distance"] = Rect(card.x + 160, card.y + 40, 226, 84)
    spots["guidance_road"] = Rect(card.x + 20, card.y + card.h - 100, 360, 44)
    spots["guidance_status"] = Rect(card.x + 20, card.y + card.h - 54, 360, 40)
    facts = panel.bottom(264).top(112)
    for index, name in enumerate(("arrival", "remaining", "time")):
        spots[f"{name}_card"] = facts.column(index, 3, 12)
        spots[name] = spots[f"{name}_card"].cut(left=6, right=6, top=14).top(50)
    for index, name in enumerate(("go_home", "stop_route", "guidance_voice")):
        targets[name] = panel.bottom(136).column(index, 3, 12)
    zoom = spots["map"].inset(18).right(72)
    targets["zoom_in"], targets["zoom_out"] = zoom.top(72), zoom.cut(top=86).top(72)
    spots["destination"] = spots["map"].inset(18).bottom(52).cut(right=120)


def _climate(area: Rect, targets: dict[str, Rect], spots: dict[str, Rect], features: tuple[str, ...]) -> None:
    side = (area.w - 40) * 27 // 100
    for name, strip in (("left", area.left(side)), ("right", area.right(side))):
        spots[f"{name}_card"] = strip
        spots[f"temperature_{name}"] = strip.cut(top=strip.h // 2 - 122, left=10, right=10).top(100)
        targets[f"{name}_plus"] = strip.inset(24, 54).top(92)
        targets[f"{name}_minus"] = strip.cut(left=24, right=24, top=strip.h // 2 - 8).top(92)
        targets[f"seat_{name}"] = strip.inset(24, 20).bottom(106)
    middle = area.cut(left=side + 20, right=side + 20)
    fan, air, switches = middle.top(middle.h * 27 // 100), middle.cut(), middle.cut()
    air = middle.cut(top=fan.h + 16).top(middle.h * 25 // 100)
    switches = middle.cut(top=fan.h + air.h + 32)
    spots["fan_card"], spots["air_card"] = fan, air
    targets["fan_minus"] = fan.inset(18).cut(top=30).left(84)
    targets["fan_plus"] = fan.inset(18).cut(top=30).right(84)
    spots["fan_bar"] = fan.inset(18).cut(top=46, bottom=16, left=104, right=104)
    spots["fan"] = fan.inset(20, 14).top(36).right(70)
    for index, name in enumerate(AIRS):
        targets[name] = air.inset(12, 12).column(index, len(AIRS), 10)
    for index, name in enumerate(SWITCHES):
        targets[name] = switches.row(index // 4, 2, 14).column(index % 4, 4, 14)
    spots["inside"] = switches.row(1, 2, 14).column(3, 4, 14)


def _media(area: Rect, targets: dict[str, Rect], spots: dict[str, Rect], features: tuple[str, ...]) -> None:
    for index, name in enumerate(SOURCES):
        targets[f"source_{name}"] = area.top(72).column(index, len(SOURCES), 12)
    stage = area.cut(top=92)
    cover = min(stage.h - 30, 330)
    spots["cover"] = Rect(stage.x + 10, stage.y + 10, cover, cover)
    spots["stage"] = stage
    side = stage.cut(left=cover + 50, right=20)
    spots["title"] = side.cut(top=14).top(62)
    spots["artist"] = side.cut(top=82).top(46)
    spots["source"] = side.cut(top=134).top(36)
    spots["progress"] = side.cut(top=188).top(10)
    spots["elapsed"] = side.cut(top=206).top(34).left(110)
    spots["duration"] = side.cut(top=206).top(34).right(110)
    keys = side.cut(top=250).top(104)
    for index, name in enumerate(("shuffle", "previous", "play", "next", "repeat")):
        targets[name] = keys.column(index, 5, 14)
    low = stage.bottom(96)
    targets["mute"] = low.left(96)
    targets["volume_slider"] = low.cut(left=116, right=110)
    spots["volume"] = low.right(96)


def _phone(area: Rect, targets: dict[str, Rect], spots: dict[str, Rect], features: tuple[str, ...]) -> None:
    side = area.left(330)
    spots["phone_card"] = side
    spots["phone_battery"] = side.inset(20, 24).row(0, 4, 12)
    spots["phone_signal"] = side.inset(20, 24).row(1, 4, 12)
    spots["missed"] = side.inset(20, 24).row(2, 4, 12)
    targets["redial"] = side.inset(20, 24).row(3, 4, 12)
    card = area.cut(left=350)
    spots["call_card"] = card
    spots["call_icon"] = Rect(card.x + card.w // 2 - 75, card.y + 30, 150, 150)
    spots["phone_state"] = card.cut(top=192, left=20, right=20).top(48)
    spots["caller"] = card.cut(top=246, left=20, right=20).top(70)
    spots["call_time"] = card.cut(top=322, left=20, right=20).top(48)
    keys = card.inset(30, 28).bottom(104)
    for index, name in enumerate(("accept", "mic_mute", "hold", "hang_up")):
        targets[name] = keys.column(index, 4, 16)


def _profiles(area: Rect, targets: dict[str, Rect], spots: dict[str, Rect], features: tuple[str, ...]) -> None:
    cards = area.cut(bottom=76)
    for index in range(4):
        card = cards.column(index, 4, 20)
        targets[f"profile_{index}"] = card
        spots[f"profile_{index}_name"] = card.cut(top=card.h * 45 // 100, left=10, right=10).top(52)
        spots[f"profile_{index}_state"] = card.cut(left=10, right=10, bottom=22).bottom(44)
    spots["recognised"] = area.bottom(56)


def _settings(area: Rect, targets: dict[str, Rect], spots: dict[str, Rect], features: tuple[str, ...]) -> None:
    rows: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("language", ("language_en", "language_de", "language_fr", "language_es")),
        ("distance", ("unit_km", "unit_mi")),
        ("temperature", ("unit_celsius", "unit_fahrenheit")),
        ("clock", ("clock_24", "clock_12")),
        ("design", ("design_auto", "design_day", "design_night")),
        ("brightness", ("brightness_slider",)),
        ("chime", ("chime_slider",)),
    )
    for index, (name, choices) in enumerate(rows):
        row = area.row(index, len(rows), 12)
        spots[f"{name}_row"] = row
        spots[f"{name}_label"] = row.left(300).cut(left=24)
        field = row.cut(left=310, right=10).inset(0, 6)
        for place, choice in enumerate(choices):
            targets[choice] = field.column(place, len(choices), 10)
        if choices[0].endswith("slider"):
            targets[choices[0]] = field.cut(right=120)
            spots[name] = field.right(110)


def _camera(area: Rect, targets: dict[str, Rect], spots: dict[str, Rect], features: tuple[str, ...]) -> None:
    side = area.right(150)
    spots["picture"] = area.cut(right=150)
    spots["camera_side"] = side
    for index, name in enumerate(("view_default", "view_wide", "view_top")):
        targets[name] = side.inset(10, 12).row(index, 5, 12)
    targets["camera_mute"] = side.inset(10, 12).row(3, 5, 12)
    targets["camera_close"] = side.inset(10, 12).row(4, 5, 12)
    spots["camera_text"] = spots["picture"].bottom(58)
    spots["camera_title"] = Rect(area.x + 16, area.y + 12, 330, 44)
    spots["frame_counter"] = Rect(spots["picture"].x + spots["picture"].w - 116, area.y + 12, 100, 44)


def _voice(area: Rect, targets: dict[str, Rect], spots: dict[str, Rect], features: tuple[str, ...]) -> None:
    spots["voice_card"] = area
    spots["voice_orb"] = Rect(area.x + area.w // 2 - 110, area.y + 34, 220, 220)
    spots["voice_state"] = area.cut(top=270, left=40, right=40).top(54)
    spots["voice_heard"] = area.cut(top=332, left=40, right=40).top(54)
    spots["voice_answer"] = area.cut(top=392, left=40, right=40).top(46)
    keys = area.bottom(112).inset(0, 12)
    middle = Rect(area.x + area.w // 2 - 260, keys.y, 520, keys.h)
    targets["voice_start"], targets["voice_stop"] = middle.column(0, 2, 20), middle.column(1, 2, 20)


def _update(area: Rect, targets: dict[str, Rect], spots: dict[str, Rect], features: tuple[str, ...]) -> None:
    spots["update_card"] = area
    spots["update_icon"] = Rect(area.x + 40, area.y + 40, 150, 150)
    spots["update_state"] = area.cut(left=220, top=44, right=30).top(58)
    spots["update_result"] = area.cut(left=220, top=112, right=30).top(48)
    spots["update_bar"] = area.cut(left=40, right=150, top=222).top(24)
    spots["update_progress"] = area.cut(top=210, right=30).top(48).right(110)
    facts = area.cut(left=40, right=40, top=280).top(104)
    for index, name in enumerate(("version", "campaign", "size", "duration")):
        spots[f"{name}_card"] = facts.column(index, 4, 16)
        spots[name] = spots[f"{name}_card"].cut(left=6, right=6, top=46).top(48)
    keys = area.inset(40, 28).bottom(96)
    targets["install"], targets["later"] = keys.column(0, 2, 20), keys.column(1, 2, 20)


def _ecall(area: Rect, targets: dict[str, Rect], spots: dict[str, Rect], features: tuple[str, ...]) -> None:
    spots["ecall_card"] = area
    spots["ecall_icon"] = Rect(area.x + area.w // 2 - 105, area.y + 30, 210, 210)
    spots["ecall_title"] = area.cut(top=256, left=30, right=30).top(62)
    spots["ecall_state"] = area.cut(top=330, left=30, right=30).top(58)
    spots["ecall_trigger"] = area.cut(top=394, left=30, right=30).top(46)
    spots["ecall_time"] = area.cut(top=444, left=30, right=30).top(54)
    spots["stay_calm"] = area.bottom(64)


_VIEWS: Final = {
    "home": _home,
    "navigation": _navigation,
    "climate": _climate,
    "media": _media,
    "phone": _phone,
    "profiles": _profiles,
    "settings": _settings,
    "camera": _camera,
    "voice": _voice,
    "update": _update,
    "ecall": _ecall,
}
