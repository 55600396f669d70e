"""Symbols of the centre screen, drawn as vector shapes on a square of 100 x 100 units. Pure.

Each is a function that draws with a `Pen`; `icon` rasterises it, anti-aliased, as coverage from 0 to 255, and keeps it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from PIL import Image

from hil.ecu.symbols_pen import SUPERSAMPLING, Pen

Draw = Callable[[Pen], None]


@lru_cache(maxsize=512)
def icon(name: str, side: int) -> Image.Image:
    """Coverage of a symbol."""
    pen = Pen(side)
    _ICONS[name](pen)
    return pen.image.reduce(SUPERSAMPLING)


def names() -> tuple[str, ...]:
    """All symbols there are."""
    return tuple(_ICONS)


def _home(pen: Pen) -> None:
    pen.polygon((50, 12), (92, 50), (82, 50), (82, 88), (18, 88), (18, 50), (8, 50))
    pen.polygon((42, 88), (42, 60), (58, 60), (58, 88), ink=0)


def _navigation(pen: Pen) -> None:
    pen.polygon((50, 8), (86, 90), (50, 72), (14, 90))


def _climate(pen: Pen) -> None:
    for step in range(3):
        angle = math.radians(60 * step)
        dx, dy = 40 * math.sin(angle), 40 * math.cos(angle)
        pen.line((50 - dx, 50 - dy), (50 + dx, 50 + dy), width=7)
        for sign in (-1, 1):
            tip = (50 + sign * dx * 0.62, 50 + sign * dy * 0.62)
            for turn in (-0.7, 0.7):
                far = (tip[0] + sign * 17 * math.sin(angle + turn), tip[1] + sign * 17 * math.cos(angle + turn))
                pen.line(tip, far, width=6)


def _media(pen: Pen) -> None:
    pen.line((36, 74), (36, 22), (82, 14), (82, 66), width=8)
    pen.disc(26, 76, 14)
    pen.disc(72, 68, 14)


def _phone(pen: Pen) -> None:
    pen.line((24, 22), (30, 46), (52, 69), (78, 77), width=17)
    pen.line((20, 24), (30, 16), width=18)
    pen.line((76, 82), (86, 70), width=18)


def _hang_up(pen: Pen) -> None:
    pen.arc(50, 88, 44, 218, 322, width=18)
    pen.line((15, 60), (15, 68), width=19)
    pen.line((85, 60), (85, 68), width=19)


def _person(pen: Pen) -> None:
    pen.disc(50, 32, 20)
    pen.polygon((14, 90), (18, 70), (32, 58), (68, 58), (82, 70), (86, 90))


def _settings(pen: Pen) -> None:
    pen.disc(50, 50, 30)
    for step in range(8):
        angle = math.radians(45 * step)
        pen.line((50, 50), (50 + 38 * math.cos(angle), 50 + 38 * math.sin(angle)), width=15)
    pen.disc(50, 50, 14, ink=0)


def _camera(pen: Pen) -> None:
    pen.polygon((8, 28), (30, 28), (36, 16), (64, 16), (70, 28), (92, 28), (92, 82), (8, 82))
    pen.disc(50, 54, 21, ink=0)
    pen.disc(50, 54, 13)


def _voice(pen: Pen) -> None:
    pen.line((50, 22), (50, 46), width=28)
    pen.arc(50, 46, 28, 0, 180, width=7)
    pen.line((50, 74), (50, 88), width=7)
    pen.line((32, 90), (68, 90), width=7)


def _update(pen: Pen) -> None:
    pen.line((50, 12), (50, 58), width=12)
    pen.polygon((22, 46), (78, 46), (50, 76))
    pen.line((14, 66), (14, 88), (86, 88), (86, 66), width=10)


def _sos(pen: Pen) -> None:
    pen.disc(50, 50, 48)
    pen.disc(50, 50, 42, ink=0)
    pen.disc(50, 50, 37)
    pen.text(50, 50, "SOS", 34, ink=0)


def _plus(pen: Pen) -> None:
    pen.line((50, 18), (50, 82), width=11)
    pen.line((18, 50), (82, 50), width=11)


def _minus(pen: Pen) -> None:
    pen.line((18, 50), (82, 50), width=11)


def _play(pen: Pen) -> None:
    pen.polygon((24, 12), (88, 50), (24, 88))


def _pause(pen: Pen) -> None:
    pen.polygon((20, 14), (42, 14), (42, 86), (20, 86))
    pen.polygon((58, 14), (80, 14), (80, 86), (58, 86))


def _next(pen: Pen) -> None:
    pen.polygon((10, 18), (48, 50), (10, 82))
    pen.polygon((44, 18), (82, 50), (44, 82))
    pen.polygon((82, 18), (92, 18), (92, 82), (82, 82))


def _previous(pen: Pen) -> None:
    pen.polygon((90, 18), (52, 50), (90, 82))
    pen.polygon((56, 18), (18, 50), (56, 82))
    pen.polygon((18, 18), (8, 18), (8, 82), (18, 82))


def _shuffle(pen: Pen) -> None:
    pen.line((8, 30), (26, 30), (66, 72), (76, 72), width=8)
    pen.line((8, 72), (26, 72), (66, 30), (76, 30), width=8)
    pen.polygon((74, 14), (96, 30), (74, 46))
    pen.polygon((74, 56), (96, 72), (74, 88))


def _repeat(pen: Pen) -> None:
    pen.line((14, 52), (14, 30), (72, 30), width=8)
    pen.polygon((70, 12), (94, 30), (70, 48))
    pen.line((86, 48), (86, 70), (28, 70), width=8)
    pen.polygon((30, 52), (6, 70), (30, 88))


def _speaker(pen: Pen) -> None:
    pen.polygon((8, 36), (26, 36), (50, 14), (50, 86), (26, 64), (8, 64))
    pen.arc(50, 50, 20, -45, 45, width=7)
    pen.arc(50, 50, 36, -45, 45, width=7)


def _mute(pen: Pen) -> None:
    pen.polygon((8, 36), (26, 36), (50, 14), (50, 86), (26, 64), (8, 64))
    pen.line((64, 36), (92, 64), width=8)
    pen.line((92, 36), (64, 64), width=8)


def _fan(pen: Pen) -> None:
    for step in range(3):
        angle = math.radians(120 * step - 90)
        pen.disc(50 + 24 * math.cos(angle), 50 + 24 * math.sin(angle), 20)
        off = angle + 0.75
        pen.disc(50 + 36 * math.cos(off), 50 + 36 * math.sin(off), 13, ink=0)
    pen.disc(50, 50, 14, ink=0)
    pen.disc(50, 50, 9)


def _seat(pen: Pen) -> None:
    pen.line((22, 14), (34, 62), width=15)
    pen.line((34, 68), (70, 68), width=15)
    pen.line((30, 88), (72, 88), width=7)
    for x in (54, 68, 82):
        pen.line((x, 12), (x - 5, 22), (x + 5, 34), (x, 46), width=5)


def _wheel(pen: Pen) -> None:
    pen.arc(50, 50, 40, 0, 360, width=9)
    pen.disc(50, 50, 12)
    for far in ((12, 46), (88, 46), (50, 88)):
        pen.line((50, 50), far, width=8)


def _recirculation(pen: Pen) -> None:
    pen.arc(50, 50, 32, 150, 420, width=9)
    pen.polygon((6, 60), (22, 34), (40, 62))


def _waves(pen: Pen, y: float) -> None:
    for x in (30, 50, 70):
        pen.line((x, y + 34), (x - 6, y + 24), (x + 6, y + 12), (x, y), width=5)
        pen.polygon((x - 8, y + 4), (x, y - 10), (x + 8, y + 4))


def _defrost_front(pen: Pen) -> None:
    pen.line((8, 76), (20, 26), width=7)
    pen.line((92, 76), (80, 26), width=7)
    pen.line(*pen.curve((50, 40), 32, 22, 200, 340), width=7)
    pen.line(*pen.curve((50, 92), 42, 22, 200, 340), width=7)
    _waves(pen, 42)


def _defrost_rear(pen: Pen) -> None:
    pen.line((10, 22), (90, 22), (90, 80), (10, 80), (10, 22), width=7)
    _waves(pen, 38)


def _snow(pen: Pen) -> None:
    _climate(pen)


def _letter_a(pen: Pen) -> None:
    pen.line((22, 86), (50, 14), (78, 86), width=11)
    pen.line((33, 60), (67, 60), width=10)


def _sync(pen: Pen) -> None:
    pen.line((12, 36), (78, 36), width=9)
    pen.polygon((72, 16), (96, 36), (72, 56))
    pen.line((22, 68), (88, 68), width=9)
    pen.polygon((28, 48), (4, 68), (28, 88))


def _figure(pen: Pen) -> None:
    pen.disc(56, 18, 11)
    pen.line((52, 38), (46, 66), (74, 68), (80, 90), width=11)


def _air_face(pen: Pen) -> None:
    _figure(pen)
    pen.line((8, 20), (30, 20), width=7)
    pen.polygon((28, 8), (44, 20), (28, 32))


def _air_feet(pen: Pen) -> None:
    _figure(pen)
    pen.line((20, 66), (46, 84), width=7)
    pen.polygon((46, 72), (58, 92), (36, 90))


def _air_both(pen: Pen) -> None:
    _air_face(pen)
    _air_feet(pen)


def _air_screen(pen: Pen) -> None:
    pen.line(*pen.curve((50, 84), 40, 64, 205, 335), width=8)
    _waves(pen, 50)


def _star(pen: Pen) -> None:
    points = []
    for step in range(10):
        angle, radius = math.radians(36 * step - 90), 46 if step % 2 == 0 else 19
        points.append((50 + radius * math.cos(angle), 52 + radius * math.sin(angle)))
    pen.polygon(*points)


def _stop(pen: Pen) -> None:
    pen.polygon((20, 20), (80, 20), (80, 80), (20, 80))


def _close(pen: Pen) -> None:
    pen.line((22, 22), (78, 78), width=11)
    pen.line((78, 22), (22, 78), width=11)


def _check(pen: Pen) -> None:
    pen.line((14, 54), (40, 80), (86, 24), width=13)


def _warning(pen: Pen) -> None:
    pen.polygon((50, 8), (96, 90), (4, 90))
    pen.line((50, 38), (50, 60), width=9, ink=0)
    pen.disc(50, 76, 6, ink=0)


def _flag(pen: Pen) -> None:
    pen.line((24, 10), (24, 92), width=8)
    pen.polygon((24, 14), (86, 14), (70, 34), (86, 54), (24, 54))


_ICONS: Final[dict[str, Draw]] = {
    "home": _home,
    "navigation": _navigation,
    "climate": _climate,
    "media": _media,
    "phone": _phone,
    "hang_up": _hang_up,
    "profiles": _person,
    "settings": _settings,
    "camera": _camera,
    "voice": _voice,
    "update": _update,
    "sos": _sos,
    "plus": _plus,
    "minus": _minus,
    "play": _play,
    "pause": _pause,
    "next": _next,
    "previous": _previous,
    "shuffle": _shuffle,
    "repeat": _repeat,
    "speaker": _speaker,
    "mute": _mute,
    "fan": _fan,
    "seat": _seat,
    "heated_wheel": _wheel,
    "recirculation": _recirculation,
    "defrost_front": _defrost_front,
    "defrost_rear": _defrost_rear,
    "ac": _snow,
    "auto": _letter_a,
    "sync": _sync,
    "air_auto": _letter_a,
    "air_face": _air_face,
    "air_feet": _air_feet,
    "air_both": _air_both,
    "air_screen": _air_screen,
    "star": _star,
    "stop": _stop,
    "close": _close,
    "check": _check,
    "warning": _warning,
    "flag": _flag,
}
