"""What a database of any format can have wrong though it was read: mended so that every message can be sent and read.

Rules of this module: pure; it changes the database that cantools made, and lists each change. cantools can neither
encode nor decode a message whose signals overlap, and keeps of two things with one name the last; both are mended here.

Not for: DBC text (`hil.can.dbc_repair`), or what is only suspicious (`hil.can.lint`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from itertools import islice
from typing import Any, Final

from cantools.database.can import Database, Message, Node, Signal
from cantools.database.utils import create_encode_decode_formats
from cantools.typechecking import Formats

from hil.can.frames import EXTENDED, show_id
from hil.can.placement import FD_LENGTHS, fits, mask_of, next_length, overlaps, parents, raw_limits
from hil.can.tolerated import Tolerated
from hil.can.traits import AttributeNames, stated_start

Place = Callable[[Message, Signal | None], str]
"""Where a message or signal stands in the file."""
_MOST_PAIRS: Final = 10
_OR_ED: Final = "they are kept; when they are sent their bits are OR-ed"
_CLASSIC_BYTES: Final = 8
_MOST_BYTES: Final = 64
_FLOATS: Final = (16, 32, 64)


def mend(database: Database, place: Place, *, says: Set[str], names: AttributeNames) -> list[Tolerated]:
    """Mend a database that was loaded without strictness.

    Args:
        database: changed where needed.
        place: where things stand in the file.
        says: what the format can say: `fd` (which messages are CAN FD), `nodes` (which there are).
        names: which attribute says the start values.
    """
    mender = _Mender(place, names)
    mender.messages(database)
    for message in database.messages:
        mender.length(message, "fd" in says)
        mender.signals(message)
    mender.nodes(database, "nodes" in says)
    database.refresh()
    for message in database.messages:
        mender.overlaps(message)
    return mender.tolerated


class _Mender:
    """One database while it is mended."""

    def __init__(self, place: Place, names: AttributeNames) -> None:
        self.tolerated: list[Tolerated] = []
        self._place, self._names = place, names

    def _note(self, rule: str, thing: tuple[Message, Signal | None], what: str, done: str, remedy: str) -> None:
        self.tolerated.append(Tolerated(rule, what, done, self._place(*thing), remedy))

    # Messages -----------------------------------------------------------------------------------------------------

    def messages(self, database: Database) -> None:
        """One message an identifier, one a name, none longer than a frame."""
        by_id: dict[tuple[bool, int], Message] = {}
        names: set[str] = set()
        for message in list(database.messages):
            key = (message.is_extended_frame, message.frame_id)
            if self._is_left_out(message, by_id.get(key)):
                database.messages.remove(message)
                continue
            by_id[key] = message
            self._message_name(message, names)
            names.add(message.name)

    def _is_left_out(self, message: Message, known: Message | None) -> bool:
        names = ", ".join(signal.name for signal in message.signals) or "none"
        done = f"{message.name} is left out with its signals: {names}"
        if known is not None:
            can_id = show_id(message.frame_id, EXTENDED if message.is_extended_frame else 0)
            what = f"messages {known.name} and {message.name} have the same identifier {can_id}"
            self._note("duplicate-message", (message, None), what, done, "give one of them another identifier.")
        elif message.length > _MOST_BYTES or (message.protocol == "j1939" and message.length > _CLASSIC_BYTES):
            what = f"message {message.name} has {message.length} bytes, more than a frame carries"
            mend = "correct the length; what a transport protocol carries is no message of the bus."
            self._note("length", (message, None), what, done, mend)
        else:
            return False
        return True

    def _message_name(self, message: Message, names: set[str]) -> None:
        name = _speakable(message.name)
        if name in names:
            new = _free(f"{name}_{message.frame_id:X}", names)
            what = f"two messages are called {name}"
            self._note("duplicate-message", (message, None), what, f"this one is called {new}", "rename one of them.")
            message.name = new
        elif name != message.name:
            what = f"'{message.name}' is no name for a message"
            self._note("name", (message, None), what, f"it is called {name}", "use letters, digits and '_' only.")
            message.name = name

    def length(self, message: Message, says_fd: bool) -> None:
        """More than 8 bytes are CAN FD, and CAN FD has certain lengths."""
        if message.length > _CLASSIC_BYTES and not message.is_fd:
            if says_fd:
                what = f"message {message.name} has {message.length} bytes, but isn't marked as CAN FD"
                mend = "set its VFrameFormat, or correct its length."
                self._note("length", (message, None), what, "it is taken as CAN FD", mend)
            message.is_fd = True
        if message.is_fd and message.length not in FD_LENGTHS:
            length = next_length(message.length)
            what = f"message {message.name} has {message.length} bytes, which is no CAN FD length"
            mend = "give it 12, 16, 20, 24, 32, 48 or 64 bytes."
            self._note("length", (message, None), what, f"it is sent and read with {length} bytes", mend)
            message.length = length

    # Signals ------------------------------------------------------------------------------------------------------

    def signals(self, message: Message) -> None:
        """Each within the message, with one name, on a page that is there, and with numbers that make sense."""
        for signal in list(message.signals):
            if not fits(signal.start, signal.length, message.length, motorola=signal.byte_order == "big_endian"):
                message.signals.remove(signal)
                what = f"signal {signal.name} is beyond the {message.length} bytes of message {message.name}"
                mend = "lengthen the message, or correct the signal's place."
                self._note("beyond", (message, signal), what, "it is left out", mend)
        self._signal_names(message)
        self._pages(message)
        for signal in message.signals:
            self._numbers(message, signal)

    def _signal_names(self, message: Message) -> None:
        names: set[str] = set()
        for signal in message.signals:
            name = _speakable(signal.name)
            if name in names:
                new = _free(f"{name}_2", names)
                what = f"two signals of message {message.name} are called {name}"
                self._note(
                    "duplicate-signal", (message, signal), what, f"this one is called {new}", "rename one of them."
                )
                name = new
            elif name != signal.name:
                what = f"'{signal.name}' is no name for a signal"
                self._note("name", (message, signal), what, f"it is called {name}", "use letters, digits and '_' only.")
                _follow(message, signal.name, name)
            signal.name = name
            names.add(name)

    def _pages(self, message: Message) -> None:
        """A signal whose multiplexer can't be reached would be neither encoded nor decoded."""
        signals = {signal.name: signal for signal in message.signals}
        above = parents(message)
        for signal in message.signals:
            chain = above[signal.name]
            ends = chain and signals.get(chain[-1][0])
            sound = all(name in signals and signals[name].is_multiplexer and ids for name, ids in chain)
            if chain and not (sound and ends and ends.multiplexer_signal is None):
                what = (
                    f"signal {signal.name} of message {message.name} hangs on {chain[-1][0]}, which is no multiplexer"
                )
                mend = "correct the multiplexing of the message."
                done = "it is there all the time, whatever the page"
                self._note("multiplexing", (message, signal), what, done, mend)
                signal.multiplexer_signal = signal.multiplexer_ids = None

    def _numbers(self, message: Message, signal: Signal) -> None:
        name = f"{message.name}.{signal.name}"
        thing = (message, signal)
        if signal.is_float and signal.length not in _FLOATS:
            what = f"signal {name} is floating point with {signal.length} bits"
            self._note("float", thing, what, "it is taken as a whole number", "give it 32 or 64 bits.")
            signal.is_float = False
        if not signal.scale or not math.isfinite(signal.scale):
            mend = "give it the physical value of one bit."
            self._note("factor", thing, f"the factor of {name} is {signal.scale:g}", "it is taken as 1", mend)
            signal.scale = 1
        if not math.isfinite(signal.offset):
            what = f"the offset of {name} is {signal.offset:g}"
            self._note("factor", thing, what, "it is taken as 0", "give it the physical value of raw 0.")
            signal.offset = 0
        self._range(thing, name, signal)
        self._start(thing, name, signal)

    def _range(self, thing: tuple[Message, Signal], name: str, signal: Signal) -> None:
        low, high = signal.minimum, signal.maximum
        ends = sorted(float(raw) * signal.scale + signal.offset for raw in raw_limits(signal))
        outside = (low is not None and not low <= ends[1]) or (high is not None and not high >= ends[0])
        if low is not None and high is not None and not low <= high:
            what, mend = f"the range of {name} is {low:g} to {high:g}", "exchange minimum and maximum."
        elif outside:
            held = f"{ends[0]:g} to {ends[1]:g}"
            what = f"the range of {name} is {_number(low)} to {_number(high)}, but its bits hold {held}"
            mend = "correct the range, or the signal's length, sign, factor and offset."
        else:
            return
        self._note("range", thing, what, "it is ignored; its bits are its range", mend)
        signal.minimum = signal.maximum = None

    def _start(self, thing: tuple[Message, Signal], name: str, signal: Signal) -> None:
        start = stated_start(signal, self._names)
        low, high = raw_limits(signal)
        if start is not None and not low <= start <= high:
            what = f"the start value of {name} is raw {start:g}, but its bits hold {low:g} to {high:g}"
            mend = "correct it; if your start values are physical numbers, say so in the bench file."
            self._note("start-value", thing, what, "it starts at 0", mend)

    # Nodes --------------------------------------------------------------------------------------------------------

    def nodes(self, database: Database, says_nodes: bool) -> None:
        """Every sender and receiver is a node."""
        known = {node.name for node in database.nodes}
        for message in database.messages:
            users: list[list[str]] = [message.senders, *(signal.receivers for signal in message.signals)]
            for names in users:
                if None in names:
                    names[:] = [name for name in names if name is not None]
                    what = f"a node of message {message.name} isn't there"
                    self._note("undeclared-node", (message, None), what, "it is left out", "declare it.")
            for name in sorted({name for names in users for name in names} - known):
                known.add(name)
                database.nodes.append(Node(name))
                if says_nodes:
                    what = f"node {name} is used but not declared"
                    self._note("undeclared-node", (message, None), what, "it is taken as one", "declare it.")

    # Overlaps -----------------------------------------------------------------------------------------------------

    def overlaps(self, message: Message) -> None:
        """Overlapping signals are read each by itself; when they are sent their bits are OR-ed."""
        found = overlaps(message)
        for one, other, bits in islice(found, _MOST_PAIRS):
            what = f"signals {one.name} and {other.name} of message {message.name} overlap by {bits} bits"
            self._note("overlap", (message, other), what, _OR_ED, "move one of the two signals.")
        if len(found) > _MOST_PAIRS:
            what = f"{len(found) - _MOST_PAIRS} more pairs of signals of message {message.name} overlap"
            self._note("overlap", (message, None), what, _OR_ED, "move all but one.")
        if found:
            separate(message)


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"


