"""Diagnosis as a test sees it. Part of the facade.

Rules of this module: a call that demands something of the ECU is a check: what was asked, what was expected and what
was answered stand in the journal. That an answer came too late fails nothing by itself; `answers_should_be_in_time`
judges that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hil import units
from hil.bench.diagnosis import DiagEcu
from hil.bench.portal import Portal
from hil.diag.client import Answer, Late
from hil.diag.dtc import TroubleCode, parse
from hil.diag.security import key_function
from hil.diag.words import SUPPRESS, Identifier, Value, describe, find_identifier, nrc_name
from hil.errors import NotRunError, UsageError
from hil.units import Duration

SESSIONS: Final = {"default": 1, "programming": 2, "extended": 3, "safety": 4}
RESETS: Final = {"hard": 1, "key off on": 2, "soft": 3}
KEEP_ALIVE_NS: Final = 2_000_000_000
"""S3 of a client."""
_RESETTING_NS: Final = 500_000_000
"""So long after its answer to a reset an ECU may still send, or have stopped already."""
_TESTER_PRESENT: Final = b"\x3e\x80"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read by one identifier."""

    identifier: Identifier
    data: bytes

    @property
    def value(self) -> Value:
        """What the bytes say."""
        return self.identifier.decode(self.data)

    def __str__(self) -> str:
        return self.identifier.show(self.data)


