"""A USB device that is a program, plugged into the kernel's own host controller for such devices (vhci-hcd).

The kernel takes a stream socket and from then on speaks USB/IP over it: a request of 48 bytes for each transfer, and
what it sends behind it; the answer has the same head. Layouts: Linux, Documentation/usb/usbip_protocol.rst.

Rules of this module: one thread serves one device; a transfer towards the host waits until there is something to say;
plugging in and out are the kernel's own, so drivers come and go as with a plug.

Not for: what the device is (`faults.adapter`).
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

CONTROLLER: Final = Path("/sys/devices/platform/vhci_hcd.0")
_SUBMIT, _UNLINK, _SUBMITTED, _UNLINKED = 1, 2, 3, 4
_IN: Final = 1
_HEAD: Final = struct.Struct(">5I")
_REQUEST: Final = struct.Struct(">IiIIi8s")
_REST_BYTES: Final = 28
_HIGH_SPEED: Final = 3
_DEVICE_NUMBER: Final = 0x10002
_FREE: Final = 4
"""What the controller says of a port that nothing is plugged into."""
_INWARD, _KINDS, _VENDOR = 0x80, 0x60, 0x40
_STATUS, _DESCRIPTOR = 0, 6
_STALLED: Final = -32
_UNLINKED_STATUS: Final = -104
_NOBODY: Final = -71
_SETTLE_S: Final = 20.0
_HUB_S: Final = 0.25


class Device(Protocol):
    """What is plugged in. All calls with its lock held."""

    descriptors: Mapping[int, bytes]
    """Type and index, `type << 8 | index` -> descriptor."""

    def took(self, endpoint: int, data: bytes) -> None:
        """Bytes from the host, which the device has taken."""

    def asked(self, request: int, value: int) -> bytes | None:
        """The answer to a request of the maker's own; None: it stalls."""

    def told(self, request: int, data: bytes) -> None:
        """A request of the maker's own that carries data."""


