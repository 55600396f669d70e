"""An slcan adapter that is a program: what a port for such adapters is tried on. A lab may run its own ports on it.

Written from Lawicel's CANUSB manual, not from `hil.can.slcan`, with which it shares nothing. `LawicelAdapter` is the
firmware, `AdapterBus` the wire behind several of them, `AdapterLine` a serial line in any clock's time that a test can
hold, garble and pull, and `PtyAdapter` a pseudo terminal.

Rules of this module: an adapter is strict where the manual is: what it doesn't know, or not now, it answers with BEL.
A frame that nobody acknowledges stays in its queue of `QUEUE`, and a full queue refuses.

Not for: judging; it knows no checks.
"""

from __future__ import annotations

import os
import random
import re
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from hil.clock import Clock
from hil.errors import BenchError

QUEUE: Final = 32
BUFFER: Final = 4096
"""Bytes that wait for the host before a frame is lost."""
_STANDARD: Final = re.compile(r"t[0-7][0-9A-F]{2}([0-8])((?:[0-9A-F]{2})*)|r[0-7][0-9A-F]{2}[0-8]")
_EXTENDED: Final = re.compile(r"T[01][0-9A-F]{7}([0-8])((?:[0-9A-F]{2})*)|R[01][0-9A-F]{7}[0-8]")
_FLEXIBLE: Final = re.compile(r"(?:[db][0-7][0-9A-F]{2}|[DB][01][0-9A-F]{7})([0-9A-F])((?:[0-9A-F]{2})*)")
_LENGTHS: Final = dict(zip("0123456789ABCDEF", (*range(9), 12, 16, 20, 24, 32, 48, 64), strict=True))
_OK, _BEL = b"\r", b"\x07"
_FULL, _OVERRUN, _PASSIVE, _BUS_ERROR = 0x01, 0x08, 0x20, 0x80


class AdapterBus:
    """A wire between adapters. A frame reaches those that are open at its bit rate."""

    def __init__(self) -> None:
        self.nodes: list[LawicelAdapter] = []
        self.lock = threading.RLock()

    def carry(self, sender: LawicelAdapter, text: str) -> bool:
        """Whether somebody acknowledged."""
        others = [node for node in self.nodes if node is not sender and node.is_open]
        hearers = [node for node in others if node.rate == sender.rate]
        if not any(not node.only_listens for node in hearers):
            for node in (sender, *(node for node in others if node.rate != sender.rate)):
                node.status |= _BUS_ERROR | _PASSIVE
            return False
        for node in hearers:
            node.hear(text)
        return True

    def free(self) -> None:
        """A node came onto the bus: what waited for an acknowledgement may get one."""
        for node in tuple(self.nodes):
            node.try_again()


class LawicelAdapter:
    """The firmware.

    Args:
        bus: the wire behind it.
        now_ns: its own clock, free running.
        fd: whether it has CAN FD, as a CANable 2.
        stamps: whether it knows Z1.
        knows_status: whether it knows F.
        mute: answers nothing, as some firmware.

    Attributes:
        write: what it says to the host.
        hangs: says and does nothing any more.
        loses: so many frames to come are lost, as if its buffer ran over.
        said: commands that it took.
    """

    def __init__(
        self,
        bus: AdapterBus,
        now_ns: Callable[[], int],
        *,
        fd: bool = False,
        stamps: bool = True,
        knows_status: bool = True,
        mute: bool = False,
    ) -> None:
        self.write: Callable[[bytes], object] = len
        self.rate, self.status, self.loses = "", 0, 0
        self.is_open = self.only_listens = self.hangs = False
        self.said: list[str] = []
        self._bus, self._now_ns, self._fd = bus, now_ns, fd
        self._has_stamps, self._knows_status, self._mute = stamps, knows_status, mute
        self._stamps, self._buffer = False, b""
        self._queue: deque[str] = deque()
        bus.nodes.append(self)

    def feed(self, data: bytes) -> None:
        """Bytes from the host."""
        if self.hangs:
            return
        with self._bus.lock:
            *lines, self._buffer = (self._buffer + data).split(b"\r")
            for line in lines:
                self._obey(line.decode("latin-1"))

    def _obey(self, text: str) -> None:
        self.said.append(text)
        answer = self._answer(text)
        if not self._mute:
            self.write(answer)

    def _answer(self, text: str) -> bytes:
        if text == "":
            return _OK
        if text[0] in "tTrRdDbB":
            return self._send(text)
        if text == "V":
            return b"V1013\r"
        if text == "N":
            return b"NA123\r"
        if text == "F":
            return self._tell_status()
        return _OK if self._set(text) else _BEL

    def _tell_status(self) -> bytes:
        if not self.is_open or not self._knows_status:
            return _BEL
        status, self.status = self.status, 0
        return b"F%02X\r" % status

    def _set(self, text: str) -> bool:
        """Settings: only while it is off the bus."""
        if text == "C":
            was_open, self.is_open = self.is_open, False
            self._queue.clear()
            return was_open
        if self.is_open:
            return False
        if text in ("O", "L"):
            return self._go_on_bus(text == "L")
        if re.fullmatch(r"S[0-8]|s[0-9A-F]{4}", text):
            self.rate = text
            return True
        if text in ("Z0", "Z1"):
            self._stamps = text == "Z1" and self._has_stamps
            return self._has_stamps
        return (self._fd and text in ("Y2", "Y5")) or text in ("X0", "X1")

    def _go_on_bus(self, only_listens: bool) -> bool:
        if not self.rate:
            return False
        self.is_open, self.only_listens = True, only_listens
        self._bus.free()
        return True

    def _send(self, text: str) -> bytes:
        if not self._is_frame(text) or not self.is_open or self.only_listens or len(self._queue) >= QUEUE:
            return _BEL
        self._queue.append(text)
        self.try_again()
        return b"z\r" if text[0] in "trdb" else b"Z\r"

    def _is_frame(self, text: str) -> bool:
        pattern = _FLEXIBLE if text[0] in "dDbB" else _STANDARD if text[0] in "tr" else _EXTENDED
        found = pattern.fullmatch(text)
        if found is None or (pattern is _FLEXIBLE and not self._fd):
            return False
        return found[1] is None or len(found[2]) == 2 * _LENGTHS[found[1]]

    def try_again(self) -> None:
        """Send what waits, as far as somebody acknowledges."""
        while self.is_open and self._queue and self._bus.carry(self, self._queue[0]):
            self._queue.popleft()

    def hear(self, text: str) -> None:
        """A frame came over the bus."""
        if self.hangs:
            return
        if self.loses:
            self.loses, self.status = self.loses - 1, self.status | _FULL | _OVERRUN
            return
        stamp = f"{self._now_ns() // 1_000_000 % 60_000:04X}" if self._stamps else ""
        self.write(f"{text}{stamp}\r".encode())


