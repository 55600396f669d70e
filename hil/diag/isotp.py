"""ISO-TP (ISO 15765-2), both directions of one connection, as a state machine: frames and time in, actions out. Pure.

Rules of this module: no I/O, no clock. Every call says what time it is. The owner sends what `Send` says, tells
`transmitted` when that frame has been on the wire, and calls `advance` at `deadline_ns`. The two directions don't
hinder each other (full duplex). What the standard says to ignore is ignored without a word; what breaks a transfer is
told by `Failed` with the standard's own name. It never raises for anything that came over the bus.

Times: N_As and N_Ar (a frame handed over and not sent), N_Bs (no flow control), N_Cr (no consecutive frame): 1000 ms.
STmin counts from one consecutive frame's end on the wire to the next one's hand-over.

Not for: who talks to whom (`hil.diag.link`); extended and mixed addressing, which aren't there.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Final

from hil.diag import isotp_pdu as pdu
from hil.diag.isotp_pdu import FD_LENGTHS, LONGEST, Consecutive, First, FlowControl, Single, Status
from hil.errors import UsageError

TIMEOUT_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Options:
    """How this end behaves.

    Attributes:
        frame_bytes: what its frames carry at most (TX_DL): 8 on classic CAN, up to 64 with CAN FD.
        padding: byte that fills short frames up to 8; None: they stay short.
        block_size: frames between two flow controls that it asks for; 0: all in one go.
        st_min: STmin byte that it asks for.
        most_bytes: longest message that it takes; a longer one is refused with OVERFLOW.
        most_waits: how many WAITs in a row it bears as a sender.
        single_only: no segmentation at all: functional addressing.
        timeout_ns: N_As, N_Ar, N_Bs, N_Cr.
    """

    frame_bytes: int = 8
    padding: int | None = 0xCC
    block_size: int = 0
    st_min: int = 0
    most_bytes: int = 4095
    most_waits: int = 16
    single_only: bool = False
    timeout_ns: int = TIMEOUT_NS

    def __post_init__(self) -> None:
        if self.frame_bytes not in FD_LENGTHS:
            known = ", ".join(map(str, FD_LENGTHS))
            raise UsageError(f"frames of {self.frame_bytes} bytes", where="ISO-TP", remedy=f"one of {known}.")
        pdu.check_st_min(self.st_min)


class Reason(StrEnum):
    """Why a transfer broke, by the standard's names."""

    TIMEOUT_A = "N_TIMEOUT_A"
    TIMEOUT_BS = "N_TIMEOUT_Bs"
    TIMEOUT_CR = "N_TIMEOUT_Cr"
    WRONG_SN = "N_WRONG_SN"
    INVALID_FS = "N_INVALID_FS"
    UNEXPECTED = "N_UNEXP_PDU"
    WAITS = "N_WFT_OVRN"
    OVERFLOW = "N_BUFFER_OVFLW"


@dataclass(frozen=True, slots=True)
class Send:
    """Put this frame on the wire."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """The message has been on the wire, all of it."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Began:
    """The first frame of a longer message came (N_USData_FF.indication)."""

    length: int


