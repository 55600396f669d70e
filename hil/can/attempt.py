"""One attempt to send where something is wrong, bit by bit: collisions, disturbed bits, nobody who acknowledges. Pure.

Each node is a generator that gives the level it drives and is sent the level it sees; the bus is dominant where any of
them is. They follow ISO 11898-1:2015 (the same in all that concerns classic frames: Bosch, CAN Specification 2.0,
part B, 1991): error flags, their superposition, delimiters, overload flags, acknowledgement, when a frame is valid,
and what the error counters get. So the length of an error frame, who counts what and who has the frame after all
aren't assumed but come out.

Where it is simpler than real controllers:
- all nodes step bit by bit together. Once an error flag is on the bus all of them are back at the nominal rate, whereas
  real receivers of a fast data phase would first see some of it at the data rate: the superposed flags of an error in
  the data phase may come out up to five nominal bits longer than there;
- a node sees wrong levels until the first error is detected, never in error frames. So nobody detects a bit error in
  its own error flag (rules 4 and 5 of fault confinement) or more dominant bits behind it than others' flags (rule 6);
- a recessive reserved bit of an FD frame is a form error; no node goes into the protocol exception state.

Not for: frames with which all is well, which take `hil.can.bits.frame_length`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

from hil.can.bits import DLC, INTERMISSION_BITS
from hil.can.bitstream import CRC15, FrameBits, crc_for, fixed_stuffing, frame_stream, stuff_count
from hil.can.frames import BRS, ESI, EXTENDED, FD, REMOTE

DOMINANT: Final = 0
RECESSIVE: Final = 1
_FLAG_BITS: Final = 6
_DELIMITER_BITS: Final = 8
_END_OF_FRAME_BITS: Final = 7
_LENGTHS: Final = {code: length for length, code in DLC.items()}

Sendable = tuple[int, bytes, int]
"""Identifier, payload, flags."""
_Steps = Generator[int, int, None]
_Reading = Generator[int, int, int]


class Kind(Enum):
    """What a node found wrong."""

    BIT_DOMINANT = "it couldn't send a dominant bit"
    BIT_RECESSIVE = "it couldn't send a recessive bit"
    STUFF = "six equal bits"
    FORM = "a fixed bit is wrong"
    CRC = "the CRC is wrong"
    ACK = "nobody acknowledged"


class Field(IntEnum):
    """Where in the frame; the numbers are SocketCAN's (`CAN_ERR_PROT_LOC_*`)."""

    ID28_21 = 0x02
    SOF = 0x03
    SRTR = 0x04
    IDE = 0x05
    ID20_18 = 0x06
    ID17_13 = 0x07
    CRC_SEQ = 0x08
    RES0 = 0x09
    DATA = 0x0A
    DLC = 0x0B
    RTR = 0x0C
    RES1 = 0x0D
    ID04_00 = 0x0E
    ID12_05 = 0x0F
    INTERM = 0x12
    CRC_DEL = 0x18
    ACK = 0x19
    EOF = 0x1A
    ACK_DEL = 0x1B


@dataclass(frozen=True, slots=True)
class Fault:
    """The first error that a node detected in an attempt.

    Attributes:
        kind: what was wrong.
        field: where.
        sending: whether the node was sending then.
    """

    kind: Kind
    field: Field
    sending: bool


class Seat(NamedTuple):
    """A node that takes part.

    Attributes:
        frame: what it sends; None if it only listens.
        passive: whether it is error-passive at the start: the flag of the error that makes it so is still active.
        flips: bits, counted from the start of frame, whose level it sees wrong.
    """

    frame: Sendable | None = None
    passive: bool = False
    flips: tuple[int, ...] = ()


class Result(NamedTuple):
    """What an attempt was for one node.

    Attributes:
        sent: whether its frame got through.
        received: what it received, if anything.
        fault: the first error that it detected.
        tec: what errors added to its transmit error counter.
        rec: what errors added to its receive error counter.
        late_bits: how much later than the first it was ready again: an error-passive node that was alone with its
            error waits for the end of the others' frame.
    """

    sent: bool
    received: Sendable | None
    fault: Fault | None
    tec: int
    rec: int
    late_bits: int