class AdapterLine:
    """A serial line to an adapter, on any clock: a `hil.can.slcan_port.Line`.

    Args:
        clock: whose time it takes.
        adapter: what is at its far end.
        delay_ns: how long bytes are on their way.
        rng: where it cuts what comes back into pieces; None: nowhere.

    Attributes:
        garble: changes bytes on their way to the host.
        holds: keeps what is said to the host back.
    """

    def __init__(
        self, clock: Clock, adapter: LawicelAdapter, *, delay_ns: int = 300_000, rng: random.Random | None = None
    ) -> None:
        self._clock, self._adapter, self._delay_ns, self._rng = clock, adapter, delay_ns, rng
        self._on_data: Callable[[int, bytes], object] | None = None
        self._on_lost: Callable[[BenchError], object] | None = None
        self.garble: Callable[[bytes], bytes] = bytes
        self.is_pulled = self.is_missing = False

    async def open(self, on_data: Callable[[int, bytes], object], on_lost: Callable[[BenchError], object]) -> None:
        """Begin to listen."""
        if self.is_missing:
            raise BenchError("can't be opened: there is no such device", where="line")
        self._on_data, self._on_lost, self.is_pulled = on_data, on_lost, False
        self._adapter.write = self._say

    def write(self, data: bytes) -> None:
        """To the adapter."""
        if self.is_pulled:
            raise BenchError("the line was lost: Input/output error", where="line")
        self._clock.call_in(self._delay_ns, self._arrive, data)

    def _arrive(self, data: bytes) -> None:
        if not self.is_pulled:
            self._adapter.feed(data)

    def _say(self, data: bytes) -> None:
        self._clock.call_in(self._delay_ns, self._deliver, data)

    def inject(self, data: bytes) -> None:
        """Bytes out of nowhere, to the host."""
        self._clock.call_in(self._delay_ns, self._hand_over, data)

    def _deliver(self, data: bytes) -> None:
        data = self.garble(data)
        cut = self._rng.randint(0, len(data)) if self._rng is not None else len(data)
        for piece in (data[:cut], data[cut:]):
            if piece:
                self._hand_over(piece)

    def _hand_over(self, data: bytes) -> None:
        if self._on_data is not None and not self.is_pulled:
            self._on_data(self._clock.now_ns, data)

    def pull(self) -> None:
        """The plug is pulled."""
        self.is_pulled, on_lost = True, self._on_lost
        self._adapter.is_open = False
        if on_lost is not None:
            on_lost(BenchError("the line was lost: Input/output error", where="line", remedy="check cable and power."))

    async def close(self) -> None:
        """Let it go."""
        self._on_data = self._on_lost = None


class PtyAdapter:
    """An adapter behind a pseudo terminal, served by a thread.

    Args:
        adapter: the firmware.

    Attributes:
        path: what the host opens.
    """

    def __init__(self, adapter: LawicelAdapter) -> None:
        import tty

        self._adapter = adapter
        self._near, far = os.openpty()
        self._keep = far
        tty.setraw(far)
        os.set_blocking(self._near, False)
        self.path = os.ttyname(far)
        self._ended, self._end = os.pipe()
        adapter.write = self._say
        self._thread = threading.Thread(target=self._serve, name="slcan-adapter", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._near, self._ended], [], [])
            if self._ended in ready:
                return
            try:
                data = os.read(self._near, BUFFER)
            except OSError:
                return
            self._adapter.feed(data)

    def _say(self, data: bytes) -> None:
        """What the host doesn't read in time is lost, and the adapter's status says so."""
        try:
            taken = os.write(self._near, data)
        except BlockingIOError:
            taken = 0
        except OSError:
            return
        if taken < len(data):
            self._adapter.status |= _OVERRUN

    def say(self, data: bytes) -> None:
        """Bytes out of nowhere, to the host."""
        with self._adapter_lock:
            self._say(data)

    @property
    def _adapter_lock(self) -> threading.RLock:
        return self._adapter._bus.lock

    def unplug(self) -> None:
        """The device is gone, whatever is on its way; may be called twice."""
        if not self._thread.is_alive() and self._near < 0:
            return
        os.write(self._end, b"x")
        self._thread.join()
        self._adapter.is_open = False
        for descriptor in (self._near, self._keep, self._ended, self._end):
            os.close(descriptor)
        self._near = -1
