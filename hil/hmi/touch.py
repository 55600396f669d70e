"""Fingers and hard keys: the simulated panel and key pad, and the ports by which a bench touches and presses. Pure.

Rules of this module: an event carries the instant at which it happened, in bench time; a panel and a key pad hand it on
to whoever listens, at once and in the order of listening, and keep nothing but which fingers and keys are down. What a
touch means is the ECU's affair: the panel knows pixels, no buttons. Keys have the names that are printed on them.

A tap through a port returns as soon as the finger is down (or, where a driver can't tell, once the tap is over); it is
lifted by itself. The next action waits for that.

Not for: what a real bench runs to touch its glass (`hil.hmi.input_ports`), or where buttons are (`hil.hmi.layout`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from hil.errors import HilError, UsageError
from hil.journal import Origin

Action = Literal["down", "move", "up"]
KEYS: Final = ("home", "back", "power", "volume_up", "volume_down", "next", "previous", "voice", "camera")
"""The hard keys of the centre screen."""


@dataclass(frozen=True, slots=True)
class TouchEvent:
    """One event of one finger; `x` and `y` in px of the screen."""

    t_ns: int
    action: Action
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """A hard key went down or up."""

    t_ns: int
    key: str
    pressed: bool


class TouchPanel:
    """The simulated touch panel over a screen: the bench touches it, the ECU listens.

    Args:
        name: of its screen.
        size: width and height, px.
    """

    def __init__(self, name: str, size: tuple[int, int]) -> None:
        self.name, self.size = name, size
        self.is_down = False
        self._listeners: list[Callable[[TouchEvent], object]] = []

    def listen(self, callback: Callable[[TouchEvent], object]) -> None:
        """Have `callback` called with every event."""
        self._listeners.append(callback)

    def touch(self, event: TouchEvent) -> None:
        """A finger does something. A move or a lift of a finger that isn't down is dropped, as a panel would.

        Raises:
            UsageError: beside the glass.
        """
        if not (0 <= event.x < self.size[0] and 0 <= event.y < self.size[1]):
            what = f"({event.x}, {event.y}) is beside the glass"
            raise UsageError(what, where=self.name, remedy=f"it is {self.size[0]} x {self.size[1]} px.")
        if event.action != "down" and not self.is_down:
            return
        self.is_down = event.action != "up"
        for callback in self._listeners:
            callback(event)


class KeyPad:
    """The simulated hard keys: the bench presses them, the ECU listens.

    Args:
        name: for messages.
        keys: which there are.
    """

    def __init__(self, name: str = "keys", keys: Sequence[str] = KEYS) -> None:
        self.name, self.keys = name, tuple(keys)
        self._down: dict[str, bool] = {}
        self._listeners: list[Callable[[KeyEvent], object]] = []

    def listen(self, callback: Callable[[KeyEvent], object]) -> None:
        """Have `callback` called with every event."""
        self._listeners.append(callback)

    def press(self, event: KeyEvent) -> None:
        """A key goes down or up. One that is so already says nothing.

        Raises:
            UsageError: there is no such key.
        """
        if event.key not in self.keys:
            raise UsageError(f"no key '{event.key}'", where=self.name, remedy=f"there is: {', '.join(self.keys)}.")
        if self._down.get(event.key, False) == event.pressed:
            return
        self._down[event.key] = event.pressed
        for callback in self._listeners:
            callback(event)


# ---- ports


@dataclass(frozen=True, slots=True)
class Contact:
    """When a finger or a key went down: t_ns +- bound_ns, and where that stamp came from."""

    t_ns: int
    bound_ns: int = 0
    origin: Origin = Origin.SIM


Point = tuple[int, int]
OnLost = Callable[[HilError], object]


class TouchPort(Protocol):
    """A finger of the bench. All calls in the loop's thread."""

    name: str
    size: tuple[int, int]

    async def open(self, on_lost: OnLost) -> None:
        """Reach the panel.

        Raises:
            BenchError: it is not there.
        """

    async def tap(self, at: Point, hold_s: float) -> Contact:
        """Touch a point and lift the finger `hold_s` later.

        Raises:
            UsageError: beside the glass.
            BenchError: the touch could not be made.
        """

    async def swipe(self, begin: Point, end: Point, duration_s: float) -> Contact:
        """Touch a point, move in a straight line to another, lift there; returns when the finger is lifted.

        Raises:
            UsageError, BenchError: as `tap`.
        """

    async def close(self) -> None:
        """Lift the finger, let the panel go; may be called twice."""


class KeyPort(Protocol):
    """The bench's hand on the hard keys. All calls in the loop's thread."""

    name: str
    keys: tuple[str, ...]

    async def open(self, on_lost: OnLost) -> None:
        """Reach the keys.

        Raises:
            BenchError: they are not there.
        """

    async def press(self, key: str, hold_s: float) -> Contact:
        """Press a key and let it go `hold_s` later.

        Raises:
            UsageError: there is no such key.
            BenchError: it could not be pressed.
        """

    async def close(self) -> None:
        """Let all keys go; may be called twice."""
