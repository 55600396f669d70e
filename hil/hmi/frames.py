"""Frames: what a screen showed, with the stamp of that instant. Pure, but for the simulated display below.

A frame's pixels are an array of height x width x 3, uint8, RGB. They may be made only when somebody looks.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hil.errors import HilError
from hil.journal import Origin

Pixels = NDArray[np.uint8]
"""Height x width x 3, RGB."""


class Frame:
    """One picture of one screen.

    Attributes:
        t_ns: bench time at which the screen showed it (see `origin`).
        origin: where that stamp came from.
        bound_ns: bound on the stamp's error: the frame was on the screen at an instant of t_ns +- bound_ns.
        token: frames of one source with equal tokens have equal pixels; None says nothing.
    """

    __slots__ = ("_pixels", "_render", "bound_ns", "origin", "t_ns", "token")

    def __init__(
        self,
        t_ns: int,
        render: Callable[[], Pixels],
        *,
        origin: Origin = Origin.SIM,
        bound_ns: int = 0,
        token: Hashable | None = None,
    ) -> None:
        self.t_ns, self.origin, self.bound_ns, self.token = t_ns, origin, bound_ns, token
        self._render = render
        self._pixels: Pixels | None = None

    @property
    def pixels(self) -> Pixels:
        """The picture; rasterised at the first look."""
        if self._pixels is None:
            self._pixels = self._render()
        return self._pixels


class FrameSource(Protocol):
    """Where the frames of one screen come from. All calls in the loop's thread."""

    name: str
    period_ns: int
    """Time between two frames that the source can tell apart: what its sampling adds to every latency."""

    @property
    def known_ns(self) -> int:
        """Bench time up to which it is known that the screen showed what the source gave last."""

    async def open(self, on_lost: Callable[[HilError], object]) -> None:
        """Reach the source.

        Raises:
            BenchError: it is not there.
        """

    async def latest(self) -> Frame:
        """What the screen shows now.

        Raises:
            BenchError: the source gave no picture, or a broken one.
        """

    async def next_frame(self, after_ns: int) -> Frame:
        """The first frame stamped later than `after_ns`; waits for it.

        Raises:
            BenchError: as `latest`.
        """

    async def close(self) -> None:
        """Let the source go; may be called twice."""


class Display:
    """The glass of a simulated screen: the ECU presents frames, a source looks at the last one."""

    def __init__(self, name: str, size: tuple[int, int], period_ns: int) -> None:
        self.name, self.size, self.period_ns = name, size, period_ns
        self.frame = Frame(0, self._dark, token="dark")
        self._waiting: list[Callable[[Frame], Any]] = []

    def _dark(self) -> Pixels:
        width, height = self.size
        return np.zeros((height, width, 3), np.uint8)

    def present(self, frame: Frame) -> None:
        """Show a frame, at its own `t_ns`, which is now."""
        self.frame = frame
        waiting, self._waiting = self._waiting, []
        for wake in waiting:
            wake(frame)

    def go_dark(self, t_ns: int) -> None:
        """Backlight off."""
        self.present(Frame(t_ns, self._dark, token="dark"))

    def on_next(self, wake: Callable[[Frame], Any]) -> None:
        """Have `wake` called once, with the next frame presented."""
        self._waiting.append(wake)
