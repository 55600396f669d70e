"""One `SG_` line: its numbers, its multiplexer mark, its receivers; what has a clear meaning in another notation."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hil.can.dbc_attributes import Note, number, quoted, unquoted
from hil.can.dbc_scan import Statement, short
from hil.errors import UsageError

Refuse = Callable[[Statement, str, str], UsageError]
_NOBODY: Final = "Vector__XXX"
_MARK: Final = re.compile(r"(?:m(?P<page>\d{1,10}))?(?P<multiplexer>M?)")
_SCALE_MEND: Final = "write (factor,offset) with decimal points: (0.5,-40)."


@dataclass(slots=True)
class SignalText:
    """A signal: what its `SG_` says.

    Attributes:
        page: value of the multiplexer that selects it, as far as the mark says; None if it has no page.
        multiplexer: whether it is one itself.
        order: `0` Motorola, `1` Intel.
    """

    name: str
    page: int | None
    multiplexer: bool
    start: int
    length: int
    order: str
    sign: str
    factor: str
    offset: str
    low: str
    high: str
    unit: str
    receivers: list[str]
    statement: Statement
    is_float: bool = False

    def show(self) -> str:
        """The statement as cantools takes it."""
        mark = (f"m{self.page}" if self.page is not None else "") + ("M" if self.multiplexer else "")
        place = f"{self.start}|{self.length}@{self.order}{self.sign}"
        conversion = f"({self.factor},{self.offset}) [{self.low}|{self.high}] {quoted(self.unit)}"
        return f" SG_ {self.name} {mark} : {place} {conversion} {','.join(self.receivers) or _NOBODY}"


def read_signal(statement: Statement, message: str, note: Note, refuse: Refuse) -> SignalText:
    """The signal of an `SG_` statement.

    Raises:
        UsageError: a mark or a number can't be read, or could mean two things.
    """
    parts = statement.parts
    mark = _MARK.fullmatch(parts["mark"])
    if mark is None:
        what = f"'{short(parts['mark'], 30)}' is no multiplexer mark of signal {parts['name']}"
        raise refuse(statement, what, "write M, m0 or m0M, and no blanks in the name.")
    factor, offset = _scale(statement, note, refuse)
    low, high = _range(statement, message, note)
    if "unit" not in parts:
        note("separator", statement, f"signal {parts['name']} has no unit", "it has none", 'write "" for no unit.')
    return SignalText(
        name=parts["name"],
        page=int(mark["page"]) if mark["page"] else None,
        multiplexer=bool(mark["multiplexer"]),
        start=_bits(parts["start"]),
        length=_bits(parts["length"]),
        order=parts["order"],
        sign=parts["sign"],
        factor=factor,
        offset=offset,
        low=low,
        high=high,
        unit=unquoted(parts.get("unit", "")),
        receivers=_receivers(statement, note),
        statement=statement,
    )


def _bits(text: str) -> int:
    """A number of bits; too large for any message if it has so many digits."""
    return int(text) if len(text) < 10 else 10**9


def _scale(statement: Statement, note: Note, refuse: Refuse) -> tuple[str, str]:
    text = statement.parts["scale"]
    numbers = _split_scale(text)
    found = [number(part) for part in numbers]
    if len(found) != 2 or found[0] is None or found[1] is None:
        what = f"'({short(text, 40)})' of signal {statement.parts['name']} is no factor and offset"
        raise refuse(statement, what, _SCALE_MEND)
    if re.sub(r"\s", "", text) != f"{found[0]},{found[1]}":
        what = f"'({short(text, 40)})' of signal {statement.parts['name']} is written in another notation"
        note("number", statement, what, f"it is read as ({found[0]},{found[1]})", _SCALE_MEND)
    return found[0], found[1]


def _split_scale(text: str) -> list[str]:
    """Factor and offset, also with decimal commas as far as they can mean one thing only."""
    if ";" in text:
        return [part.replace(",", ".") for part in text.split(";")]
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 4:
        return [f"{parts[0]}.{parts[1]}", f"{parts[2]}.{parts[3]}"]
    if len(parts) == 3 and parts[0] in ("0", "-0"):  # (0,5,-40): a factor of 0 there is not
        return [f"{parts[0]}.{parts[1]}", parts[2]]
    return parts


def _range(statement: Statement, message: str, note: Note) -> tuple[str, str]:
    """Minimum and maximum; 0 and 0 say that there is none."""
    text = statement.parts.get("range")
    name, mend = f"{message}.{statement.parts['name']}", "write [minimum|maximum]."
    if text is None:
        note("range", statement, f"signal {name} has no range", "its bits are its range", mend)
        return "0", "0"
    found = [number(part.replace(",", ".")) for part in text.split("|")]
    if len(found) == 2 and found[0] is not None and found[1] is not None:
        if re.sub(r"\s", "", text) != f"{found[0]}|{found[1]}":
            what = f"'[{short(text, 40)}]' of signal {name} is written in another notation"
            note("number", statement, what, f"it is read as [{found[0]}|{found[1]}]", mend)
        none = float(found[0]) == float(found[1]) == 0  # however it is written
        return ("0", "0") if none else (found[0], found[1])
    what = f"'[{short(text, 40)}]' of signal {name} is no range"
    note("range", statement, what, "it is ignored; its bits are its range", mend)
    return "0", "0"


def _receivers(statement: Statement, note: Note) -> list[str]:
    text = statement.parts["nodes"].strip()
    nodes = [node for node in re.split(r"[\s,]+", text) if node]
    name = statement.parts["name"]
    if not nodes:
        note("no-node", statement, f"signal {name} has no receiver", "nobody receives it", f"write {_NOBODY}.")
    elif len(re.findall(r"\s*,\s*", text)) != len(nodes) - 1 or text.startswith(","):
        what = f"the receivers of signal {name} aren't separated by single commas"
        note("separator", statement, what, "they are read", "write Receiver1,Receiver2.")
    return nodes


__all__ = ["Refuse", "SignalText", "read_signal"]