def _speakable(name: str) -> str:
    """A name without the characters that stand between bus, message and signal."""
    return name.replace("::", "_").replace(".", "_")


def _free(name: str, names: Iterable[str]) -> str:
    taken = set(names)
    while name in taken:
        name += "_"
    return name


def _follow(message: Message, old: str, new: str) -> None:
    """The signals below a multiplexer follow it when it is renamed."""
    for signal in message.signals:
        if signal.multiplexer_signal == old:
            signal.multiplexer_signal = new


# Codecs of overlapping signals ----------------------------------------------------------------------------------------


class _Layers:
    """Packs and unpacks signals that lie on each other: several formats of signals that don't.

    Args:
        formats: what cantools made of each layer, for one byte order.
    """

    def __init__(self, formats: Sequence[Any]) -> None:
        self._formats = formats

    def pack(self, values: Mapping[str, Any]) -> bytes:
        """The payload with the bits of all layers."""
        packed = [format_.pack(values) for format_ in self._formats]
        whole = 0
        for layer in packed:
            whole |= int.from_bytes(layer, "big")
        return whole.to_bytes(max(map(len, packed)), "big")

    def unpack(self, data: bytes) -> dict[str, Any]:
        """The raw values of all layers."""
        return {name: value for format_ in self._formats for name, value in format_.unpack(data).items()}


def separate(message: Message) -> None:
    """Give a message codecs that can encode and decode signals that lie on each other."""
    pending = [message._codecs]  # no public way to them, and no other way to such messages
    while pending:
        codec: Any = pending.pop()
        layers = _layers(codec["signals"])
        if len(layers) > 1:
            formats = [create_encode_decode_formats(layer, message.length) for layer in layers]
            mask = formats[0].padding_mask
            for one in formats:
                mask &= one.padding_mask
            big, little = (_Layers([getattr(one, end) for one in formats]) for end in ("big_endian", "little_endian"))
            codec["formats"] = Formats(big, little, mask)
        pending += [below for pages in codec["multiplexers"].values() for below in pages.values()]


def _layers(signals: Sequence[Signal]) -> list[list[Signal]]:
    """Signals in as few groups as it takes so that none overlap within a group."""
    layers: list[tuple[int, list[Signal]]] = []
    for signal in signals:
        mask = mask_of(signal)
        for index, (used, layer) in enumerate(layers):
            if not used & mask:
                layers[index] = used | mask, [*layer, signal]
                break
        else:
            layers.append((mask, [signal]))
    return [layer for _, layer in layers]


__all__ = ["Place", "mend", "separate"]
