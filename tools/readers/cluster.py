"""Random states of the cluster, and what is to be read off their pictures."""

from __future__ import annotations

import random
from typing import TypeVar

from hil.ecu.cluster import ClusterState, Guidance, Warning
from hil.ecu.cluster_state import BRANDS, LANGUAGES, MANOEUVRES, SCALE_ENDS, SEVERITIES, TELLTALES
from readers.truth import Truth

T = TypeVar("T")
WARNINGS = {
    "en": (("Door open",), ("Tyre pressure low", "rear left: 1.8 bar"), ("Stop the vehicle safely",)),
    "de": (("Tür offen",), ("Reifendruck prüfen", "hinten links: 1,8 bar"), ("Motor abstellen: Öldruck",)),
    "fr": (("Porte ouverte",), ("Pression des pneus", "roue avant gauche"), ("Système à réviser",)),
    "es": (("Puerta abierta",), ("Revise los frenos", "en el taller"), ("Señal: dirección averiada",)),
}
ROADS = ("Hauptstraße", "A8 München", "Main Street", "Rue de Lyon", "Calle Mayor", "B27", "Avenue de l'Opéra")


def overlays(state: ClusterState) -> tuple[str, ...]:
    """The overlays that fit a state."""
    return (*(["night"] if state.night else []), *(["mph"] if state.speed_unit == "mph" else []))


def some_state(rng: random.Random) -> ClusterState:
    """Any state; now and then something is not available."""

    def maybe(value: T, absent: T | None = None) -> T | None:
        return absent if rng.random() < 0.15 else value

    brand, unit, language = rng.choice(BRANDS), rng.choice(["km/h", "km/h", "mph"]), rng.choice(LANGUAGES)
    top = SCALE_ENDS[brand, unit]
    return ClusterState(
        brand=brand,
        night=rng.random() < 0.5,
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
        warning=maybe(_some_warning(rng, language)),
        warnings_queued=rng.randrange(3),
        guidance=maybe(_some_guidance(rng)),
    )


def _some_warning(rng: random.Random, language: str) -> Warning:
    return Warning(rng.choice(WARNINGS[language]), rng.choice(SEVERITIES), rng.choice(["", *sorted(TELLTALES)]))


def _some_guidance(rng: random.Random) -> Guidance:
    metres = rng.randrange(10, 1000, 10)
    distance = rng.choice([f"{metres} m", f"{metres / 100:.1f} km"])
    return Guidance(rng.choice(MANOEUVRES), distance, rng.choice(ROADS))


def truth_of(state: ClusterState) -> Truth:
    """What is to be read, from the state alone."""
    warning, guidance = state.warning, state.guidance
    truth = Truth({f"telltale.{name}": "on" if name in state.telltales else "off" for name in sorted(TELLTALES)})
    truth.words |= {f"text.{name}": text for name, text in _texts(state).items()}
    truth.words["icon.guidance"] = guidance.manoeuvre if guidance else "none"
    truth.words["popup.warning"] = warning.severity if warning else "none"
    if warning:
        truth.popups["warning"] = " ".join(warning.lines), warning.symbol or warning.severity
    end = SCALE_ENDS[state.brand, state.speed_unit]
    truth.numbers = {"needle.speed_needle": (state.speed, end / 800), "needle.rpm_needle": (state.rpm, 12.0)}
    bars = {"fuel": (state.fuel, 0.01), "charge": (state.charge, 0.01), "coolant": (state.coolant_C, 0.8)}
    for name, (value, tolerance) in (bars | {"power": (state.power_pct, 1.5)}).items():
        if value is not None:
            truth.numbers[f"bar.{name}"] = value, tolerance
    return truth


def _texts(state: ClusterState) -> dict[str, str]:
    guidance = state.guidance
    return {
        "speed": _or(state.speed_number, "---"),
        "speed_unit": state.speed_unit,
        "gear": state.gear or "",
        "odometer": "------" if state.odometer is None else f"{state.odometer:06d}",
        "trip": "---" if state.trip is None else f"{state.trip:.1f}",
        "range": _or(state.range_km, "---"),
        "clock": state.clock or "",
        "outside": state.outside or "",
        "acc_speed": _or(state.acc_speed, ""),
        "speed_limit": _or(state.speed_limit, ""),
        "guidance_distance": guidance.distance if guidance else "",
        "guidance_road": guidance.road if guidance else "",
    }


def _or(number: int | None, absent: str) -> str:
    return absent if number is None else str(number)