class DiagFacade:
    """One ECU that can be asked.

    Args:
        portal: the way into the bench.
        ecu: the ECU.
    """

    def __init__(self, portal: Portal, ecu: DiagEcu) -> None:
        self._portal, self._ecu, self._client = portal, ecu, ecu.client

    # Any request ----------------------------------------------------------------------------------------------------

    def request(
        self, data: bytes | str, *, expect: bytes | str | int | None = None, functional: bool = False
    ) -> Answer:
        """Send bytes and check the answer.

        Args:
            data: the request, as bytes or hex digits.
            expect: how the answer begins; an int is the code of a refusal; `""` demands that none comes; without it
                the answer has to be positive.
            functional: ask all ECUs.

        Raises:
            EcuError: the answer is another one, or there is none.
        """
        return self._portal.call(self._request(_bytes(data), expect, functional))

    async def _request(self, data: bytes, expect: bytes | str | int | None = None, functional: bool = False) -> Answer:
        if not data:
            raise UsageError("an empty request", remedy="give at least the service.")
        if functional and not self._client.has_functional:
            raise UsageError(
                "has no functional identifier", where=f"diag.{self._ecu.name}", remedy="give 'functional'."
            )
        answer = await self._client.ask(data, functional=functional)
        self._ecu.late += answer.late
        self._after(answer)
        wanted, ok = _judged(answer, expect)
        self._portal.judge.check(
            name="diagnosis", target=describe(data), expected=wanted, seen=str(answer), ok=ok, t_ns=answer.t_ns,
            since_ns=answer.asked_ns, buses=(self._ecu.bus,),
        )  # fmt: skip
        return answer

    def _after(self, answer: Answer) -> None:
        """What an answer changes on the bench: P2, and what the monitors may expect."""
        if not answer.is_positive:
            return
        self._client.take_timing(answer)
        watch, sid = self._portal.wiring.traffic.watch, answer.request[0]
        if sid == 0x11:
            watch.pause("reset")
            self._portal.wiring.traffic.later(self._portal.now_ns + _RESETTING_NS, self._is_reset)
        elif sid == 0x28:
            sends = answer.request[1] & ~SUPPRESS in (0, 2)
            (watch.expect if sends else watch.pause)("communication control")
        elif sid == 0x10:
            watch.expect("communication control")

    def _is_reset(self, _: object) -> None:
        """What was on the wire when the ECU went down has come: from now on it is one that starts."""
        watch = self._portal.wiring.traffic.watch
        watch.expect("reset")
        watch.expect("communication control")

    # Sessions, reset ------------------------------------------------------------------------------------------------

    def session(self, name: str, *, keep: bool = False) -> None:
        """Change the session: `default`, `programming`, `extended`; with `keep` it is kept until another is chosen.

        Raises:
            EcuError: the ECU refuses.
        """
        self._portal.call(self._session(_one_of(name, SESSIONS, "session"), keep))

    async def _session(self, number: int, keep: bool) -> None:
        await self._request(bytes([0x10, number]))
        self._keep(keep and number != 1)

    def _keep(self, on: bool) -> None:
        token = self._ecu.keep_alive = object() if on else None
        if on:
            self._portal.wiring.traffic.later(self._portal.now_ns + KEEP_ALIVE_NS, self._present, token)

    def _present(self, token: object) -> None:
        if token is not self._ecu.keep_alive:
            return
        self._client.tell(_TESTER_PRESENT, functional=self._client.has_functional)
        self._portal.wiring.traffic.later(self._portal.now_ns + KEEP_ALIVE_NS, self._present, token)

    def reset(self, kind: str = "hard") -> None:
        """Reset the ECU: `hard`, `key off on` or `soft`. It answers, then it restarts.

        Raises:
            EcuError: it refuses.
        """
        self._portal.call(self._request(bytes([0x11, _one_of(kind, RESETS, "reset")])))

    def tester_present(self) -> Answer:
        """Ask whether it is there."""
        return self._portal.call(self._request(b"\x3e\x00"))

    def should_answer(self, *, within: Duration = "5 s") -> None:
        """Check that it answers tester present, at the latest `within` from now: after a reset.

        Raises:
            EcuError: it doesn't.
        """
        self._portal.call(self._should_answer(units.nanoseconds(within)))

    async def _should_answer(self, within_ns: int) -> None:
        since_ns = self._portal.now_ns
        while True:
            answer = await self._client.ask(b"\x3e\x00", hasty=True)
            if answer.is_positive or self._portal.now_ns - since_ns > within_ns:
                break
        self._portal.judge.check(
            name="diagnosis", target="tester present", expected="a positive answer", seen=str(answer),
            ok=answer.is_positive and answer.t_ns - since_ns <= within_ns, t_ns=answer.t_ns, since_ns=since_ns,
            within_ns=within_ns, buses=(self._ecu.bus,),
        )  # fmt: skip

    # Identifiers ----------------------------------------------------------------------------------------------------

    def read(self, identifier: str) -> Reading:
        """Read by identifier: `F189`, or by name: `software version`.

        Raises:
            EcuError: the ECU refuses, or answers something else.
            UsageError: no such name.
        """
        return self._portal.call(self._read(find_identifier(identifier, self._ecu.identifiers)))

    def read_did(self, identifier: str) -> Value:
        """The value that is read by an identifier, decoded."""
        return self.read(identifier).value

    async def _read(self, identifier: Identifier) -> Reading:
        did = identifier.did.to_bytes(2, "big")
        answer = await self._request(b"\x22" + did, b"\x62" + did)
        return Reading(identifier, answer.response[3:])

    def identifier_should_be(self, identifier: str, expected: str) -> None:
        """Check what is read by an identifier, as people write it, unit included.

        Raises:
            EcuError: it reads something else.
        """
        since_ns = self._portal.now_ns
        reading = self.read(identifier)
        self._check("identifier", reading.identifier.name, expected, str(reading), str(reading) == expected, since_ns)

    def write_did(self, identifier: str, data: bytes | str) -> None:
        """Write bytes (or hex digits) by identifier.

        Raises:
            EcuError: the ECU refuses.
        """
        did = find_identifier(identifier, self._ecu.identifiers).did.to_bytes(2, "big")
        self._portal.call(self._request(b"\x2e" + did + _bytes(data), b"\x6e" + did))

    # Trouble codes --------------------------------------------------------------------------------------------------

    def dtcs(self, mask: int = 0xFF) -> list[TroubleCode]:
        """The trouble codes whose status has a bit of the mask.

        Raises:
            EcuError: the ECU refuses, or the answer is none of whole codes.
        """
        return self._portal.call(self._dtcs(mask))

    async def _dtcs(self, mask: int) -> list[TroubleCode]:
        answer = await self._request(bytes([0x19, 0x02, mask]), b"\x59\x02")
        rows = answer.response[3:]
        if len(answer.response) < 3 or len(rows) % 4:
            seen = f"{len(answer.response)} bytes"
            self._check("trouble codes", "answer", "whole codes of 4 bytes", seen, False, answer.asked_ns)
        return [TroubleCode(int.from_bytes(rows[at : at + 3], "big"), rows[at + 3]) for at in range(0, len(rows), 4)]

    def clear_dtcs(self) -> None:
        """Clear all trouble codes.

        Raises:
            EcuError: the ECU refuses.
        """
        self._portal.call(self._request(b"\x14\xff\xff\xff"))

    def dtc_should_be_stored(self, code: str, *, mask: int = 0x08) -> None:
        """Check that a trouble code is stored: `U0100` (any failure type) or `U0100-87`.

        Args:
            code: the code.
            mask: bits of the status of which one has to be set; confirmed, if nothing is said.

        Raises:
            EcuError: it isn't.
        """
        self._check_stored(code, mask, True)

    def dtc_should_not_be_stored(self, code: str = "", *, mask: int = 0x08) -> None:
        """Check that a trouble code isn't stored; without a code, that none is.

        Raises:
            EcuError: it is.
        """
        self._check_stored(code, mask, False)

    def _check_stored(self, code: str, mask: int, expected: bool) -> None:
        wanted = parse(code) if code else None
        since_ns = self._portal.now_ns
        found = self.dtcs(mask)
        stored = any(wanted is None or wanted.fits(one.code) for one in found)
        seen = ", ".join(map(str, found)) or "none"
        text = f"{code or 'no trouble code'}{'' if expected or not code else ' not'} stored"
        self._check("trouble code", code or "all", text, seen, stored is expected, since_ns)

    # Security, time -------------------------------------------------------------------------------------------------

    def unlock(self, level: int = 1) -> None:
        """Security access: ask for a seed, work out the key with the function of the bench file, send it.

        Raises:
            EcuError: the ECU refuses.
            UsageError: the bench file names no key function.
        """
        self._portal.call(self._unlock(level))

    async def _unlock(self, level: int) -> None:
        where = f"diag.{self._ecu.name}"
        if not self._ecu.section.security:
            raise UsageError("names no key function", where=where, remedy="give security = 'module:function'.")
        answer = await self._request(bytes([0x27, level]), bytes([0x67, level]))
        seed = answer.response[2:]
        if any(seed):
            key = key_function(self._ecu.section.security, where)(level, seed)
            await self._request(bytes([0x27, level + 1]) + key)

    @property
    def late_answers(self) -> tuple[Late, ...]:
        """Breaches of P2 and P2* so far."""
        return self._ecu.late

    def answers_should_be_in_time(self) -> None:
        """Check that every answer of this case began within P2, or P2* after 0x78.

        Raises:
            EcuError: one was late.
        """
        late = self._ecu.late
        seen = f"{len(late)} late: {late[0]}" if late else "all in time"
        self._check("diagnosis time", self._ecu.name, "all in time", seen, not late, 0)

    def _check(self, name: str, target: str, expected: str, seen: str, ok: bool, since_ns: int) -> None:
        now_ns = self._portal.now_ns
        self._portal.judge.check(
            name=name, target=target, expected=expected, seen=seen, ok=ok, t_ns=now_ns, since_ns=since_ns,
            buses=(self._ecu.bus,),
        )  # fmt: skip


