"""Every reader reads every picture of both clusters right: random states of a fixed seed, day and night, all languages.

The layouts and their reference pictures are data of their own; what a reading is compared with is the state alone.
"""

import random
from pathlib import Path

import pytest

from hil.ecu.cluster import ClusterState, Guidance, Screen, Warning, render
from hil.ecu.cluster_state import BRANDS, LANGUAGES, MANOEUVRES, SCALE_ENDS, SEVERITIES, TELLTALES
from hil.hmi.layout_file import load
from hil.hmi.reader import reader_for

LAYOUTS = Path(__file__).parents[2] / "fixtures/layouts"
TEXTS = {
    "en": (("Door open",), ("Tyre pressure low", "rear left: 1.8 bar"), ("Stop the vehicle safely",)),
    "de": (("Tür offen",), ("Reifendruck prüfen", "hinten links: 1,8 bar"), ("Motor abstellen: Öldruck",)),
    "fr": (("Porte ouverte",), ("Pression des pneus", "roue avant gauche"), ("Huile moteur : arrêtez",)),
    "es": (("Puerta abierta",), ("Revise los frenos", "en el taller"), ("Detenga el vehículo",)),
}
ROADS = ("Hauptstraße", "A8 München", "Main Street", "Rue de Lyon", "Calle Mayor", "B27")


def some_state(rng, brand, night):
    unit, language = rng.choice(["km/h", "km/h", "mph"]), rng.choice(LANGUAGES)
    maybe = lambda value, absent=None: absent if rng.random() < 0.15 else value  # noqa: E731
    top = SCALE_ENDS[brand, unit]
    return ClusterState(
        brand=brand,
        night=night,
        language=language,
        speed=rng.uniform(0, top),
        speed_unit=unit,
        speed_number=maybe(rng.randrange(rng.choice([10, 100, int(top)]))),
        rpm=rng.uniform(0, 8000),
        power_pct=maybe(rng.uniform(-100, 100)),
        fuel=maybe(rng.random()),
        coolant_C=maybe(rng.uniform(50, 130)),
        charge=maybe(rng.random()),
        range_km=maybe(rng.randrange(1000)),
        gear=maybe(rng.choice("PRND")),
        telltales=frozenset(rng.sample(sorted(TELLTALES), rng.choice([0, 3, 12, 45]))),
        odometer=maybe(rng.randrange(1_000_000)),
        trip=maybe(rng.random() * 10 ** rng.randrange(1, 5)),
        distance_unit="mi" if unit == "mph" else "km",
        clock=maybe(f"{rng.randrange(24)}:{rng.randrange(60):02d}"),
        outside=maybe(f"{rng.uniform(-30, 45):.1f} °C"),
        acc_speed=maybe(rng.randrange(30, 181, 5)),
        speed_limit=maybe(rng.randrange(5, 131, 5)),
        warning=maybe(some_warning(rng, language)),
        warnings_queued=rng.randrange(3),
        guidance=maybe(some_guidance(rng)),
    )


def some_warning(rng, language):
    return Warning(rng.choice(TEXTS[language]), rng.choice(SEVERITIES), rng.choice(["", *sorted(TELLTALES)]))


def some_guidance(rng):
    metres = rng.randrange(10, 1000, 10)
    distance = rng.choice([f"{metres} m", f"{metres / 100:.1f} km"])
    return Guidance(rng.choice(MANOEUVRES), distance, rng.choice(ROADS))


