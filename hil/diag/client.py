"""The UDS client: one request after the other to one ECU, in bench time.

Rules of this module: all calls in the loop's thread. P2 counts from the end of the request on the wire to the first
frame of the answer. An answer that comes too late is an answer all the same, and the lateness is kept apart
(`Answer.late`), so that a breach of time is not taken for a failure of the protocol. Each 0x78 gives P2* more, up to
`most_ns` in all. Service names and refusals come from udsoncan (`hil.diag.words`); its client isn't used, since that
reads the wall clock.

Not for: judging (`hil.bench.diag_calls`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from hil.can.frames import CanFrame
from hil.clock import Clock
from hil.diag.isotp import Failed, Options
from hil.diag.link import Address, Link, Sender
from hil.diag.words import describe, nrc_name, wants_no_answer
from hil.errors import EcuError

_MS: Final = 1_000_000
_PENDING: Final = 0x78


@dataclass(frozen=True, slots=True)
class Timing:
    """How long answers may take.

    Attributes:
        p2_ns: P2 of the server; an answer to a change of session may change it.
        p2_star_ns: P2* of the server, after 0x78.
        margin_ns: what the way over the bus may take on top.
        most_ns: how long one request may take in all.
    """

    p2_ns: int = 50 * _MS
    p2_star_ns: int = 5_000 * _MS
    margin_ns: int = 10 * _MS
    most_ns: int = 60_000 * _MS


@dataclass(frozen=True, slots=True)
class Late:
    """A breach of P2 or P2*."""

    limit: str
    allowed_ns: int
    took_ns: int

    def __str__(self) -> str:
        return f"{self.limit} is {self.allowed_ns / _MS:g} ms, the answer took {self.took_ns / _MS:.1f} ms"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request.

    Attributes:
        request: what was asked.
        response: the last answer; empty if none came.
        asked_ns: when the request had been on the wire.
        t_ns: when the answer was complete, or the wait for it ended.
        pending: how often the ECU asked for more time.
        late: breaches of time.
        broken: why the transfer broke, if it did.
    """

    request: bytes
    response: bytes
    asked_ns: int
    t_ns: int
    pending: int = 0
    late: tuple[Late, ...] = ()
    broken: str = ""

    @property
    def nrc(self) -> int | None:
        """The code of a refusal; None if it is none."""
        return self.response[2] if len(self.response) == 3 and self.response[0] == 0x7F else None

    @property
    def is_positive(self) -> bool:
        """Whether the ECU did it; no answer is as good where the request wants none."""
        if self.broken:
            return False
        return self.nrc is None and (bool(self.response) or wants_no_answer(self.request))

    def __str__(self) -> str:
        if self.broken:
            return f"broken off: {self.broken}"
        if not self.response:
            return f"no answer within {(self.t_ns - self.asked_ns) / _MS:g} ms"
        if self.nrc is not None:
            return f"refused: {nrc_name(self.nrc)}"
        return f"answered {self.response.hex(' ').upper()}"


Note = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class _Event:
    """What a link told: `sent`, `began`, `message` or `failed`."""

    kind: str
    t_ns: int
    data: bytes = b""
    what: str = ""


@dataclass(slots=True)
class _Exchange:
    """A request under way."""

    asked_ns: int
    from_ns: int
    limit: str = "P2"
    began_ns: int | None = None
    pending: int = 0
    late: list[Late] = field(default_factory=list)


