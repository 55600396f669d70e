"""Customers' databases as they are: text in, a database out, with the list of what had to be tolerated.

Rules of this module: pure; files are read by the bench, and their bytes become text in `hil.can.encoding`. Databases
load through cantools: DBC, ARXML, KCD, SYM. What cantools doesn't take is mended before (`hil.can.dbc_repair`), what it
takes but can't use after (`hil.can.mending`). What is too broken is refused in one line: file, line, column, what, and
how to mend it.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import Final

import cantools.database
from cantools.database.can import Database, Message
from cantools.database.errors import Error as CantoolsError

from hil.can import dbc_repair, mending
from hil.can.dbc_repair import Names, Repaired
from hil.can.dbc_scan import short
from hil.can.tolerated import Tolerated, refuse
from hil.can.traits import AttributeNames
from hil.errors import UsageError

_FORMATS: Final = {".dbc": "dbc", ".arxml": "arxml", ".kcd": "kcd", ".sym": "sym"}
_SAYS: Final = {
    ".dbc": frozenset({"fd", "nodes"}),
    ".arxml": frozenset({"fd", "nodes"}),
    ".kcd": frozenset({"nodes"}),
    ".sym": frozenset[str](),
}
"""What a format can say, so that it is a deviation if it doesn't."""
_LINE: Final = re.compile(r"line (\d+), column (\d+)")
_HERE: Final = ">>!<<"
"""How cantools marks the place of a syntax error."""
_XML: Final = re.compile(r"\s*<[?!A-Za-z]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f]")
_PADDING: Final = "\x00\x1a"
"""What old editors and flash tools leave at the end of a file."""
_ABSURD: Final = re.compile(
    r'\b(?:length|offset)="\d{5,}"|\bLen=\d{5,}|\b(?:un)?signed +\d{5,}|\bSig="[^"\n]*" +\d{5,}|^Mux=[^\n]*\b\d{5,},',
    re.MULTILINE,
)
"""A place or length (KCD, SYM) for which cantools would reserve all memory there is."""
_EDITOR: Final = "open it in a database editor and check it."

logging.getLogger("cantools").addHandler(logging.NullHandler())
"""What cantools warns of on stderr is an error or a line of the list here."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A database that was read.

    Attributes:
        database: the network.
        tolerated: what a strict reader would have refused; empty for a clean file.
    """

    database: Database
    tolerated: list[Tolerated] = field(default_factory=list)


def load(text: str, suffix: str, where: str, *, strict: bool = True, cluster: str = "") -> Database:
    """Load a database from its text.

    Args:
        text: the whole file.
        suffix: `.dbc`, `.arxml`, `.kcd` or `.sym`.
        where: what to call the file in an error.
        strict: refuse what `load_tolerant` lists.
        cluster: the bus of a file that has several (ARXML, KCD).

    Raises:
        UsageError: unknown format, syntax error (with its place), no messages; with `strict` the first deviation.
    """
    loaded = load_tolerant(text, suffix, where, cluster=cluster)
    if strict:
        refuse(loaded.tolerated)
    return loaded.database


def load_tolerant(
    text: str, suffix: str, where: str, names: AttributeNames | None = None, *, cluster: str = ""
) -> Loaded:
    """Load a database that may be sloppy.

    Args:
        text: the whole file, with any line ends.
        suffix: `.dbc`, `.arxml`, `.kcd` or `.sym`.
        where: what to call the file in errors and in the list.
        names: which attribute says the start values; ours if None.
        cluster: the bus of a file that has several (ARXML, KCD).

    Raises:
        UsageError: unknown format, no messages, several buses and none named, or too broken: a message or signal that
            can't be read or could mean two things, a file that is cut off.
    """
    suffix = suffix.lower()
    if suffix not in _FORMATS:
        what = f"'{suffix}' is no database format" if suffix else "a database file needs a suffix"
        raise UsageError(what, where=where, remedy="use .dbc, .arxml, .kcd or .sym.")
    text, tolerated = _plain(text, where)
    if suffix == ".dbc":
        loaded = _load_dbc(text, suffix, where, names or AttributeNames())
    else:
        loaded = _load_other(text, suffix, where, names or AttributeNames(), cluster)
    if not loaded.database.messages:
        why = f" that can be used: {loaded.tolerated[0].what}" if loaded.tolerated else ""
        raise UsageError(f"has no messages{why}", where=where, remedy="name another database in the bench file.")
    return Loaded(loaded.database, [*tolerated, *loaded.tolerated])


