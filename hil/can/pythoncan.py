"""The CAN port over any python-can interface. The only file that imports `can` to drive hardware.

Where reading never waits (SocketCAN, UDP) the loop reads by itself; elsewhere a thread opens, waits and posts. Stamps:
SocketCAN and UDP carry the kernel's real-time clock, mapped by a `ClockMap`; adapters with a clock of their own are
mapped by an `ArrivalMap`; of the rest the arrival on the host. python-can's own configuration files and environment
variables are left out of it: the bench file says all.

Own frames: SocketCAN gives them back from the wire, with a flag that says so; multicast gives them back too, with a tag
that tells whose they are; for the rest the instant of `send` stands in, marked as the host's.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import traceback
from collections.abc import Iterable
from typing import Any, Final

import can

from hil.can import drivers, losses
from hil.can.allowed import check_allowed
from hil.can.bcm import BroadcastManager, Key
from hil.can.bit_timing import Timing
from hil.can.filters import Filter, Gate
from hil.can.frames import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, SENT, CanFrame
from hil.can.gaps import Gap, OnGap, nobody
from hil.can.interfaces import INTERFACES, PASSIVE, Interface, StampSource
from hil.can.kernel_stamps import CLOCK_SET, KernelStamps
from hil.can.port import OnFrame, OnLost
from hil.can.stamps import ArrivalMap
from hil.clock import RealClock
from hil.errors import BenchError
from hil.journal import Origin

_ECHOES: Final = frozenset({"socketcan"})
_TAGGED: Final = frozenset({"udp_multicast"})
_POLL_S: Final = 0.2
_PEEK: Final = socket.MSG_PEEK | getattr(socket, "MSG_DONTWAIT", 0)
_CONFIRM: Final = 0x800
"""MSG_CONFIRM: this very socket sent the frame. python-can's `is_rx` says only that some program on this host did, so
that an ECU in a process beside the bench would pass for the bench."""
_FLOAT_STAMP_NS: Final = 240
"""Resolution of a real-time stamp in float seconds, as python-can hands it over."""
_UNKNOWN: Final = Interface()
"""Of an interface that another package brings: no more is known than that it is one."""


class PythonCanPort:
    """A node on a real (or UDP) bus: a `CanPort`.

    Args:
        clock: the real clock.
        bus: name of the bus in the bench file.
        interface: python-can's name of the interface.
        channel: channel of that interface.
        options: further options of the interface (bitrate, fd, ...), as python-can takes them.
        timing: a whole bit timing, where the driver is to have one.
        fd: whether the bus speaks CAN FD; if not, such frames are refused.
        listen_only: refuse to send.
        filters: of others' frames only these are handed on; all if empty.
        kernel_cycles: let the kernel send what is cyclic; on SocketCAN only.

    Attributes:
        broadcast_manager: who sends cyclic frames in the kernel; None where nobody does.
        on_gap: told of frames that were lost, or whose stamps are wrong.
    """

    def __init__(
        self,
        *,
        clock: RealClock,
        bus: str,
        interface: str,
        channel: str | int,
        options: dict[str, Any] | None = None,
        timing: Timing | None = None,
        fd: bool = True,
        listen_only: bool = False,
        filters: Iterable[Filter] = (),
        kernel_cycles: bool = False,
    ) -> None:
        self.bus = bus
        self._clock, self._interface, self._channel = clock, interface, channel
        self._options, self._timing = dict(options or {}), timing
        self._fd, self._listen_only, self._gate = fd, listen_only, Gate(filters)
        self._row = INTERFACES.get(interface, _UNKNOWN)
        self._tag = f"hil-{os.getpid()}-{id(self):x}"
        self._driver: can.BusABC | None = None
        self._thread: threading.Thread | None = None
        self.on_gap: OnGap = nobody
        self._kernel = KernelStamps(clock, on_step=self._on_step)
        stamps = self._row.stamps
        self._adapter_map = ArrivalMap(resolution_ns=stamps.resolution_ns, wrap_ns=stamps.wrap_ns)
        self.broadcast_manager: BroadcastManager | None = None
        if kernel_cycles and interface in _ECHOES:
            self.broadcast_manager = BroadcastManager(str(channel), self.where)
            self.broadcast_manager.drain, self.broadcast_manager.admit = self._read_ready, self._admit
        self._on_frame: OnFrame
        self._on_lost: OnLost

    @property
    def where(self) -> str:
        """How errors call this port."""
        return f"bus.{self.bus} ({self._interface} {self._channel})"

    async def open(self, on_frame: OnFrame, on_lost: OnLost) -> None:
        """Open the interface.

        Raises:
            BenchError: python-can can't: no such interface, channel or permission.
        """
        self._on_frame, self._on_lost = on_frame, on_lost
        try:
            self._driver = await self._opened()
        except (can.CanError, OSError, ValueError, TypeError, ImportError, NotImplementedError, LookupError) as error:
            _forget_frames(error)
            raise BenchError(
                f"can't be opened: {_one_line(error)}",
                where=self.where,
                remedy=drivers.remedy(self._interface),
            ) from error
        if self.broadcast_manager is not None:
            self._open_manager(self.broadcast_manager)
        self._listen(self._driver)

    async def _opened(self) -> can.BusABC:
        """The driver, open. Drivers of adapters may take seconds; the other buses go on meanwhile."""
        if self._row.on_loop:
            return self._make()
        making = self._clock.loop.run_in_executor(None, self._make)
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            making.add_done_callback(_let_go)
            raise

    def _make(self) -> can.BusABC:
        options: dict[str, Any] = dict(self._options)
        if options.get("state") == PASSIVE:
            options["state"] = can.BusState.PASSIVE
        if self._timing is not None:
            options["timing"] = _native(self._timing)
        if self._interface in _ECHOES:
            options["receive_own_messages"] = True
        if self._row.filters and self._gate.filters:
            options["can_filters"] = [_native_filter(one) for one in self._gate.filters]
        return can.Bus(interface=self._interface, channel=self._channel, ignore_config=True, **options)

    def _open_manager(self, manager: BroadcastManager) -> None:
        try:
            manager.open()
        except BenchError:
            self._shut()
            raise

    def _listen(self, driver: can.BusABC) -> None:
        descriptor = self._descriptor(driver)
        if descriptor is not None:
            self._clock.loop.add_reader(descriptor, self._read_ready)
            return
        self._thread = threading.Thread(target=self._read_forever, name=f"hil-can-{self.bus}", daemon=True)
        self._thread.start()

    def _descriptor(self, driver: can.BusABC) -> int | None:
        """What the loop can wait on; other drivers have one too, but reading them waits for the rest of a frame."""
        return int(driver.fileno()) if self._row.on_loop and os.name != "nt" else None

    def _read_ready(self) -> None:
        driver = self._driver
        try:
            while driver is not None:
                own = self._interface in _ECHOES and _next_is_own(driver)
                message = driver.recv(timeout=0)
                if message is None:
                    return
                self._deliver(driver, message, own or self._is_tagged(message))
        except Exception as error:  # a driver that meets what it doesn't expect raises anything
            self._lose(error)

    def _read_forever(self) -> None:
        while (driver := self._driver) is not None:
            try:
                message = driver.recv(timeout=_POLL_S)
            except Exception as error:  # as above; unsaid, the bench would be deaf
                self._clock.post(self._lose, error)
                return
            if message is not None:
                self._clock.post(self._deliver, driver, message, False, self._monotonic_ns())

    def _lose(self, error: Exception) -> None:
        if self._driver is None:
            return
        self._shut()
        self._on_lost(error if isinstance(error, BenchError) else losses.broke(error, where=self.where))

    def _deliver(self, driver: can.BusABC, message: can.Message, own: bool, arrived_ns: int | None = None) -> None:
        """Hand a frame on, unless the port was closed since."""
        if driver is not self._driver:
            return
        if not own and not self._gate.passes(message.arbitration_id, _flags(message)):
            return
        frame = self._frame(message, own, self._monotonic_ns() if arrived_ns is None else arrived_ns)
        if self.broadcast_manager is not None and not own and not message.is_rx and self._took(frame):
            frame = frame._replace(flags=frame.flags | SENT)
        self._on_frame(frame)
        if frame.flags & ERROR and (gave_up := losses.bus_off(frame.can_id, frame.flags, frame.data, where=self.where)):
            self._lose(gave_up)

    def _took(self, frame: CanFrame) -> bool:
        """Whether the kernel sent a frame for us."""
        manager = self.broadcast_manager
        return manager is not None and manager.took((frame.can_id, frame.flags & EXTENDED), frame.data, frame.t_ns)

    def _deliver_own(self, driver: can.BusABC, frame: CanFrame) -> None:
        if driver is self._driver:
            self._on_frame(frame)

    def _monotonic_ns(self) -> int:
        return self._clock.to_monotonic_ns(self._clock.now_ns)

    def _frame(self, message: can.Message, own: bool, arrived_ns: int) -> CanFrame:
        t_ns, origin = self._stamp(message, arrived_ns)
        flags = _flags(message) | (SENT if own else 0)
        return CanFrame(t_ns, self.bus, message.arbitration_id, bytes(message.data), flags, origin)

    def _is_tagged(self, message: can.Message) -> bool:
        return self._interface in _TAGGED and bool(message.channel == self._tag)

    def _stamp(self, message: can.Message, arrived_ns: int) -> tuple[int, Origin]:
        source = self._row.stamps.source
        if source is StampSource.HOST or not message.timestamp:
            return self._clock.from_monotonic_ns(arrived_ns), Origin.HOST
        if source is StampSource.HARDWARE:
            stamp_ns = self._adapter_map.to_host_ns(round(message.timestamp * 1e9), arrived_ns)
            return self._clock.from_monotonic_ns(stamp_ns), Origin.HARDWARE
        return self._kernel.bench_ns(round(message.timestamp * 1e9), self._clock.now_ns), Origin.KERNEL

    def _on_step(self, from_ns: int, to_ns: int) -> None:
        """The stamps of a second may be wrong: as if what lay in it had not been seen."""
        self.on_gap(Gap(self.bus, from_ns, to_ns, 0, CLOCK_SET))

    @property
    def bound_ns(self) -> int:
        """Bound on the error of a stamp now; of the host's none is known, and they are late, never early."""
        if self._row.stamps.source is StampSource.HARDWARE:
            return self._adapter_map.bound_ns(self._clock.to_monotonic_ns(self._clock.now_ns))
        return self._kernel.bound_ns + _FLOAT_STAMP_NS

    def send(self, can_id: int, data: bytes, flags: int = 0) -> None:
        """Hand a frame to the interface.

        Raises:
            UsageError: no bus can carry it, or not this one.
            BenchError: the interface is closed, or its queue is full.
        """
        check_allowed(self.where, can_id, data, flags, fd=self._fd, listen_only=self._listen_only)
        driver = self._driver
        if driver is None:
            raise BenchError("is closed", where=self.where)
        if self._gate.filters:
            self._admit((can_id, flags & EXTENDED))
        message = self._message(can_id, data, flags)
        try:
            driver.send(message, timeout=None if self._interface in _TAGGED else 0)
        except (can.CanError, OSError) as error:
            raise losses.cannot_send(error, where=self.where) from error
        if self._interface not in _ECHOES | _TAGGED:
            own = CanFrame(self._clock.now_ns, self.bus, can_id, data, flags | SENT, Origin.HOST)
            self._clock.post(self._deliver_own, driver, own)

    def _admit(self, key: Key) -> None:
        """What the bench sends comes back through the filters."""
        if self._gate.admit(*key) and self._row.filters and self._driver is not None:
            self._driver.set_filters([_native_filter(one) for one in self._gate.filters])

    def _message(self, can_id: int, data: bytes, flags: int) -> can.Message:
        return can.Message(
            arbitration_id=can_id,
            data=data,
            is_extended_id=bool(flags & EXTENDED),
            is_fd=bool(flags & FD),
            bitrate_switch=bool(flags & BRS),
            error_state_indicator=bool(flags & ESI),
            is_remote_frame=bool(flags & REMOTE),
            channel=self._tag if self._interface in _TAGGED else None,
        )

    async def close(self) -> None:
        """Let the interface go."""
        self._shut()

    def _shut(self) -> None:
        driver, self._driver = self._driver, None
        if self.broadcast_manager is not None:
            self.broadcast_manager.close()
        if driver is None:
            return
        descriptor = self._descriptor(driver)
        if descriptor is not None:
            self._clock.loop.remove_reader(descriptor)
        elif self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2 * _POLL_S)
        try:
            driver.shutdown()
        except (can.CanError, OSError) as error:
            line = getattr(driver, "serialPortOrig", None)  # slcan: a line that takes no farewell is not closed
            if line is not None:
                line.close()
            _forget_frames(error)


