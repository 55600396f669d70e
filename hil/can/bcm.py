"""The kernel's broadcast manager (CAN_BCM): cyclic frames on SocketCAN that no Python sends.

A task is one identifier with one frame or a sequence of frames that are sent in turn, so that counter and checksum go
on without anybody waking up. What the kernel has sent comes back over the raw socket of the port; `took` recognises
it, and only that says what really went out and when.

Rules of this module: one socket an interface; a sequence has at most `MOST_FRAMES` frames; new content in place keeps
the place in the sequence, a new length begins it anew. Layout of the messages: linux/can/bcm.h.

Not for: which messages go this way (`hil.can.kernel_sender`).
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

from hil.can import losses
from hil.can.frames import BRS, EXTENDED, FD
from hil.errors import BenchError

MOST_FRAMES: Final = 256
_MOST_PAST: Final = 4 * MOST_FRAMES
TX_SETUP, TX_DELETE = 1, 2
SETTIMER, STARTTIMER, TX_ANNOUNCE, CAN_FD_FRAME = 0x0001, 0x0002, 0x0008, 0x0800
_EXTENDED_ID: Final = 0x8000_0000
_FD_BRS, _FD_FRAME = 0x01, 0x04
_HEAD: Final = struct.Struct("@3I4l2I0q")
_CLASSIC: Final = struct.Struct("=IB3x8s")
_FLEXIBLE: Final = struct.Struct("=IBB2x64s")
_NS_PER_US: Final = 1000

_GONE: Final = {errno.ENOTCONN, errno.ENODEV, errno.ENXIO, errno.ENETDOWN}
"""The interface isn't there any more (to this socket: not connected), or is down."""

Key = tuple[int, int]
"""Identifier, and `EXTENDED` or 0."""
OnSent = Callable[[int, int, bool], object]
"""Told of each frame that the kernel sent: its place in the sequence, when it was on the bus, and whether its content
is the present one."""


