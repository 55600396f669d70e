"""The sections of a bench file about diagnosis: `[diag.NAME]`."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from hil.bench.sections import Seconds, Section
from hil.diag.words import Identifier

Fact = Literal["part", "serial", "hardware", "software"]
"""What a bench knows of the device under test."""
_DID: Final = re.compile(r"(0x)?[0-9A-Fa-f]{4}")


def _did(text: str) -> str:
    if not _DID.fullmatch(text):
        raise ValueError("an identifier is four hex digits, as F189")
    return text


class IdentifierSection(Section):
    """`[diag.NAME.identifiers]`: what one identifier reads."""

    name: str
    form: Literal["text", "number", "date", "hex"] = "hex"
    factor: float = Field(1.0, allow_inf_nan=False)
    unit: str = ""


class DiagSection(Section):
    """`[diag.NAME]`: an ECU that can be asked by UDS over ISO-TP.

    Attributes:
        bus: the bus that it is on; the one whose database says where it answers.
        request: identifier of requests to it; of the database if not given, as the next two.
        response: identifier of its answers.
        functional: identifier of requests to all.
        extended: 29-bit identifiers.
        fd: CAN FD frames.
        frame_bytes: what a frame carries at most: 8, or up to 64 with CAN FD.
        padding: byte that fills short frames.
        p2: time for an answer.
        p2_star: time for an answer after 0x78.
        margin: what the way over the bus may take on top.
        security: key function, `module:function` or `virtual`.
        identifiers: what is read by identifier, beside those of ISO 14229-1.
    """

    bus: str = ""
    request: int | None = Field(None, ge=0, le=0x1FFFFFFF)
    response: int | None = Field(None, ge=0, le=0x1FFFFFFF)
    functional: int | None = Field(None, ge=0, le=0x1FFFFFFF)
    extended: bool = False
    fd: bool = False
    frame_bytes: Literal[8, 12, 16, 20, 24, 32, 48, 64] = 8
    padding: int = Field(0xCC, ge=0, le=0xFF)
    p2: Seconds = Field(0.05, gt=0)
    p2_star: Seconds = Field(5.0, gt=0)
    margin: Seconds = Field(0.01, ge=0)
    security: str = ""
    identifiers: dict[Annotated[str, AfterValidator(_did)], IdentifierSection] = Field({})

    def rows(self) -> dict[int, Identifier]:
        """The identifiers, by number."""
        return {
            int(did, 16): Identifier(int(did, 16), row.name, row.form, row.factor, row.unit)
            for did, row in self.identifiers.items()
        }