def _forget_frames(error: BaseException | None) -> None:
    """Forget what the driver's functions held when they failed: a socket that python-can opened and didn't close."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _next_is_own(driver: Any) -> bool:
    """Whether the frame that SocketCAN will give next was sent by this very socket."""
    try:
        return bool(driver.socket.recvmsg(1, 0, _PEEK)[2] & _CONFIRM)
    except BlockingIOError:
        return False


def _let_go(making: asyncio.Future[can.BusABC]) -> None:
    """Close a driver that opened after nobody wanted it any more."""
    if not making.cancelled() and making.exception() is None:
        making.result().shutdown()


def _native(timing: Timing) -> can.BitTiming | can.BitTimingFd:
    slow, fast = timing.nominal, timing.data
    if fast is None:
        return can.BitTiming(timing.clock_Hz, slow.brp, slow.tseg1, slow.tseg2, slow.sjw)
    return can.BitTimingFd(
        f_clock=timing.clock_Hz,
        nom_brp=slow.brp, nom_tseg1=slow.tseg1, nom_tseg2=slow.tseg2, nom_sjw=slow.sjw,
        data_brp=fast.brp, data_tseg1=fast.tseg1, data_tseg2=fast.tseg2, data_sjw=fast.sjw,
    )  # fmt: skip


def _native_filter(one: Filter) -> Any:
    return {"can_id": one.can_id, "can_mask": one.bits, "extended": one.extended}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _flags(message: can.Message) -> int:
    return (
        (EXTENDED if message.is_extended_id else 0)
        | (FD if message.is_fd else 0)
        | (BRS if message.bitrate_switch else 0)
        | (ESI if message.error_state_indicator else 0)
        | (REMOTE if message.is_remote_frame else 0)
        | (ERROR if message.is_error_frame else 0)
    )
