"""The bench measures itself: the cycles that it achieves, how late it reads, what it lost, how busy it is.

Rules of this module:
- Only a bench on a real clock can be late, so only there anything is measured; a virtual bench pays nothing.
- Receive lag is the time from a frame's stamp until the bench looks at it. Where the stamp is the host's own, it is the
  time since the frame came into this process: what lay before that nobody knows.
- The loop's own timers are measured by a beat: the bench may stand still while the kernel sends and nothing comes.
- A limit that breaks is a blind span (`hil.bench.blind`): kept for the verdicts, and one record a span.
- Each case ends with one record of all that was measured in it.

Not for: lateness of what is sent, which `hil.can.schedule` tells frame by frame.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hil.bench import machine
from hil.bench.blind import Blind, Cause
from hil.bench.machine import Reading
from hil.bench.recorder import Recorder
from hil.can.frames import SENT, CanFrame
from hil.can.gaps import Gap
from hil.can.port import CanPort, OnFrame, TellsReading
from hil.can.restbus import Restbus
from hil.clock import Clock, Timer
from hil.evidence.itself import in_short
from hil.journal import Origin
from hil.spread import Spread

ALLOWED_LAG_NS: Final = 50_000_000
_BEAT_NS: Final = 10_000_000
_QUIET_NS: Final = 100_000_000
"""A span goes on while frames are late again within this time: one record for all of them."""
_LOAD_NS: Final = 1_000_000_000
_MOST_RECORDS: Final = 200
"""Of a case that is late all the time; the verdicts know all spans."""


def _unknown() -> None:
    """Nobody knows."""


class Ear:
    """What comes over one bus: how late it is read.

    Attributes:
        lags: of the frames since the last beat, with their stamps: to count them one by one costs twice as much.
    """

    __slots__ = ("lag", "lags", "lost", "origin", "span", "uncounted")

    def __init__(self) -> None:
        self.lag = Spread()
        self.lags: list[tuple[int, int]] = []
        self.span: Blind | None = None
        self.lost = self.uncounted = 0
        self.origin: Origin | None = None

    def count(self) -> None:
        """Count what came since the last beat."""
        self.lag.add_all(self.lags)
        self.lags.clear()


class Health:
    """The measurements of one bench.

    Args:
        clock: bench time.
        recorder: where they are written.
        restbus: whose cycles are looked at.
        on_frame: who gets each frame.
        allowed_lag_ns: how late a frame may be read.
        read_machine: reads the load of process and machine.
    """

    def __init__(
        self,
        clock: Clock,
        recorder: Recorder,
        restbus: Restbus,
        on_frame: OnFrame,
        *,
        allowed_lag_ns: int = ALLOWED_LAG_NS,
        read_machine: Callable[[], Reading] = machine.read,
    ) -> None:
        self._clock, self._recorder, self._restbus, self._on_frame = clock, recorder, restbus, on_frame
        self._allowed_ns, self._read_machine = allowed_lag_ns, read_machine
        self._ears: dict[str, Ear] = {}
        self.hear = self.listener()
        self.bounds: dict[str, Callable[[], int | None]] = {}
        """Bus -> the bound on the error of its port's stamps."""
        self.beats = Spread()
        self._beat: Timer | None = None
        self._begun: Reading | None = None
        self._loads: list[Reading] = []
        self._records = 0

    # The life of it -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Measure from now on."""
        self._begun = self._read_machine()
        self._loads = [self._begun]
        self._beat = self._clock.call_in(_BEAT_NS, self._on_beat)

    def stop(self) -> None:
        """Measure no more."""
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None

    def begin(self) -> None:
        """A case begins."""
        self._ears.clear()
        self.beats.clear()
        self._records = 0
        if self._beat is not None:
            self._begun = self._read_machine()
            self._loads = [self._begun]
        for sent in self._restbus.messages:
            sent.pace.clear()

    # What is measured ---------------------------------------------------------------------------------------------

    def listener(self, port: CanPort | None = None) -> OnFrame:
        """Who is told of the frames of a port: how late each was read, then it goes on its way.

        Args:
            port: if it is a `TellsReading`, it is asked when; else the clock is.
        """
        clock, ears, allowed_ns, on_frame = self._clock, self._ears, self._allowed_ns, self._on_frame
        reader = port if isinstance(port, TellsReading) else None

        def hear(frame: CanFrame) -> None:
            t_ns, bus, _, _, flags, origin = frame
            now_ns = clock.now_ns if reader is None else reader.read_ns
            lag_ns = now_ns - t_ns
            ear = ears.get(bus) or ears.setdefault(bus, Ear())
            ear.lags.append((lag_ns, t_ns))
            if not flags & SENT:
                ear.origin = origin
            if lag_ns > allowed_ns:
                self._is_late(bus, ear, t_ns, lag_ns, now_ns)
            on_frame(frame)

        return hear

    def _is_late(self, bus: str, ear: Ear, t_ns: int, lag_ns: int, now_ns: int) -> None:
        span = ear.span
        if span is None:
            why = self._load_text()
            span = Blind(Cause.LAG, bus, t_ns, now_ns, allowed_ns=self._allowed_ns, why=why, is_open=True)
            ear.span = span
            self._recorder.blind.append(span)
        span.from_ns, span.to_ns = min(span.from_ns, t_ns), now_ns
        span.worst_ns = max(span.worst_ns, lag_ns)

    def on_gap(self, gap: Gap) -> None:
        """Frames were lost."""
        ear = self._ears.get(gap.bus) or self._ears.setdefault(gap.bus, Ear())
        ear.lost += gap.count
        ear.uncounted += not gap.count
        span = Blind(Cause.LOST, gap.bus, gap.from_ns, gap.to_ns, gap.to_ns - gap.from_ns, count=gap.count)
        span.why = ", ".join(part for part in (gap.why, self._load_text()) if part)
        self._recorder.blind.append(span)
        self._write(span)

    def _on_beat(self, _: object) -> None:
        now_ns, beat = self._clock.now_ns, self._beat
        if beat is None:
            return
        late_ns = now_ns - beat.t_ns
        self.beats.add(late_ns, now_ns)
        if late_ns > self._allowed_ns:
            self._stood_still(beat.t_ns, now_ns)
        self._end_spans(now_ns)
        if self.beats.count % (_LOAD_NS // _BEAT_NS) == 0:
            self._loads = [*self._loads[-1:], self._read_machine()]
        self._clock.call_again(beat, now_ns + _BEAT_NS)

    def _stood_still(self, from_ns: int, now_ns: int) -> None:
        worst_ns, why = now_ns - from_ns, self._load_text()
        span = Blind(Cause.STALL, "", from_ns, now_ns, worst_ns, self._allowed_ns, why=why)
        self._recorder.blind.append(span)
        self._write(span)

    def _end_spans(self, now_ns: int, quiet_ns: int = _QUIET_NS) -> None:
        for ear in self._ears.values():
            ear.count()
            span = ear.span
            if span is not None and now_ns - span.to_ns >= quiet_ns:
                ear.span, span.is_open = None, False
                self._write(span)

    def _load_text(self) -> str:
        """The load of the last second or two."""
        return str(machine.between(self._loads[0], self._read_machine())) if self._loads else ""

    def _write(self, span: Blind) -> None:
        self._records += 1
        if self._records > _MOST_RECORDS:
            return
        what = f"{span.what}; {span.why}" if span.why else span.what
        fields = {"what": what, "late_ns": span.worst_ns, "allowed_ns": span.allowed_ns, "from_ns": span.from_ns}
        self._recorder.record("health", fields, t_ns=span.to_ns)

    # The end of a case --------------------------------------------------------------------------------------------

    async def finish(self) -> dict[str, Any]:
        """Write down what was measured in this case; what of it a person wants to see at once."""
        if self._begun is None:
            return {}
        self._end_spans(self._clock.now_ns, 0)
        load = machine.between(self._begun, self._read_machine())
        fields = {
            "cycles": self._cycles(), "received": self._received(), "timers": self.beats.fields(),
            "load": load.fields(), "allowed_lag_ns": self._allowed_ns, "blind": len(self._recorder.blind),
        }  # fmt: skip
        self._recorder.record("bench", fields)
        return in_short(fields)

    def _cycles(self) -> list[dict[str, Any]]:
        """Each message whose cycle was measured, the worst first."""
        measured = [sent for sent in self._restbus.messages if sent.pace.errors.count]
        measured.sort(key=lambda sent: -sent.pace.errors.most_ns)
        return [
            {"message": sent.name, "bus": sent.bus, "cycle_ns": sent.period_ns,
             "by": "kernel" if sent.kernel is not None else "bench", **sent.pace.errors.fields()}
            for sent in measured
        ]  # fmt: skip

    def _received(self) -> list[dict[str, Any]]:
        return [
            {"bus": bus, **ear.lag.fields(), "lost": ear.lost, "uncounted": ear.uncounted, **self._stamps(bus, ear)}
            for bus, ear in sorted(self._ears.items())
        ]

    def _stamps(self, bus: str, ear: Ear) -> dict[str, Any]:
        """Where the stamps of others' frames came from, and how far they may be off; not told for the host's."""
        bound_ns = self.bounds.get(bus, _unknown)() if ear.origin in (Origin.KERNEL, Origin.HARDWARE) else None
        return {"stamps": ear.origin.name.lower() if ear.origin is not None else None, "bound_ns": bound_ns}


__all__ = ["ALLOWED_LAG_NS", "Health"]
