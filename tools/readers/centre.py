"""Random states of the centre screen, and what is to be read off their pictures."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from hil.ecu.centre_state import (
    VIEWS,
    Body,
    CameraBody,
    CentreState,
    ClimateBody,
    ECallBody,
    HomeBody,
    MediaBody,
    NavigationBody,
    PhoneBody,
    PopUp,
    ProfilesBody,
    SettingsBody,
    Status,
    UpdateBody,
    VoiceBody,
)
from hil.ecu.cluster_state import BRANDS, LANGUAGES, MANOEUVRES
from hil.ecu.variant import FEATURES
from readers.cluster import ROADS
from readers.truth import Truth

T = TypeVar("T")
DASHES = "---"
LACKS = {"alta": frozenset[str](), "brio": frozenset({"navigation", "voice", "air_suspension"})}
TITLES = ("Über den Wolken", "La vie en rose", "Año nuevo", "Paint It Black", "Autobahn", "99 Luftballons", "Für Elise")
ARTISTS = ("Nena", "Édith Piaf", "Kraftwerk", "The Rolling Stones", "Mecano", "Beethoven")
CALLERS = ("Jürgen Groß", "Zoé Lefèvre", "Íñigo Peña", "Mary Smith", "+49 711 123456")
TILES = ("navigation", "media", "climate", "phone", "profiles", "camera", "voice", "update")
Filled = tuple[Body, dict[str, str]]
"""A body, and the texts of its view."""


def overlays(state: CentreState) -> tuple[str, ...]:
    """The overlays that fit a state."""
    return ("night",) if state.night else ()


def some_state(rng: random.Random) -> tuple[CentreState, Truth]:
    """Any state, and what is to be read off it."""
    brand = rng.choice(BRANDS)
    features = tuple(sorted(FEATURES - LACKS[brand]))
    views = [view for view in VIEWS if view not in LACKS[brand]]
    view = rng.choice(views)
    body, texts = _home(rng, LACKS[brand]) if view == "home" else _BODIES[view](rng)
    dialog = rng.choice([None, None, None, "call", "update"])
    popup = PopUp(dialog, rng.choice(CALLERS if dialog == "call" else ("2.1.0", "3.0.4"))) if dialog else None
    clock = _maybe(rng, f"{rng.randrange(24):02d}:{rng.randrange(60):02d}")
    outside = _maybe(rng, f"{rng.uniform(-30, 45):.1f} °C")
    state = CentreState(
        brand=brand,
        night=rng.random() < 0.5,
        language=rng.choice(LANGUAGES),
        features=features,
        view=view,
        body=body,
        status=Status(clock=clock, outside=outside, signal=rng.randrange(6), profile=rng.randrange(4)),
        popup=popup,
    )
    return state, _truth(state, texts, views)


def _truth(state: CentreState, texts: dict[str, str], views: list[str]) -> Truth:
    """Under a dialog nothing but the dialog and the status bar is to be read."""
    truth = Truth({"text.clock": state.status.clock or "--:--", "text.outside": state.status.outside or DASHES})
    truth.words["popup.dialog"] = state.popup.kind if state.popup else "none"
    if state.popup is not None:
        truth.popups["dialog"] = state.popup.text, None
        return truth
    truth.words |= {f"view.{view}": "shown" if view == state.view else "not shown" for view in views}
    truth.words |= {f"text.{name}": text for name, text in texts.items()}
    if isinstance(state.body, CameraBody):
        truth.words["picture.rear_camera"] = "picture"
    return truth


def _maybe(rng: random.Random, value: T) -> T | None:
    return None if rng.random() < 0.15 else value


def _home(rng: random.Random, lacks: frozenset[str]) -> Filled:
    tiles: list[tuple[str, str, str]] = []
    texts: dict[str, str] = {}
    for name in [tile for tile in TILES if tile not in lacks]:
        large, small = rng.choice([*TITLES, "21.5 °C", "1.0.0"])[:14].strip(), rng.choice(ARTISTS)
        tiles.append((name, large, small))
        texts |= {f"{name}_value": large, f"{name}_detail": small}
    return HomeBody(tuple(tiles)), texts


def _navigation(rng: random.Random) -> Filled:
    road, metres = rng.choice(ROADS), rng.randrange(10, 1000, 10)
    distance = rng.choice([f"{metres} m", f"{metres / 100:.1f} km"])
    arrival, remaining = f"{rng.randrange(24)}:{rng.randrange(60):02d}", f"{rng.randrange(2, 900)} km"
    body = NavigationBody(
        status="Guiding", manoeuvre=rng.choice(MANOEUVRES), distance=distance, road=road, destination="Stuttgart",
        arrival=arrival, remaining=remaining, minutes="0:45",
    )  # fmt: skip
    return body, {"guidance_distance": distance, "guidance_road": road, "arrival": arrival, "remaining": remaining}


def _climate(rng: random.Random) -> Filled:
    left, right = (_maybe(rng, f"{rng.randrange(32, 60) / 2:.1f}") for _ in range(2))
    cabin = _maybe(rng, f"{rng.randrange(10, 40)}")
    body = ClimateBody(left=left, right=right, cabin=cabin, fan=rng.randrange(8), air=rng.randrange(5))
    sides = {"temperature_left": left, "temperature_right": right}
    return body, {name: DASHES if value is None else f"{value}°C" for name, value in sides.items()}


def _media(rng: random.Random) -> Filled:
    title, artist, volume = rng.choice(TITLES), rng.choice(ARTISTS), _maybe(rng, rng.randrange(51))
    body = MediaBody(
        source=rng.choice(["usb", "bluetooth", "streaming"]), title=title, artist=artist, playing=rng.random() < 0.5,
        seconds=rng.randrange(200), duration=rng.randrange(200, 400), volume=volume,
    )  # fmt: skip
    return body, {"title": title, "artist": artist, "volume": DASHES if volume is None else str(volume)}


def _phone(rng: random.Random) -> Filled:
    caller, seconds = rng.choice(CALLERS), rng.randrange(3600)
    body = PhoneBody(status="Active", caller=caller, seconds=seconds, battery=80, signal=4)
    return body, {"caller": caller, "call_time": f"{seconds // 60}:{seconds % 60:02d}"}


def _update(rng: random.Random) -> Filled:
    progress = rng.randrange(101)
    campaign, size = rng.choice(["2026-11", "Autumn"]), f"{rng.randrange(20, 900)} MB"
    body = UpdateBody(status="update_downloading", installed="2.4.1", campaign=campaign, size=size, progress=progress)
    return body, {"version": "2.4.1", "campaign": campaign, "update_size": size, "update_progress": f"{progress} %"}


def _camera(rng: random.Random) -> Filled:
    counter = rng.randrange(256)
    body = CameraBody(view=rng.randrange(3), counter=counter, radius=_maybe(rng, rng.uniform(-0.1, 0.1)))
    return body, {}


def _plain(body: Callable[[], Body]) -> Callable[[random.Random], Filled]:
    return lambda rng: (body(), {})


_BODIES: dict[str, Callable[[random.Random], Filled]] = {
    "navigation": _navigation,
    "climate": _climate,
    "media": _media,
    "phone": _phone,
    "profiles": _plain(lambda: ProfilesBody(active=1)),
    "settings": _plain(SettingsBody),
    "camera": _camera,
    "voice": _plain(lambda: VoiceBody(status="Listening")),
    "update": _update,
    "ecall": _plain(lambda: ECallBody(status="Talking", seconds=20)),
}
