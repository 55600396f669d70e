"""Driver profiles: what each driver has set, kept in the ECU's store; guest and three more.

Rules of this module: the car says who drives (BCM_DriverId). When that changes, the profile's settings come into effect
together. What is changed while a profile is active belongs to it. A guest begins as from the plant each time.

Not for: the settings themselves (`hil.ecu.settings`).
"""

from __future__ import annotations

from typing import Any, Final

from hil.ecu.settings import Settings, Value
from hil.ecu.store import Store

GUEST: Final = 0
COUNT: Final = 4
KEPT: Final = ("language", "speed_unit", "temperature_unit", "clock_format", "day_night")
_PLANT: Final[dict[str, Value]] = {
    "language": "en", "speed_unit": "km/h", "temperature_unit": "C", "clock_format": "24h", "day_night": "auto",
}  # fmt: skip
_FACTORY: Final[dict[int, dict[str, Value]]] = {
    2: {"language": "de"},
    3: {"language": "fr", "speed_unit": "mph", "temperature_unit": "F", "clock_format": "12h"},
}
_FACTORY_CLIMATE: Final[dict[int, tuple[int, int]]] = {0: (14, 14), 2: (11, 13), 3: (18, 18)}
"""Raw values (half degrees from 14 degC), left and right. Profile 1 asks for none until its driver has set one."""


class Profiles:
    """The profiles of one ECU.

    Args:
        store: where they are kept.
        settings: what they switch.
        defects: names.
    """

    def __init__(self, store: Store, settings: Settings, defects: frozenset[str] = frozenset()) -> None:
        self._store, self._settings, self._defects = store, settings, defects
        self._has_guest = "guest_remembered" not in defects
        self._loading = False
        self.active: int | None = None
        settings.listen(self._keep)

    def forget(self) -> None:
        """RAM is gone."""
        self.active = None

    def values(self, number: int) -> dict[str, Value]:
        """What a profile has set."""
        kept = {} if number == GUEST and self._has_guest else self._store.get(f"profile.{number}", {})
        return {**_PLANT, **_FACTORY.get(number, {}), **kept}

    def climate(self, number: int) -> tuple[int, int] | None:
        """Raw set temperatures of a profile, left and right; None if it has none."""
        kept: Any = None if number == GUEST else self._store.get(f"profile.{number}.climate")
        return (int(kept[0]), int(kept[1])) if kept else _FACTORY_CLIMATE.get(number)

    def keep_climate(self, left: int, right: int) -> None:
        """The driver set temperatures."""
        if self.active:
            self._store.put(f"profile.{self.active}.climate", [left, right])
            self._store.flush()

    def switch(self, number: int) -> bool:
        """Somebody drives; whether that is somebody else than the last one, whose settings were loaded."""
        before, self.active = self._store.get("profile.active", 1), number
        if before == number:
            return False
        self._loading = True
        names = KEPT[:2] if "profile_half_loaded" in self._defects else KEPT
        values = self.values(number)
        for name in names:
            self._settings.set(name, values[name])
        self._loading = False
        self._store.put("profile.active", number)
        self._store.flush()
        return True

    def _keep(self) -> None:
        """A setting changed: it belongs to who drives."""
        if self.active is None or self._loading or "profile_not_kept" in self._defects:
            return
        if self.active != GUEST or not self._has_guest:
            self._store.put(f"profile.{self.active}", {name: self._settings[name] for name in KEPT})
            self._store.flush()