class UdsClient:
    """A client of one ECU.

    Args:
        clock: bench time.
        port: the bus that it is on.
        address: identifiers of request and answer.
        functional_id: identifier of requests to all; None: there is none.
        options: ISO-TP.
        timing: how long answers may take.
        note: told of each request, answer and event, for the journal.
    """

    def __init__(
        self,
        clock: Clock,
        port: Sender,
        address: Address,
        *,
        functional_id: int | None = None,
        options: Options | None = None,
        timing: Timing | None = None,
        note: Note = lambda fields: None,
    ) -> None:
        self._clock, self._note = clock, note
        self.timing = self._first_timing = timing or Timing()
        self._events: deque[_Event] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._turn = asyncio.Lock()
        self._asking = False
        self._physical = Link(clock, port, address, self, options)
        to_all = Address(functional_id, None, address.extended, address.fd, address.brs)
        frame_bytes = (options or Options()).frame_bytes
        self._functional = Link(clock, port, to_all, _Quiet(self), Options(frame_bytes=frame_bytes, single_only=True))
        self.has_functional = functional_id is not None
        self.ids = (*self._physical.ids, *self._functional.ids)

    def on_frame(self, frame: CanFrame) -> None:
        """A frame of `ids` was on the bus."""
        self._physical.on_frame(frame)
        self._functional.on_frame(frame)

    def reset(self) -> None:
        """A new case begins."""
        self._physical.reset()
        self._functional.reset()
        self._events.clear()
        self.timing = self._first_timing

    # What the links tell --------------------------------------------------------------------------------------------

    def on_message(self, data: bytes) -> None:
        """An answer came."""
        if not self._asking:
            self._note(self._fields("unexpected", data))
        self._tell(_Event("message", self._clock.now_ns, data))

    def on_began(self, length: int) -> None:
        """A longer answer begins."""
        self._tell(_Event("began", self._clock.now_ns))

    def on_sent(self, data: bytes) -> None:
        """The request is on the wire."""
        self._tell(_Event("sent", self._clock.now_ns, data))

    def on_failed(self, failed: Failed) -> None:
        """A transfer broke."""
        self._tell(_Event("failed", self._clock.now_ns, what=f"{failed.reason}: {failed.what}"))

    def _tell(self, event: _Event) -> None:
        if not self._asking:
            return
        self._events.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _next(self, until_ns: int) -> _Event | None:
        """The next event; None if there is none until then."""
        if not self._events:
            waiter = self._waiter = self._clock.loop.create_future()
            timer = self._clock.call_at(until_ns, _wake, waiter)
            try:
                await waiter
            finally:
                timer.cancel()
                self._waiter = None
        return self._events.popleft() if self._events else None

    # Requests -------------------------------------------------------------------------------------------------------

    def tell(self, request: bytes, *, functional: bool = True) -> None:
        """Send a request whose answer nobody waits for."""
        self._note(self._fields("request", request, functional=functional))
        (self._functional if functional else self._physical).send(request)

    async def ask(self, request: bytes, *, functional: bool = False, hasty: bool = False) -> Answer:
        """Send a request and wait for its answer; `hasty`: not beyond P2, so that a late answer counts as none.

        Raises:
            UsageError: the request is empty, or doesn't fit one frame and goes to all.
            BenchError: the port is broken.
        """
        async with self._turn:
            self._events.clear()
            self._asking = True
            try:
                answer = await self._ask(request, functional, hasty)
            finally:
                self._asking = False
        self._note_answer(answer, functional)
        return answer

    async def _ask(self, request: bytes, functional: bool, hasty: bool) -> Answer:
        link = self._functional if functional else self._physical
        self._note(self._fields("request", request, functional=functional))
        link.send(request)
        sent = await self._next(self._clock.now_ns + self.timing.most_ns)
        while sent is not None and (sent.kind == "began" or (sent.kind == "sent" and sent.data != request)):
            sent = await self._next(self._clock.now_ns + self.timing.most_ns)
        now_ns = self._clock.now_ns
        if sent is None or sent.kind == "failed":
            return Answer(request, b"", now_ns, now_ns, broken=sent.what if sent else "the request was never sent")
        if sent.kind == "message":  # faster than the word that the request was sent
            self._events.appendleft(sent)
        exchange = _Exchange(now_ns, now_ns)
        return await self._await(request, exchange, quiet=hasty or functional or wants_no_answer(request))

    async def _await(self, request: bytes, exchange: _Exchange, quiet: bool) -> Answer:
        """Take what comes until the answer is there, or the time is over."""
        while True:
            event = await self._next(self._patience_ns(exchange, quiet))
            if event is None and exchange.began_ns is not None:
                continue  # a longer answer is coming; ISO-TP ends it if it breaks off
            if event is None or event.kind == "failed":
                return self._answer(request, b"", exchange, event.what if event else "")
            if event.kind == "began":
                exchange.began_ns = event.t_ns
            elif event.kind == "message" and self._take(request, event, exchange):
                return self._answer(request, event.data, exchange)

    def _patience_ns(self, exchange: _Exchange, quiet: bool) -> int:
        """Until when to wait: longer than P2, so that a late answer is told from none."""
        timing, now_ns = self.timing, self._clock.now_ns
        if exchange.began_ns is not None:
            return now_ns + timing.p2_star_ns
        if quiet and not exchange.pending:
            return exchange.from_ns + timing.p2_ns + timing.margin_ns
        patience_ns = exchange.from_ns + timing.p2_star_ns + timing.margin_ns
        return max(now_ns, min(patience_ns, exchange.asked_ns + timing.most_ns))

    def _take(self, request: bytes, event: _Event, exchange: _Exchange) -> bool:
        """Whether a message is the answer; 0x78 and messages of others are not."""
        data = event.data
        began_ns, exchange.began_ns = exchange.began_ns or event.t_ns, None
        is_refusal = len(data) == 3 and data[:2] == bytes([0x7F, request[0]])
        if not is_refusal and data[0] != request[0] + 0x40:
            self._note(self._fields("unexpected", data))
            return False
        allowed_ns = (self.timing.p2_ns if exchange.limit == "P2" else self.timing.p2_star_ns) + self.timing.margin_ns
        if began_ns - exchange.from_ns > allowed_ns:
            exchange.late.append(Late(exchange.limit, allowed_ns, began_ns - exchange.from_ns))
        if is_refusal and data[2] == _PENDING:
            exchange.pending += 1
            exchange.limit, exchange.from_ns = "P2*", event.t_ns
            self._note(self._fields("pending", data))
            return False
        return True

    def _answer(self, request: bytes, data: bytes, exchange: _Exchange, broken: str = "") -> Answer:
        now_ns = self._clock.now_ns
        return Answer(request, data, exchange.asked_ns, now_ns, exchange.pending, tuple(exchange.late), broken)

    def take_timing(self, answer: Answer) -> None:
        """P2 and P2* of a session, as its answer states them."""
        data = answer.response
        if answer.is_positive and data[:1] == b"\x50" and len(data) >= 6:
            p2_ns = int.from_bytes(data[2:4], "big") * _MS
            p2_star_ns = int.from_bytes(data[4:6], "big") * 10 * _MS
            first = self._first_timing
            self.timing = Timing(p2_ns, p2_star_ns, first.margin_ns, first.most_ns)

    # Journal --------------------------------------------------------------------------------------------------------

    @staticmethod
    def _fields(event: str, data: bytes, *, functional: bool = False, **more: Any) -> dict[str, Any]:
        text = describe(data) if data else ""
        return {"event": event, "data": data.hex(), "text": text, "functional": functional, **more}

    def _note_answer(self, answer: Answer, functional: bool) -> None:
        took_ns = answer.t_ns - answer.asked_ns
        event = "broken" if answer.broken else "response" if answer.response else "silence"
        fields = self._fields(event, answer.response, functional=functional, took_ns=took_ns, pending=answer.pending)
        fields["text"] = fields["text"] or str(answer)
        self._note(fields | ({"nrc": answer.nrc} if answer.nrc is not None else {}))
        for late in answer.late:
            self._note(self._fields("late", answer.request, took_ns=late.took_ns) | {"text": str(late)})


class _Quiet:
    """The functional connection: only that a request was sent is of interest."""

    def __init__(self, client: UdsClient) -> None:
        self._client = client

    def on_message(self, data: bytes) -> None:
        """Nobody answers here."""

    def on_began(self, length: int) -> None:
        """Nobody answers here."""

    def on_sent(self, data: bytes) -> None:
        """A request to all is on the wire."""
        if self._client._asking:
            self._client.on_sent(data)

    def on_failed(self, failed: Failed) -> None:
        """It never was."""
        self._client.on_failed(failed)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def raise_for(answer: Answer) -> Answer:
    """The answer itself if it is positive.

    Raises:
        EcuError: it isn't.
    """
    if not answer.is_positive:
        raise EcuError(f"{describe(answer.request)}: {answer}")
    return answer
