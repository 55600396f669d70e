"""What a DBC file says that there is: messages, signals, nodes; with their names as cantools can read them.

Rules of this module: pure. Identifiers and names are the keys by which all other statements speak of messages and
signals, so they are settled here, once. What no frame could carry is left out, and listed with all that it takes along.

Not for: comments, attributes, value tables (`hil.can.dbc_repair`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from hil.can.dbc_attributes import unquoted
from hil.can.dbc_scan import Places, Statement, short
from hil.can.dbc_signal import SignalText, read_signal
from hil.can.placement import fits
from hil.can.tolerated import Tolerated
from hil.errors import UsageError

NOBODY: Final = "Vector__XXX"
_UNASSIGNED: Final = "VECTOR__INDEPENDENT_SIG_MSG"
_EXTENDED: Final = 0x80000000
_MOST_BYTES: Final = 64
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEYWORD: Final = re.compile(r"[A-Z_]+_|VERSION|FILTER")
_ID_MEND: Final = "give it a decimal number: up to 2047, or with bit 31 set for 29 bits."
_MANY: Final = 10**9


@dataclass(slots=True)
class MessageText:
    """A message: what its `BO_` says, and its signals by name.

    Attributes:
        id: its identifier as DBC has it, with bit 31 for 29 bits.
    """

    id: int
    name: str
    length: int
    sender: str
    statement: Statement
    signals: dict[str, SignalText] = field(default_factory=dict)


class NetworkText:
    """The network while it is read.

    Args:
        places: lines of the file.
    """

    def __init__(self, places: Places) -> None:
        self.tolerated: list[Tolerated] = []
        self.messages: dict[int, MessageText] = {}
        self.nodes: dict[str, None] = {}
        self.version = ""
        self.renamed: dict[str, str] = {}
        """Name in the file -> the name that cantools reads in its place."""
        self._original: dict[str, str] = {}
        self._places = places
        self._said: dict[int, int] = {}
        self._gone: set[int] = set()
        self._lost: set[tuple[int, str]] = set()
        self._dropped: list[tuple[MessageText, str, str, str]] = []
        self._last: MessageText | None = None
        self._apart = False

    def note(self, rule: str, statement: Statement, what: str, done: str, remedy: str) -> None:
        """Add to the list of what was tolerated."""
        self.tolerated.append(Tolerated(rule, what, done, self._places.show(statement.at), remedy))

    def _refuse(self, statement: Statement, what: str, remedy: str) -> UsageError:
        return UsageError(what, where=self._places.show(statement.at, column=True), remedy=remedy)

    def take(self, statement: Statement) -> None:
        """Take a statement that says what there is; others are not for this class."""
        match statement.kind:
            case "BO_":
                self._message(statement)
            case "SG_":
                self._signal(statement)
            case "BU_":
                self._nodes(statement)
            case "VERSION":
                self.version = unquoted(statement.parts.get("text", ""))
            case "":
                what = f"'{short(statement.text.strip(), 40)}' is no statement"
                self.note("not-a-statement", statement, what, "it is left out", "remove it.")
        self._apart = statement.kind not in ("BO_", "SG_")

    # Messages -----------------------------------------------------------------------------------------------------

    def _message(self, statement: Statement) -> None:
        parts = statement.parts
        can_id = self._identifier(parts["id"], parts["name"], statement)
        if not parts["colon"]:
            what = f"message {parts['name']} has no colon after its name"
            self.note("separator", statement, what, "it is read as if it had", "write 'BO_ id Name: length Sender'.")
        self._semicolon(statement)
        if not parts["node"]:
            what = f"message {parts['name']} has no sender"
            self.note("no-node", statement, what, "nobody sends it", f"write {NOBODY} if nobody does.")
        sender = self.name(parts["node"] or NOBODY, statement)
        length = int(parts["length"]) if len(parts["length"]) < 10 else _MANY
        self._last = MessageText(can_id, self.name(parts["name"], statement), length, sender, statement)
        self._keep(self._last)

    def _keep(self, message: MessageText) -> None:
        """Take a message in unless no frame could carry it or its identifier is there already."""
        known = self.messages.get(message.id)
        if message.name == _UNASSIGNED:
            self._gone.add(message.id)
        elif known is not None:
            line = self._places.line(known.statement.at)
            what = f"messages {known.name} (line {line}) and {message.name} have the same identifier"
            self._dropped.append((message, "duplicate-message", what, "give one of them another identifier."))
        elif message.length > _MOST_BYTES:
            self._gone.add(message.id)
            what = f"message {message.name} has {message.length} bytes, more than a frame carries"
            mend = "correct the length; what a transport protocol carries is no message of the bus."
            self._dropped.append((message, "length", what, mend))
        else:
            self.messages[message.id] = message

    def _identifier(self, text: str, name: str, statement: Statement) -> int:
        value = whole(text)
        if value is None or not -0x80000000 <= value <= 0xFFFFFFFF:
            raise self._refuse(statement, f"'{short(text, 30)}' is no identifier of message {name}", _ID_MEND)
        fixed = value & 0xFFFFFFFF
        if 0x7FF < fixed <= 0x1FFFFFFF:
            fixed |= _EXTENDED
            what = f"identifier 0x{value:X} of message {name} needs 29 bits, but isn't marked as extended"
            self.note("identifier", statement, what, "it is taken as extended", "set bit 31 of the number.")
        elif not text.isdigit():
            what = f"identifier {text} of message {name} is written in another notation"
            self.note("identifier", statement, what, f"it is taken as {fixed}", "write it as a decimal number.")
        if fixed & ~_EXTENDED > 0x1FFFFFFF and name != _UNASSIGNED:
            raise self._refuse(statement, f"identifier {text} of message {name} fits neither 11 nor 29 bits", _ID_MEND)
        self._said[value] = fixed
        return fixed

    def message(self, text: str) -> MessageText | None:
        """The message that a statement names by its identifier, as that stands in the file."""
        value = whole(text)
        if value is None:
            return None
        fixed = self._said.get(value, value)
        return self.messages.get(fixed) or self.messages.get(fixed | _EXTENDED if fixed > 0x7FF else fixed)

    def dangling(self, statement: Statement, can_id: str, about: str) -> None:
        """List a statement about something that isn't there, unless that was listed itself.

        Args:
            statement: the statement.
            can_id: the identifier that it names.
            about: what it is about; the last word is the signal if it is about one.
        """
        value = whole(can_id)
        fixed = self._said.get(value, value) if value is not None else -1
        if fixed not in self._gone and (fixed, about.rsplit(maxsplit=1)[-1]) not in self._lost:
            what = f"{statement.kind} is about {about}, which isn't there"
            self.note("dangling", statement, what, "it is left out", "remove it, or correct its identifier and name.")

    # Signals ------------------------------------------------------------------------------------------------------

    def _signal(self, statement: Statement) -> None:
        name, message = statement.parts["name"], self._last
        if message is None:
            mend = "put it below the BO_ of its message."
            raise self._refuse(statement, f"signal {name} stands outside of any message", mend)
        signal = read_signal(statement, message.name, self.note, self._refuse)
        signal.receivers = [self.name(node, statement) for node in signal.receivers]
        self._semicolon(statement)
        if self._apart:
            what = f"signal {name} stands apart from its message {message.name}"
            self.note("separator", statement, what, "it is taken as one of it", "put it below its message.")
        self._put(message, signal)

    def _put(self, message: MessageText, signal: SignalText) -> None:
        if message.name == _UNASSIGNED:
            what = f"signal {signal.name} belongs to no message"
            self.note("unassigned", signal.statement, what, "it is left out", "delete it, or put it into a message.")
        elif self.messages.get(message.id) is not message:
            message.signals[signal.name] = signal
        elif signal.length < 1 or not fits(signal.start, signal.length, message.length, motorola=signal.order == "0"):
            room = f"is beyond the {message.length} bytes of message {message.name}"
            what = f"signal {signal.name} " + (room if signal.length > 0 else f"of message {message.name} has no bits")
            mend = "lengthen the message, or correct the signal's place."
            self.note("beyond", signal.statement, what, "it is left out", mend)
            self._lost.add((message.id, signal.name))
        else:
            signal.name = self._single(message, self.name(signal.name, signal.statement), signal)
            message.signals[signal.name] = signal

    def _single(self, message: MessageText, name: str, signal: SignalText) -> str:
        """The name of a signal, unless the message has one that is called so."""
        new, count = name, 1
        while new in message.signals:
            count += 1
            new = f"{name}_{count}"
        if new != name:
            line = self._places.line(message.signals[name].statement.at)
            what = f"two signals of message {message.name} are called {self.shown(name)}, the first on line {line}"
            done = f"this one is called {new}, and what is said of {self.shown(name)} goes to the first"
            self.note("duplicate-signal", signal.statement, what, done, "rename one of them.")
        return new

    def signal(self, statement: Statement) -> tuple[MessageText, str] | None:
        """Message and name of the signal that a statement is about; lists it if there is none."""
        text, can_id = statement.parts["signal"], statement.parts["id"]
        name, message = self.renamed.get(text, text), self.message(can_id)
        if message is not None and name in message.signals:
            return message, name
        self.dangling(statement, can_id, f"{can_id} {text}")
        return None

    def _semicolon(self, statement: Statement) -> None:
        if statement.parts["end"]:
            what = f"the line of {statement.parts['name']} ends with a semicolon"
            self.note("semicolon", statement, what, "it is ignored", "remove it.")

    # Nodes and names ----------------------------------------------------------------------------------------------

    def _nodes(self, statement: Statement) -> None:
        text = statement.parts.get("nodes", "").partition("//")[0]
        if re.search(r"[,;]", text) or not statement.parts.get("colon"):
            what = "BU_ has no colon, or commas between the nodes"
            self.note("separator", statement, what, "the nodes are read", "write 'BU_: Node1 Node2'.")
        for line in re.finditer(r"(?<=\n)\S.*", statement.text):
            what = f"'{short(line[0].strip(), 40)}' is a line of its own behind the nodes of BU_"
            mend = "indent the line if these are nodes; if not, remove it."
            self.note(
                "separator", replace(statement, at=statement.at + line.start()), what, "it is read as nodes", mend
            )
        for node in re.split(r"[\s,;:]+", text):
            if node:
                self.nodes.setdefault(self.name(node, statement))

    def name(self, text: str, statement: Statement) -> str:
        """A name that cantools can read, in place of one that it can't."""
        if _WORD.fullmatch(text) and not _KEYWORD.fullmatch(text):
            return text
        if text not in self.renamed:
            shown = text.replace(".", "_")
            done = "it is kept as it is" if shown == text else f"it is called {shown}"
            mend = "use letters of A to Z, digits and '_' only, and no digit at the beginning."
            self.note("name", statement, f"'{short(text, 40)}' is no name for a database", done, mend)
            alias = f"HIL_NAME_{len(self.renamed)}"
            self.renamed[text], self._original[alias] = alias, text
        return self.renamed[text]

    def shown(self, name: str) -> str:
        """The name as it stands in the file."""
        return self._original.get(name, name)

    def settle(self) -> None:
        """All messages are there: list those left out, and the nodes that were not declared."""
        for message, rule, what, mend in self._dropped:
            names = ", ".join(message.signals) or "none"
            self.note(rule, message.statement, what, f"{message.name} is left out with its signals: {names}", mend)
        for message in self.messages.values():
            self.declare([message.sender], message.statement)
            for signal in message.signals.values():
                self.declare(signal.receivers, signal.statement)

    def declare(self, nodes: Sequence[str], statement: Statement) -> None:
        """Take a statement's senders or receivers as nodes, declared or not."""
        for node in nodes:
            if node not in self.nodes and node != NOBODY:
                self.nodes[node] = None
                what = f"node {self.shown(node)} is used but not declared"
                self.note("undeclared-node", statement, what, "it is taken as one", "add it to BU_.")


def whole(text: str) -> int | None:
    """A whole number, decimal or with 0x; None if it is none."""
    try:
        return int(text, 0 if "x" in text.lower() else 10)
    except ValueError:
        return None


__all__ = ["MessageText", "NOBODY", "NetworkText", "whole"]
