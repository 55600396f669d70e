"""Fingers, hard keys and steering wheel: from events to names of what was operated. Pure.

Rules of this module: what was touched acts when the finger is lifted on it, so a finger that slides off changes its
mind; a slider acts while it is dragged. A key acts when it is let go. What comes back within `DEBOUNCE_NS` is bounce. A
button that is held longer than `STUCK_NS` is taken for stuck and does nothing.

Not for: what a name does (`hil.ecu.centre_actions`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hil.hmi.touch import KeyEvent, TouchEvent

DEBOUNCE_NS: Final = 30_000_000
STUCK_NS: Final = 10_000_000_000
TargetAt = Callable[[int, int], str]


@dataclass(frozen=True, slots=True)
class Touched:
    """What a touch event means: `tap` of a target, or a `drag` of a slider to a point."""

    kind: str
    target: str
    x: int
    y: int


class Finger:
    """One finger on the glass.

    Args:
        target_at: name of the target at a point.
        slides: a finger that slid off its target operates it all the same (a defect).

    Attributes:
        pressed: the target under the finger that went down on it; empty when there is none.
        down: where the finger is; None when it is up.
    """

    def __init__(self, target_at: TargetAt, *, slides: bool = False) -> None:
        self._target_at, self._slides = target_at, slides
        self.forget()

    def forget(self) -> None:
        """The finger counts as lifted."""
        self.pressed = ""
        self.down: tuple[int, int] | None = None
        self._held = ""
        self._lifted_ns = -DEBOUNCE_NS

    def take(self, event: TouchEvent) -> Touched | None:
        """An event; what it means, if anything."""
        if event.action == "up":
            return self._lift(event)
        if event.action == "down":
            if event.t_ns - self._lifted_ns < DEBOUNCE_NS:
                return None
            self._held = self._target_at(event.x, event.y)
        elif self.down is None:
            return None
        self.down = event.x, event.y
        self.pressed = self._held if self._is_slider or self._is_on_it(event) else ""
        return Touched("drag", self._held, event.x, event.y) if self._is_slider else None

    def _lift(self, event: TouchEvent) -> Touched | None:
        if self.down is None:
            return None
        hit = self._held if self._held and not self._is_slider and self._is_on_it(event) else ""
        self.forget()
        self._lifted_ns = event.t_ns
        return Touched("tap", hit, event.x, event.y) if hit else None

    @property
    def _is_slider(self) -> bool:
        return self._held.endswith("_slider")

    def _is_on_it(self, event: TouchEvent) -> bool:
        return self._slides or self._target_at(event.x, event.y) == self._held


class Keys:
    """Hard keys, and buttons of the steering wheel.

    Args:
        bounces: without debouncing, a key acts twice (a defect).
        deaf_ns: how long a key is not heard after it was let go; more than bounce lasts is a defect.
    """

    def __init__(self, *, bounces: bool = False, deaf_ns: int = DEBOUNCE_NS) -> None:
        self._bounces, self._deaf_ns = bounces, deaf_ns
        self.forget()

    def forget(self) -> None:
        """All keys count as up."""
        self._down_ns: dict[str, int] = {}
        self._up_ns: dict[str, int] = {}

    def take(self, event: KeyEvent) -> int:
        """An event of a key; how often it was operated by that: 0, or 1 when it is let go."""
        if event.pressed:
            if self._bounces or event.t_ns - self._up_ns.get(event.key, -self._deaf_ns) >= self._deaf_ns:
                self._down_ns[event.key] = event.t_ns
            return 0
        since_ns = self._down_ns.pop(event.key, None)
        if since_ns is None or event.t_ns - since_ns > STUCK_NS:
            return 0
        self._up_ns[event.key] = event.t_ns
        return 2 if self._bounces else 1
