"""Pictures of the centre screen: every view of both brands is drawn, known by its layout, and no word is cut."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest

from hil.ecu import centre_art, centre_pen
from hil.ecu.centre_places import places
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
from hil.ecu.cluster_state import BRANDS, LANGUAGES, Screen
from hil.ecu.variant import FEATURES
from hil.hmi.layout import Layout, Popup, View
from hil.hmi.layout_file import load
from hil.hmi.reader import reader_for

LAYOUTS = Path(__file__).parents[2] / "fixtures/layouts"
FITTED = {"alta": tuple(sorted(FEATURES)), "brio": tuple(sorted(FEATURES - {"navigation", "voice", "air_suspension"}))}
BODIES: dict[str, Body] = {
    "home": HomeBody((("media", "Blue in Green", "Miles Davis"), ("climate", "21.5 °C", "Fan 3"))),
    "navigation": NavigationBody("Guiding", "Right", "350 m", "Leopoldstraße", "Am Hof", "10:47", "12.4 km", "17 min"),
    "climate": ClimateBody("21.5", "22.0", "°C", "21.0", 3, 1, frozenset({"ac", "defrost_rear"}), 2, 0),
    "media": MediaBody("bluetooth", "Für Elise", "Beethoven", "", "", True, 95, 327, 12, False, True, 1),
    "phone": PhoneBody("Active", "Jürgen Groß", 83, 4, 3, False, 2),
    "profiles": ProfilesBody(1, "Key", None, (("English", "km  °C"),) * 4),
    "settings": SettingsBody("de"),
    "camera": CameraBody("", 0, 87, 0.08, (None, 1.9, 0.8, 0.3)),
    "voice": VoiceBody("Speaking", "Warmer", 88, 0),
    "update": UpdateBody("update_offered", "1.0.0", "4711", "212 MB", "12 min", None, "", True, True),
    "ecall": ECallBody("Talking", "Automatic", 42),
}


def views(brand: str) -> list[str]:
    return [view for view in VIEWS if view not in ("navigation", "voice") or view in FITTED[brand]]


def state(brand: str, view: str, *, night: bool = False, language: str = "en") -> CentreState:
    status = Status("10:30", "20.0 °C", 4, 1)
    return CentreState(
        brand=brand, night=night, language=language, features=FITTED[brand], view=view, body=BODIES[view], status=status
    )


@lru_cache(maxsize=4)
def layout(brand: str, night: bool) -> Layout:
    return load(LAYOUTS / brand / "centre.toml", overlays=["night"] if night else [])


@pytest.mark.parametrize("night", [False, True])
@pytest.mark.parametrize("brand", BRANDS)
def test_each_view_is_known_by_its_layout_and_no_other_is(brand: str, night: bool) -> None:
    for view in views(brand):
        pixels = centre_art.render(state(brand, view, night=night))
        for name in views(brand):
            item = layout(brand, night).find(name, View)
            reading = reader_for(item)(pixels, item)
            assert (reading.value == "shown") == (name == view), f"{view} as {name}: {reading.detail}"


@pytest.mark.parametrize("night", [False, True])
@pytest.mark.parametrize("brand", BRANDS)
def test_dialogs_are_told_apart(brand: str, night: bool) -> None:
    item = layout(brand, night).find("dialog", Popup)
    for view in views(brand):
        for dialog in (None, PopUp("call", "Zoé"), PopUp("update", "4711")):
            pixels = centre_art.render(replace(state(brand, view, night=night), popup=dialog))
            assert reader_for(item)(pixels, item).value == (dialog.kind if dialog else "none"), view


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("brand", BRANDS)
def test_no_word_of_ours_is_cut(brand: str, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cut: list[str] = []
    fitting = centre_pen.fitting

    def spy(weight: str, size: int, text: str, width: int) -> tuple[int, str]:
        found = fitting(weight, size, text, width)
        if found[1] != text:
            cut.append(text)
        return found

    monkeypatch.setattr(centre_pen, "fitting", spy)
    centre_art._still.cache_clear()
    for view in views(brand):
        centre_art._draw(state(brand, view, language=language))
    assert not cut


def test_both_brands_call_things_alike() -> None:
    alta, brio = ({item.name for item in layout(brand, False)} for brand in ("alta", "brio"))
    assert brio < alta
    fitted_in_alta_only = {
        name for view in ("navigation", "voice") for name in places("alta", view, FITTED["alta"]).targets
    }
    assert {name for name in alta - brio if name in fitted_in_alta_only}


def test_equal_states_share_a_raster_and_dark_is_dark() -> None:
    assert centre_art.render(state("alta", "media")) is centre_art.render(state("alta", "media"))
    assert centre_art.render(CentreState(screen=Screen.OFF)).max() == 0
    assert not (centre_art.render(state("alta", "home")) == centre_art.render(state("alta", "home", night=True))).all()


def test_the_camera_counter_is_in_the_picture() -> None:
    one, other = (replace(state("brio", "camera"), body=replace(BODIES["camera"], counter=c)) for c in (1, 2))  # type: ignore[type-var]
    assert (centre_art.render(one) != centre_art.render(other)).any()
