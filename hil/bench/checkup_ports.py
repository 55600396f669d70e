"""The check-up's looks at ports other than buses: supplies, consoles, screens, touch, keys, audio, cloud, storage.

Rules of this module: opening leaves every output as it is. What says nothing is asked only once the listening is over.
An address is shown without the user and password that it may contain; other options are not shown at all.

Not for: buses (`hil.bench.checkup_bus`).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hil import units
from hil.bench.checkup_finding import Finding, Mark, When, fault
from hil.bench.config import SupplySection
from hil.bench.jitter import Jitter
from hil.bench.wiring import Wiring
from hil.clock import Clock
from hil.errors import HilError
from hil.hmi.frames import Frame, FrameSource
from hil.serial.console import Console, Missed
from hil.serial.port import PowerPort
from hil.serial.relay import RelayPort

_ADDRESSES: Final = ("interface", "channel", "url", "host", "port_number", "baudrate")
_SECRET: Final = re.compile(r"//[^/@\s]*@")
_DARK: Final = 8
_LEAST_RATE: Final = 0.5
_ANSWER_S: Final = 1.0
_VOLTS: Final = 0.05
_NOISE: Final = 0.1
_FULL: Final = 0.98
_PART: Final = "boot environment"


def address(port: str, options: Mapping[str, Any], announced: Mapping[str, str]) -> str:
    """What drives a port and where it is: `python-can socketcan can0`, `http http://10.0.0.7/screen.png`."""
    words = [str(options[key]) for key in _ADDRESSES if key in options]
    text = _SECRET.sub("//", " ".join([port, *words]))
    for key, value in announced.items():
        text = text.replace(f"{{{key}}}", value)
    return text


async def guarded(part: str, check: str, when: When, look: Awaitable[list[Finding]]) -> list[Finding]:
    """The rows of a look; an error of the bench is one too."""
    try:
        return await look
    except HilError as error:
        return [fault(part, check, error, when)]


def machine(jitter: Jitter | None, allowed_ns: int, when: When) -> Finding:
    """Whether timers come in time for what the restbus must send; None: in virtual time they always do."""
    if jitter is None:
        return Finding("machine", "timers", "virtual time: each timer is exact", when=when)
    show = units.show_duration
    found = f"half of them within {show(jitter.median_ns)}, 99 % {show(jitter.p99_ns)}, all {show(jitter.worst_ns)}"
    found += f"; allowed {show(allowed_ns)}"
    if jitter.worst_ns <= allowed_ns:
        return Finding("machine", "timers", found, when=when)
    mend = "free this machine of other work, or give allowed_lateness: checks are inconclusive while it is late."
    mark = Mark.FAULT if jitter.p99_ns > allowed_ns else Mark.NOTE
    return Finding("machine", "timers", found, mark, mend, when)


# Supplies -------------------------------------------------------------------------------------------------------------


async def supply(port: PowerPort, section: SupplySection, when: When) -> list[Finding]:
    """Its identity, its limits, what it gives."""
    reading, part = await port.read(), f"supply.{port.name}"
    identity = getattr(port, "identity", "")
    limits = f"limits {port.limits.max_voltage_V:g} V, {port.limits.max_current_A:g} A"
    state = "on" if reading.on else "off"
    found = f"{state}, {reading.voltage_V:.2f} V, {reading.current_A:.3f} A; {limits}"
    mark, mend = Mark.OK, ""
    if reading.current_A >= _FULL * port.limits.max_current_A:
        mark, mend = Mark.FAULT, "it is at its limit of current: look for a short, or for a limit that is too low."
    elif when is When.AWAKE:
        mark, mend = _powered(reading.voltage_V, reading.current_A, section)
    elif reading.on:
        mark, mend = Mark.NOTE, "it was on already; at the end of this check-up, as of each run, it is off."
    named = f"{identity}: {found}" if identity and when is not When.AWAKE else found
    return [Finding(part, "output", named, mark, mend, when)]


def _powered(voltage_V: float, current_A: float, section: SupplySection) -> tuple[Mark, str]:
    if abs(voltage_V - section.voltage_V) > _VOLTS * section.voltage_V:
        return Mark.FAULT, f"{section.voltage_V:g} V were asked for: check sense lines and channel."
    if not current_A > 0:
        return Mark.NOTE, "nothing is drawn: check that the ECU is on this output."
    return Mark.OK, ""


# Relays ---------------------------------------------------------------------------------------------------------------


async def relay(board: RelayPort, contacts: Mapping[str, int], when: When) -> list[Finding]:
    """Its contacts, which opening it has put at rest."""
    states, part = await board.read(), f"relay.{board.name}"
    closed = [name for name, channel in contacts.items() if states[channel - 1]]
    rest = [name for name in contacts if name not in closed]
    found = "; ".join(f"{word}: {', '.join(names)}" for word, names in (("closed", closed), ("open", rest)) if names)
    if closed and when is not When.AWAKE:
        mend = "all were put at rest: check that nobody else drives the board, and its contacts."
        return [Finding(part, "contacts", found, Mark.FAULT, mend, when)]
    return [Finding(part, "contacts", found, when=when)]


# Consoles -------------------------------------------------------------------------------------------------------------


async def console(port: Console, when: When) -> list[Finding]:
    """What it has said since it was looked at last; if nothing, whether it answers to an empty line."""
    part, said = f"console.{port.name}", port.drain()
    if not said.strip():
        return [await _asked(port, part, when)]
    odd = sum(letter == "\ufffd" or (letter < " " and letter not in "\n\t\r") for letter in said)
    if odd > _NOISE * len(said):
        mend = "check the baud rate on both ends, and ground."
        return [Finding(part, "text", f"{odd} of {len(said)} characters are noise", Mark.FAULT, mend, when)]
    return [Finding(part, "text", f"said {len(said.splitlines())} lines", when=when)]


async def _asked(port: Console, part: str, when: When) -> Finding:
    port.send_line("")
    answer = await port.expect(re.compile(r"\S+"), _ANSWER_S)
    if not isinstance(answer, Missed):
        return Finding(part, "text", "answers to an empty line", when=when)
    if when is not When.AWAKE:
        found = "says nothing, as a console does while its ECU has no power"
        return Finding(part, "text", found, Mark.NOTE, "'hil doctor --power' powers the ECU and looks again.", when)
    mend = "check that TX and RX are crossed, the baud rate, and that it is the console of this ECU."
    found = "said nothing while the ECU came up, and doesn't answer to an empty line"
    return Finding(part, "text", found, Mark.FAULT, mend, when)


# Screens --------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class ScreenLook:
    """Looks at one screen for a while: how many pictures, how old, whether they change.

    Attributes:
        name: the screen.
        size: width and height that the layout says.
    """

    name: str
    size: tuple[int, int]
    clock: Clock
    source: FrameSource
    pictures: int = 0
    began_ns: int = 0
    ended_ns: int = 0
    took_ns: int = 0
    kinds: set[object] = field(default_factory=set)
    last: Frame | None = None
    error: HilError | None = None

    async def watch(self, is_over: Callable[[], bool]) -> None:
        """Take pictures until it is over, each `period_ns` of the source at most."""
        self.pictures, self.began_ns, self.took_ns = 0, self.clock.now_ns, 0
        self.kinds.clear()
        try:
            while not is_over():
                await self._take()
        except HilError as error:
            self.error = error
        self.ended_ns = self.clock.now_ns

    async def _take(self) -> None:
        asked_ns = self.clock.now_ns
        frame = self.last = await self.source.latest()
        self.took_ns = max(self.took_ns, self.clock.now_ns - asked_ns)
        self.pictures += 1
        self.kinds.add(frame.token if frame.token is not None else frame.pixels.tobytes())
        await self.clock.sleep_until(asked_ns + self.source.period_ns)

    def rows(self, when: When) -> list[Finding]:
        """What was seen."""
        part = f"screen.{self.name}"
        if self.error is not None:
            mend = self.error.remedy or "check that the source still runs: it gave pictures before."
            return [Finding(part, "pictures", f"stalled: {self.error.what}", Mark.FAULT, mend, when)]
        if self.last is None:
            return [Finding(part, "pictures", "no picture came", Mark.FAULT, "check the source.", when)]
        return [self._size(part, when), self._rate(part, when, self.last)]

    def _size(self, part: str, when: When) -> Finding:
        assert self.last is not None
        pixels, (width, height) = self.last.pixels, self.size
        seen = f"{pixels.shape[1]}x{pixels.shape[0]} px"
        if pixels.shape[:2] != (height, width):
            mend = "choose the layout of this screen, or let the source give its native size."
            return Finding(part, "picture", f"{seen}, the layout has {width}x{height}", Mark.FAULT, mend, when)
        if int(pixels.max()) >= _DARK:
            bright = f"mean brightness {float(pixels.mean()) / 2.55:.0f} %"
            return Finding(part, "picture", f"{seen} as the layout says; {bright}", when=when)
        mark, mend = (Mark.FAULT, "dark though the ECU is up: check source and cable.") if when is When.AWAKE else _DIM
        return Finding(part, "picture", f"{seen} as the layout says; dark", mark, mend, when)

    def _rate(self, part: str, when: When, last: Frame) -> Finding:
        span_ns = max(self.ended_ns - self.began_ns, 1)
        rate, wanted = self.pictures * 1e9 / span_ns, 1e9 / self.source.period_ns
        age = units.show_duration(max(0, self.ended_ns - last.t_ns))
        took = units.show_duration(self.took_ns)
        found = f"{rate:.0f} of {wanted:.0f} a second, {len(self.kinds)} different; slowest {took}, last {age} old"
        if when is When.AWAKE and len(self.kinds) == 1:
            mend = "the picture did not change while the ECU came up: is it a live one, and of this ECU?"
            return Finding(part, "pictures", found, Mark.FAULT, mend, when)
        if rate < _LEAST_RATE * wanted and self.pictures > 1:
            mend = "set 'period' to what the source can do, or make it faster: latencies are uncertain by this much."
            return Finding(part, "pictures", found, Mark.NOTE, mend, when)
        return Finding(part, "pictures", found, when=when)


_DIM: Final = (Mark.OK, "")


# The rest -------------------------------------------------------------------------------------------------------------


def brokers(wiring: Wiring, when: When) -> Iterator[Finding]:
    """Whether the links to the brokers are up, and what was heard there."""
    for name, listener in wiring.cloud.mqtt.items():
        part = f"mqtt.{name}"
        if listener.port.connected:
            filters = ", ".join(wiring.config.mqtt[name].watch)
            yield Finding(part, "link", f"connected; heard {len(listener.messages)} of {filters}", when=when)
        else:
            why = getattr(listener.port, "last_error", "") or "not connected"
            yield Finding(part, "link", why, Mark.FAULT, "check that the broker still runs.", when)


async def storages(wiring: Wiring, name: str, when: When) -> list[Finding]:
    """Whether the device's memory can be read."""
    data = await wiring.cloud.storages[name].dump(_PART)
    return [Finding(f"storage.{name}", "read", f"{len(data)} bytes of the {_PART}", when=when)]


__all__ = [
    "ScreenLook", "address", "brokers", "console", "guarded", "machine", "relay", "storages", "supply",
]  # fmt: skip
