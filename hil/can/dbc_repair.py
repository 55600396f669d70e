"""A DBC file as cantools takes it: the same network, with what is sloppy mended where its meaning is clear.

Rules of this module: pure. The whole text is read (`hil.can.dbc_scan`) and written anew, so that cantools sees one form
only. Each mended or dropped thing is listed. What could mean two things is refused. Statements that the bench doesn't
use (environment variables, relations, signal groups, value tables by name) are left out in silence.

Not for: deviations that every database format can have (`hil.can.mending`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from hil.can.dbc_attributes import Attributes, number, quoted, unquoted
from hil.can.dbc_multiplex import MAX_PAGES, Pages
from hil.can.dbc_network import NetworkText
from hil.can.dbc_scan import NUMBER, READ, SKIPPED, Places, Statement, scan, short
from hil.can.tolerated import Tolerated

_NUMBER: Final = rf"(?:0[xX][0-9a-fA-F]+|{NUMBER})"
_PAIR: Final = re.compile(rf'\s*({NUMBER})\s*"((?:[^"\\]|\\.)*)"', re.DOTALL)
_LOOSE_PAIR: Final = re.compile(rf'\s*({_NUMBER})\s*"(.*?)(?:"(?=\s*(?:{_NUMBER}\s*"|\Z))|\Z)', re.DOTALL)
"""A label ends at the quote that another pair, or nothing, follows."""


@dataclass(frozen=True, slots=True)
class Names:
    """Names to be given after loading: long ones, and those that cantools can't read.

    Attributes:
        messages: by identifier with bit 31.
        signals: by identifier and name in the text.
        nodes: by name in the text.
    """

    messages: dict[int, str] = field(default_factory=dict)
    signals: dict[tuple[int, str], str] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Repaired:
    """A text that cantools takes.

    Attributes:
        text: the text.
        tolerated: what was mended or left out.
        places: of messages (identifier with bit 31, empty name) and signals (identifier, name): where in the file.
        names: to be given after loading.
    """

    text: str
    tolerated: list[Tolerated]
    places: dict[tuple[int, str], str]
    names: Names


def repair(text: str, where: str) -> Repaired:
    """Mend a DBC text.

    Raises:
        UsageError: a message or signal can't be read or could mean two things; the file is cut off or no DBC.
    """
    places = Places(text, where)
    network = NetworkText(places)
    statements = list(scan(text, places))
    for statement in statements:
        network.take(statement)
    network.settle()
    facts = _Facts(network)
    for statement in statements:
        facts.take(statement)
    lines = facts.lines()
    return Repaired("\n".join(lines) + "\n", network.tolerated, _places(network, places), facts.names())


def _places(network: NetworkText, places: Places) -> dict[tuple[int, str], str]:
    found = {(message.id, ""): places.show(message.statement.at) for message in network.messages.values()}
    for message in network.messages.values():
        found |= {(message.id, name): places.show(s.statement.at) for name, s in message.signals.items()}
    return found


class _Facts:
    """What a file says about its messages, signals and nodes.

    Args:
        network: those.
    """

    def __init__(self, network: NetworkText) -> None:
        self._network, self._note = network, network.note
        self._attributes = Attributes(network.note)
        self._pages = {can_id: Pages(list(m.signals.values())) for can_id, m in network.messages.items()}
        self._labels: dict[tuple[int, str], dict[int, str]] = {}
        self._lines: list[str] = []
        self._long = Names()
        self._readers: dict[str, Callable[[Statement], None]] = {
            "CM_": self._comment,
            "VAL_": self._value_table,
            "SIG_VALTYPE_": self._value_type,
            "SG_MUL_VAL_": self._multiplexed,
            "BO_TX_BU_": self._senders,
            "BA_DEF_": self._attributes.define,
            "BA_DEF_DEF_": self._attributes.default,
            "BA_": self._attribute,
        }

    def take(self, statement: Statement) -> None:
        """Take a statement about what is there; others are not for this class."""
        if statement.loose and statement.kind:
            self._list_loose(statement)
        if statement.parts and statement.kind in self._readers:
            self._readers[statement.kind](statement)

    def _list_loose(self, statement: Statement) -> None:
        """Say what is wrong with a statement that is not as the format has it."""
        begin = short(" ".join(statement.text.split()), 40)
        if statement.kind in SKIPPED:
            what, mend = f"'{begin}' has no semicolon", "add it."
            self._note("semicolon", statement, what, "it is left out, up to the next section", mend)
        elif statement.kind not in READ:
            what = f"{statement.kind} is no section of a DBC file"
            self._note("unknown-section", statement, what, "it is left out", "remove it.")
        elif not statement.parts:
            self._note("unreadable", statement, f"'{begin}' can't be read", "it is left out", "correct the statement.")
        elif not statement.parts.get("end"):
            self._note("semicolon", statement, f"'{begin}' has no semicolon", "it is read", "add it.")
        elif '"' in statement.text:
            what, done = f"'{begin}' has quotes within a text, or lacks one", "they are taken as part of the text"
            self._note("quotes", statement, what, done, 'write \\" for a quote in a text.')

    # Comments and attributes --------------------------------------------------------------------------------------

    def _target(self, statement: Statement) -> str | None:
        """What a comment or an attribute is about, as it must be written; None if that isn't there."""
        kind, words = statement.parts.get("kind", ""), statement.parts.get("of", "").split()
        if not kind:
            return ""
        if kind in ("BU_", "EV_"):
            node = self._network.renamed.get(words[0], words[0])
            return f"BU_ {node}" if kind == "BU_" and node in self._network.nodes else None
        message = self._network.message(words[0])
        if message is None or kind == "BO_":
            return f"BO_ {message.id}" if message and len(words) == 1 else None
        name = self._network.renamed.get(words[-1], words[-1])
        return f"SG_ {message.id} {name}" if len(words) == 2 and name in message.signals else None

    def _comment(self, statement: Statement) -> None:
        target = self._target(statement)
        if target is not None:
            self._lines.append(f"CM_ {target} {quoted(unquoted(statement.parts['text']))};")

    def _attribute(self, statement: Statement) -> None:
        parts = statement.parts
        target = self._target(statement)
        if target is None:
            words = parts["of"].split()
            if parts["kind"] != "EV_":
                self._network.dangling(statement, words[0], " ".join([parts["kind"], *words]))
        elif not self._is_long_name(parts["name"], target.split(), unquoted(parts.get("text", ""))):
            self._attributes.use(statement, target)

    def _is_long_name(self, attribute: str, target: list[str], name: str) -> bool:
        """Take a name that is longer than the 32 characters of old editors (Vector)."""
        match attribute, target:
            case "SystemMessageLongSymbol", ["BO_", can_id]:
                self._long.messages[int(can_id)] = name
            case "SystemSignalLongSymbol", ["SG_", can_id, signal]:
                self._long.signals[int(can_id), signal] = name
            case "SystemNodeLongSymbol", ["BU_", node]:
                self._long.nodes[node] = name
            case _:
                return False
        return True

    # Value tables, types, pages, senders --------------------------------------------------------------------------

    def _value_table(self, statement: Statement) -> None:
        if "id" not in statement.parts:
            return  # of an environment variable
        found = self._network.signal(statement)
        if found is None:
            return
        message, name = found
        labels = self._labels.setdefault((message.id, name), {})
        text, end = statement.parts["pairs"], 0
        for pair in (_LOOSE_PAIR if statement.loose else _PAIR).finditer(text):
            end = pair.end()
            self._label(statement, self._network.shown(name), labels, pair[1], unquoted(pair[2]))
        if text[end:].strip(" \t\n;"):
            what = f"'{short(text[end:].strip(), 40)}' in the value table of {self._network.shown(name)} can't be read"
            mend = "write pairs of a number and a label in quotes."
            self._note("labels", statement, what, "it is left out", mend)

    def _label(self, statement: Statement, name: str, labels: dict[int, str], raw: str, label: str) -> None:
        key, shown = _whole(raw), short(label, 40)
        if key is None:
            what = f"'{shown}' of {name} stands for {raw}, which is no whole number"
            self._note("labels", statement, what, "it is left out", "give it a whole number.")
        elif labels.setdefault(key, label) != label:
            what = f"value {key} of {name} is called '{short(labels[key], 40)}' and '{shown}'"
            self._note("labels", statement, what, "the first is kept", "give each value one label.")

    def _value_type(self, statement: Statement) -> None:
        found = self._network.signal(statement)
        if found is None or statement.parts["type"] == "0":
            return
        message, name = found
        signal, shown = message.signals[name], self._network.shown(name)
        if not statement.parts["colon"]:
            what, mend = f"SIG_VALTYPE_ of {shown} has no colon", "write 'SIG_VALTYPE_ id Name : 1;'."
            self._note("separator", statement, what, "it is read", mend)
        signal.is_float = signal.length in (32, 64)
        if signal.length != {"1": 32, "2": 64}.get(statement.parts["type"]):
            what = f"signal {shown} of {message.name} is floating point of type {statement.parts['type']}"
            what += f" with {signal.length} bits"
            done = f"one of {signal.length} bits" if signal.is_float else "a whole number"
            mend = "correct the signal's length or its SIG_VALTYPE_: 1 for 32 bits, 2 for 64."
            self._note("float", statement, what, f"it is taken as {done}", mend)

    def _multiplexed(self, statement: Statement) -> None:
        found = self._network.signal(statement)
        if found is None:
            return
        message, name = found
        above = self._network.renamed.get(statement.parts["above"], statement.parts["above"])
        wrong = self._pages[message.id].select(name, above, statement.parts["ranges"])
        if wrong:
            what = f"the pages of {self._network.shown(name)} in message {message.name} aren't right"
            mend = f"name a multiplexer of the message and ranges of its values, at most {MAX_PAGES} in all."
            self._note("multiplexing", statement, what, wrong, mend)

    def _senders(self, statement: Statement) -> None:
        text, message = statement.parts["id"], self._network.message(statement.parts["id"])
        if message is None:
            self._network.dangling(statement, text, text)
            return
        words = re.split(r"[\s,]+", statement.parts["nodes"].strip())
        nodes = [self._network.name(node, statement) for node in words if node]
        self._network.declare(nodes, statement)
        if statement.parts["nodes"].count(",") != len(nodes) - 1:
            what = f"the senders of message {message.name} aren't separated by single commas"
            self._note("separator", statement, what, "they are read", "write 'BO_TX_BU_ id : Node1,Node2;'.")
        if nodes:
            self._lines.append(f"BO_TX_BU_ {message.id} : {','.join(nodes)};")

    # The text -----------------------------------------------------------------------------------------------------

    def lines(self) -> list[str]:
        """The mended text."""
        network = self._network
        for message in network.messages.values():
            for wrong, statement in self._pages[message.id].settle():
                mend = "mark one signal with M, and say the pages of each with SG_MUL_VAL_ where there are several."
                what = f"in message {message.name} {wrong}"
                self._note("multiplexing", statement, what, "it is there all the time, whatever the page", mend)
        lines = [f"VERSION {quoted(network.version)}", "", f"BU_: {' '.join(network.nodes)}", ""]
        for message in network.messages.values():
            lines.append(f"BO_ {message.id} {message.name}: {message.length} {message.sender}")
            lines += [signal.show() for signal in message.signals.values()]
        return [*lines, *self._lines, *self._attributes.show(), *self._signal_lines()]

    def _signal_lines(self) -> list[str]:
        lines = []
        for (can_id, name), labels in self._labels.items():
            pairs = " ".join(f"{raw} {quoted(label)}" for raw, label in labels.items())
            lines.append(f"VAL_ {can_id} {name} {pairs} ;")
        for message in self._network.messages.values():
            floats = [signal.name for signal in message.signals.values() if signal.is_float]
            lines += [f"SIG_VALTYPE_ {message.id} {name} : 1;" for name in floats]
            lines += self._pages[message.id].show(message.id)
        return lines

    def names(self) -> Names:
        """Names to be given after loading; a long name goes before the one in the statement."""
        wish = {alias: text.replace(".", "_") for text, alias in self._network.renamed.items()}
        messages = {m.id: wish[m.name] for m in self._network.messages.values() if m.name in wish}
        signals = {
            (m.id, name): wish[name] for m in self._network.messages.values() for name in m.signals if name in wish
        }
        nodes = {node: wish[node] for node in self._network.nodes if node in wish}
        long = self._long
        return Names(messages | long.messages, signals | long.signals, nodes | long.nodes)


def _whole(raw: str) -> int | None:
    text = number(raw)
    if text is None or float(text) != int(float(text)):
        return None
    return int(text) if re.fullmatch(r"[-+]?\d+", text) else int(float(text))


__all__ = ["Names", "Repaired", "repair"]
