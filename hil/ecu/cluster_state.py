"""All that can be seen of the instrument cluster, as one value: what the ECU's logic hands to the picture. Pure.

Rules of this module: a state is hashable and holds only what can be seen, rounded to what a pixel can show, so equal
states share one raster. What can't be drawn is refused here. None is shown as dashes, or not at all where the text
says so.

Not for: what lights a telltale, moves a needle or words a warning. That is the ECU's logic.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from hil.errors import UsageError

Rgb = tuple[int, int, int]
Severity = Literal["information", "caution", "warning", "critical"]
BRANDS: Final = ("alta", "brio")
LANGUAGES: Final = ("en", "de", "fr", "es")
SPEED_UNITS: Final = ("km/h", "mph")
DISTANCE_UNITS: Final = ("km", "mi")
SEVERITIES: Final = ("information", "caution", "warning", "critical")
GEARS: Final = ("P", "R", "N", "D")
MANOEUVRES: Final = (
    "Straight", "Left", "SlightLeft", "SharpLeft", "Right", "SlightRight", "SharpRight", "UTurnLeft", "UTurnRight",
    "RoundaboutEnter", "RoundaboutExit", "KeepLeft", "KeepRight", "MotorwayEnter", "MotorwayExit", "Ferry",
    "Destination", "Waypoint",
)  # fmt: skip
"""Those of NAV_Guidance.Manoeuvre."""
RPM_MAX: Final = 8000.0
SCALE_ENDS: Final = {("alta", "km/h"): 260.0, ("alta", "mph"): 160.0, ("brio", "km/h"): 220.0, ("brio", "mph"): 140.0}
"""End of the speed scale, by brand and unit; all begin at 0."""
RED, AMBER, GREEN, BLUE = (255, 40, 36), (255, 176, 0), (34, 214, 88), (44, 122, 255)
_BY_COLOUR: Final[dict[Rgb, tuple[str, ...]]] = {
    GREEN: (
        "turn_left", "turn_right", "position_lights", "low_beam", "auto_high_beam", "front_fog", "ready", "start_stop",
        "hill_descent", "auto_hold", "acc", "lane_assist", "speed_limiter",
    ),
    BLUE: ("high_beam", "ice"),
    AMBER: (
        "rear_fog", "engine", "abs", "esc", "esc_off", "tyre", "passenger_airbag_off", "fuel", "washer", "brake_pad",
        "charge_plug", "service", "bulb", "particulate_filter", "transmission", "attention", "emergency_brake_off",
        "suspension",
    ),
    RED: (
        "oil", "coolant", "battery", "brake", "park_brake", "airbag", "seat_belt", "door", "steering", "immobiliser",
        "hv_battery", "ecall",
    ),
}  # fmt: skip
COLOURS: Final[dict[str, Rgb]] = {name: colour for colour, names in _BY_COLOUR.items() for name in names}
"""Name of every telltale to its colour when lit."""
TELLTALES: Final = frozenset(COLOURS)


class Screen(StrEnum):
    """What the glass shows as a whole."""

    OFF = "off"
    SPLASH = "splash"
    ON = "on"


@dataclass(frozen=True, slots=True)
class Warning:
    """A pop-up.

    Attributes:
        lines: one or two lines of text, in the driver's language.
        severity: its colour: white, amber, amber, red.
        symbol: name of a telltale whose symbol stands beside the text; empty for the severity's own.
    """

    lines: tuple[str, ...]
    severity: Severity = "information"
    symbol: str = ""

    def __post_init__(self) -> None:
        """Refuse what can't be drawn. Raises: UsageError: no line or more than two, unknown severity or symbol."""
        if not 1 <= len(self.lines) <= 2:
            raise UsageError(f"a warning of {len(self.lines)} lines", remedy="give it one or two.")
        _check("severity of a warning", self.severity, SEVERITIES)
        if self.symbol:
            _check("telltale", self.symbol, TELLTALES)


@dataclass(frozen=True, slots=True)
class Guidance:
    """The next manoeuvre of the navigation.

    Attributes:
        manoeuvre: one of `MANOEUVRES`.
        distance: to it, as shown, with its unit.
        road: the road after it.
    """

    manoeuvre: str
    distance: str
    road: str

    def __post_init__(self) -> None:
        """Refuse what can't be drawn. Raises: UsageError: an unknown manoeuvre."""
        _check("manoeuvre", self.manoeuvre, MANOEUVRES)


