"""A byte stream over pyserial: a serial line, a pty, `socket://host:port`, `rfc2217://host:port`.

Rules of this module: the only one that imports pyserial. pyserial blocks, so a reader thread opens, reads and closes
the line, and a writer thread empties a queue; the loop's thread never waits for a device. What was read is stamped in
the reader thread, right after the read returned, and posted to the loop; nothing is delivered after `close` or after
the line was lost. Closing ends both threads and lets the device go.

DTR and RTS: on POSIX the kernel raises both when a device is opened, and that edge can't be avoided; many boards
reset on it. pyserial is left at its defaults, which ask for the state that is already there, so no second edge
follows. HUPCL is cleared after opening, so that closing the line doesn't drop DTR and the next opening makes no edge
at all.

Not for: `socket://` peers that greet at once: pyserial discards what arrived before its open returned.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import queue
import select
import socket
import sys
import threading
from typing import Any, Final

import serial

from hil.clock import Clock, wall_ns
from hil.errors import BenchError, HilError, UsageError
from hil.serial.flood import DEFAULT_RATE_BPS, DEVICE_BURST, SOCKET_BURST, FloodGate
from hil.serial.port import OnData, OnLost

POLL_S: Final = 0.05
"""How long a read waits at most before it looks whether the port was closed."""
READ_BYTES: Final = 65536
QUEUE_BYTES: Final = 1 << 20
"""Bytes that may wait to be written before `write` refuses more."""
WRITE_TIMEOUT_S: Final = 5.0
"""A line that doesn't take `PIECE_BYTES` in this time counts as broken."""
PIECE_BYTES: Final = 512
"""What is written at once: pyserial's write time-out is for the whole call, and 512 bytes fit it from 1200 baud on."""
CLOSE_S: Final = 2.0
"""How long `close` goes on sending what still waits."""

_REMEDIES: Final[dict[int | None, tuple[str, str]]] = {
    errno.ENOENT: ("there is no such device", "check cable and power; list what is there with 'ls /dev/serial/by-id'."),
    errno.ENXIO: ("there is no such device", "check cable and power; list what is there with 'ls /dev/serial/by-id'."),
    errno.EACCES: ("no permission to open it", "join the group that owns it: 'sudo usermod -aG dialout $USER'."),
    errno.EPERM: ("no permission to open it", "join the group that owns it: 'sudo usermod -aG dialout $USER'."),
    errno.EBUSY: ("it is in use by another program", "end that program; 'fuser' with the device's path names it."),
    errno.EAGAIN: ("it is in use by another program", "end that program; 'fuser' with the device's path names it."),
}


