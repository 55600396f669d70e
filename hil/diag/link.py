"""The runner of ISO-TP: one connection on a CAN port, in bench time.

Rules of this module: all calls in the loop's thread; one timer on the agenda; no tasks. Messages that are handed over
while another one is still being sent wait for their turn. The owner hands in the frames of `ids`, own ones (`SENT`)
included, since those tell when a frame was on the wire.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from hil.can.frames import BRS, ERROR, EXTENDED, FD, REMOTE, SENT, CanFrame
from hil.clock import Clock, Timer
from hil.diag.isotp import Action, Began, Failed, IsoTp, Options, Received, Send, Sent

_DEAD: Final = ERROR | REMOTE


class Sender(Protocol):
    """What a link needs of a CAN port."""

    def send(self, can_id: int, data: bytes, flags: int = 0) -> None:
        """Queue a frame."""


@dataclass(frozen=True, slots=True)
class Address:
    """Normal addressing: one identifier a direction.

    Attributes:
        tx_id: what this end sends with.
        rx_id: what it listens to; None: it only sends (a functional request has no answer of its own).
        extended: 29-bit identifiers.
        fd: CAN FD frames.
        brs: FD frames switch the bit rate.
    """

    tx_id: int | None
    rx_id: int | None
    extended: bool = False
    fd: bool = False
    brs: bool = False

    @property
    def flags(self) -> int:
        """Flags of its frames."""
        return (EXTENDED if self.extended else 0) | (FD if self.fd else 0) | (BRS if self.fd and self.brs else 0)


class Listener(Protocol):
    """Who owns a link."""

    def on_message(self, data: bytes) -> None:
        """A message came."""

    def on_began(self, length: int) -> None:
        """The first frame of a longer message came."""

    def on_sent(self, data: bytes) -> None:
        """A message has been on the wire, all of it."""

    def on_failed(self, failed: Failed) -> None:
        """A transfer broke."""


class Link:
    """One connection.

    Args:
        clock: bench time, or the time that the ECU lives in.
        port: where frames go.
        address: identifiers and kind of frame.
        listener: who is told.
        options: how this end behaves.
    """

    def __init__(
        self, clock: Clock, port: Sender, address: Address, listener: Listener, options: Options | None = None
    ) -> None:
        self._clock, self._port, self.address, self._listener = clock, port, address, listener
        self._machine = IsoTp(options if address.tx_id is not None else Options(single_only=True))
        self._waiting: deque[bytes] = deque()
        self._timer: Timer | None = None
        self._handlers: dict[type, Callable[..., None]] = {
            Send: self._put,
            Sent: lambda action: listener.on_sent(action.data),
            Began: lambda action: listener.on_began(action.length),
            Received: lambda action: listener.on_message(action.data),
            Failed: listener.on_failed,
        }

    @property
    def ids(self) -> tuple[int, ...]:
        """Identifiers of the frames that `on_frame` wants to see."""
        return tuple(can_id for can_id in (self.address.tx_id, self.address.rx_id) if can_id is not None)

    @property
    def is_busy(self) -> bool:
        """Whether something is being sent or waits for it."""
        return self._machine.is_sending or bool(self._waiting)

    def send(self, data: bytes) -> None:
        """Send a message, after those that are still being sent.

        Raises:
            UsageError: it is empty, or too long for this connection.
            BenchError: the port is broken.
        """
        if self.is_busy:
            self._waiting.append(data)
            return
        self._do(self._machine.send(self._clock.now_ns, data))

    def on_frame(self, frame: CanFrame) -> None:
        """A frame with one of `ids` was on the bus."""
        flags = frame.flags
        if flags & _DEAD or bool(flags & EXTENDED) is not self.address.extended:
            return
        if flags & SENT:
            if frame.can_id == self.address.tx_id:
                self._do(self._machine.transmitted(self._clock.now_ns, frame.data))
        elif frame.can_id == self.address.rx_id:
            self._do(self._machine.frame(self._clock.now_ns, frame.data))

    def reset(self) -> None:
        """Forget all: the power went, or a new case begins."""
        self._machine.reset()
        self._waiting.clear()
        self._arm()

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            self._handlers[type(action)](action)
        if self._waiting and not self._machine.is_sending:
            self._do(self._machine.send(self._clock.now_ns, self._waiting.popleft()))
            return
        self._arm()

    def _put(self, action: Send) -> None:
        assert self.address.tx_id is not None
        self._port.send(self.address.tx_id, action.data, self.address.flags)

    def _arm(self) -> None:
        due_ns = self._machine.deadline_ns
        if self._timer is not None:
            if self._timer.t_ns == due_ns:
                return
            self._timer.cancel()
            self._timer = None
        if due_ns is not None:
            self._timer = self._clock.call_at(due_ns, self._advance)

    def _advance(self, _: object) -> None:
        self._timer = None
        self._do(self._machine.advance(self._clock.now_ns))