class Outcome(NamedTuple):
    """An attempt from its start of frame until the bus was free again: bits at either rate, results seat by seat."""

    length: tuple[int, int]
    results: tuple[Result, ...]


class _DetectedError(Exception):
    """A node detected an error at the bit that it has just seen."""

    def __init__(self, kind: Kind, *, counts: bool = True) -> None:
        super().__init__(kind)
        self.kind, self.counts = kind, counts


class _OverloadError(Exception):
    """A dominant bit where a node answers with an overload flag: the frame before it stays valid."""


@lru_cache(maxsize=1024)
def attempt(seats: tuple[Seat, ...], *, fd: bool) -> Outcome:
    """What happens when all that send begin in one bit, until the bus is free.

    Args:
        seats: the nodes that are on the bus.
        fd: whether they know CAN FD.
    """
    nodes = [_Node(seat, fd) for seat in seats]
    drives = [next(node.steps) for node in nodes]
    nominal = fast = 0
    while not all(node.idle for node in nodes):
        level, number = min(drives), nominal + fast
        disturbed = not any(node.fault for node in nodes)
        if any(node.fast for node in nodes):
            fast += 1
        else:
            nominal += 1
        for place, node in enumerate(nodes):
            wrong = disturbed and number in node.seat.flips
            drives[place] = node.steps.send(1 - level if wrong else level)
            node.idle_from = (node.idle_from or number + 1) if node.idle else 0
    free = min(node.idle_from for node in nodes)
    late = nominal + fast - free
    return Outcome((nominal - late, fast), tuple(node.result(free) for node in nodes))


