"""Trouble codes: three bytes on the wire, `U0100` or `U0100-11` for people (SAE J2012, ISO 15031-6). Pure.

The first letter and digit stand in the two highest bits each; the third byte is the failure type.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from hil.errors import UsageError

_LETTERS: Final = "PCBU"
_CODE: Final = re.compile(r"([PCBU])([0-3])([0-9A-F]{3})(?:-?([0-9A-F]{2}))?", re.IGNORECASE)
_BITS: Final = (
    "test failed", "test failed this cycle", "pending", "confirmed", "not tested since clear",
    "failed since clear", "not tested this cycle", "warning lamp",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TroubleCode:
    """A code with its status, as an ECU reports it."""

    code: int
    status: int

    @property
    def name(self) -> str:
        """`U0100-11`."""
        return show(self.code)

    @property
    def words(self) -> list[str]:
        """What the bits of the status say."""
        return [word for bit, word in enumerate(_BITS) if self.status & 1 << bit]

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(self.words) or 'nothing set'})"


def show(code: int) -> str:
    """A code of 24 bits for people."""
    letter, digit = _LETTERS[code >> 22 & 3], code >> 20 & 3
    return f"{letter}{digit}{code >> 8 & 0xFFF:03X}-{code & 0xFF:02X}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A code as a test names it; without a failure type any is meant."""

    upper: int
    failure_type: int | None

    def fits(self, code: int) -> bool:
        """Whether it is meant."""
        return code >> 8 == self.upper and self.failure_type in (None, code & 0xFF)


def parse(text: str) -> Wanted:
    """The code that a text names: `U0100`, `U0100-11`.

    Raises:
        UsageError: it is none.
    """
    found = _CODE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"'{text}' is no trouble code", remedy="write it as U0100 or U0100-11.")
    letter, digit, digits, failure = found.groups()
    upper = _LETTERS.index(letter.upper()) << 14 | int(digit) << 12 | int(digits, 16)
    return Wanted(upper, None if failure is None else int(failure, 16))