def wanted(state):
    """What each item is to be read as: an exact word, or a number and how far off it may be."""
    warning, guidance, top = state.warning, state.guidance, SCALE_ENDS[state.brand, state.speed_unit]
    words = {name: "on" if name in state.telltales else "off" for name in TELLTALES}
    words = {f"telltale.{name}": word for name, word in words.items()}
    texts = {
        "speed": "---" if state.speed_number is None else str(state.speed_number),
        "speed_unit": state.speed_unit,
        "gear": state.gear or "",
        "odometer": "------" if state.odometer is None else f"{state.odometer:06d}",
        "trip": "---" if state.trip is None else f"{state.trip:.1f}",
        "range": "---" if state.range_km is None else str(state.range_km),
        "clock": state.clock or "",
        "outside": state.outside or "",
        "acc_speed": "" if state.acc_speed is None else str(state.acc_speed),
        "speed_limit": "" if state.speed_limit is None else str(state.speed_limit),
        "guidance_distance": guidance.distance if guidance else "",
        "guidance_road": guidance.road if guidance else "",
    }
    words |= {f"text.{name}": text for name, text in texts.items()}
    words["icon.guidance"] = guidance.manoeuvre if guidance else "none"
    words["popup.warning"] = warning.severity if warning else "none"
    numbers = {"needle.speed_needle": (state.speed, top / 800), "needle.rpm_needle": (state.rpm, 12)}
    bars = {"fuel": (state.fuel, 0.01), "charge": (state.charge, 0.01), "coolant": (state.coolant_C, 0.8)}
    bars["power"] = (state.power_pct, 1.5)
    return words, numbers | {f"bar.{name}": each for name, each in bars.items() if each[0] is not None}


def misread(state):
    """What the readers see otherwise than the state says."""
    overlays = [name for name, is_on in (("night", state.night), ("mph", state.speed_unit == "mph")) if is_on]
    layout, pixels = load(LAYOUTS / state.brand / "cluster.toml", overlays), render(state)
    words, numbers = wanted(state)
    read = lambda name: reader_for(layout.item(name))(pixels, layout.item(name))  # noqa: E731
    wrong = [(name, word, got) for name, word in words.items() if not same(name, word, (got := read(name)).value)]
    for name, (value, tolerance) in numbers.items():
        got = read(name)
        if not isinstance(got.value, float) or abs(got.value - value) > tolerance:
            wrong.append((name, value, got))
    if state.warning:
        wrong += misread_warning(pixels, layout.item("popup.warning"), state.warning)
    return wrong


def misread_warning(pixels, popup, warning):
    text, sign = (reader_for(item)(pixels, item) for item in (popup.words, popup.sign))
    symbol = warning.symbol or warning.severity
    wrong = [("warning's symbol", symbol, sign)] if sign.value != symbol else []
    line = " ".join(warning.lines)
    return wrong + ([("warning's text", line, text)] if not same("text", line, text.value) else [])


def same(name, word, value):
    """Blanks don't count in texts: OCR sets and loses them, and no check of a text minds."""
    if not name.startswith("text"):
        return value == word
    return value is not None and value.replace(" ", "") == word.replace(" ", "")


@pytest.mark.parametrize("night", [False, True])
@pytest.mark.parametrize("brand", BRANDS)
@pytest.mark.parametrize("seed", range(6))
def test_every_item_is_read_as_the_state_says(brand, night, seed):
    rng = random.Random(f"{brand} {night} {seed}")
    state = some_state(rng, brand, night)
    assert misread(state) == []


@pytest.mark.parametrize("brand", BRANDS)
def test_dimmed_to_six_tenths_everything_can_still_be_read(brand):
    rng = random.Random(5)
    state = some_state(rng, brand, False)
    fields = {name: getattr(state, name) for name in state.__slots__}
    assert misread(ClusterState(**fields | {"dimming": 0.8})) == []


@pytest.mark.parametrize("brand", BRANDS)
@pytest.mark.parametrize("night", [False, True])
def test_the_splash_is_a_view_of_its_own(brand, night):
    layout = load(LAYOUTS / brand / "cluster.toml", ["night"] if night else [])
    item = layout.item("splash")
    for screen in Screen:
        seen = reader_for(item)(render(ClusterState(screen=screen, brand=brand, night=night)), item).value
        assert seen == ("shown" if screen is Screen.SPLASH else "not shown")


def test_both_layouts_have_the_same_items():
    alta, brio = (load(LAYOUTS / brand / "cluster.toml") for brand in BRANDS)
    assert {(item.kind, item.name) for item in alta} == {(item.kind, item.name) for item in brio}
    assert {item.name for item in alta if item.kind == "telltale"} == TELLTALES