class _Node:
    """A node as a generator of levels. `idle`: it would let others begin."""

    def __init__(self, seat: Seat, fd: bool) -> None:
        self.seat, self._knows_fd = seat, fd
        self.idle = seat.frame is None
        self.idle_from = 0
        self.fast = self._sending = False
        self.fault: Fault | None = None
        self._sent = False
        self._received: Sendable | None = None
        self._tec = self._rec = 0
        self._field = Field.SOF
        self._begin()
        self.steps = self._live()

    def result(self, free_bit: int) -> Result:
        """What the attempt was for this node."""
        late = self.idle_from - free_bit
        return Result(self._sent, self._received, self.fault, self._tec, self._rec, late)

    def _live(self) -> _Steps:
        frame = self.seat.frame
        doing = self._wait() if frame is None else self._transmit(frame_stream(*frame))
        while True:
            try:
                yield from doing
                doing = self._wait_for_bus()
            except _DetectedError as error:
                doing = self._signal(error)
            except _OverloadError:
                doing = self._flag_overload()

    def _wait(self) -> _Steps:
        """Bus idle; a dominant bit is a start of frame."""
        self.idle = True
        while (yield RECESSIVE) == RECESSIVE:
            pass
        self.idle = False
        yield from self._receive()

    def _wait_for_bus(self) -> _Steps:
        """Intermission, then idle. A dominant third bit of the intermission is a start of frame."""
        self._sending, self._field = False, Field.INTERM
        for number in range(INTERMISSION_BITS):
            if (yield RECESSIVE) == DOMINANT:
                if number < INTERMISSION_BITS - 1:
                    raise _OverloadError
                yield from self._receive()
                return
        yield from self._wait()

    # Sending ---------------------------------------------------------------------------------------------------------

    def _transmit(self, frame: FrameBits) -> _Steps:
        """Send and watch; beside it read as a receiver, since whoever loses the arbitration goes on as one."""
        self._sending = True
        reader = self._receive()
        next(reader)
        for number, level in enumerate(frame.levels):
            self.fast = number in frame.fast
            seen = yield level
            if seen != level:
                self._judge(frame, number, level)
                self._sending = False
                yield from _go_on(reader, seen)
                return
            if number:
                reader.send(seen)
        yield from self._finish()

    def _judge(self, frame: FrameBits, number: int, level: int) -> None:
        """A bit was seen otherwise than sent. A recessive one in the arbitration field only loses the arbitration."""
        self.fast = False
        if level == DOMINANT:
            raise _DetectedError(Kind.BIT_DOMINANT)
        if number >= frame.arbitration:
            raise _DetectedError(Kind.BIT_RECESSIVE)
        if number in frame.stuffed:  # rule 3, second exception
            raise _DetectedError(Kind.STUFF, counts=False)

    def _finish(self) -> _Steps:
        """What follows the CRC delimiter, as the transmitter sees it."""
        self.fast, self._field = False, Field.ACK
        if (yield RECESSIVE) == RECESSIVE:
            raise _DetectedError(Kind.ACK)
        self._field = Field.ACK_DEL
        for _ in range(1 + _END_OF_FRAME_BITS):
            if (yield RECESSIVE) == DOMINANT:
                raise _DetectedError(Kind.BIT_RECESSIVE)
            self._field = Field.EOF
        self._sent = True

    # Receiving -------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """The start of frame has been seen."""
        self._last, self._run = DOMINANT, 1
        self._levels, self._bits = [DOMINANT], [DOMINANT]

    def _receive(self) -> _Steps:
        """From the identifier on."""
        self._begin()
        can_id = (yield from self._number(Field.ID28_21, 8)) << 3
        can_id |= yield from self._number(Field.ID20_18, 3)
        remote = yield from self._number(Field.SRTR, 1)
        extended = yield from self._number(Field.IDE, 1)
        if extended:
            can_id = can_id << 5 | (yield from self._number(Field.ID17_13, 5))
            can_id = can_id << 8 | (yield from self._number(Field.ID12_05, 8))
            can_id = can_id << 5 | (yield from self._number(Field.ID04_00, 5))
            remote = yield from self._number(Field.RTR, 1)
        is_fd = yield from self._number(Field.RES1 if extended else Field.RES0, 1)
        flags = EXTENDED if extended else 0
        if is_fd and self._knows_fd:
            yield from self._receive_fd(can_id, flags | FD)
        else:
            if extended:
                yield from self._number(Field.RES0, 1)
            yield from self._receive_classic(can_id, flags | (REMOTE if remote else 0))

    def _receive_classic(self, can_id: int, flags: int) -> _Steps:
        length = min((yield from self._number(Field.DLC, 4)), 8)
        data = yield from self._data(0 if flags & REMOTE else length)
        expected = CRC15.of(self._bits)
        correct = (yield from self._number(Field.CRC_SEQ, 15)) == expected
        if self._run == 5:
            yield from self._stuff_bit()
        yield from self._end((can_id, bytes(length) if flags & REMOTE else data, flags), correct)

    def _receive_fd(self, can_id: int, flags: int) -> _Steps:
        if (yield from self._number(Field.RES0, 1)):
            raise _DetectedError(Kind.FORM)
        flags |= BRS if (yield from self._number(Field.RES0, 1)) else 0
        flags |= ESI if (yield from self._number(Field.RES0, 1)) else 0
        length = _LENGTHS[(yield from self._number(Field.DLC, 4))]
        data = yield from self._data(length)
        correct = yield from self._crc_field(length)
        yield from self._end((can_id, data, flags), bool(correct))

    def _crc_field(self, length: int) -> _Reading:
        """Stuff count and CRC of an FD frame; 1 if both are right. A wrong fixed stuff bit is a form error."""
        self._field = Field.CRC_SEQ
        last, correct = self._levels[-1], 1
        count = stuff_count(len(self._levels) - len(self._bits))
        for number, expected in enumerate(fixed_stuffing(self._levels, count, crc_for(FD, length))):
            level = yield RECESSIVE
            if number % 5 == 0 and level == last:
                raise _DetectedError(Kind.FORM)
            if number % 5 and level != expected:
                correct = 0
            last = level
        return correct

    def _end(self, frame: Sendable, correct: bool) -> _Steps:
        """From the CRC delimiter on. A frame is valid when nothing is wrong up to the last but one bit of its end."""
        self._field = Field.CRC_DEL
        if (yield RECESSIVE) == DOMINANT:
            raise _DetectedError(Kind.FORM)
        self._field = Field.ACK
        yield DOMINANT if correct else RECESSIVE
        self._field = Field.ACK_DEL
        if (yield RECESSIVE) == DOMINANT:
            raise _DetectedError(Kind.FORM)
        if not correct:
            raise _DetectedError(Kind.CRC)
        self._field = Field.EOF
        for _ in range(_END_OF_FRAME_BITS - 1):
            if (yield RECESSIVE) == DOMINANT:
                raise _DetectedError(Kind.FORM)
        self._received = frame
        if (yield RECESSIVE) == DOMINANT:
            raise _OverloadError

    def _number(self, field: Field, width: int) -> _Reading:
        value = 0
        for _ in range(width):
            self._field = field
            if self._run == 5:
                yield from self._stuff_bit()
            level = yield RECESSIVE
            self._run = self._run + 1 if level == self._last else 1
            self._last = level
            self._levels.append(level)
            self._bits.append(level)
            value = value << 1 | level
        return value

    def _stuff_bit(self) -> _Steps:
        level = yield RECESSIVE
        if level == self._last:
            raise _DetectedError(Kind.STUFF)
        self._last, self._run = level, 1
        self._levels.append(level)

    def _data(self, length: int) -> Generator[int, int, bytes]:
        data = bytearray()
        for _ in range(length):
            data.append((yield from self._number(Field.DATA, 8)))
        return bytes(data)

    # Errors ----------------------------------------------------------------------------------------------------------

    def _signal(self, error: _DetectedError) -> _Steps:
        """Error flag and delimiter; the numbers are those of the rules of fault confinement."""
        self.fault = self.fault or Fault(error.kind, self._field, self._sending)
        self._rec += 0 if self._sending else 1  # rule 1
        seen_dominant = yield from self._passive_flag() if self.seat.passive else _active_flag()
        forgiven = error.kind is Kind.ACK and self.seat.passive and not seen_dominant  # rule 3, first exception
        self._tec += 8 if self._sending and error.counts and not forgiven else 0  # rule 3
        level = yield RECESSIVE
        self._rec += 8 if level == DOMINANT and not self._sending else 0  # rule 2
        yield from _delimiter(level)

    def _passive_flag(self) -> _Reading:
        """Recessive until six equal bits in a row have been seen; returns whether a dominant one was among all."""
        last, run, seen_dominant = RECESSIVE, 0, 0
        while run < _FLAG_BITS:
            level = yield RECESSIVE
            run = run + 1 if level == last else 1
            last = level
            seen_dominant |= 1 - level
        return seen_dominant

    def _flag_overload(self) -> _Steps:
        yield from _active_flag()
        yield from _delimiter((yield RECESSIVE))


def _go_on(reader: _Steps, seen: int) -> _Steps:
    """Go on with a reader that still has to be told of a bit."""
    with contextlib.suppress(StopIteration):
        while True:
            seen = yield reader.send(seen)


def _active_flag() -> _Reading:
    for _ in range(_FLAG_BITS):
        yield DOMINANT
    return 1


def _delimiter(level: int) -> _Steps:
    """The rest of an error or overload delimiter; `level` is the first bit after the flag."""
    while level == DOMINANT:
        level = yield RECESSIVE
    for number in range(1, _DELIMITER_BITS):
        if (yield RECESSIVE) == DOMINANT:
            if number == _DELIMITER_BITS - 1:
                raise _OverloadError
            raise _DetectedError(Kind.FORM)


__all__ = ["Fault", "Field", "Kind", "Outcome", "Result", "Seat", "Sendable", "attempt"]
