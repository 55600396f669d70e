"""What sounds in samples: named chimes, how loud, since when, how often. Pure: numpy, no port.

A table of chimes (CSV, `parse_chimes`) says by which tones each is known:

    chime,frequency_Hz,tone_ms,period_ms
    belt,880+1175,150,500
    tick,2400,,

`frequency_Hz` is a tone, or several that sound together, joined by `+`: all that are within 20 dB of the loudest.
`tone_ms` (how long it sounds) and `period_ms` (after which it sounds again) may be left out; other columns are for
other readers of the table.

How: for every 10 ms (a hop) the spectrum of the fullest 40 ms that hold it is taken. A chime sounds in a hop when each
of its tones is a peak nearest to its frequency, stands out of what lies round it, and is loud enough in the 10 ms
themselves, so that a beginning is told to 10 ms. A chime whose tones all belong to another one that sounds, with more
tones, doesn't.

Not for: waiting, verdicts (`hil.hmi.listening`).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hil.clock import NS_PER_S
from hil.errors import UsageError
from hil.hmi.audio import Samples

HOP_NS: Final = 10_000_000
QUIET_DB: Final = -50.0
"""Level (dB of full scale, of a tone's amplitude) under which there is silence."""
_WINDOW_HOPS: Final = 4
_LEAD: Final = _WINDOW_HOPS - 1
_MIDDLE: Final = np.array([1.0, 1.05, 1.05, 1.0])
_TOLERANCE: Final = 0.015
"""By which part of its frequency a tone may be off; at least `_LEAST_HZ`."""
_LEAST_HZ: Final = 15.0
_NEAR_HZ: Final = 75.0
_ROUND_HZ: Final = (100.0, 400.0)
_STANDS_OUT: Final = 4.0
"""How much louder than the median of what lies round it a tone is."""
_AMONG_LOUDER: Final = 0.4
"""A tone has at least this part of the amplitude of others within 400 Hz: the beginning of a tone has skirts."""
_SHARE_OF_HOP: Final = 0.35
"""A tone has at least this part of its amplitude in the 10 ms that are asked for."""
_FAINTEST_TONE: Final = 0.05
"""A tone of a chime has at least this part of the amplitude of its loudest one."""
_REPEATS_NS: Final = 1_500_000_000
"""Strikes that are further apart are not one sounding."""
_SILENCE: Final = 1e-9

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chime:
    """A sound with a name.

    Attributes:
        name: what suites call it.
        tones_Hz: the tones that sound together.
        tone_ms: how long one strike lasts, 0 where it isn't said.
        period_ms: from one strike to the next, 0 where it isn't said.
    """

    name: str
    tones_Hz: tuple[float, ...]
    tone_ms: float = 0.0
    period_ms: float = 0.0

    @property
    def repeats_Hz(self) -> float | None:
        """Strikes a second; None where it isn't said."""
        return 1000 / self.period_ms if self.period_ms else None


def parse_chimes(text: str, where: str = "chimes") -> dict[str, Chime]:
    """The chimes of a CSV table; lines that begin with `#` are remarks.

    Raises:
        UsageError: a column, a frequency or a pattern is wrong; file and line are named.
    """
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip() and line[0] != "#"]
    rows = list(csv.reader(io.StringIO("\n".join(line for _, line in lines))))
    head = [cell.strip() for cell in rows[0]] if rows else []
    for column in ("chime", "frequency_Hz"):
        if column not in head:
            raise UsageError(f"no column '{column}'", where=where, remedy=f"it has {', '.join(head) or 'none'}.")
    made = [_chime(dict(zip(head, row, strict=False)), f"{where}:{lines[at][0]}") for at, row in enumerate(rows[1:], 1)]
    chimes: dict[str, Chime] = {}
    for chime in made:
        if chime.name in chimes:
            raise UsageError(f"'{chime.name}' stands twice", where=where, remedy="give each chime a name of its own.")
        chimes[chime.name] = chime
    return chimes


def _chime(cells: Mapping[str, str], where: str) -> Chime:
    tones = cells["frequency_Hz"].strip()
    if not re.fullmatch(r"\d+(\.\d+)?( *\+ *\d+(\.\d+)?)*", tones):
        raise UsageError(f"'{tones}' is no frequency", where=where, remedy="write 880, or 880+1175.")
    times = [_number(cells.get(column, ""), column, where) for column in ("tone_ms", "period_ms")]
    return Chime(cells["chime"].strip(), tuple(float(tone) for tone in tones.split("+")), *times)


def _number(text: str, column: str, where: str) -> float:
    if not re.fullmatch(r"\d*(\.\d+)?", text.strip()):
        raise UsageError(f"'{text}' is no number", where=f"{where} {column}", remedy="write it in ms.")
    return float(text.strip() or 0)


# ---- from samples to hops