class SerialPort:
    """A `BytePort` over any URL that pyserial knows.

    Args:
        clock: a real clock; its loop gets the bytes.
        name: the port's name in the bench file.
        url: `/dev/serial/by-id/...`, `COM3`, `socket://host:port`, `rfc2217://host:port`.
        baudrate: bits per second; without meaning for sockets and ptys.
        most_Bps: bytes per second that the far end may send for long; more is noise, and the line counts as broken.

    Raises:
        UsageError: the clock is virtual: a device doesn't keep virtual time.
    """

    def __init__(
        self, *, clock: Clock, name: str, url: str, baudrate: int = 115200, most_Bps: int = DEFAULT_RATE_BPS
    ) -> None:
        if clock.is_virtual:
            raise UsageError("a real line can't run in virtual time", where=name, remedy="use a real-time bench.")
        self.name, self.url, self.baudrate, self.most_Bps = name, url, baudrate, most_Bps
        self._clock = clock
        self._on_data: OnData | None = None
        self._on_lost: OnLost | None = None
        self._lost: HilError | None = None
        self._is_lost = False
        self._link: _Link | None = None

    async def open(self, on_data: OnData, on_lost: OnLost) -> None:
        """Open the line and begin to listen.

        Raises:
            BenchError: the device is missing, forbidden or in use, or the peer can't be reached.
            UsageError: the URL is none, or the port is already open.
        """
        if self._link is not None:
            raise UsageError("is already open", where=self._where)
        self._on_data, self._on_lost, self._lost, self._is_lost = on_data, on_lost, None, False
        self._link = _Link(self)
        try:
            await self._link.opened
        except (HilError, asyncio.CancelledError):
            await self.close()
            raise

    def write(self, data: bytes) -> None:
        """Queue bytes to be sent in order; returns at once.

        Raises:
            BenchError: the line is closed or broken, or takes nothing: `QUEUE_BYTES` wait already.
        """
        if self._lost is not None:
            raise self._lost
        if self._link is None:
            raise BenchError("the line is not open", where=self._where)
        self._link.write(data)

    async def close(self) -> None:
        """Send what still waits, for `CLOSE_S` at most; end the threads, let the device go. May be called twice."""
        link, self._link = self._link, None
        self._on_data = self._on_lost = None
        if link is not None:
            await link.end()

    @property
    def _where(self) -> str:
        return f"{self.name} ({self.url})"

    def _deliver(self, t_ns: int, data: bytes) -> None:
        if self._on_data is not None and self._lost is None:
            self._on_data(t_ns, data)

    def _break(self, why: str) -> None:
        """Say once that the line is lost: reader and writer both notice."""
        self._lose(BenchError(f"the line was lost: {why}", where=self._where, remedy="check cable and power."))

    def _lose(self, error: BenchError) -> None:
        if self._is_lost:
            return
        self._is_lost, self._lost = True, error
        if self._on_lost is not None:
            self._on_lost(error)

    def _flooded(self) -> BenchError:
        """The line carries noise: what of it is still to be delivered is dropped from now on. In the reader thread."""
        self._lost = BenchError(
            f"floods the bench: more than {self.most_Bps:,} bytes a second",
            where=self._where,
            remedy="look for noise on the line; 'max_rate' allows more.",
        )
        return self._lost


