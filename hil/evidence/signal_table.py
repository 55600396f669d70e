"""Names, units and labels of all signals of a network, once for all cases of a run. Pure.

Rules of this module: a series of a case names its signal by the row of this table. Two networks that say the same have
one table. Signals that are not drawn (end-to-end protection) have rows all the same.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Row = tuple[str, str, Mapping[float, str]]
"""Name, unit, and what values are called."""


def packed(value: Any) -> str:
    """A block of the page: base64 of zlib of JSON."""
    data = json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
    return base64.b64encode(zlib.compress(data, 6)).decode()


def short(value: float) -> float | int:
    """A value with the digits that a page shows."""
    if value.is_integer() and -1e7 < value < 1e7:
        return int(value)
    rounded = float(f"{value:.7g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def key_of(value: float) -> str:
    """A number as JavaScript writes it, for it looks up labels by that."""
    return str(short(value))


@dataclass(frozen=True, slots=True)
class SignalTable:
    """The table of a network.

    Attributes:
        name: what it is called in the page; empty if it has no rows.
        block: the table as it stands in the page.
        numbers: the row of a signal.
        drawn: what the page has of series that many cases share, by their identity.
    """

    name: str = ""
    block: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)
    drawn: dict[int, tuple[object, list[Any]]] = field(default_factory=dict, compare=False, repr=False)


def table_of(rows: Iterable[Row]) -> SignalTable:
    """The table of these signals."""
    ordered = sorted(rows, key=lambda row: row[0])
    if not ordered:
        return SignalTable()
    block = packed([[name, unit, {key_of(value): text for value, text in labels.items()}]
                    for name, unit, labels in ordered])  # fmt: skip
    numbers = {row[0]: number for number, row in enumerate(ordered)}
    return SignalTable(hashlib.sha256(block.encode()).hexdigest()[:16], block, numbers)
