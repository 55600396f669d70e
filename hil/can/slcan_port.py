"""The CAN port over the serial line of an slcan adapter: it asks, and believes only answers.

python-can has a driver for these adapters too. It opens them unasked twice, hears no refusal, takes garbage for a
program's error, throws their stamps away and waits in the loop's thread; so this port speaks the protocol itself.

Rules of this module:
- every command is answered or the adapter counts as lost, after `ANSWER_S`. What an adapter refuses while it is opened
  is a bench fault that names the command. Firmware that answers nothing needs `answers = false`; it isn't watched then;
- an own frame comes back when the adapter has accepted it, stamped by the host. One that is refused, because the
  adapter's queue is full, is offered again for `REFUSED_S`, before those that wait;
- frames of others carry the adapter's stamp, mapped by an `ArrivalMap`;
- noise on the line is a `Gap`: a frame may have been in it. More than `NOISE_LINES` a second is no adapter;
- each `poll_s` the adapter is asked for its status: a buffer that ran over is a `Gap`, bus errors are error frames.

Not for: opening the line (`hil.serial.pyserial_port`), which is handed in.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from hil.can import slcan
from hil.can.allowed import check_allowed
from hil.can.error_frames import CLASS_BUS_ERROR, CLASS_CONTROLLER
from hil.can.filters import Gate
from hil.can.frames import ERROR, EXTENDED, SENT, CanFrame
from hil.can.gaps import Gap, OnGap, nobody
from hil.can.port import OnFrame, OnLost
from hil.can.slcan import Answer, Event, Flag, Noise, Received, Refusal
from hil.can.slcan_setup import Asked, Line, SlcanSetup
from hil.can.stamps import ArrivalMap
from hil.clock import Clock, RealClock, Timer
from hil.errors import BenchError, HilError
from hil.journal import Origin

ANSWER_S: Final = 1.0
REFUSED_S: Final = 0.5
FIND_S: Final = 3.0
"""How long an adapter may take until it says its version: some boot when the line is opened."""
NOISE_LINES: Final = 20
QUEUE_FRAMES: Final = 1000
"""Frames that may wait for the adapter before `send` refuses more."""
WINDOW: Final = 4
"""Frames that may be on their way to the adapter unanswered."""
_FIND_STEP_S: Final = 0.5
_SETTLE_S: Final = 0.05
_TICK_S: Final = 0.1
_AGAIN_S: Final = 0.001
_ROUND_TRIPS: Final = 3
_NS: Final = 1_000_000_000
_LIMIT_WARNING, _LIMIT_PASSIVE = 0x0C, 0x30
OVERRUN: Final = "the adapter's buffer ran over"
NOISE: Final = "noise on the adapter's serial line"


class SlcanPort:
    """A node on a bus behind an slcan adapter: a `CanPort`, and a `TellsGaps`.

    Args:
        clock: the clock of the line.
        bus: name of the bus in the bench file.
        channel: what the line is called.
        line: the line, not yet open.
        setup: how the adapter is set.

    Attributes:
        on_gap: told of frames that were lost.
        version: what the adapter said of itself.
        stamped: whether it stamps.
    """

    def __init__(self, *, clock: Clock, bus: str, channel: str, line: Line, setup: SlcanSetup) -> None:
        self.bus, self.version, self.stamped = bus, "", False
        self.on_gap: OnGap = nobody
        self._clock, self._channel, self._line, self._setup = clock, channel, line, setup
        self._gate = Gate(setup.filters)
        self._reader = slcan.Reader()
        self._map = ArrivalMap(resolution_ns=1_000_000, wrap_ns=slcan.WRAP_MS * 1_000_000)
        self._waiting: deque[tuple[int, bytes, int]] = deque()
        self._again: deque[tuple[int, bytes, int]] = deque()
        self._flying: deque[Asked] = deque()
        self._noises: deque[int] = deque()
        self._timers: list[Timer] = []
        self._found: asyncio.Future[str | None] | None = None
        self._is_open = self._is_live = False
        self._lost: HilError | None = None
        self._refused_ns: int | None = None
        self._offers = False
        """Whether a refused frame is about to be offered again."""
        self._asks_status = True
        self._polled_ns = self._last_ns = self._noisy_ns = 0
        self._on_frame: OnFrame
        self._on_lost: OnLost

    @property
    def where(self) -> str:
        """How errors call this port."""
        return f"bus.{self.bus} (slcan {self._channel})"

    @property
    def bound_ns(self) -> int:
        """Bound on the error of an adapter's stamp now."""
        return self._map.bound_ns(self._monotonic_ns(self._clock.now_ns))

    # Opening and closing ------------------------------------------------------------------------------------------

    async def open(self, on_frame: OnFrame, on_lost: OnLost) -> None:
        """Open the line, find the adapter, set it, go on the bus.

        Raises:
            BenchError: there is no such line, nothing answers, or the adapter refuses a setting.
        """
        self._on_frame, self._on_lost, self._lost = on_frame, on_lost, None
        await self._line.open(self._on_data, self._lose)
        self._is_open = True
        try:
            await self._set_up()
        except BaseException:
            await self.close()
            raise
        self._is_live, self._polled_ns, self._last_ns = True, self._clock.now_ns, self._clock.now_ns
        if self._setup.answers:
            self._later(_TICK_S, self._tick)

    async def _set_up(self) -> None:
        setup = self._setup
        begin = "L" if setup.listen_only else "O"
        if not setup.answers:
            for text in ("", "C", setup.rate, setup.data_rate, begin):
                self._line.write(slcan.command(text))
            return
        await self._find()
        self.stamped = await self._does("Z1")
        self._reader.stamped = self.stamped
        await self._does("X1")
        await self._must(setup.rate, "give a bit rate that the adapter has.")
        if setup.data_rate:
            await self._must(setup.data_rate, "leave data_bitrate out, or use an adapter with CAN FD.")
        await self._must(begin, "unplug the adapter and plug it in again.")

    async def _find(self) -> None:
        """Until it says its version; then how long a question takes at least."""
        end_ns = self._clock.now_ns + round(FIND_S * _NS)
        while not self.version and self._clock.now_ns < end_ns:
            self._found = self._clock.loop.create_future()
            self._line.write(slcan.command("") + slcan.command("C") + slcan.command("V"))
            self.version = await self._within(self._found, _FIND_STEP_S) or ""
        self._found = None
        if not self.version:
            mend = "is that the adapter's line? Firmware that answers nothing needs options = { answers = false }."
            raise BenchError(f"no slcan adapter answers within {FIND_S:g} s", where=self.where, remedy=mend)
        await self._clock.sleep(_SETTLE_S)
        await self._measure()

    async def _measure(self) -> None:
        trips = []
        for _ in range(_ROUND_TRIPS):
            asked_ns = self._clock.now_ns
            await self._ask("V")
            trips.append(self._clock.now_ns - asked_ns)
        self._map.delay_ns = min(trips)

    async def _does(self, text: str) -> bool:
        return isinstance(await self._ask(text), Answer)

    async def _must(self, text: str, mend: str) -> None:
        if not await self._does(text):
            raise BenchError(f"the adapter refuses '{text}'", where=self.where, remedy=mend)

    async def _ask(self, text: str) -> Event:
        """A command's answer."""
        done: asyncio.Future[Event | None] = self._clock.loop.create_future()
        self._put(Asked(text, done=done))
        if self._lost is not None:
            raise self._lost
        event: Event | None = await self._within(done, ANSWER_S)
        if event is None:
            raise self._silent(text)
        return event

    async def _within(self, done: asyncio.Future[Any], timeout_s: float) -> Any:
        """What a future gives, None after a while; raises the error by which the line was lost meanwhile."""
        timer = self._clock.call_in(round(timeout_s * _NS), _give_up, done)
        try:
            return await done
        finally:
            timer.cancel()

    def _silent(self, text: str) -> BenchError:
        mend = "unplug the adapter and plug it in again."
        return BenchError(f"the adapter doesn't answer '{text}' within {ANSWER_S:g} s", where=self.where, remedy=mend)

    async def close(self) -> None:
        """Take the adapter off the bus and let the line go; may be called twice."""
        if self._is_open and self._lost is None:
            with contextlib.suppress(BenchError):
                self._line.write(slcan.command("C"))
        self._forget()
        if self._is_open:
            self._is_open = False
            await self._line.close()

    def _forget(self) -> None:
        self._is_live = False
        self.version = ""
        for timer in self._timers:
            timer.cancel()
        for waiting in [self._found, *(asked.done for asked in self._flying)]:
            if waiting is not None and not waiting.done():
                waiting.set_exception(self._lost or BenchError("was closed", where=self.where))
        self._timers.clear()
        self._flying.clear()
        self._waiting.clear()
        self._again.clear()
        self._reader.clear()
        self._refused_ns, self._offers = None, False

    def _lose(self, error: HilError) -> None:
        if self._lost is not None or not self._is_open:
            return
        self._lost = error if error.where == self.where else _at(error, self.where)
        was_live = self._is_live
        self._forget()
        if was_live:
            self._on_lost(self._lost)

    # What comes over the line -------------------------------------------------------------------------------------

    def _on_data(self, t_ns: int, data: bytes) -> None:
        for event in self._reader.feed(data):
            if isinstance(event, Received):
                self._take(event, t_ns)
            elif isinstance(event, Noise):
                self._take_noise(event, t_ns)
            else:
                self._take_answer(event, t_ns)
            if self._lost is not None:
                return

    def _take(self, received: Received, t_ns: int) -> None:
        self._last_ns = t_ns
        if not self._is_live or not self._gate.passes(received.can_id, received.flags):
            return
        t_ns, origin = self._stamp(received.stamp_ms, t_ns)
        self._on_frame(CanFrame(t_ns, self.bus, received.can_id, received.data, received.flags, origin))

    def _stamp(self, stamp_ms: int | None, t_ns: int) -> tuple[int, Origin]:
        if stamp_ms is None:
            return t_ns, Origin.HOST
        arrived_ns = self._monotonic_ns(t_ns)
        return t_ns - (arrived_ns - self._map.to_host_ns(stamp_ms * 1_000_000, arrived_ns)), Origin.HARDWARE

    def _monotonic_ns(self, t_ns: int) -> int:
        """A bench's time begins anew with each case; the adapter's goes on."""
        return self._clock.to_monotonic_ns(t_ns) if isinstance(self._clock, RealClock) else t_ns

    def _take_noise(self, noise: Noise, t_ns: int) -> None:
        if not self._is_live:
            return
        self._noisy_ns = t_ns
        self._noises.append(t_ns)
        while self._noises[0] <= t_ns - _NS:
            self._noises.popleft()
        if len(self._noises) > NOISE_LINES:
            mend = "check cable, baud rate of the line (options = { tty_baudrate = ... }) and who else has it open."
            what = f"what comes over the line is no slcan: {noise.data[:24]!r}"
            self._lose(BenchError(what, where=self.where, remedy=mend))
            return
        self._tell_gap(t_ns, 0, NOISE)

    def _tell_gap(self, t_ns: int, count: int, why: str, from_ns: int | None = None) -> None:
        self.on_gap(Gap(self.bus, min(self._last_ns if from_ns is None else from_ns, t_ns), t_ns, count, why))

    def _take_answer(self, event: Answer | Refusal, t_ns: int) -> None:
        if self._found is not None:
            if isinstance(event, Answer) and event.text.startswith("V") and not self._found.done():
                self._found.set_result(event.text[1:])
            return
        if not any(asked.fits(event) for asked in self._flying):
            return  # nobody asked: an answer from before, or one that noise made
        while not self._flying[0].fits(event):
            self._flying.popleft()  # its answer was lost
        self._settle(self._flying.popleft(), event, t_ns)
        self._pump()

    def _settle(self, asked: Asked, event: Answer | Refusal, t_ns: int) -> None:
        if asked.frame is not None:
            self._settle_frame(asked.frame, event, t_ns)
        elif asked.done is not None:
            if not asked.done.done():
                asked.done.set_result(event)
        elif isinstance(event, Refusal):
            self._asks_status = False
        elif event.text.startswith("F"):
            self._take_status(int(event.text[1:], 16), t_ns)

    def _settle_frame(self, frame: tuple[int, bytes, int], event: Answer | Refusal, t_ns: int) -> None:
        can_id, data, flags = frame
        if isinstance(event, Answer):
            self._refused_ns = None
            self._on_frame(CanFrame(t_ns, self.bus, can_id, data, flags | SENT, Origin.HOST))
            return
        self._again.append(frame)
        if self._refused_ns is None:
            self._refused_ns = t_ns
        elif t_ns - self._refused_ns > REFUSED_S * _NS:
            mend = "is anybody acknowledging, and at this bit rate?"
            what = f"the adapter has taken no frame for {REFUSED_S:g} s"
            self._lose(BenchError(what, where=self.where, remedy=mend))

    def _take_status(self, status: int, t_ns: int) -> None:
        before_ns, self._polled_ns = self._polled_ns, t_ns
        if status & (Flag.RECEIVE_FULL.value | Flag.OVERRUN.value):
            self._tell_gap(t_ns, 0, OVERRUN, before_ns)
        limit = _LIMIT_PASSIVE if status & Flag.PASSIVE.value else _LIMIT_WARNING if status & Flag.WARNING.value else 0
        classes = (CLASS_CONTROLLER if limit else 0) | (CLASS_BUS_ERROR if status & Flag.BUS_ERROR.value else 0)
        if classes:
            data = bytes([0, limit, 0, 0, 0, 0, 0, 0])
            self._on_frame(CanFrame(t_ns, self.bus, classes, data, ERROR, Origin.HOST))

    # What goes over the line --------------------------------------------------------------------------------------

    def send(self, can_id: int, data: bytes, flags: int = 0) -> None:
        """Queue a frame for the adapter.

        Raises:
            UsageError: no bus can carry it, or not this one.
            BenchError: the port is closed, or the adapter has taken none for too long.
        """
        setup = self._setup
        check_allowed(self.where, can_id, data, flags, fd=bool(setup.data_rate), listen_only=setup.listen_only)
        if not self._is_live:
            raise BenchError("is closed", where=self.where)
        if len(self._waiting) >= QUEUE_FRAMES:
            mend = "is anybody acknowledging?"
            raise BenchError(f"can't send: {QUEUE_FRAMES} frames wait for the adapter", where=self.where, remedy=mend)
        self._gate.admit(can_id, flags & EXTENDED)
        self._waiting.append((can_id, data, flags))
        self._pump()

    def _pump(self) -> None:
        """Hand on what may go. While the adapter refuses, one at a time, after a pause."""
        if self._refused_ns is not None:
            if not self._offers and self._is_live:
                self._offers = True
                self._later(_AGAIN_S, self._offer_again)
            return
        while (self._again or self._waiting) and self._is_live and len(self._flying) < WINDOW:
            self._put_frame((self._again or self._waiting).popleft())

    def _offer_again(self, _: object) -> None:
        self._offers = False
        if self._flying:
            return  # its answer pumps
        if self._refused_ns is not None and self._again:
            self._put_frame(self._again.popleft())

    def _put_frame(self, frame: tuple[int, bytes, int]) -> None:
        if self._setup.answers:
            self._put(Asked("", frame=frame))
            return
        self._line.write(slcan.frame(*frame))
        can_id, data, flags = frame
        self._clock.post(self._come_back, CanFrame(0, self.bus, can_id, data, flags | SENT, Origin.HOST))

    def _come_back(self, frame: CanFrame) -> None:
        if self._is_live:
            self._on_frame(frame._replace(t_ns=self._clock.now_ns))

    def _put(self, asked: Asked) -> None:
        asked.asked_ns = self._clock.now_ns
        self._flying.append(asked)
        try:
            self._line.write(slcan.frame(*asked.frame) if asked.frame is not None else slcan.command(asked.text))
        except BenchError as error:
            self._lose(error)

    # Watching -----------------------------------------------------------------------------------------------------

    def _later(self, delay_s: float, callback: Callable[[object], object]) -> None:
        now_ns = self._clock.now_ns
        self._timers = [timer for timer in self._timers if timer.t_ns > now_ns]
        self._timers.append(self._clock.call_in(round(delay_s * _NS), callback, None))

    def _tick(self, _: object) -> None:
        now_ns = self._clock.now_ns
        if self._flying and now_ns - self._flying[0].asked_ns > ANSWER_S * _NS:
            self._miss_answers(now_ns)
        if not self._is_live:
            return
        poll_ns = self._setup.poll_s * _NS
        if poll_ns and now_ns - self._polled_ns >= poll_ns and not any(asked.text for asked in self._flying):
            if not self._asks_status:
                self._polled_ns = now_ns
            self._put(Asked("F" if self._asks_status else "V"))
        if self._is_live:
            self._later(_TICK_S, self._tick)

    def _miss_answers(self, now_ns: int) -> None:
        """Noise may have eaten an answer; without noise the adapter is dead."""
        if self._noisy_ns < self._flying[0].asked_ns:
            asked = self._flying[0]
            self._lose(self._silent(asked.text or "a frame"))
            return
        self._tell_gap(now_ns, len(self._flying), NOISE, self._flying[0].asked_ns)
        self._flying.clear()
        self._pump()


def _give_up(done: asyncio.Future[Any]) -> None:
    if not done.done():
        done.set_result(None)


def _at(error: HilError, where: str) -> HilError:
    """The error of the line as one of the bus."""
    return BenchError(f"broke: {error.what}", where=where, remedy=error.remedy)


__all__ = ["ANSWER_S", "NOISE", "OVERRUN", "QUEUE_FRAMES", "REFUSED_S", "SlcanPort"]