class _Link:
    """One opening of the line: its two threads and what they share. Made in the loop's thread."""

    def __init__(self, port: SerialPort) -> None:
        self._port, self._clock = port, port._clock
        self.opened: asyncio.Future[None] = self._clock.loop.create_future()
        self._ended: asyncio.Future[None] = self._clock.loop.create_future()
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._count = threading.Lock()
        self._waiting = 0
        self._give_up_ns = 0
        self._thread = threading.Thread(target=self._serve, name=f"hil-serial-{port.name}", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        with self._count:
            if self._waiting + len(data) > QUEUE_BYTES:
                raise BenchError(f"the line takes no bytes: {self._waiting} wait", where=self._port._where)
            self._waiting += len(data)
        self._queue.put(bytes(data))

    async def end(self) -> None:
        """Stop both threads; they are gone when this returns."""
        self._stop()
        await self._ended
        self._thread.join()  # it has posted that as its last act

    def _stop(self) -> None:
        self._give_up_ns = self._clock.now_ns + round(CLOSE_S * 1e9)
        self._stopping.set()
        self._queue.put(None)

    def _serve(self) -> None:
        """The reader thread: open, read to the end, close."""
        try:
            line = _open(self._port)
        except HilError as error:
            self._clock.post(_settle, self.opened, error)
        else:
            self._clock.post(_settle, self.opened, None)
            self._run(line)
        finally:
            self._clock.post(_settle, self._ended, None)

    def _run(self, line: Any) -> None:
        writer = threading.Thread(target=self._write_all, args=(line,), name=f"{self._thread.name}-tx", daemon=True)
        writer.start()
        try:
            self._read_all(line)
        finally:
            self._queue.put(None)
            writer.join()
            _close(line)

    def _read_all(self, line: Any) -> None:
        read = _reader(line)
        gate = FloodGate(self._port.most_Bps, DEVICE_BURST if _is_tty(line) else SOCKET_BURST)
        while not self._stopping.is_set():
            try:
                data = read()
            except (OSError, TypeError) as error:  # SerialException is an OSError; TypeError: closed under a read
                self._clock.post(self._port._break, _one_line(error))
                return
            t_ns = self._clock.now_ns
            if data and gate.floods(wall_ns(), len(data)):
                self._clock.post(self._port._lose, self._port._flooded())
                return
            if data:
                self._clock.post(self._port._deliver, t_ns, data)

    def _write_all(self, line: Any) -> None:
        """The writer thread: empty the queue until its end, a broken line, or closing took too long."""
        try:
            while (data := self._queue.get()) is not None and self._write_one(line, data):
                with self._count:
                    self._waiting -= len(data)
        except OSError as error:
            self._clock.post(self._port._break, _one_line(error))

    def _write_one(self, line: Any, data: bytes) -> bool:
        for start in range(0, len(data), PIECE_BYTES):
            if self._stopping.is_set() and self._clock.now_ns > self._give_up_ns:
                return False
            line.write(data[start : start + PIECE_BYTES])
        return True


def _settle(future: asyncio.Future[None], error: HilError | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def _open(port: SerialPort) -> Any:
    """Open the line, in the reader thread: it may take seconds."""
    exclusive = True if sys.platform != "win32" else None
    try:
        line = serial.serial_for_url(port.url, baudrate=port.baudrate, exclusive=exclusive, do_not_open=True)
        if not port.url.startswith("rfc2217:"):  # that one refuses write time-outs and takes a read time-out as it is
            line.write_timeout = WRITE_TIMEOUT_S
        line.timeout = 0 if _selectable(line) else POLL_S
        line.open()
    except ValueError as error:
        raise UsageError(
            f"is no address of a line: {_one_line(error)}",
            where=port._where,
            remedy="write a device path, socket://host:port or rfc2217://host:port.",
        ) from error
    except OSError as error:
        raise _cannot_open(port, error) from error
    _keep_dtr(line)
    _send_at_once(line)
    return line


def _cannot_open(port: SerialPort, error: OSError) -> BenchError:
    what, remedy = _REMEDIES.get(error.errno, (_one_line(error), "check that it is powered, connected and listening."))
    return BenchError(f"can't be opened: {what}", where=port._where, remedy=remedy)


def _selectable(line: Any) -> bool:
    """Whether the line has a descriptor that `select` takes: devices on POSIX, sockets anywhere."""
    return _is_tty(line) or str(line.port).startswith("socket:")


def _is_tty(line: Any) -> bool:
    return sys.platform != "win32" and isinstance(line, serial.Serial)


def _reader(line: Any) -> Any:
    """A function that waits at most `POLL_S` for bytes and gives all that are there, empty if none came.

    pyserial's own waiting read gives one byte at a time on sockets, whose `in_waiting` says only 0 or 1.
    """
    if not _selectable(line):
        return lambda: line.read(max(1, line.in_waiting))

    def read() -> bytes:
        ready, _, _ = select.select([line.fileno()], [], [], POLL_S)
        return line.read(READ_BYTES) if ready else b""

    return read


def _keep_dtr(line: Any) -> None:
    """Clear HUPCL: closing the line leaves DTR as it is. Lines without termios have nothing to clear."""
    if not _is_tty(line):
        return
    import termios

    attributes = termios.tcgetattr(line.fileno())
    attributes[2] &= ~termios.HUPCL
    termios.tcsetattr(line.fileno(), termios.TCSANOW, attributes)


def _send_at_once(line: Any) -> None:
    """Without TCP_NODELAY, which pyserial sets on rfc2217 only, a short line waits 40 ms for the one before."""
    connection = getattr(line, "_socket", None)
    if connection is not None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _close(line: Any) -> None:
    """Close; a socket by ourselves: pyserial forgets to when the far end has reset it, and waits 0.3 s after it did."""
    connection = getattr(line, "_socket", None)
    if connection is None or not str(line.port).startswith("socket:"):
        line.close()
        return
    line._socket, line.is_open = None, False
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
