"""The memory of diagnostic trouble codes: status bytes after ISO 14229-1, counters, snapshots; kept in flash.

Rules of this module: a test reports passed or failed, debounced by whoever tests. A code that failed is confirmed at
once; it ages by one each operation cycle (ignition on) without a failure, and is forgotten after forty. The snapshot
is of the first failure since clear. While control is off nothing changes.

Not for: the messages of diagnosis (`hil.ecu.diag`), and what is tested (`hil.ecu.supervision`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from hil.ecu.store import Store

TEST_FAILED: Final = 0x01
FAILED_THIS_CYCLE: Final = 0x02
PENDING: Final = 0x04
CONFIRMED: Final = 0x08
NOT_COMPLETED_SINCE_CLEAR: Final = 0x10
FAILED_SINCE_CLEAR: Final = 0x20
NOT_COMPLETED_THIS_CYCLE: Final = 0x40
WARNING_REQUESTED: Final = 0x80
AVAILABLE_MASK: Final = 0xFF
ALL_GROUPS: Final = 0xFFFFFF
AGED_AFTER: Final = 40
_FRESH: Final = NOT_COMPLETED_SINCE_CLEAR | NOT_COMPLETED_THIS_CYCLE
_KEY: Final = "dtcs"


@dataclass(frozen=True, slots=True)
class DtcKind:
    """One code: three bytes, its name in the workshop, what it says."""

    code: int
    name: str
    text: str
    warns: bool = False


def _lost(code: int, name: str, who: str, warns: bool = True) -> DtcKind:
    return DtcKind(code, name, f"lost communication with {who}", warns)


DTCS: Final = (
    _lost(0xC10087, "U0100-87", "engine control"),
    _lost(0xC10187, "U0101-87", "transmission control"),
    _lost(0xC12187, "U0121-87", "stability control"),
    _lost(0xC12787, "U0127-87", "tyre pressure monitor"),
    _lost(0xC13187, "U0131-87", "power steering"),
    _lost(0xC14087, "U0140-87", "body control"),
    _lost(0xC15187, "U0151-87", "restraint control"),
    _lost(0xC11187, "U0111-87", "battery energy control"),
    _lost(0xC10487, "U0104-87", "driver assistance", warns=False),
    _lost(0xC19887, "U0198-87", "telematics", warns=False),
    DtcKind(0xC40183, "U0401-83", "invalid data received from engine control"),
    DtcKind(0xC40283, "U0402-83", "invalid data received from transmission control"),
    DtcKind(0xC41583, "U0415-83", "invalid data received from stability control", warns=True),
    DtcKind(0xC45283, "U0452-83", "invalid data received from restraint control", warns=True),
    DtcKind(0xC42283, "U0422-83", "invalid data received from body control"),
    DtcKind(0xC41529, "U0415-29", "speed not plausible"),
    DtcKind(0xC40229, "U0402-29", "gear not plausible"),
    DtcKind(0xF00316, "U3003-16", "battery voltage below threshold"),
    DtcKind(0xF00317, "U3003-17", "battery voltage above threshold", warns=True),
    DtcKind(0x9A0047, "B1A00-47", "watchdog reset"),
    DtcKind(0x9A0145, "B1A01-45", "persistent memory damaged"),
)
BY_CODE: Final = {kind.code: kind for kind in DTCS}


@dataclass(slots=True)
class Record:
    """What is known of one code."""

    status: int = _FRESH
    occurrences: int = 0
    aging: int = 0
    snapshot: dict[str, Any] | None = None


class DtcMemory:
    """The memory of one ECU.

    Args:
        store: where it is kept.
        snapshot: takes the picture of the moment: `t_ns`, `odometer_km`, `voltage_V`.
        defects: names.

    Attributes:
        on_cleared: called when codes were cleared: what still fails has to be told again.
    """

    def __init__(
        self, store: Store, snapshot: Callable[[], dict[str, Any]], defects: frozenset[str] = frozenset()
    ) -> None:
        self._store, self._take_snapshot, self._defects = store, snapshot, defects
        self._is_on = True
        self.on_cleared: list[Callable[[], object]] = []
        self._records: dict[int, Record] = {}
        self.load()

    def load(self) -> None:
        """Read it from the store, as after a boot; control is on again."""
        kept = self._store.get(_KEY, {})
        self._records = {code: Record(**kept[str(code)]) if str(code) in kept else Record() for code in BY_CODE}
        self._is_on = True

    def _save(self) -> None:
        if "dtcs_lost_on_power_cut" in self._defects:
            return
        kept = {str(code): asdict(record) for code, record in self._records.items() if record.status != _FRESH}
        self._store.put(_KEY, kept)
        self._store.flush()

    # Tests ----------------------------------------------------------------------------------------------------------

    def test(self, code: int, failed: bool) -> None:
        """A test came to a result."""
        record = self._records[code]
        if not self._is_on or (failed and "dtc_not_stored" in self._defects):
            return
        status = record.status & ~(NOT_COMPLETED_SINCE_CLEAR | NOT_COMPLETED_THIS_CYCLE)
        if failed:
            if not status & TEST_FAILED:
                record.occurrences = min(record.occurrences + 1, 255)
            record.aging = 0
            record.snapshot = record.snapshot or self._take_snapshot()
            status |= TEST_FAILED | FAILED_THIS_CYCLE | PENDING | CONFIRMED | FAILED_SINCE_CLEAR
            status |= WARNING_REQUESTED if BY_CODE[code].warns else 0
        else:
            status &= ~(TEST_FAILED | WARNING_REQUESTED)
        if status != record.status:
            record.status = status
            self._save()

    def begin_cycle(self) -> None:
        """Ignition on: a new operation cycle."""
        if not self._is_on:
            return
        for record in self._records.values():
            self._age(record)
        self._save()

    @staticmethod
    def _age(record: Record) -> None:
        status = record.status
        if not status & FAILED_THIS_CYCLE and not status & NOT_COMPLETED_THIS_CYCLE:
            status &= ~PENDING
            record.aging += bool(status & CONFIRMED)
        if record.aging >= AGED_AFTER:
            record.status, record.occurrences, record.aging, record.snapshot = _FRESH, 0, 0, None
            return
        record.status = status & ~FAILED_THIS_CYCLE | NOT_COMPLETED_THIS_CYCLE

    # What diagnosis asks --------------------------------------------------------------------------------------------

    def report(self, mask: int) -> list[tuple[int, int]]:
        """(code, status) of the codes whose status has a bit of the mask, in ascending order."""
        return [(code, record.status) for code, record in sorted(self._records.items()) if record.status & mask]

    def status(self, code: int) -> int | None:
        """The status byte of a code; None if there is no such code."""
        record = self._records.get(code)
        return None if record is None else record.status

    def supported(self) -> list[tuple[int, int]]:
        """(code, status) of all codes."""
        return [(code, record.status) for code, record in sorted(self._records.items())]

    def snapshot(self, code: int) -> dict[str, Any] | None:
        """The picture of the first failure since clear; None if there is none."""
        record = self._records.get(code)
        if record is None or record.snapshot is None:
            return None
        return self._take_snapshot() if "snapshot_of_now" in self._defects else dict(record.snapshot)

    def counters(self, code: int) -> tuple[int, int] | None:
        """(occurrences, aging) of a code; None if there is no such code."""
        record = self._records.get(code)
        return None if record is None else (record.occurrences, record.aging)

    def clear(self, group: int = ALL_GROUPS) -> bool:
        """Forget all codes, one, or a group (0xC00000: network, ...); whether there is such a group."""
        codes = [code for code in self._records if group in (ALL_GROUPS, code, code & 0xC00000)]
        if not codes:
            return False
        if "dtc_clear_ignored" in self._defects:
            return True
        for code in codes:
            self._records[code] = Record()
        self._save()
        for tell in self.on_cleared:
            tell()
        return True

    def control(self, on: bool) -> None:
        """Let codes be stored, or not (ISO 14229-1 ControlDTCSetting)."""
        self._is_on = on or "dtc_setting_ignored" in self._defects