@dataclass(frozen=True, slots=True)
class Received:
    """A message came."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """A transfer broke."""

    reason: Reason
    sending: bool
    what: str


Action = Send | Sent | Began | Received | Failed


class _Kind(Enum):
    """What a frame that waits for its confirmation is."""

    SINGLE = auto()
    FIRST = auto()
    CONSECUTIVE = auto()
    FLOW = auto()


class _Phase(Enum):
    """Where the sending of a message is."""

    IDLE = auto()
    CONFIRM = auto()
    FLOW = auto()
    GAP = auto()


@dataclass(slots=True)
class _Outgoing:
    """The message that is being sent."""

    data: bytes = b""
    done: int = 0
    number: int = 0
    left: int | None = None
    gap_ns: int = 0
    waits: int = 0
    phase: _Phase = _Phase.IDLE
    due_ns: int = 0


@dataclass(slots=True)
class _Incoming:
    """The message that is being received."""

    length: int
    frame_bytes: int
    data: bytearray
    number: int = 1
    in_block: int = 0
    due_ns: int = 0


class IsoTp:
    """One connection: what is sent on one identifier and received on another.

    Args:
        options: how this end behaves.
    """

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self._handed: deque[tuple[bytes, _Kind, int]] = deque()
        self._tx = _Outgoing()
        self._rx: _Incoming | None = None

    @property
    def is_sending(self) -> bool:
        """Whether a message is on its way out."""
        return self._tx.phase is not _Phase.IDLE

    @property
    def is_receiving(self) -> bool:
        """Whether a segmented message is on its way in."""
        return self._rx is not None

    @property
    def deadline_ns(self) -> int | None:
        """When `advance` has to be called at the latest; None: nothing is awaited."""
        due = [self._handed[0][2]] if self._handed else []
        if self._tx.phase in (_Phase.FLOW, _Phase.GAP):
            due.append(self._tx.due_ns)
        if self._rx is not None:
            due.append(self._rx.due_ns)
        return min(due, default=None)

    def reset(self) -> None:
        """Forget everything: the power went."""
        self._handed.clear()
        self._tx = _Outgoing()
        self._rx = None

    # Sending --------------------------------------------------------------------------------------------------------

    def send(self, now_ns: int, data: bytes) -> list[Action]:
        """Send a message.

        Raises:
            UsageError: it is empty or too long, or another one is still being sent.
        """
        room = pdu.single_room(self.options.frame_bytes)
        if not 0 < len(data) <= (room if self.options.single_only else LONGEST):
            most = f"1 to {room} bytes, in one frame" if self.options.single_only else "at least one byte"
            raise UsageError(f"a message of {len(data)} bytes can't be sent", where="ISO-TP", remedy=f"give it {most}.")
        if self.is_sending:
            raise UsageError("a message is still being sent", where="ISO-TP")
        if len(data) <= room:
            self._tx = _Outgoing(data, done=len(data), phase=_Phase.CONFIRM)
            return [self._hand(now_ns, pdu.make_single(data), _Kind.SINGLE)]
        head = pdu.make_first(len(data))
        done = self.options.frame_bytes - len(head)
        self._tx = _Outgoing(data, done=done, number=1, phase=_Phase.CONFIRM)
        return [self._hand(now_ns, head + data[:done], _Kind.FIRST)]

    def _hand(self, now_ns: int, frame: bytes, kind: _Kind) -> Send:
        frame = pdu.pad(frame, self.options.padding)
        self._handed.append((frame, kind, now_ns + self.options.timeout_ns))
        return Send(frame)

    def transmitted(self, now_ns: int, frame: bytes) -> list[Action]:
        """A frame of this end has been on the wire; one that it didn't send itself is none of its business."""
        if not self._handed or self._handed[0][0] != frame:
            return []
        kind = self._handed.popleft()[1]
        if self._handed:
            waiting, what, _ = self._handed[0]
            self._handed[0] = waiting, what, now_ns + self.options.timeout_ns
        if kind is _Kind.FLOW:
            if self._rx is not None:
                self._rx.due_ns = now_ns + self.options.timeout_ns
            return []
        return self._sent(now_ns, kind) if self.is_sending else []

    def _sent(self, now_ns: int, kind: _Kind) -> list[Action]:
        tx = self._tx
        if kind is not _Kind.FIRST and tx.done >= len(tx.data):
            self._tx = _Outgoing()
            return [Sent(tx.data)]
        if kind is _Kind.FIRST or tx.left == 0:
            tx.phase, tx.due_ns = _Phase.FLOW, now_ns + self.options.timeout_ns
            return []
        tx.phase, tx.due_ns = _Phase.GAP, now_ns + tx.gap_ns
        return [] if tx.gap_ns else self._next(now_ns)

    def _next(self, now_ns: int) -> list[Action]:
        tx = self._tx
        end = tx.done + self.options.frame_bytes - 1
        frame = bytes([0x20 | tx.number]) + tx.data[tx.done : end]
        tx.done, tx.number, tx.phase = end, (tx.number + 1) & 0xF, _Phase.CONFIRM
        tx.left = None if tx.left is None else tx.left - 1
        return [self._hand(now_ns, frame, _Kind.CONSECUTIVE)]

    def _on_flow(self, now_ns: int, flow: FlowControl) -> list[Action]:
        tx = self._tx
        if tx.phase is not _Phase.FLOW and not self._is_overtaken():
            return []
        if flow.status == Status.GO_ON:
            tx.left, tx.gap_ns, tx.waits = flow.block_size or None, flow.gap_ns, 0
            return self._next(now_ns)
        if flow.status == Status.WAIT:
            tx.waits, tx.due_ns = tx.waits + 1, now_ns + self.options.timeout_ns
            too_many = tx.waits > self.options.most_waits
            return self._give_up(Reason.WAITS, f"the receiver said WAIT {tx.waits} times") if too_many else []
        if flow.status == Status.OVERFLOW:
            return self._give_up(Reason.OVERFLOW, f"the receiver has no room for {len(tx.data)} bytes")
        return self._give_up(Reason.INVALID_FS, f"flow control with the reserved status {flow.status}")

    def _is_overtaken(self) -> bool:
        """Whether flow control came before the word that its frame was sent, as real interfaces have it."""
        for entry in self._handed:
            if entry[1] is _Kind.FIRST or (entry[1] is _Kind.CONSECUTIVE and self._tx.left == 0):
                self._handed.remove(entry)
                self._tx.phase = _Phase.FLOW
                return True
        return False

    def _give_up(self, reason: Reason, what: str) -> list[Action]:
        self._tx = _Outgoing()
        return [Failed(reason, True, what)]

    # Receiving ------------------------------------------------------------------------------------------------------

    def frame(self, now_ns: int, data: bytes) -> list[Action]:
        """A frame of the other end came."""
        said = pdu.parse(data)
        if said is None:
            return []
        if isinstance(said, Consecutive):
            return self._on_consecutive(now_ns, said)
        if isinstance(said, FlowControl):
            return self._on_flow(now_ns, said)
        if isinstance(said, First) and self.options.single_only:
            return []
        actions = self._interrupted(said)
        if isinstance(said, Single):
            fits = len(said.data) <= self.options.most_bytes
            return [*actions, Received(said.data)] if fits else actions
        return actions + self._on_first(now_ns, said)

    def _interrupted(self, said: Single | First) -> list[Action]:
        rx, self._rx = self._rx, None
        if rx is None:
            return []
        what = f"a new message came after {len(rx.data)} of {rx.length} bytes"
        return [Failed(Reason.UNEXPECTED, False, what)]

    def _on_first(self, now_ns: int, first: First) -> list[Action]:
        if first.length > self.options.most_bytes:
            return [self._flow(now_ns, Status.OVERFLOW)]
        self._rx = _Incoming(first.length, first.frame_bytes, bytearray(first.data))
        self._rx.due_ns = now_ns + self.options.timeout_ns
        return [Began(first.length), self._flow(now_ns, Status.GO_ON)]

    def _flow(self, now_ns: int, status: Status) -> Send:
        frame = pdu.make_flow_control(status, self.options.block_size, self.options.st_min)
        return self._hand(now_ns, frame, _Kind.FLOW)

    def _on_consecutive(self, now_ns: int, said: Consecutive) -> list[Action]:
        rx = self._rx
        if rx is None:
            return []
        if said.number != rx.number:
            self._rx = None
            what = f"frame {said.number} came in the place of {rx.number} after {len(rx.data)} of {rx.length} bytes"
            return [Failed(Reason.WRONG_SN, False, what)]
        wanted = rx.length - len(rx.data)
        if len(said.data) < min(wanted, rx.frame_bytes - 1):
            return []  # shorter than the first frame said, and not the last
        rx.data += said.data[:wanted]
        rx.number, rx.in_block, rx.due_ns = (rx.number + 1) & 0xF, rx.in_block + 1, now_ns + self.options.timeout_ns
        if len(rx.data) >= rx.length:
            self._rx = None
            return [Received(bytes(rx.data))]
        if self.options.block_size and rx.in_block == self.options.block_size:
            rx.in_block = 0
            return [self._flow(now_ns, Status.GO_ON)]
        return []

    # Time -----------------------------------------------------------------------------------------------------------

    def advance(self, now_ns: int) -> list[Action]:
        """Time has passed: send what is due, give up what took too long."""
        actions: list[Action] = []
        if self._handed and now_ns >= self._handed[0][2]:
            actions += self._never_sent()
        tx, rx = self._tx, self._rx
        if tx.phase is _Phase.GAP and now_ns >= tx.due_ns:
            actions += self._next(now_ns)
        elif tx.phase is _Phase.FLOW and now_ns >= tx.due_ns:
            what = (
                f"no flow control within {self.options.timeout_ns // 1_000_000} ms after {min(tx.done, len(tx.data))}"
            )
            actions += self._give_up(Reason.TIMEOUT_BS, f"{what} of {len(tx.data)} bytes")
        if rx is not None and now_ns >= rx.due_ns:
            self._rx = None
            what = f"no consecutive frame within {self._shown_timeout} after {len(rx.data)} of {rx.length} bytes"
            actions.append(Failed(Reason.TIMEOUT_CR, False, what))
        return actions

    @property
    def _shown_timeout(self) -> str:
        return f"{self.options.timeout_ns // 1_000_000} ms"

    def _never_sent(self) -> list[Action]:
        """What was handed over was not on the wire in time: all that waits is given up."""
        kinds = [kind for _, kind, _ in self._handed]
        self._handed.clear()
        what = f"a frame was not on the wire within {self._shown_timeout}"
        actions: list[Action] = []
        if _Kind.FLOW in kinds and self._rx is not None:
            self._rx = None
            actions.append(Failed(Reason.TIMEOUT_A, False, what))
        if any(kind is not _Kind.FLOW for kind in kinds) and self.is_sending:
            actions += self._give_up(Reason.TIMEOUT_A, what)
        return actions