@dataclass(frozen=True, slots=True)
class ClusterState:
    """All that can be seen of the cluster.

    Attributes:
        screen: dark, the boot splash, or the instruments; the rest counts only for the instruments.
        brand: one of `BRANDS`: the whole look.
        night: the dimmed theme.
        language: of the words that the cluster itself puts up, one of `LANGUAGES`.
        speed: position of the speed needle in `speed_unit`, 0 to the scale's end, rounded to 0.1.
        speed_unit: of needle, number and scale, one of `SPEED_UNITS`.
        speed_number: the digital speed; None shows `---`.
        rpm: position of the rev needle, 0 to 8000 1/min, rounded to 5.
        power_pct: the hybrid's power meter, -100 (regeneration) to 100, rounded to 1; None: not fitted.
        fuel: part of the tank, 0 to 1, rounded to 0.01; None: no bar.
        coolant_C: temperature of the coolant, shown from 50 to 130, rounded to 1; None: no bar.
        charge: part of the high-voltage battery, 0 to 1, rounded to 0.01; None: not fitted.
        range_km: the number as shown, in `distance_unit`; None shows `---`.
        gear: one of `GEARS`; None shows an empty field.
        telltales: names of those lit, each one of `TELLTALES`.
        odometer: total distance in `distance_unit`; None shows `------`.
        trip: trip distance, rounded to 0.1; None shows `---`.
        distance_unit: of odometer, trip and range, one of `DISTANCE_UNITS`.
        clock: the time as shown; None shows nothing.
        outside: the outside temperature as shown, with its unit; None shows nothing.
        acc_speed: set speed of the cruise control in `speed_unit`; None shows nothing.
        speed_limit: of the traffic sign, in `speed_unit`; None shows no sign.
        warning: the pop-up; None shows none.
        warnings_queued: how many more wait behind it; 0 shows nothing.
        guidance: the next manoeuvre; None shows nothing.
        dimming: backlight, 0.2 to 1, rounded to 0.05.
    """

    screen: Screen = Screen.ON
    brand: str = "alta"
    night: bool = False
    language: str = "en"
    speed: float = 0.0
    speed_unit: str = "km/h"
    speed_number: int | None = 0
    rpm: float = 0.0
    power_pct: float | None = None
    fuel: float | None = None
    coolant_C: float | None = None
    charge: float | None = None
    range_km: int | None = None
    gear: str | None = "P"
    telltales: frozenset[str] = frozenset()
    odometer: int | None = 0
    trip: float | None = 0.0
    distance_unit: str = "km"
    clock: str | None = None
    outside: str | None = None
    acc_speed: int | None = None
    speed_limit: int | None = None
    warning: Warning | None = None
    warnings_queued: int = 0
    guidance: Guidance | None = None
    dimming: float = 1.0

    def __post_init__(self) -> None:
        """Round to what can be seen; refuse what can't be drawn.

        Raises:
            UsageError: a telltale, a gear, a brand, a language or a unit that this cluster doesn't have.
        """
        self._check()
        put = object.__setattr__
        put(self, "speed", round(_within(self.speed, 0.0, SCALE_ENDS[self.brand, self.speed_unit]), 1))
        put(self, "rpm", round(_within(self.rpm, 0.0, RPM_MAX) / 5) * 5.0)
        put(self, "dimming", round(_within(self.dimming, 0.2, 1.0) * 20) / 20)
        if self.trip is not None:
            put(self, "trip", round(self.trip, 1))
        if self.power_pct is not None:
            put(self, "power_pct", float(round(_within(self.power_pct, -100.0, 100.0))))
        if self.fuel is not None:
            put(self, "fuel", round(_within(self.fuel, 0.0, 1.0), 2))
        if self.coolant_C is not None:
            put(self, "coolant_C", float(round(_within(self.coolant_C, *COOLANT_C))))
        if self.charge is not None:
            put(self, "charge", round(_within(self.charge, 0.0, 1.0), 2))

    def _check(self) -> None:
        if not self.telltales <= TELLTALES:
            _check("telltale", min(self.telltales - TELLTALES), TELLTALES)
        if self.gear is not None:
            _check("gear", self.gear, GEARS)
        _check("brand", self.brand, BRANDS)
        _check("language", self.language, LANGUAGES)
        _check("unit of speed", self.speed_unit, SPEED_UNITS)
        _check("unit of distance", self.distance_unit, DISTANCE_UNITS)


COOLANT_C: Final = (50.0, 130.0)
"""Ends of the coolant gauge, C and H."""


def _check(what: str, word: str, known: Container[str]) -> None:
    if word not in known:
        words = known if isinstance(known, tuple) else sorted(COLOURS)
        raise UsageError(f"the cluster has no {what} '{word}'", remedy=f"one of {', '.join(words)}.")


def _within(value: float, low: float, high: float) -> float:
    """A needle rests at the pins of its scale."""
    return low if value < low else high if value > high else value