class DiagCalls:
    """The call for diagnosis; `portal` is given by the facade that it is part of."""

    portal: Portal

    def diag(self, name: str = "") -> DiagFacade:
        """An ECU that can be asked; without a name the only one.

        Raises:
            NotRunError: the bench has none.
            UsageError: it has several and none was named, or none of that name.
        """
        ecus = self.portal.wiring.diag
        if not ecus:
            raise NotRunError("this bench has no [diag]")
        if not name and len(ecus) == 1:
            name = next(iter(ecus))
        if name not in ecus:
            what = f"no diagnosis of '{name}' on this bench" if name else "diagnosis of which ECU?"
            raise UsageError(what, remedy=f"there is: {', '.join(ecus)}.")
        return DiagFacade(self.portal, ecus[name])


def _judged(answer: Answer, expect: bytes | str | int | None) -> tuple[str, bool]:
    """What was expected, in words, and whether it came."""
    if expect is None:
        return "a positive answer", answer.is_positive
    if isinstance(expect, int):
        return f"refused: {nrc_name(expect)}", answer.nrc == expect
    begin = _bytes(expect)
    if not begin:
        return "no answer", not answer.response and not answer.broken
    return f"answered {begin.hex(' ').upper()} ...", answer.response.startswith(begin)


def _bytes(data: bytes | str) -> bytes:
    if isinstance(data, bytes):
        return data
    try:
        return bytes.fromhex(data.replace("0x", ""))
    except ValueError:
        raise UsageError(f"'{data}' are no bytes", remedy="write them as hex digits: 22 F1 89.") from None


def _one_of(name: str, known: dict[str, int], kind: str) -> int:
    number = known.get(name.strip().lower().replace("_", " "))
    if number is None:
        raise UsageError(f"no {kind} '{name}'", remedy=f"one of {', '.join(known)}.")
    return number


__all__ = ["DiagCalls", "DiagFacade", "Reading"]
