"""A USB-CAN adapter that is a program: its interface is a real one of the kernel, under the kernel's own driver.

What the kernel does with what the adapter tells is the kernel's own: states, bus-off, the restart from it, an interface
that comes and goes with the plug. What an adapter says, and how, is its driver's protocol: `faults.ucan`,
`faults.gs_usb`.

Rules of this module: the controller keeps to ISO 11898-1: each frame that fails adds eight to the transmit error
counter and is tried again, until it gets through or the node is bus-off; opened anew, it begins at zero.

Not for: the transport (`faults.usbip`).
"""

from __future__ import annotations

import struct
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from faults.usbip import Plug, until

ERROR_FLAG: Final = 0x2000_0000
ID_MASK: Final = 0x1FFF_FFFF
_CONTROLLER, _BUS_OFF_SAID = 0x04, 0x40
_WARNING_SAID, _PASSIVE_SAID = 0x08, 0x20
"""Of linux/can/error.h: both drivers take error frames as the kernel itself writes them."""
_PER_FAILURE, _WARNING, _PASSIVE, _BUS_OFF = 8, 96, 128, 256
_STEPS: Final = (
    (_BUS_OFF, _BUS_OFF_SAID, 0),
    (_PASSIVE, _CONTROLLER, _PASSIVE_SAID),
    (_WARNING, _CONTROLLER, _WARNING_SAID),
)
_CLASS: Final = Path("/sys/class/net")
_DEVICE: Final = struct.Struct("<BBHBBBBHHHBBBB")


class Dialect(Protocol):
    """How a kind of adapter talks to its driver. Pure: bytes in, bytes out."""

    vendor: int
    product: int
    name: str
    inward: int
    """The endpoint that frames come in by."""
    outward: int

    def asked(self, request: int, value: int) -> bytes | None:
        """What the driver wants to know; None: there is no such request."""

    def switched(self, request: int, data: bytes) -> bool | None:
        """Whether a request starts the controller (true), stops it (false), or does neither."""

    def sent(self, data: bytes) -> tuple[int, int, bytes]:
        """(number that the driver gave it, raw identifier, payload) of a frame on its way out."""

    def done(self, number: int, data: bytes, *, well: bool) -> bytes | None:
        """That a frame is on the wire, or never will be; None: this kind doesn't say that."""

    def heard(self, can_id: int, data: bytes, ago_us: int = 0) -> bytes:
        """A frame that came in, so long ago, or an error frame."""


def string(text: str) -> bytes:
    """A string descriptor."""
    data = text.encode("utf-16-le")
    return bytes((2 + len(data), 3)) + data


def described(dialect: Dialect) -> dict[int, bytes]:
    """The descriptors: one interface of the vendor's own kind, a bulk endpoint each way."""
    both = ((dialect.inward | 0x80), dialect.outward)
    ends = b"".join(struct.pack("<BBBBHB", 7, 5, address, 2, 512, 0) for address in both)
    interface = struct.pack("<9B", 9, 4, 0, 0, 2, 0xFF, 0xFF, 0xFF, 0)
    head = struct.pack("<BBHBBBBB", 9, 2, 9 + len(interface + ends), 1, 1, 0, 0x80, 50)
    device = _DEVICE.pack(18, 1, 0x0200, 0, 0, 0, 64, dialect.vendor, dialect.product, 0x0100, 1, 2, 3, 1)
    texts = {0x301: string("bench"), 0x302: string(dialect.name), 0x303: string("lab")}
    return {0x100: device, 0x200: head + interface + ends, 0x300: bytes((4, 3, 0x09, 0x04)), **texts}


class Adapter:
    """An adapter, and the piece of wire that it hangs on.

    Attributes:
        channel: its interface, while it is plugged in.
        sent: (raw identifier, payload) of what got onto the wire.
        opened: how often its controller was started.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.descriptors: Mapping[int, bytes] = described(dialect)
        self.channel, self.opened = "", 0
        self.sent: deque[tuple[int, bytes]] = deque(maxlen=1000)
        self._dialect = dialect
        self._lock = threading.RLock()
        self._is_open = self._is_shorted = False
        self._tec = 0
        self._waits: list[tuple[int, bytes]] = []
        self._plug: Plug | None = None

    def plug(self) -> str:
        """Into a USB port; returns the name of the interface that the kernel made of it."""
        before = _interfaces()
        self._is_open, self._tec, self._waits = False, 0, []
        self._plug = Plug(self, self._lock)
        self._plug.insert()
        until(lambda: bool(_interfaces() - before), "an interface")
        (self.channel,) = _interfaces() - before
        return self.channel

    def pull(self) -> None:
        """Out of the port; returns when the kernel knows. Does nothing where it isn't in."""
        with self._lock:
            plug, self._plug, self._is_open = self._plug, None, False
        if plug is not None:
            plug.pull()
            until(lambda: self.channel not in _interfaces(), "its interface is gone")

    def short(self) -> None:
        """CAN-H touches CAN-L: whatever is sent fails, again and again."""
        with self._lock:
            self._is_shorted = True

    def clear(self) -> None:
        """The wire is whole again."""
        with self._lock:
            self._is_shorted = False

    def hear(self, can_id: int, data: bytes, *, ago_us: int = 0) -> None:
        """Another node sent a frame, so long ago: the host hears of it only now."""
        with self._lock:
            if self._is_open and not self._is_shorted and self._tec < _BUS_OFF:
                self._say(self._dialect.heard(can_id, data, ago_us))

    def asked(self, request: int, value: int) -> bytes | None:
        """See `faults.usbip.Device`."""
        return self._dialect.asked(request, value)

    def told(self, request: int, data: bytes) -> None:
        """See `faults.usbip.Device`."""
        starts = self._dialect.switched(request, data)
        if starts is not None:
            self._start(starts)

    def took(self, endpoint: int, data: bytes) -> None:
        """See `faults.usbip.Device`."""
        number, can_id, payload = self._dialect.sent(data)
        while self._is_shorted and self._tec < _BUS_OFF:
            self._fail()
        if self._tec >= _BUS_OFF:
            self._waits.append((number, data))
            return
        self._tec = max(0, self._tec - 1)
        self.sent.append((can_id & ID_MASK, payload))
        self._say(self._dialect.done(number, data, well=True))

    def _start(self, on: bool) -> None:
        """Counters begin at zero; frames that waited are forgotten, and so is what the driver has not fetched."""
        self._is_open, self._tec = on, 0
        self.opened += on
        waits, self._waits = self._waits, []
        if on:
            for number, data in waits:
                self._say(self._dialect.done(number, data, well=False))
        elif self._plug is not None:
            self._plug.forget(self._dialect.inward)

    def _fail(self) -> None:
        before, self._tec = self._tec, self._tec + _PER_FAILURE
        for limit, kind, detail in _STEPS:
            if before < limit <= self._tec:
                told = bytes((0, detail, 0, 0, 0, 0, min(self._tec, 255), 0))
                self._say(self._dialect.heard(ERROR_FLAG | kind, told))
                return

    def _say(self, message: bytes | None) -> None:
        """To the host, while it is plugged in."""
        if self._plug is not None and message is not None:
            self._plug.say(self._dialect.inward, message)


def _interfaces() -> set[str]:
    return {path.name for path in _CLASS.iterdir()}
