"""The UDS server of the virtual ECU (ISO 14229-1): sessions, time, which answer leaves and which doesn't.

Rules of this module: the order of checks is that of ISO 14229-1, figures 5 to 7 and annex A (from memory): service
known, service in this session, subfunction there at all, known, in this session, length; what a service checks itself
stands in `hil.ecu.diag_services`. A functional request gets no negative answer 11, 12, 31, 7E or 7F. Positive answers
that the request suppresses are suppressed, unless 0x78 was sent before. While one request is being worked on another is
answered with 0x21.

Times: an answer within P2 (50 ms), else 0x78 and again at 0.6 of P2* (5 s); S3 (5 s) from the end of an answer on the
wire, or from the end of a request that gets none.

Not for: frames (`hil.ecu.diag_app`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

from hil.clock import Clock, Timer

P2_NS: Final = 50_000_000
P2_STAR_NS: Final = 5_000_000_000
S3_NS: Final = 5_000_000_000
_PENDING_AFTER_NS: Final = 30_000_000
_PENDING_AGAIN_NS: Final = P2_STAR_NS * 6 // 10
_WORK_NS: Final = (2_000_000, 9_000_000)
"""From a request to its answer, least and most, where nothing has to be waited for."""
_LATE_DEFECT_NS: Final = 130_000_000
_SUPPRESS: Final = 0x80
_STAY: Final = b"\x3e\x80"
_GENERAL_REJECT: Final = 0x10


class Nrc(IntEnum):
    """Negative response codes that this ECU gives."""

    SERVICE = 0x11
    SUBFUNCTION = 0x12
    LENGTH = 0x13
    BUSY = 0x21
    CONDITIONS = 0x22
    SEQUENCE = 0x24
    RANGE = 0x31
    SECURITY = 0x33
    KEY = 0x35
    ATTEMPTS = 0x36
    DELAY = 0x37
    PENDING = 0x78
    SUBFUNCTION_IN_SESSION = 0x7E
    SERVICE_IN_SESSION = 0x7F


_QUIET: Final = (Nrc.SERVICE, Nrc.SUBFUNCTION, Nrc.RANGE, Nrc.SUBFUNCTION_IN_SESSION, Nrc.SERVICE_IN_SESSION)


class Session(IntEnum):
    """Diagnostic sessions."""

    DEFAULT = 1
    PROGRAMMING = 2
    EXTENDED = 3


ANY: Final = frozenset(Session)
UNLOCKED: Final = frozenset({Session.PROGRAMMING, Session.EXTENDED})
NORMAL: Final = frozenset({Session.DEFAULT, Session.EXTENDED})


class Refusal(Exception):
    """A negative answer."""

    def __init__(self, nrc: Nrc) -> None:
        super().__init__(nrc)
        self.nrc = nrc


Reply = bytes | Refusal
"""The data of a positive answer (without service and subfunction), or a refusal."""
Done = Callable[[Reply], None]


@dataclass(frozen=True, slots=True)
class Slow:
    """An answer that takes time: `begin` starts the work, and calls what it is given with the answer."""

    begin: Callable[[Done], object]


@dataclass(frozen=True, slots=True)
class Service:
    """One service.

    Attributes:
        serve: the work: what follows service and subfunction -> answer.
        sessions: where it may be used.
        subfunctions: subfunction -> sessions; None: it has none.
        length: of the whole request, where there is only one.
    """

    serve: Callable[[int, bytes], bytes | Slow]
    sessions: frozenset[Session] = ANY
    subfunctions: Mapping[int, frozenset[Session]] | None = None
    length: int | None = None


class Random(Protocol):
    """Where processing times come from."""

    def random(self) -> float:
        """From 0 up to 1."""


class UdsServer:
    """One server.

    Args:
        clock: the time that the ECU lives in.
        rng: its randomness.
        respond: sends an answer; `on_sent` has to be called when it is on the wire.
        on_session: called when the session changed, with the new one.
        defects: defects that are switched on.
    """

    def __init__(
        self,
        clock: Clock,
        rng: Random,
        respond: Callable[[bytes], object],
        on_session: Callable[[Session], object],
        defects: frozenset[str] = frozenset(),
    ) -> None:
        self._clock, self._rng, self._respond, self._on_session = clock, rng, respond, on_session
        self._defects = defects
        self.services: dict[int, Service] = {}
        self._timers: dict[str, Timer] = {}
        self._forget()

    def _forget(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self.session = Session.DEFAULT
        self._request: bytes | None = None
        self._is_functional = self._is_pending = False
        self._to_confirm = 0
        self._then: Callable[[], object] | None = None
        self._life = object()

    def stop(self) -> None:
        """The power went."""
        self._forget()

    def _set(self, name: str, delay_ns: int, callback: Callable[[object], object], argument: object = None) -> None:
        self._unset(name)
        self._timers[name] = self._clock.call_in(delay_ns, callback, argument)

    def _unset(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    # Requests -------------------------------------------------------------------------------------------------------

    def on_began(self) -> None:
        """A request begins to come: the session doesn't end before it is answered."""
        self._unset("S3")

    def on_broken(self) -> None:
        """What began to come broke off."""
        if self._request is None and not self._to_confirm:
            self._answered()

    def on_request(self, data: bytes, functional: bool) -> None:
        """A request came."""
        if data == _STAY:
            self._stay()
            return
        if self._request is not None:
            if not functional:
                self._respond(bytes([0x7F, data[0], Nrc.BUSY]))
                self._to_confirm += 1
            return
        self._unset("S3")
        self._request, self._is_functional, self._is_pending = data, functional, False
        least_ns, most_ns = _WORK_NS
        work_ns = least_ns + int((most_ns - least_ns) * self._rng.random())
        if data[0] == 0x3E and "tester_present_late" in self._defects:
            work_ns = _LATE_DEFECT_NS
        self._set("work", work_ns, self._work)

    def _stay(self) -> None:
        """Tester present without an answer takes no turn: it only begins S3 anew."""
        is_idle = self._request is None and not self._to_confirm
        if is_idle and "tester_present_unheard" not in self._defects:
            self._answered()

    def _work(self, _: object) -> None:
        assert self._request is not None
        try:
            result = self._serve(self._request)
        except Refusal as refusal:
            self._finish(refusal)
            return
        if isinstance(result, bytes):
            self._finish(result)
            return
        life = self._life
        self._set("pending", _PENDING_AFTER_NS, self._pend)
        result.begin(lambda reply: self._finish(reply) if life is self._life else None)

    def _serve(self, data: bytes) -> bytes | Slow:
        service = self.services.get(data[0])
        if service is None:
            raise Refusal(Nrc.SERVICE)
        if self.session not in service.sessions:
            raise Refusal(Nrc.SERVICE_IN_SESSION)
        subfunction = 0
        if service.subfunctions is not None:
            subfunction = self._subfunction(data, service.subfunctions)
        if service.length is not None and len(data) != service.length:
            raise Refusal(Nrc.LENGTH)
        return service.serve(subfunction, data[1 if service.subfunctions is None else 2 :])

    def _subfunction(self, data: bytes, known: Mapping[int, frozenset[Session]]) -> int:
        if len(data) < 2:
            raise Refusal(Nrc.LENGTH)
        subfunction = data[1] & ~_SUPPRESS
        if subfunction not in known:
            raise Refusal(Nrc.SUBFUNCTION)
        if self.session not in known[subfunction]:
            raise Refusal(Nrc.SUBFUNCTION_IN_SESSION)
        return subfunction

    def _pend(self, _: object) -> None:
        assert self._request is not None
        self._is_pending = True
        self._send(bytes([0x7F, self._request[0], Nrc.PENDING]))
        self._set("pending", _PENDING_AGAIN_NS, self._pend)

    # Answers --------------------------------------------------------------------------------------------------------

    def after_answer(self, then: Callable[[], object]) -> None:
        """Have something done when the answer to the present request is on the wire."""
        self._then = then

    def _finish(self, reply: Reply) -> None:
        assert self._request is not None
        self._unset("pending")
        answer = self._answer(self._request, reply)
        self._request = None
        if answer:
            self._send(answer)
        else:
            self._answered()

    def _answer(self, request: bytes, reply: Reply) -> bytes:
        """What is sent; nothing if the answer stays away."""
        if isinstance(reply, Refusal):
            is_quiet = self._is_functional and reply.nrc in _QUIET and not self._is_pending
            if is_quiet and "answers_functional_with_refusal" not in self._defects:
                return b""
            general = "refusals_all_alike" in self._defects
            return bytes([0x7F, request[0], _GENERAL_REJECT if general else reply.nrc])
        if self.services[request[0]].subfunctions is None:
            return bytes([request[0] + 0x40]) + reply
        if request[1] & _SUPPRESS and not self._is_pending:
            return b""
        return bytes([request[0] + 0x40, request[1] & ~_SUPPRESS]) + reply

    def _send(self, answer: bytes) -> None:
        self._to_confirm += 1
        self._respond(answer)

    def on_sent(self) -> None:
        """An answer is on the wire, or was given up."""
        self._to_confirm = max(0, self._to_confirm - 1)
        if self._request is None and not self._to_confirm:
            self._answered()

    def _answered(self) -> None:
        """The present request is done with."""
        then, self._then = self._then, None
        if self.session is not Session.DEFAULT and "session_never_expires" not in self._defects:
            self._set("S3", S3_NS, self._expire)
        if then is not None:
            then()

    # Sessions -------------------------------------------------------------------------------------------------------

    def enter(self, session: Session) -> None:
        """Change the session, or begin the same one anew."""
        self.session = session
        self._on_session(session)

    def _expire(self, _: object) -> None:
        self._timers.pop("S3", None)
        self.enter(Session.DEFAULT)