class Plug:
    """A device in a port.

    Args:
        device: what is plugged in.
        lock: held while the device is asked; it may hold it when it says something.
    """

    def __init__(self, device: Device, lock: threading.RLock) -> None:
        self._device, self._port = device, _free_port()
        self._socket, there = socket.socketpair()
        self._lock = lock
        self._waiting: dict[int, deque[int]] = defaultdict(deque)
        self._said: dict[int, deque[bytes]] = defaultdict(deque)
        self._thread = threading.Thread(target=self._serve, name="usb-device", daemon=True)
        self._there = there
        self._is_out = False
        self._asked_s = 0.0
        self._newest = 0
        self._unlinked_early: dict[int, int] = {}

    def insert(self) -> None:
        """Into the port."""
        self._thread.start()
        with self._there as there:
            (CONTROLLER / "attach").write_text(f"{self._port} {there.fileno()} {_DEVICE_NUMBER} {_HIGH_SPEED}")

    def pull(self) -> None:
        """Out of the port; returns when the port is free again.

        Transfers meet nobody at once, as a host controller finds; the hub says it when it is asked next. A request that
        the kernel made in the very moment of `detach` would hang until its driver's time is up, as on no real bus.
        """
        with self._lock:
            self._is_out = True
            for waiting in self._waiting.values():
                while waiting:
                    self._answer(waiting.popleft(), 0, status=_NOBODY)
        until(lambda: time.monotonic() - self._asked_s > _HUB_S, "nobody asks for the device")
        (CONTROLLER / "detach").write_text(str(self._port))
        until(lambda: _state(self._port) == _FREE, "the port is free")
        self._thread.join()
        self._socket.close()

    def say(self, endpoint: int, data: bytes) -> None:
        """To the host, with the transfer that asks for it next."""
        with self._lock:
            self._said[endpoint].append(data)
            self._pair(endpoint)

    def forget(self, endpoint: int) -> None:
        """What was said and not asked for."""
        with self._lock:
            self._said[endpoint].clear()

    def _serve(self) -> None:
        try:
            while True:
                kind, number, _, direction, endpoint = _HEAD.unpack(self._read(_HEAD.size))
                rest = self._read(_REST_BYTES)
                self._asked_s = self._asked_s if endpoint else time.monotonic()
                with self._lock:
                    self._request(kind, number, direction == _IN, endpoint, rest)
        except (OSError, EOFError) as error:
            if not self._is_out:
                print(f"usbip: the host let go of the device: {error!r}; dmesg may say why", file=sys.stderr)

    def _read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            piece = self._socket.recv(size - len(found))
            if not piece:
                raise EOFError
            found += piece
        return found

    def _request(self, kind: int, number: int, inward: bool, endpoint: int, rest: bytes) -> None:
        _, size, _, _, _, setup = _REQUEST.unpack(rest)
        if kind == _UNLINK:
            self._unlink(number, struct.unpack_from(">I", rest)[0])
            return
        data, self._newest = b"" if inward else self._read(size), number
        if number in self._unlinked_early:
            self._write(_UNLINKED, self._unlinked_early.pop(number), _UNLINKED_STATUS, 0)
        elif self._is_out:
            self._answer(number, 0, status=_NOBODY)
        elif endpoint == 0:
            self._control(number, setup, data)
        elif inward:
            self._waiting[endpoint].append(number)
            self._pair(endpoint)
        else:
            self._answer(number, size)
            self._device.took(endpoint, data)

    def _control(self, number: int, setup: bytes, data: bytes) -> None:
        """Descriptors, and the maker's own requests; everything else that is set is accepted."""
        kind, request, value, _, length = struct.unpack("<BBHHH", setup)
        if not kind & _INWARD:
            if kind & _KINDS == _VENDOR:
                self._device.told(request, data)
            self._answer(number, len(data))
            return
        answer = self._known(kind, request, value)
        if answer is None:
            self._answer(number, 0, status=_STALLED)
        else:
            self._answer(number, len(answer[:length]), answer[:length])

    def _known(self, kind: int, request: int, value: int) -> bytes | None:
        if kind & _KINDS == _VENDOR:
            return self._device.asked(request, value)
        if request == _DESCRIPTOR:
            return self._device.descriptors.get(value)
        return b"\0\0" if request == _STATUS else None

    def _pair(self, endpoint: int) -> None:
        waiting, said = self._waiting[endpoint], self._said[endpoint]
        while waiting and said:
            data = said.popleft()
            self._answer(waiting.popleft(), len(data), data)

    def _unlink(self, number: int, of: int) -> None:
        """The host wants a transfer no more; one that has been answered already is left as it is.

        It may say so before it asks for the transfer (vhci_tx_loop sends what is unlinked without looking whether all
        that is submitted has been sent). Told then that there is none, it would lose the one or the connection.
        """
        if of > self._newest:
            self._unlinked_early[of] = number
            return
        found = [waiting for waiting in self._waiting.values() if of in waiting]
        for waiting in found:
            waiting.remove(of)
        self._write(_UNLINKED, number, _UNLINKED_STATUS if found else 0, 0)

    def _answer(self, number: int, size: int, data: bytes = b"", *, status: int = 0) -> None:
        self._write(_SUBMITTED, number, status, size, data)

    def _write(self, kind: int, number: int, status: int, size: int, data: bytes = b"") -> None:
        head = _HEAD.pack(kind, number, 0, 0, 0) + struct.pack(">iI20x", status, size)
        with contextlib.suppress(OSError):  # pulled: nobody waits for it
            self._socket.sendall(head + data)


def _free_port() -> int:
    lines = [line.split() for line in (CONTROLLER / "status").read_text().splitlines()[1:]]
    return next(int(words[1]) for words in lines if words[0] == "hs" and int(words[2]) == _FREE)


def _state(port: int) -> int:
    lines = [line.split() for line in (CONTROLLER / "status").read_text().splitlines()[1:]]
    return next(int(words[2]) for words in lines if int(words[1]) == port)


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for the kernel.

    Raises:
        TimeoutError: it took too long.
    """
    end = time.monotonic() + _SETTLE_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain: {what}")
        time.sleep(0.002)


def is_there() -> bool:
    """Whether this kernel has such a controller, and this user may use it."""
    return os.access(CONTROLLER / "attach", os.W_OK)