def head(opcode: int, flags: int, key: Key, count: int, *, period_ns: int = 0) -> bytes:
    """A `bcm_msg_head` for `count` frames, one each `period_ns`."""
    return _HEAD.pack(opcode, flags, 0, 0, 0, *divmod(-(-period_ns // _NS_PER_US), 1_000_000), _raw_id(key), count)


def body(key: Key, data: bytes, flags: int) -> bytes:
    """A `can_frame`, or a `canfd_frame` where `flags` says so."""
    if flags & FD:
        marks = _FD_FRAME | (_FD_BRS if flags & BRS else 0)
        return _FLEXIBLE.pack(_raw_id(key), len(data), marks, data)
    return _CLASSIC.pack(_raw_id(key), len(data), data)


def _raw_id(key: Key) -> int:
    return key[0] | (_EXTENDED_ID if key[1] & EXTENDED else 0)


class _GoneError(BenchError):
    """The interface is gone: the kernel can't be told anything of it, and sends nothing on it."""


class _Task:
    """What the kernel sends under one identifier."""

    __slots__ = ("flags", "on_sent", "payloads", "places")

    def __init__(self, flags: int, on_sent: OnSent) -> None:
        self.flags, self.on_sent = flags, on_sent
        self.payloads: list[bytes] = []
        self.places: dict[bytes, int] = {}

    def use(self, payloads: Sequence[bytes]) -> None:
        """Those before stay known: one of them may be on its way."""
        before = dict(zip(self.payloads, range(len(self.payloads)), strict=True))
        self.payloads = list(payloads)
        self.places = before | {data: place for place, data in reversed(list(enumerate(self.payloads)))}


class BroadcastManager:
    """The cyclic frames of one SocketCAN interface.

    Args:
        channel: the interface, `can0`.
        where: how errors call it.
    """

    def __init__(self, channel: str, where: str) -> None:
        self._channel, self._where = channel, where
        self.drain: Callable[[], object] = _nothing
        """Takes in what has come back over the raw socket by now; the port sets it."""
        self.admit: Callable[[Key], object] = _admitted
        """Told of each identifier before it is sent: what filters the port has must let it come back."""
        self._socket: Any = None
        self._tasks: dict[Key, _Task] = {}
        self._past: dict[Key, dict[bytes, None]] = {}
        """What was sent before under an identifier: a controller may be long in sending it, the bench in reading it."""

    def open(self) -> None:
        """Reach the kernel.

        Raises:
            BenchError: it has no broadcast manager, or there is no such interface.
        """
        try:
            self._socket = socket.socket(socket.AF_CAN, socket.SOCK_DGRAM, socket.CAN_BCM)
            self._socket.connect((self._channel,))
        except (AttributeError, OSError) as error:
            self.close()
            mend = "load the kernel module can-bcm, or set broadcast_manager = false for this bus."
            raise BenchError(f"no broadcast manager: {error}", where=self._where, remedy=mend) from error

    def close(self) -> None:
        """The kernel sends nothing more; may be called twice."""
        self._tasks.clear()
        self._past.clear()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @property
    def is_open(self) -> bool:
        """Whether tasks can be given to it."""
        return self._socket is not None

    def begin(self, key: Key, payloads: Sequence[bytes], flags: int, *, period_ns: int, on_sent: OnSent) -> None:
        """Send a sequence: its first frame now (the kernel knows no other way), then one each `period_ns`.

        Args:
            key: the identifier; what was sent under it before ends.
            payloads: 1 to `MOST_FRAMES`, of one length.
            flags: `EXTENDED`, `FD`, `BRS`.
            period_ns: more than 0.
            on_sent: told of each frame.

        Raises:
            BenchError: the kernel refuses it.
        """
        self.end(key)
        self.admit(key)
        task = self._tasks[key] = _Task(flags, on_sent)
        task.use(payloads)
        self._set_up(key, SETTIMER | STARTTIMER, period_ns)

    def replace(self, key: Key, payloads: Sequence[bytes]) -> None:
        """Other content from the next frame on, as many frames as before: the place in the sequence stays."""
        task = self._task(key)
        self._remember(key, task)
        task.use(payloads)
        self._set_up(key, 0)

    def announce(self, key: Key) -> None:
        """Send the next frame of the sequence now; the cycle goes on as it was."""
        self._set_up(key, TX_ANNOUNCE)

    def end(self, key: Key) -> None:
        """Send no more of this identifier; does nothing where nothing is sent."""
        task = self._tasks.get(key)
        if task is None:
            return
        with contextlib.suppress(_GoneError):
            self._write(head(TX_DELETE, _fd(task.flags), key, 1))
        self.drain()
        if self._tasks.pop(key, None) is not None:  # else what came back said that the bus is lost: all have ended
            self._remember(key, task)

    def _remember(self, key: Key, task: _Task) -> None:
        past = self._past.setdefault(key, {})
        for data in task.payloads:
            past.pop(data, None)
            past[data] = None
        while len(past) > _MOST_PAST:
            del past[next(iter(past))]

    def took(self, key: Key, data: bytes, t_ns: int) -> bool:
        """Whether a frame that was on the bus, sent by this host, is one of these; if so whoever began it is told.

        One of a sequence that has ended, or was replaced twice, is one of these as well, but nobody's any more.
        """
        task = self._tasks.get(key)
        place = None if task is None else task.places.get(data)
        if task is None or place is None:
            return data in self._past.get(key, ())
        task.on_sent(place, t_ns, place < len(task.payloads) and task.payloads[place] == data)
        return True

    def _set_up(self, key: Key, flags: int, period_ns: int = 0) -> None:
        task = self._task(key)
        frames = b"".join(body(key, data, task.flags) for data in task.payloads)
        flags |= _fd(task.flags)
        self._write(head(TX_SETUP, flags, key, len(task.payloads), period_ns=period_ns) + frames)

    def _task(self, key: Key) -> _Task:
        """What is sent under an identifier. Raises: BenchError: nothing is any more, since the bus was lost."""
        task = self._tasks.get(key)
        if task is None:
            raise BenchError("is closed", where=self._where)
        return task

    def _write(self, message: bytes) -> None:
        if self._socket is None:
            raise BenchError("is closed", where=self._where)
        try:
            self._socket.send(message)
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> BenchError:
        if error.errno in _GONE:
            number = errno.ENODEV if error.errno == errno.ENOTCONN else error.errno
            broke = losses.broke(OSError(number, ""), where=self._where)
            return _GoneError(broke.what, where=broke.where, remedy=broke.remedy)
        mend = "check the interface: ip -details link show."
        return BenchError(f"the broadcast manager refuses: {error}", where=self._where, remedy=mend)


def _nothing() -> None:
    """Nothing comes back."""


def _admitted(_: Key) -> None:
    """Nothing is filtered."""


def _fd(flags: int) -> int:
    return CAN_FD_FRAME if flags & FD else 0


__all__ = ["MOST_FRAMES", "BroadcastManager", "Key", "OnSent", "body", "head"]
