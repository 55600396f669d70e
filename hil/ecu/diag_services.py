"""The services of the virtual ECU's diagnosis, each with the checks that ISO 14229-1 gives to it alone.

Rules of this module: a service gets what follows its subfunction and gives what follows it in the answer. What a
request changes for good is answered when it is safe in the store.

What isn't there answers 0x11: flashing (31, 34, 36, 37), control of inputs and outputs (2F), reading of memory (23).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from hil.ecu.app import Platform
from hil.ecu.diag_data import RECORDS, key
from hil.ecu.diag_security import Lock
from hil.ecu.diag_server import (
    ANY,
    NORMAL,
    P2_NS,
    P2_STAR_NS,
    UNLOCKED,
    Done,
    Nrc,
    Refusal,
    Reply,
    Service,
    Session,
    Slow,
    UdsServer,
)

_SESSION_DID: Final = 0xF186
_ODOMETER_DID: Final = 0x0200
_MOST_DIDS: Final = 8
_ERASE_NS: Final = 160_000_000
"""How long the flash takes to erase the memory of trouble codes."""
_FORMAT_ISO_14229: Final = 0x01
_EVERY_RECORD: Final = 0xFF
_STANDS_BELOW_KMH: Final = 3.0
_NORMAL_MESSAGES: Final = 0x01


class TroubleCodes(Protocol):
    """The memory of trouble codes, as diagnosis needs it."""

    @property
    def availability(self) -> int:
        """The status bits that it keeps."""

    def report(self, mask: int) -> Sequence[tuple[int, int]]:
        """(code, status) of each code whose status has a bit of the mask."""

    def supported(self) -> Sequence[tuple[int, int]]:
        """(code, status) of every code that it knows."""

    def snapshot(self, code: int) -> bytes | None:
        """What was frozen when the fault came: count of identifiers, then identifier and data of each."""

    def extended(self, code: int) -> bytes | None:
        """Counters of a code."""

    def knows(self, group: int) -> bool:
        """Whether there is such a group or code."""

    def clear(self, group: int) -> bool:
        """Clear a group or one code; False: there is no such one."""

    def control(self, on: bool) -> None:
        """Whether faults are stored."""


class Services:
    """What the services work on.

    Args:
        platform: what the ECU stands on.
        codes: its memory of trouble codes.
        server: what decides which answer leaves.
        lock: security access.
        odometer_km: reads the odometer.
    """

    def __init__(
        self,
        platform: Platform,
        codes: TroubleCodes,
        server: UdsServer,
        lock: Lock,
        odometer_km: Callable[[], float],
    ) -> None:
        self._platform, self._codes, self._server, self._lock = platform, codes, server, lock
        self._odometer_km = odometer_km
        server.services |= {
            0x10: Service(self._session, ANY, {1: ANY, 2: UNLOCKED, 3: NORMAL}, 2),
            0x11: Service(self._reset, ANY, {1: ANY, 3: ANY}, 2),
            0x14: Service(self._clear, NORMAL, None, 4),
            0x19: Service(self._report, NORMAL, dict.fromkeys((0x01, 0x02, 0x04, 0x06, 0x0A), NORMAL)),
            0x22: Service(self._read),
            0x27: Service(self._security, UNLOCKED, {1: UNLOCKED, 2: UNLOCKED}),
            0x28: Service(self._communication, UNLOCKED, dict.fromkeys(range(4), UNLOCKED), 3),
            0x2E: Service(self._write, UNLOCKED),
            0x3E: Service(lambda subfunction, data: b"", ANY, {0: ANY}, 2),
            0x85: Service(self._setting, UNLOCKED, {1: UNLOCKED, 2: UNLOCKED}),
        }

    def _check_stands(self) -> None:
        raw = self._platform.com.raw("ESC_Speed", "VehicleSpeed")
        if "reset_while_driving" in self._platform.defects:
            return
        if raw is not None and raw != 0xFFFF and raw / 100 > _STANDS_BELOW_KMH:
            raise Refusal(Nrc.CONDITIONS)

    # Sessions, reset, communication ---------------------------------------------------------------------------------

    def _session(self, subfunction: int, _: bytes) -> bytes:
        session = Session(subfunction)
        if session is Session.PROGRAMMING:
            self._check_stands()
        self._server.enter(session)
        return (P2_NS // 1_000_000).to_bytes(2, "big") + (P2_STAR_NS // 10_000_000).to_bytes(2, "big")

    def _reset(self, subfunction: int, _: bytes) -> bytes:
        self._check_stands()
        if "reset_is_ignored" not in self._platform.defects:
            self._server.after_answer(lambda: self._platform.store.flush(lambda: self._platform.reboot("software")))
        return b""

    def _communication(self, subfunction: int, data: bytes) -> bytes:
        if data[0] != _NORMAL_MESSAGES:
            raise Refusal(Nrc.RANGE)
        self._platform.com.allow(rx=subfunction in (0, 1), tx=subfunction in (0, 2))
        return b""

    def _setting(self, subfunction: int, data: bytes) -> bytes:
        if data not in (b"", b"\xff\xff\xff"):
            raise Refusal(Nrc.LENGTH if len(data) != 3 else Nrc.RANGE)
        self._codes.control(subfunction == 1)
        return b""

    # Trouble codes --------------------------------------------------------------------------------------------------

    def _clear(self, _: int, data: bytes) -> Slow:
        group = int.from_bytes(data, "big")
        if not self._codes.knows(group):
            raise Refusal(Nrc.RANGE)
        return Slow(lambda done: self._platform.later(_ERASE_NS, self._erase, (group, done)))

    def _erase(self, what: tuple[int, Done]) -> None:
        group, done = what
        self._codes.clear(group)
        self._platform.store.flush(lambda: done(b""))

    def _report(self, subfunction: int, data: bytes) -> bytes:
        if len(data) != {0x01: 1, 0x02: 1, 0x04: 4, 0x06: 4, 0x0A: 0}[subfunction]:
            raise Refusal(Nrc.LENGTH)
        if subfunction in (0x04, 0x06):
            give = self._codes.snapshot if subfunction == 0x04 else self._codes.extended
            return self._of_one(give, int.from_bytes(data[:3], "big"), data[3])
        mask = self._codes.availability
        if subfunction == 0x0A:
            return bytes([mask]) + _listed(self._codes.supported())
        found = self._codes.report(data[0] & mask)
        if subfunction == 0x01:
            return bytes([mask, _FORMAT_ISO_14229]) + len(found).to_bytes(2, "big")
        return bytes([mask]) + _listed(found)

    def _of_one(self, give: Callable[[int], bytes | None], code: int, number: int) -> bytes:
        status = dict(self._codes.supported()).get(code)
        if status is None or number not in (1, _EVERY_RECORD):
            raise Refusal(Nrc.RANGE)
        record = give(code)
        return code.to_bytes(3, "big") + bytes([status]) + (b"\x01" + record if record else b"")

    # Data by identifier ---------------------------------------------------------------------------------------------

    def _read(self, _: int, data: bytes) -> bytes:
        if not data or len(data) % 2 or len(data) > 2 * _MOST_DIDS:
            raise Refusal(Nrc.LENGTH)
        dids = [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
        known = [did for did in dids if did in (_SESSION_DID, _ODOMETER_DID) or did in RECORDS]
        if not known:
            raise Refusal(Nrc.RANGE)
        return b"".join(did.to_bytes(2, "big") + self._value(did) for did in known)

    def _value(self, did: int) -> bytes:
        if did == _SESSION_DID:
            return bytes([self._server.session])
        if did == _ODOMETER_DID:
            return int(self._odometer_km()).to_bytes(4, "big")
        return RECORDS[did].read(self._platform)

    def _write(self, _: int, data: bytes) -> Slow:
        if len(data) < 3:
            raise Refusal(Nrc.LENGTH)
        did, value = int.from_bytes(data[:2], "big"), data[2:]
        record = RECORDS.get(did)
        if record is None or record.accepts is None:
            raise Refusal(Nrc.RANGE)
        if len(value) != record.length:
            raise Refusal(Nrc.LENGTH)
        if not self._lock.is_open and "writes_without_security" not in self._platform.defects:
            raise Refusal(Nrc.SECURITY)
        if not record.accepts(value):
            raise Refusal(Nrc.RANGE)
        self._platform.store.put(key(did), value.hex())
        return Slow(lambda done: self._platform.store.flush(lambda: done(data[:2])))

    # Security -------------------------------------------------------------------------------------------------------

    def _security(self, subfunction: int, data: bytes) -> bytes | Slow:
        if subfunction == 1:
            if data:
                raise Refusal(Nrc.LENGTH)
            if self._lock.is_shut:
                raise Refusal(Nrc.DELAY)
            return self._lock.seed()
        if len(data) != 4:
            raise Refusal(Nrc.LENGTH)
        if not self._lock.has_given_a_seed:
            raise Refusal(Nrc.SEQUENCE)
        return Slow(lambda done: self._lock.try_key(data, lambda right, often: done(_verdict(right, often))))


def _verdict(right: bool, too_often: bool) -> Reply:
    if right:
        return b""
    return Refusal(Nrc.ATTEMPTS if too_often else Nrc.KEY)


def _listed(codes: Sequence[tuple[int, int]]) -> bytes:
    return b"".join(code.to_bytes(3, "big") + bytes([status]) for code, status in codes)
