"""Which chime sounds: what asks for each, which of several is heard, and for how long.

Rules of this module: who has a reason for a chime holds it (`hold`) or rings it once (`ring`); of those held the most
urgent sounds, the others wait, and a chime with a fixed number of tones ends by itself. The indicators' tick is heard
unless something of high priority sounds. A chime is played tone by tone, so it ends with its reason.

Not for: what the sounds are like (`hil.ecu.sounds`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from hil.ecu.app import Platform
from hil.ecu.settings import Settings
from hil.ecu.sounds import BY_NAME, MS, Chime, ChimePriority, amplitude, tone
from hil.hmi.audio import Sound

_SHOWN_NS: Final = 150 * MS
"""How long CLU_Warnings names a chime after its last tone."""


@dataclass(slots=True)
class Held:
    """A chime with a reason.

    Attributes:
        chime: which.
        period_ms: from tone to tone; parking tones change it.
        tone_ms: how long one tone sounds.
        left: tones to go; -1: until it is released.
        next_ns: when the next tone may come.
    """

    chime: Chime
    period_ms: int
    tone_ms: int
    left: int
    next_ns: int = 0


class Chimes:
    """The sounds of one ECU.

    Args:
        platform: whose speaker.
        settings: the volume.
    """

    def __init__(self, platform: Platform, settings: Settings) -> None:
        self._platform, self._settings, self._defects = platform, settings, platform.defects
        self.forget()

    def forget(self) -> None:
        """As after a boot: silence."""
        self._held: dict[str, Held] = {}
        self._playing: Chime | None = None
        self._until_ns = 0
        speaker = self._platform.wires.speaker
        if speaker is not None:
            speaker.stop(self._platform.clock.now_ns)

    def hold(self, name: str, wanted: bool = True, *, period_ms: int = 0, tone_ms: int = 0) -> None:
        """Let a chime sound while it is wanted; one with a fixed number of tones sounds that often."""
        held = self._held.get(name)
        if not wanted:
            self._held.pop(name, None)
            return
        chime = BY_NAME[name]
        if held is None:
            self._held[name] = Held(
                chime, period_ms or chime.period_ms, tone_ms or chime.tone_ms, chime.repeats or -1,
            )  # fmt: skip
        elif period_ms:
            held.period_ms, held.tone_ms = period_ms, tone_ms or chime.tone_ms

    def ring(self, name: str, times: int = 0) -> None:
        """Let a chime sound once more from its beginning, `times` tones of it."""
        chime = BY_NAME[name]
        self._held[name] = Held(chime, chime.period_ms, chime.tone_ms, times or chime.repeats or 1)

    def is_held(self, name: str) -> bool:
        """Whether a chime has a reason and hasn't sounded often enough."""
        held = self._held.get(name)
        return held is not None and held.left != 0

    def tick(self, now_ns: int) -> bool:
        """One frame; whether what CLU_Warnings says of it may have changed."""
        if self._held:
            self._sound(now_ns)
        before = self._playing
        if self._playing is not None and now_ns >= self._until_ns:
            self._playing = None
        return before is not self._playing or now_ns < self._until_ns

    def _sound(self, now_ns: int) -> None:
        waiting = [held for held in self._held.values() if held.left]
        if not waiting:
            return
        in_order = "take_over_waits" in self._defects
        best = waiting[0] if in_order else max(waiting, key=lambda held: held.chime.priority)
        if now_ns < best.next_ns:
            return
        self._emit(best.chime, best.tone_ms, now_ns)
        best.next_ns = now_ns + best.period_ms * MS
        best.left -= best.left > 0
        self._playing, self._until_ns = best.chime, now_ns + max(best.period_ms * MS, best.tone_ms * MS) + _SHOWN_NS

    def _emit(self, chime: Chime, tone_ms: int, now_ns: int) -> None:
        speaker = self._platform.wires.speaker
        frequency_Hz = 660 if "chimes_all_alike" in self._defects else chime.frequency_Hz
        loud = amplitude(chime, self._settings.number("chime_volume"), mutable="safety_chimes_muted" in self._defects)
        if speaker is not None and loud:
            render = partial(tone, frequency_Hz, tone_ms, loud)
            speaker.play(Sound(now_ns, tone_ms * MS, render, chime.name))

    def tick_indicator(self, now_ns: int, is_lit: bool) -> None:
        """The indicators changed: tick or tock."""
        if self._playing is not None and self._playing.priority >= ChimePriority.HIGH:
            return
        if "indicator_silent" not in self._defects:
            chime = BY_NAME["tick" if is_lit else "tock"]
            self._emit(chime, chime.tone_ms, now_ns)
            if self._playing is None or self._playing.number == chime.number:
                self._playing, self._until_ns = chime, now_ns + 400 * MS

    def signals(self) -> dict[str, int]:
        """Their part of CLU_Warnings."""
        playing = self._playing
        return {
            "ChimePlaying": playing.number if playing else 0,
            "ChimePriority": int(playing.priority) if playing else 0,
        }
