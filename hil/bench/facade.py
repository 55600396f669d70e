"""The bench as a test sees it: synchronous, the same on a virtual and on a real clock.

Rules of this module: every method is a portal call (`call`); durations and values may carry units (`"300 ms"`,
`"87 km/h"`); a failed check raises `EcuError` with what was expected, seen and when, and is kept by the recorder, so
that catching it without `expected_failure` does not make a case pass.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from hil import units
from hil.bench.cloud_calls import MqttFacade, StorageFacade
from hil.bench.console import ConsoleFacade
from hil.bench.diag_calls import DiagCalls
from hil.bench.disturb_calls import DisturbCalls
from hil.bench.network_calls import NetworkCalls
from hil.bench.portal import Portal
from hil.bench.power import PowerFacade
from hil.bench.relay_calls import RelayFacade
from hil.bench.replay_calls import ReplayCalls
from hil.bench.reset import Reset
from hil.bench.screen import ScreenFacade
from hil.bench.signal_calls import SignalCalls
from hil.bench.sound_calls import SoundCalls
from hil.bench.touch_calls import TouchCalls
from hil.bench.traffic_calls import TrafficCalls
from hil.bench.update_calls import UpdateFacade
from hil.bench.watch_calls import WatchCalls
from hil.bench.wiring import Wiring
from hil.clock import Timer
from hil.errors import NotRunError, UsageError
from hil.serial import player
from hil.units import Duration

T = TypeVar("T")
DEFAULT_WITHIN: Final = "2 s"


class Bench(
    SignalCalls, TrafficCalls, NetworkCalls, DisturbCalls, WatchCalls, ReplayCalls, DiagCalls, TouchCalls, SoundCalls
):
    """The bench of one test.

    Args:
        wiring: its ports, open.
        timeout_s: bench time that the test may take.
    """

    def __init__(self, wiring: Wiring, timeout_s: float) -> None:
        self.wiring = wiring
        self._timeout_s = timeout_s
        self._deadline: Timer | None = None
        self.portal = Portal(wiring)
        self.judge = self.portal.judge
        self._reset = Reset(wiring)

    def call(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the bench's loop; see `Portal.call`."""
        return self.portal.call(main)

    def arm(self) -> None:
        """Start the test's time-out."""
        self.call(self._arm())

    async def _arm(self) -> None:
        why = f"the case used up its {self._timeout_s:g} s of bench time"
        clock = self.wiring.clock
        self._deadline = clock.set_deadline(clock.now_ns + units.nanoseconds(self._timeout_s), why)

    def disarm(self) -> None:
        """The test is over: no time-out any more."""
        if self._deadline is not None:
            self._deadline.cancel()

    # Time and steps -----------------------------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """Bench time: nanoseconds since the start of the test."""
        return self.wiring.clock.now_ns

    def sleep(self, duration: Duration) -> None:
        """Let bench time pass: `bench.sleep("500 ms")`."""
        self.call(self.wiring.clock.sleep(units.seconds(duration)))

    def step(self, name: str, *arguments: str) -> contextlib.AbstractContextManager[None]:
        """A named step of the test, shown on the report's timeline."""
        return self.portal.step(name, *arguments)

    def expected_failure(self) -> contextlib.AbstractContextManager[None]:
        """A block in which a check must fail; if none does, that is a failure of the test."""
        return self.judge.expected_failure()

    def until_succeeds(self, action: Callable[[], T], *, within: Duration, interval: Duration) -> T:
        """Repeat an action until it passes, in bench time; faults of the bench and of the test are not repeated.

        Raises:
            Exception: what the last attempt raised.
        """
        end_ns = self.now_ns + units.nanoseconds(within)
        first = self.judge.failures
        while True:
            before = self.judge.failures
            try:
                result = action()
                self.judge.forgive(first, before)
                return result
            except Exception:
                if self.wiring.recorder.first_cause is not None or self.now_ns >= end_ns:
                    raise
            self.sleep(interval)

    # Power --------------------------------------------------------------------------------------------------------

    def power_on(self) -> None:
        """Ignition on, restbus on, supplies on."""
        self.call(self._reset.power_up())
        self._note("power on")

    def power_off(self) -> None:
        """Supplies off (KL30); the rest of the vehicle goes on."""
        self.call(self._switch_all(False))
        self._note("power off")

    async def _switch_all(self, on: bool) -> None:
        watch = self.wiring.traffic.watch
        (watch.expect if on else watch.pause)("power")
        player.stop(self.wiring.profiles)
        await self._reset.feed(on)

    def ignition(self, on: bool) -> None:
        """Ignition (KL15) on or off, as the bench file says how."""
        self.call(self._ignition(on))
        self._note(f"ignition {'on' if on else 'off'}")

    async def _ignition(self, on: bool) -> None:
        if self.wiring.config.ignition is None:
            raise NotRunError("this bench has no [ignition]")
        await self._reset.ignition(on)

    def _note(self, text: str) -> None:
        self.wiring.recorder.record("note", {"text": text})

    # Parts --------------------------------------------------------------------------------------------------------

    def screen(self, name: str = "") -> ScreenFacade:
        """A screen; without a name the one that has the item that is asked of it, and otherwise the bench file's first.

        Raises:
            NotRunError: the bench has no screen.
            UsageError: it has none of that name.
        """
        meant = name or next(iter(self.wiring.screens), "")
        return ScreenFacade(self.portal, _only(meant, self.wiring.screens, "screen"), guessed=not name)

    def console(self, name: str = "") -> ConsoleFacade:
        """A console; without a name the only one."""
        return ConsoleFacade(self.portal, _only(name, self.wiring.consoles, "console"))

    def supply(self, name: str = "") -> PowerFacade:
        """A supply; without a name the only one."""
        return PowerFacade(self.portal, _only(name, self.wiring.supplies, "supply"))

    def relay(self, contact: str) -> RelayFacade:
        """A contact of a relay board, by its name in the bench file: `KL15`, or `board.KL15`."""
        return RelayFacade(self.portal, contact)

    def mqtt(self, name: str = "") -> MqttFacade:
        """A broker; without a name the only one."""
        return MqttFacade(self.portal, _only(name, self.wiring.cloud.mqtt, "mqtt"))

    def update(self, name: str = "") -> UpdateFacade:
        """An update backend; without a name the only one."""
        return UpdateFacade(self.portal, _only(name, self.wiring.cloud.updates, "update"))

    def storage(self, name: str = "") -> StorageFacade:
        """A way to read the device's flash; without a name the only one."""
        return StorageFacade(self.portal, _only(name, self.wiring.cloud.storages, "storage"))


def _only(name: str, known: dict[str, Any], kind: str) -> str:
    """The name that is meant.

    Raises:
        NotRunError: the bench has none of this kind.
        UsageError: unknown, or several to choose from.
    """
    if not known:
        raise NotRunError(f"this bench has no {kind}")
    if name in known:
        return name
    names = ", ".join(known)
    if name:
        raise UsageError(f"no {kind} '{name}' on this bench", remedy=f"there is: {names}.")
    if len(known) > 1:
        raise UsageError(f"which {kind}?", remedy=f"one of {names}.")
    return next(iter(known))
