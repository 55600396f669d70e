"""Sound: the simulated speaker, what it plays, and the port by which a bench hears it. Pure.

Rules of this module: sound is samples, mono, 16 bit, 48,000 a second. A sound of the virtual ECU is a promise of
samples: they are made when somebody listens to that span, and kept with the sound. Several sounds at once are added.
The name of a sound is for the ECU's own log; who listens hears samples only.

Not for: what a sound is (`hil.hmi.sound`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from hil.clock import NS_PER_S
from hil.errors import HilError
from hil.journal import Origin

RATE_HZ: Final = 48_000
KEPT_NS: Final = 120 * NS_PER_S
"""How long ago a sound may have ended and still be heard in a recording."""

Samples = NDArray[np.int16]
Render = Callable[[], Samples]


@dataclass(frozen=True, slots=True)
class Sound:
    """Something that begins to sound at an instant.

    Attributes:
        t_ns: when it begins.
        duration_ns: how long it lasts; samples beyond that are not heard, missing ones are silence.
        render: makes the samples, mono, int16, at 48 kHz; called once at most, when somebody listens. It must give the
            same samples whenever it is called.
        name: for the ECU's own use.
    """

    t_ns: int
    duration_ns: int
    render: Render
    name: str = ""


@dataclass(slots=True)
class _Played:
    """A sound on the speaker: until when it is heard, and its samples once they were made."""

    sound: Sound
    until_ns: int
    samples: Samples | None = field(default=None, repr=False)

    def made(self) -> Samples:
        """The samples."""
        if self.samples is None:
            self.samples = self.sound.render()
        return self.samples


class Speaker:
    """The simulated loudspeaker: the ECU plays on it, the bench listens. Playing costs no samples until it is heard."""

    def __init__(self, name: str = "speaker") -> None:
        self.name = name
        self._played: deque[_Played] = deque()
        self._listeners: list[Callable[[Sound], object]] = []

    def play(self, sound: Sound) -> None:
        """Let a sound begin, at its own `t_ns`, which is now."""
        while self._played and self._played[0].until_ns < sound.t_ns - KEPT_NS:
            self._played.popleft()
        self._played.append(_Played(sound, sound.t_ns + sound.duration_ns))
        for callback in self._listeners:
            callback(sound)

    def stop(self, t_ns: int, name: str | None = None) -> None:
        """Silence from `t_ns` on what was played before: everything, or the sounds of one name."""
        for played in self._played:
            if name is None or played.sound.name == name:
                played.until_ns = max(min(played.until_ns, t_ns), played.sound.t_ns)

    def listen(self, callback: Callable[[Sound], object]) -> None:
        """Have `callback` called with every sound as it begins; without samples being made."""
        self._listeners.append(callback)

    def is_silent(self, since_ns: int, until_ns: int) -> bool:
        """Whether nothing was played in a span."""
        return not any(max(each.sound.t_ns, since_ns) < min(each.until_ns, until_ns) for each in self._played)

    def heard(self, since_ns: int, until_ns: int) -> Samples:
        """The samples of a span of bench time: the sample at instant t is the number t x 48,000, rounded down."""
        first, end = index_of(since_ns), index_of(until_ns)
        if self.is_silent(since_ns, until_ns):
            return np.zeros(end - first, np.int16)
        mix = np.zeros(end - first, np.int32)
        for played in self._played:
            _add(mix, first, played)
        return np.clip(mix, -32768, 32767).astype(np.int16)


def index_of(t_ns: int, rate_Hz: int = RATE_HZ) -> int:
    """The number of the sample at an instant."""
    return t_ns * rate_Hz // NS_PER_S


def _add(mix: NDArray[np.int32], first: int, played: _Played) -> None:
    begin, end = index_of(played.sound.t_ns), index_of(played.until_ns)
    low, high = max(begin, first), min(end, first + len(mix))
    if low < high:
        samples = played.made()[low - begin : high - begin]
        mix[low - first : low - first + len(samples)] += samples


class AudioPort(Protocol):
    """An ear of the bench. All calls in the loop's thread.

    Attributes:
        rate_Hz: samples a second.
        bound_ns: bound on the error of a sample's time.
        origin: where the stamps of samples come from.
    """

    name: str
    rate_Hz: int
    bound_ns: int
    origin: Origin

    async def open(self, on_lost: Callable[[HilError], object]) -> None:
        """Begin to listen.

        Raises:
            BenchError: the source is not there.
        """

    async def record(self, since_ns: int, until_ns: int) -> Samples:
        """What was heard in a span of bench time, mono; waits until it has been heard. At most a minute back.

        Raises:
            BenchError: the source stopped, or the span lies too far back.
        """

    async def close(self) -> None:
        """Stop listening; may be called twice."""
