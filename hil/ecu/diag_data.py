"""What the virtual ECU lets be read and written by identifier (services 22 and 2E).

Rules of this module: each identifier is one row. Text is ASCII of fixed length, numbers are big endian. What is written
goes to the store. Identifiers F1xx have the meaning of ISO 14229-1 annex C, the others are the project's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hil.ecu.app import Platform
from hil.ecu.vin import vin

PART: Final = "68999001AA"
SERIAL: Final = "VC000001"
HARDWARE: Final = "B1"
_SOFTWARE_PART: Final = "68999101AA"
_SUPPLIER: Final = "OCB"
_MADE: Final = bytes.fromhex("20260115")
_FINGERPRINT_BYTES: Final = 9
_DIODE_V: Final = 0.7
FINGERPRINT: Final = 0xF15A
SERVICE_INTERVAL: Final = 0x0300
_INTERVALS_KM: Final = range(5_000, 50_001)


@dataclass(frozen=True, slots=True)
class Record:
    """One identifier.

    Attributes:
        read: gives its bytes.
        length: bytes, where it can be written.
        accepts: whether bytes of that length are a value; None: it can't be written.
    """

    read: Callable[[Platform], bytes]
    length: int = 0
    accepts: Callable[[bytes], bool] | None = None


def _text(text: str) -> Record:
    return Record(lambda platform: text.encode())


def _number(value: Callable[[Platform], float], length: int) -> Record:
    return Record(lambda platform: max(0, round(value(platform))).to_bytes(length, "big"))


def _stored(did: int, default: bytes, accepts: Callable[[bytes], bool]) -> Record:
    return Record(lambda platform: bytes.fromhex(platform.store.get(key(did), default.hex())), len(default), accepts)


def key(did: int) -> str:
    """Where the store keeps a written identifier."""
    return f"did.{did:04X}"


def _is_fingerprint(data: bytes) -> bool:
    """A date in BCD (year, month, day) and six bytes of the tester's own."""
    _, month, day = data[:3]
    return 0x01 <= month <= 0x12 and 0x01 <= day <= 0x31


def _is_interval(data: bytes) -> bool:
    return int.from_bytes(data, "big") in _INTERVALS_KM


def software(platform: Platform) -> str:
    """Version of the software that runs."""
    return "1.0.0" if "software_version_stale" in platform.defects else platform.life.software


def hardware(platform: Platform) -> str:
    """Number of the hardware."""
    return "A0" if "hardware_of_the_sample" in platform.defects else HARDWARE


def _millivolts(platform: Platform) -> float:
    drop_V = _DIODE_V if "supply_behind_diode" in platform.defects else 0.0
    return 1000 * (platform.wires.power.voltage_V - drop_V)


def slot(platform: Platform) -> str:
    """The slot that it runs from."""
    boot = platform.life.boot
    return "A" if boot is None else boot.slot


RECORDS: Final[dict[int, Record]] = {
    FINGERPRINT: _stored(FINGERPRINT, bytes(_FINGERPRINT_BYTES), _is_fingerprint),
    0xF187: _text(PART),
    0xF188: _text(_SOFTWARE_PART),
    0xF189: Record(lambda platform: software(platform).encode()),
    0xF18A: _text(_SUPPLIER),
    0xF18B: Record(lambda platform: _MADE),
    0xF18C: _text(SERIAL),
    0xF190: Record(lambda platform: vin(platform).encode()),
    0xF191: Record(lambda platform: hardware(platform).encode()),
    0xF193: Record(lambda platform: f"HW-{hardware(platform)}".encode()),
    0xF195: Record(lambda platform: f"SW-{software(platform)}".encode()),
    0xF197: _text("COCKPIT"),
    0x0201: _number(_millivolts, 2),
    0x0202: Record(lambda platform: slot(platform).encode()),
    SERVICE_INTERVAL: _stored(SERVICE_INTERVAL, (20_000).to_bytes(2, "big"), _is_interval),
}
"""What can be read, F186 (the active session) and 0200 (the odometer) apart, which others know."""
