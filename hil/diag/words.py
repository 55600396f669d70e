"""Diagnosis in words: what services, refusals and identifiers are called, and what the bytes of an identifier say.

Rules of this module: pure. Names of services and refusals are those of udsoncan, which is imported when the first one
is asked for, since most runs have no diagnosis.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from hil.errors import UsageError

Form = Literal["text", "number", "date", "hex"]
Value = str | int | float
SUPPRESS: Final = 0x80


@dataclass(frozen=True, slots=True)
class Identifier:
    """What is read by one identifier.

    Attributes:
        did: its 16 bits.
        name: what it is called.
        form: what the bytes are: ASCII text, a big-endian number, a date in BCD, or bytes.
        factor: what a number is multiplied with.
        unit: of the number.
    """

    did: int
    name: str
    form: Form = "hex"
    factor: float = 1.0
    unit: str = ""

    def decode(self, data: bytes) -> Value:
        """What the bytes say."""
        if self.form == "text":
            return data.decode("ascii", "replace").rstrip(" \0")
        if self.form == "number":
            number = int.from_bytes(data, "big")
            return number if self.factor == 1 else number * self.factor
        digits = data.hex()
        if self.form == "date" and len(digits) == 8:
            return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
        return digits

    def show(self, data: bytes) -> str:
        """The same for people, with the unit."""
        value = self.decode(data)
        text = f"{value:g}" if isinstance(value, float) else str(value)
        return f"{text} {self.unit}" if self.unit else text


STANDARD: Final[dict[int, Identifier]] = {
    row.did: row
    for row in (
        Identifier(0xF15A, "fingerprint"),
        Identifier(0xF186, "active session", "number"),
        Identifier(0xF187, "part number", "text"),
        Identifier(0xF188, "software number", "text"),
        Identifier(0xF189, "software version", "text"),
        Identifier(0xF18A, "supplier", "text"),
        Identifier(0xF18B, "manufacturing date", "date"),
        Identifier(0xF18C, "serial number", "text"),
        Identifier(0xF190, "VIN", "text"),
        Identifier(0xF191, "hardware number", "text"),
        Identifier(0xF193, "supplier hardware version", "text"),
        Identifier(0xF195, "supplier software version", "text"),
        Identifier(0xF197, "system name", "text"),
    )
}
"""Identifiers that ISO 14229-1 annex C names."""


def find_identifier(text: str, known: Mapping[int, Identifier]) -> Identifier:
    """The identifier called by number (`F189`, `0xF189`) or by name (`software version`).

    Raises:
        UsageError: it is neither.
    """
    wanted = text.strip()
    for identifier in known.values():
        if identifier.name.lower() == wanted.lower().replace("_", " "):
            return identifier
    if re.fullmatch(r"(0x)?[0-9a-fA-F]{4}", wanted):
        did = int(wanted, 16)
        return known.get(did) or Identifier(did, f"{did:04X}")
    names = ", ".join(identifier.name for identifier in known.values())
    raise UsageError(f"no identifier '{text}'", remedy=f"four hex digits, or one of: {names}.")


def _words(name: str) -> str:
    """`RequestOutOfRange` as `request out of range`."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[0-9]+|_", name)
    return " ".join(part if part.isupper() else part.lower() for part in parts if part != "_")


@cache
def service_name(sid: int) -> str:
    """What a service is called."""
    from udsoncan.BaseService import BaseService

    service = BaseService.from_request_id(sid)
    return _words(service.get_name()) if service is not None else f"service {sid:02X}"


@cache
def has_subfunction(sid: int) -> bool:
    """Whether the first byte behind the service is a subfunction, which can suppress the positive answer."""
    from udsoncan.BaseService import BaseService

    service = BaseService.from_request_id(sid)
    return service is not None and bool(service.use_subfunction())


@cache
def nrc_name(nrc: int) -> str:
    """`0x31 request out of range`."""
    from udsoncan.ResponseCode import ResponseCode

    name = ResponseCode.get_name(nrc)
    return f"0x{nrc:02X} {_words(name) if name else 'not known'}"


def wants_no_answer(request: bytes) -> bool:
    """Whether a request suppresses the positive answer."""
    return len(request) > 1 and bool(request[1] & SUPPRESS) and has_subfunction(request[0])


def describe(payload: bytes) -> str:
    """A request or an answer in words: `read data by identifier F1 89`."""
    if payload[0] == 0x7F and len(payload) == 3:
        return f"{service_name(payload[1])} refused: {nrc_name(payload[2])}"
    sid = payload[0] & ~0x40 if payload[0] & 0x40 and payload[0] < 0x80 else payload[0]
    sid = sid if payload[0] < 0xC0 else payload[0] - 0x40
    rest = payload[1:9].hex(" ").upper() + (" ..." if len(payload) > 9 else "")
    return f"{service_name(sid)} {rest}".rstrip()
