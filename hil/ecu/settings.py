"""The driver's settings: what they may be, where they are kept, and what the ECU says of them on the bus.

Rules of this module: a setting has one of a few values or a number within a range; a change is kept in the store at
once and told to whoever listens. Values are words (`de`, `km/h`); the raw numbers of CLU_Settings stand beside them.

Not for: what a setting does to the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hil.ecu.store import Store

Value = str | int


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        signal: its signal of CLU_Settings.
        default: the value of a new ECU.
        choices: its values, each with its raw number; empty for a number.
        low: least number.
        high: greatest number.
        scale: raw numbers a unit.
    """

    signal: str
    default: Value
    choices: dict[str, int]
    low: int = 0
    high: int = 0
    scale: int = 1

    def raw(self, value: Value) -> int:
        """The raw number of a value."""
        return self.choices[str(value)] if self.choices else int(value) * self.scale

    def parse(self, text: str) -> Value | None:
        """What somebody typed; None if it is no value."""
        if self.choices:
            return text if text in self.choices else None
        number = text.removeprefix("-")
        return int(text) if number.isdigit() and self.low <= int(text) <= self.high else None

    @property
    def known(self) -> str:
        """Its values, for people."""
        return ", ".join(self.choices) if self.choices else f"{self.low} to {self.high}"


def _words(*words: str) -> dict[str, int]:
    return {word: raw for raw, word in enumerate(words)}


SETTINGS: Final[dict[str, Setting]] = {
    "language": Setting("Language", "en", _words("en", "de", "fr", "es")),
    "speed_unit": Setting("SpeedUnit", "km/h", _words("km/h", "mph")),
    "temperature_unit": Setting("TemperatureUnit", "C", _words("C", "F")),
    "pressure_unit": Setting("PressureUnit", "bar", _words("bar", "psi")),
    "consumption_unit": Setting("ConsumptionUnit", "l/100km", _words("l/100km", "mpg_uk", "mpg_us")),
    "clock_format": Setting("ClockFormat", "24h", _words("24h", "12h")),
    "day_night": Setting("DayNightMode", "auto", _words("auto", "day", "night")),
    "theme": Setting("Theme", "classic", _words("classic", "sport", "minimal")),
    "chime_volume": Setting("ChimeVolumeSetting", 3, {}, 0, 5),
    "brightness": Setting("BrightnessSetting", 80, {}, 0, 100, 2),
    "time_zone": Setting("TimeZoneOffset", 4, {}, -48, 56),
}
"""Name -> setting. The time zone counts in quarters of an hour."""
_KEY: Final = "setting."


class Settings:
    """The settings of one ECU.

    Args:
        store: where they are kept.
        persistent: False: a change is never written to flash (a defect).
    """

    def __init__(self, store: Store, *, persistent: bool = True) -> None:
        self._store, self._persistent = store, persistent
        self._values: dict[str, Value] = {}
        self._listeners: list[Callable[[], object]] = []
        self.load()

    def load(self) -> None:
        """Read them from the store, as after a boot."""
        self._values = {name: self._kept(name, setting) for name, setting in SETTINGS.items()}

    def _kept(self, name: str, setting: Setting) -> Value:
        kept = setting.parse(str(self._store.get(_KEY + name, setting.default)))
        return setting.default if kept is None else kept

    def __getitem__(self, name: str) -> Value:
        """The value of a setting."""
        return self._values[name]

    def text(self, name: str) -> str:
        """The value of a setting that is a word."""
        return str(self._values[name])

    def number(self, name: str) -> int:
        """The value of a setting that is a number."""
        return int(self._values[name])

    def set(self, name: str, value: Value) -> bool:
        """Change a setting and keep it; whether there is such a setting and it takes that value."""
        setting = SETTINGS.get(name)
        parsed = None if setting is None else setting.parse(str(value))
        if parsed is None:
            return False
        if parsed != self._values[name]:
            self._values[name] = parsed
            if self._persistent:
                self._store.put(_KEY + name, parsed)
                self._store.flush()
            for listener in self._listeners:
                listener()
        return True

    def listen(self, changed: Callable[[], object]) -> None:
        """Have `changed` called after each change."""
        self._listeners.append(changed)

    def signals(self) -> dict[str, int]:
        """Raw values of CLU_Settings."""
        return {setting.signal: setting.raw(self._values[name]) for name, setting in SETTINGS.items()}