@dataclass(frozen=True, slots=True)
class Hop:
    """What sounded in 10 ms: the chimes, each with its level, and the level of all, dB of full scale."""

    t_ns: int
    chimes: dict[str, float]
    level_dB: float


class Ear:
    """Listens to samples that come in pieces.

    Args:
        chimes: those that it knows.
        rate_Hz: samples a second.
        since_ns: the time of the first sample.
        quiet_dB: level under which there is silence.
    """

    def __init__(self, chimes: Iterable[Chime], rate_Hz: int, since_ns: int, quiet_dB: float = QUIET_DB) -> None:
        self._chimes = sorted(chimes, key=lambda chime: (-len(chime.tones_Hz), chime.name))
        self._tones = sorted({tone for chime in self._chimes for tone in chime.tones_Hz})
        self._rate_Hz, self._since_ns, self._quiet = rate_Hz, since_ns, 10 ** (quiet_dB / 20)
        self._hop = rate_Hz // 100
        self._size = _WINDOW_HOPS * self._hop
        self._window = np.hanning(self._size + 1)[:-1]
        self._waves = self._references()
        self._held = np.zeros(_LEAD * self._hop, np.float64)
        self._count = 0

    def _references(self) -> NDArray[np.complex128]:
        """A wave of each tone, 10 ms long."""
        at = np.arange(self._hop) / self._rate_Hz
        fade = np.hanning(self._hop + 1)[:-1]
        return np.asarray(np.exp(-2j * np.pi * np.outer(self._tones, at)) * fade * (2 / fade.sum()))

    @property
    def behind_ns(self) -> int:
        """How much more must be heard after a hop before it is told."""
        return _LEAD * HOP_NS

    def hear(self, samples: Samples) -> list[Hop]:
        """The hops that can be told by now, in order; the last 60 ms are kept for the next call."""
        self._held = np.concatenate([self._held, samples / 32768.0])
        number = max(0, len(self._held) // self._hop - 2 * _LEAD)
        hops = self._hops(number) if number else []
        self._held = self._held[number * self._hop :]
        return hops

    def _hops(self, number: int) -> list[Hop]:
        blocks = self._held[: (number + 2 * _LEAD) * self._hop].reshape(-1, self._hop)
        powers = (blocks**2).mean(axis=1)
        inner, levels = blocks[_LEAD : _LEAD + number], np.sqrt(2 * powers[_LEAD : _LEAD + number])
        loud = np.flatnonzero(levels >= self._quiet)
        found: dict[int, dict[str, float]] = {}
        if len(loud):
            frames = np.lib.stride_tricks.sliding_window_view(self._held, self._size)[:: self._hop]
            chosen = frames[_fullest(powers, loud)]
            spectra = np.abs(np.fft.rfft(chosen * self._window, axis=1)) * (2 / self._window.sum())
            amplitudes = np.abs(inner[loud] @ self._waves.T)
            found = {int(hop): self._heard(spectra[at], amplitudes[at]) for at, hop in enumerate(loud)}
        made = [Hop(self._time(at), found.get(at, {}), decibels(float(levels[at]))) for at in range(number)]
        self._count += number
        return made

    def _time(self, hop: int) -> int:
        return self._since_ns + (self._count + hop) * self._hop * NS_PER_S // self._rate_Hz

    def _heard(self, spectrum: Array, amplitudes: Array) -> dict[str, float]:
        """The chimes that sound in a hop, with their levels."""
        peaks: dict[float, float] = {}
        for tone, amplitude in zip(self._tones, amplitudes, strict=True):
            found = self._peak(spectrum, tone) if amplitude >= self._quiet else None
            if found is not None and tone == min(self._tones, key=lambda known: abs(known - found[0])):
                peaks[tone] = found[1] if amplitude >= _SHARE_OF_HOP * found[1] else 0.0
        taken: set[float] = set()
        heard: dict[str, float] = {}
        for chime in self._chimes:
            levels = [peaks.get(tone, 0.0) for tone in chime.tones_Hz]
            if min(levels) > _FAINTEST_TONE * max(levels) and not taken.issuperset(chime.tones_Hz):
                taken.update(chime.tones_Hz)
                heard[chime.name] = decibels(sum(level**2 for level in levels) ** 0.5)
        return heard

    def _peak(self, spectrum: Array, tone: float) -> tuple[float, float] | None:
        """Frequency and amplitude of what stands at a tone, out of what lies round it; None if nothing does."""
        bin_Hz = self._rate_Hz / self._size
        middle, near = round(tone / bin_Hz), round(_NEAR_HZ / bin_Hz)
        low = max(1, middle - near)
        top = low + int(spectrum[low : middle + near + 1].argmax())
        place = _summit(spectrum, top) * bin_Hz if top < len(spectrum) - 1 else 0.0
        if abs(place - tone) > self._allowed(tone):
            return None
        inner, outer = (round(width / bin_Hz) for width in _ROUND_HZ)
        around = spectrum[max(1, top - outer) : top + outer + 1]
        below, above = spectrum[max(0, top - outer) : max(0, top - inner)], spectrum[top + inner : top + outer]
        least = _STANDS_OUT * float(np.median(np.concatenate([below, above])))
        least = max(self._quiet / 4, least, _AMONG_LOUDER * float(around.max()))
        return (place, float(spectrum[top])) if spectrum[top] >= least else None

    @staticmethod
    def _allowed(tone: float) -> float:
        return max(_LEAST_HZ, _TOLERANCE * tone)


def _fullest(powers: Array, hops: NDArray[np.intp]) -> NDArray[np.intp]:
    """For each hop the frame that is fullest of sound, of those that hold it: at the beginning of a tone the one after.

    Where all are as full it is one with the hop in its middle.
    """
    frames = np.lib.stride_tricks.sliding_window_view(powers, _WINDOW_HOPS).sum(axis=1)
    candidates = hops[:, None] + np.arange(_WINDOW_HOPS)
    return np.asarray(hops + (frames[candidates] * _MIDDLE).argmax(axis=1), np.intp)


def _summit(spectrum: Array, top: int) -> float:
    """Where between the bins a peak lies: a parabola through three of them, in decibels."""
    left, middle, right = (float(np.log(spectrum[at] + _SILENCE)) for at in (top - 1, top, top + 1))
    bend = left - 2 * middle + right
    return top + (0.5 * (left - right) / bend if bend else 0.0)


def decibels(amplitude: float) -> float:
    """An amplitude (1 is full scale) in dB."""
    return 20 * float(np.log10(max(amplitude, _SILENCE)))


# ---- from hops to strikes


@dataclass(frozen=True, slots=True)
class Strike:
    """A chime sounded without a pause, from one instant to another; `level_dB` is its loudest."""

    name: str
    since_ns: int
    until_ns: int
    level_dB: float


@dataclass(slots=True)
class Strikes:
    """The strikes of one chime in hops that come one after the other.

    Attributes:
        name: of the chime; any sound if empty.
        quiet_dB: level from which on any sound counts.
        done: the strikes that have ended.
        now: the one that sounds; None if none does.
    """

    name: str
    quiet_dB: float = QUIET_DB
    done: list[Strike] = field(default_factory=list)
    now: Strike | None = None

    def add(self, hop: Hop) -> None:
        """The next 10 ms. One hop without it, in the midst of it, is a disturbance and no pause."""
        level = hop.chimes.get(self.name) if self.name else (hop.level_dB if hop.level_dB >= self.quiet_dB else None)
        end_ns = hop.t_ns + HOP_NS
        if level is not None and self.now is None:
            self.now = Strike(self.name, hop.t_ns, end_ns, level)
        elif level is not None and self.now is not None:
            self.now = Strike(self.name, self.now.since_ns, end_ns, max(self.now.level_dB, level))
        elif self.now is not None and hop.t_ns - self.now.until_ns >= HOP_NS:
            self.done.append(self.now)
            self.now = None

    @property
    def all(self) -> list[Strike]:
        """All of them, the one that sounds too."""
        return [*self.done, *([self.now] if self.now else [])]

    def has_ended(self, t_ns: int) -> bool:
        """Whether the sounding is over: none now, and the last one too long ago to be followed by another."""
        return self.now is None and bool(self.done) and t_ns - self.done[-1].until_ns >= _REPEATS_NS


def rate_Hz(strikes: Sequence[Strike]) -> float | None:
    """Strikes a second, from beginning to beginning; None where there are less than two."""
    if len(strikes) < 2:
        return None
    return (len(strikes) - 1) * NS_PER_S / (strikes[-1].since_ns - strikes[0].since_ns)


# ---- a picture of it


def spectrogram(samples: Samples, rate: int, *, height: int = 160, top_Hz: float = 5000.0) -> NDArray[np.uint8]:
    """A picture of a sound: time to the right, frequency upward to `top_Hz`, bright is loud. 100 columns a second."""
    hop, size = rate // 100, 4 * (rate // 100)
    padded = np.concatenate([np.zeros(size // 2), samples / 32768.0, np.zeros(size // 2)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    spectra = np.abs(np.fft.rfft(frames * np.hanning(size), axis=1))[:, : round(top_Hz * size / rate)]
    level = np.clip((20 * np.log10(spectra * (4 / size) + _SILENCE) + 80) / 80, 0, 1).T[::-1]
    rows = np.linspace(0, level.shape[0] - 1, height).round().astype(int)
    shade = level[rows]
    rgb = np.stack([shade**1.5, shade**0.8 * 0.9, 0.25 + 0.75 * shade], axis=2)
    return np.asarray(255 * rgb, np.uint8)
