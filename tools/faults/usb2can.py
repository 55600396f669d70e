"""A USB-CAN adapter that is a program: its interface is a real one of the kernel, under the kernel's own driver.

Written from Linux, drivers/net/can/usb/usb_8dev.c (8devices USB2CAN): commands of 16 bytes on one pair of endpoints,
frames on another. What the kernel does with what the adapter tells is the kernel's own: states, error counters,
bus-off, the restart from it, an interface that comes and goes with the plug.

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
from typing import Final

from faults.usbip import Plug, until

_DATA_IN, _DATA_OUT, _COMMAND_IN, _COMMAND_OUT = 1, 2, 3, 4
_OPEN, _CLOSE = 2, 3
_COMMAND: Final = struct.Struct(">5B10sB")
_SENT: Final = struct.Struct(">BBIB8sB")
_HEARD: Final = struct.Struct(">BBBIB8sIB")
_ERROR_TYPE, _ERROR_MARK = 3, 4
_WELL, _LIGHT, _HEAVY, _OFF = 0, 2, 3, 4
_PER_FAILURE, _WARNING, _PASSIVE, _BUS_OFF = 8, 96, 128, 256
_STEPS: Final = ((_BUS_OFF, _OFF), (_PASSIVE, _HEAVY), (_WARNING, _LIGHT))
_CLASS: Final = Path("/sys/class/net")


def _string(text: str) -> bytes:
    data = text.encode("utf-16-le")
    return bytes((2 + len(data), 3)) + data


def _configuration() -> bytes:
    ends = b"".join(
        struct.pack("<BBBBHB", 7, 5, number | (0x80 if number in (_DATA_IN, _COMMAND_IN) else 0), 2, 512, 0)
        for number in (_DATA_IN, _DATA_OUT, _COMMAND_IN, _COMMAND_OUT)
    )
    interface = struct.pack("<9B", 9, 4, 0, 0, 4, 0xFF, 0, 0, 0)
    return struct.pack("<BBHBBBBB", 9, 2, 9 + len(interface + ends), 1, 1, 0, 0x80, 50) + interface + ends


_DEVICE: Final = struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x0200, 0, 0, 0, 64, 0x0483, 0x1234, 0x0100, 1, 2, 3, 1)
_DESCRIPTORS: Final = {
    0x100: _DEVICE,
    0x200: _configuration(),
    0x300: bytes((4, 3, 0x09, 0x04)),
    0x301: _string("bench"),
    0x302: _string("USB2CAN converter"),
    0x303: _string("lab"),
}


class Usb2Can:
    """The adapter, and the piece of wire that it hangs on.

    Attributes:
        channel: its interface, while it is plugged in.
        sent: (raw identifier, payload) of what got onto the wire.
        opened: how often its controller was started.
    """

    descriptors: Mapping[int, bytes] = _DESCRIPTORS

    def __init__(self) -> None:
        self.channel, self.opened = "", 0
        self.sent: deque[tuple[int, bytes]] = deque(maxlen=1000)
        self._lock = threading.RLock()
        self._is_open = self._is_shorted = False
        self._tec = 0
        self._plug: Plug | None = None

    def plug(self) -> str:
        """Into a USB port; returns the name of the interface that the kernel made of it."""
        before = _interfaces()
        self._plug = Plug(self, self._lock)
        self._plug.insert()
        until(lambda: bool(_interfaces() - before), "an interface")
        (self.channel,) = _interfaces() - before
        return self.channel

    def pull(self) -> None:
        """Out of the port; does nothing where it isn't in."""
        with self._lock:
            plug, self._plug, self._is_open = self._plug, None, False
        if plug is not None:
            plug.pull()

    def short(self) -> None:
        """CAN-H touches CAN-L: whatever is sent fails, again and again."""
        with self._lock:
            self._is_shorted = True

    def clear(self) -> None:
        """The wire is whole again."""
        with self._lock:
            self._is_shorted = False

    def hear(self, can_id: int, data: bytes) -> None:
        """Another node sent a frame."""
        with self._lock:
            if self._is_open and not self._is_shorted and self._tec < _BUS_OFF:
                self._tell(0, 0, can_id, data)

    def took(self, endpoint: int, data: bytes) -> bool:
        """See `faults.usbip.Device`."""
        if endpoint == _COMMAND_OUT:
            self._obey(data)
            return True
        return endpoint != _DATA_OUT or self._send(data)

    def _obey(self, data: bytes) -> None:
        _, channel, command, *_ = _COMMAND.unpack(data)
        if command in (_OPEN, _CLOSE):
            self._start(command == _OPEN)
        answer = _COMMAND.pack(0x11, channel, command, 0, 0, b"\1\2\3\4", 0x22)
        self._say(_COMMAND_IN, answer)

    def _start(self, on: bool) -> None:
        """Counters begin at zero; frames that waited are forgotten."""
        was_off, self._is_open, self._tec = self._tec >= _WARNING, on, 0
        self.opened += on
        if self._plug is not None:
            self._plug.let_go()
        if on and was_off:
            self._tell_state(_WELL)

    def _send(self, data: bytes) -> bool:
        """Whether it is on the wire; else it waits for the next start of the controller."""
        _, _, can_id, length, payload, _ = _SENT.unpack(data)
        while self._is_shorted and self._tec < _BUS_OFF:
            self._fail()
        if self._tec >= _BUS_OFF:
            return False
        self._tec = max(0, self._tec - 1)
        self.sent.append((can_id, payload[:length]))
        return True

    def _fail(self) -> None:
        before, self._tec = self._tec, self._tec + _PER_FAILURE
        for limit, status in _STEPS:
            if before < limit <= self._tec:
                self._tell_state(status)
                return

    def _tell_state(self, status: int) -> None:
        self._tell(_ERROR_TYPE, _ERROR_MARK, 0, bytes((status, 0, min(self._tec, 255))))

    def _tell(self, kind: int, marks: int, can_id: int, data: bytes) -> None:
        self._say(_DATA_IN, _HEARD.pack(0x55, kind, marks, can_id, len(data), data, 0, 0xAA))

    def _say(self, endpoint: int, data: bytes) -> None:
        """To the host, while it is plugged in."""
        if self._plug is not None:
            self._plug.say(endpoint, data)


def _interfaces() -> set[str]:
    return {path.name for path in _CLASS.iterdir()}