def _plain(text: str, where: str) -> tuple[str, list[Tolerated]]:
    """The text with plain line ends, without what editors leave before and behind it."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    kept = text.rstrip(_PADDING)
    if not kept.strip():
        raise UsageError("is empty", where=where, remedy="name another database in the bench file.")
    if _CONTROL.search(kept):
        mend = "open it in a database editor, and save it as text."
        raise UsageError("is no text, so it is no database", where=where, remedy=mend)
    if kept == text:
        return text, []
    what = "there are control characters at the end of the file"
    place = f"{where}:{kept.count(chr(10)) + 1}"
    return kept, [Tolerated("not-a-statement", what, "they are ignored", place, "remove them.")]


def _load_dbc(text: str, suffix: str, where: str, names: AttributeNames) -> Loaded:
    if _XML.match(text):
        mend = "name it with the suffix of its format, or export it as DBC."
        raise UsageError("is XML, not DBC", where=f"{where}:1:1", remedy=mend)
    repaired = dbc_repair.repair(text, where)
    database = _parse(repaired.text, suffix, where, " (after repairs)")
    places = _places(database, repaired)
    _rename(database, repaired.names)
    mended = mending.mend(database, lambda m, s: places.get(id(s or m), where), says=_SAYS[suffix], names=names)
    return Loaded(database, _in_order([*repaired.tolerated, *mended]))


def _load_other(text: str, suffix: str, where: str, names: AttributeNames, cluster: str) -> Loaded:
    absurd = _ABSURD.search(text)
    if absurd and suffix != ".arxml":
        line = text.count("\n", 0, absurd.start()) + 1
        raise UsageError(f"{absurd[0]} is too large", where=f"{where}:{line}", remedy="correct the number.")
    database = _parse(text, suffix, where)
    _choose(database, where, cluster)
    if not all(message.name and all(signal.name for signal in message.signals) for message in database.messages):
        raise UsageError("a message or a signal has no name", where=where, remedy="name it.")
    mended = mending.mend(database, lambda m, s: where, says=_SAYS[suffix], names=names)
    return Loaded(database, mended)


def _choose(database: Database, where: str, cluster: str) -> None:
    """Keep one bus of several: on two buses one identifier may mean two messages."""
    buses = sorted({message.bus_name or "" for message in database.messages})
    if cluster in buses or (len(buses) == 1 and not cluster):
        database.messages[:] = [message for message in database.messages if cluster in ("", message.bus_name)]
        return
    known = ", ".join(filter(None, buses)) or "no name"
    if cluster:
        raise UsageError(f"has no bus '{cluster}'", where=where, remedy=f"it has {known}.")
    if buses:
        mend = f"say which with the key cluster of the bench file: {known}."
        raise UsageError(f"has {len(buses)} buses", where=where, remedy=mend)


def _places(database: Database, repaired: Repaired) -> dict[int, str]:
    """Message or signal -> where it stands in the file."""
    found = {}
    for message in database.messages:
        can_id = _dbc_id(message)
        found[id(message)] = repaired.places[can_id, ""]
        for signal in message.signals:
            found[id(signal)] = repaired.places[can_id, signal.name]
    return found


def _dbc_id(message: Message) -> int:
    return message.frame_id | (0x80000000 if message.is_extended_frame else 0)


def _rename(database: Database, names: Names) -> None:
    """Give everything the name that the file means: long names, and such as cantools can't read."""
    for message in database.messages:
        can_id = _dbc_id(message)
        message.name = names.messages.get(can_id, message.name)
        message.senders[:] = [names.nodes.get(node, node) for node in message.senders]
        for signal in message.signals:
            signal.receivers = [names.nodes.get(node, node) for node in signal.receivers]
            above = signal.multiplexer_signal
            signal.multiplexer_signal = above if above is None else names.signals.get((can_id, above), above)
            signal.name = names.signals.get((can_id, signal.name), signal.name)
    for node in database.nodes:
        node.name = names.nodes.get(node.name, node.name)


def _in_order(tolerated: list[Tolerated]) -> list[Tolerated]:
    """By line of the file."""
    return sorted(tolerated, key=lambda one: int(match[1]) if (match := re.search(r":(\d+)", one.where)) else 0)


# What cantools says, in one line --------------------------------------------------------------------------------------


def _parse(text: str, suffix: str, where: str, after: str = "") -> Database:
    try:
        database = cantools.database.load_string(text, _FORMATS[suffix], strict=False)
    except CantoolsError as error:
        raise _broken(error.__cause__ or error, where, after) from error
    assert isinstance(database, Database)  # diagnostics have a format of their own, which isn't among ours
    return database


def _broken(error: BaseException, where: str, after: str) -> UsageError:
    """Why a file could not be loaded, in one line that names the place once."""
    line = _LINE.search(str(error))
    from_0 = isinstance(error, SyntaxError)  # of XML, which counts columns so
    place = f"{where}:{line[1]}:{int(line[2]) + from_0}" if line and not after else where
    remedy = "correct the file at that place." if place != where else _EDITOR
    return UsageError(reason(error) + after, where=place, remedy=remedy)


def reason(error: BaseException) -> str:
    """What an error of cantools means, without its place."""
    if isinstance(error, KeyError):
        return f"it uses '{short(str(error.args[0]), 60)}' without defining it"
    if isinstance(error, AttributeError | TypeError | AssertionError | IndexError):
        return "something is missing in it"
    if isinstance(error, MemoryError):
        return "a number in it is too large"
    text = " ".join(str(error).split())
    if _HERE in text:
        rest = text.partition(_HERE)[2].removesuffix('"').strip()
        return f"syntax error at '{short(rest, 30)}'" if rest else "syntax error at the end of the line"
    text = re.sub(f"(,? at|:) {_LINE.pattern}", "", text).rstrip(".") or type(error).__name__
    return short(text[0].lower() + text[1:] if text.startswith("The ") else text, 160)


__all__ = ["Loaded", "load", "load_tolerant", "reason"]
