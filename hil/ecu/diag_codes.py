"""The ECU's memory of trouble codes as the services of diagnosis want it: bytes of snapshots and counters.

A snapshot holds the time of the failure (identifier 0203, ms since the ECU's clock began), the odometer (0200, km) and
the supply (0201, mV); extended data hold two bytes: how often the fault came, and how many cycles it has aged.
"""

from __future__ import annotations

from typing import Any, Final

from hil.ecu.dtc import ALL_GROUPS, AVAILABLE_MASK, DtcMemory

_GROUP: Final = 0xC00000


class MemoryCodes:
    """The memory of the ECU.

    Args:
        memory: what keeps the codes.
    """

    availability = AVAILABLE_MASK

    def __init__(self, memory: DtcMemory) -> None:
        self._memory = memory
        self.report, self.supported, self.control = memory.report, memory.supported, memory.control

    def knows(self, group: int) -> bool:
        """Whether there is such a group or code."""
        return any(group in (ALL_GROUPS, code, code & _GROUP) for code, _ in self._memory.supported())

    def clear(self, group: int) -> bool:
        """Clear a group or one code."""
        return self._memory.clear(group)

    def snapshot(self, code: int) -> bytes | None:
        """What was frozen at the first failure."""
        found = self._memory.snapshot(code)
        if found is None:
            return None
        rows = (
            (0x0203, _whole(found, "t_ns", 1e-6), 4),
            (0x0200, _whole(found, "odometer_km", 1), 4),
            (0x0201, _whole(found, "voltage_V", 1000), 2),
        )
        return bytes([len(rows)]) + b"".join(did.to_bytes(2, "big") + n.to_bytes(size, "big") for did, n, size in rows)

    def extended(self, code: int) -> bytes | None:
        """Counters."""
        counters = self._memory.counters(code)
        return None if counters is None else bytes(min(number, 0xFF) for number in counters)


def _whole(values: dict[str, Any], key: str, factor: float) -> int:
    return max(0, int(values.get(key, 0) * factor))
