"""Small databases written in place, and a restbus on ports that keep what they are given: for tests of sending."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kernel_can import KernelPort

from hil.can import database
from hil.can.curves import Curve
from hil.can.database import Network
from hil.can.restbus import Restbus
from hil.clock import VirtualClock

MS = 1_000_000
_SEND_TYPES = (
    "Cyclic", "OnWrite", "OnWriteWithRepetition", "OnChange", "OnChangeWithRepetition", "IfActive",
    "IfActiveWithRepetition", "NoSendType",
)  # fmt: skip
_FRAME_FORMATS = {"StandardCAN": 0, "StandardCAN_FD": 14}
_MESSAGE_ATTRIBUTES = {
    "cycle": "GenMsgCycleTime", "fast": "GenMsgCycleTimeFast", "repetitions": "GenMsgNrOfRepetition",
    "delay": "GenMsgDelayTime", "start_delay": "GenMsgStartDelayTime", "send": "GenMsgSendType",
    "profile": "E2EProfile", "data_id": "E2EDataId", "id_list": "E2EDataIdList", "offset": "E2EOffset",
    "pn": "NmPnc", "nm": "NmAsrMessage", "diag": "DiagRequest",
}  # fmt: skip
_SIGNAL_ATTRIBUTES = {
    "start": "GenSigStartValue", "inactive": "GenSigInactiveValue", "send": "GenSigSendType", "source": "GwSource",
}  # fmt: skip
_TEXTS = ("E2EProfile", "E2EDataIdList", "NmAsrMessage", "DiagRequest", "GwSource")


@dataclass(frozen=True)
class Sig:
    """A signal as a DBC line, with its attributes: `Sig("Speed", "0|8@1+ (0.5,0) [0|100] \"km/h\"", start=40)`."""

    name: str
    place: str
    mux: str = ""
    labels: dict[int, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)


def sig(name, place, *, mux="", labels=None, **attributes):
    return Sig(name, place, mux, labels or {}, attributes)


@dataclass(frozen=True)
class Msg:
    """A message with its signals and attributes."""

    name: str
    can_id: int
    length: int
    sender: str
    signals: tuple[Sig, ...]
    fd: bool
    attributes: dict[str, Any]


def msg(name, can_id, length, *signals, sender="BODY", fd=False, **attributes):
    return Msg(name, can_id, length, sender, signals, fd, attributes)


def dbc(*messages, receiver="ECU"):
    """The text of a database of these messages; nodes are whoever sends one, and the receiver."""
    nodes = sorted({message.sender for message in messages} | {receiver})
    lines = ['VERSION ""', "NS_ :", "BS_:", f"BU_: {' '.join(nodes)}"]
    for message in messages:
        lines.append(f"BO_ {message.can_id} {message.name}: {message.length} {message.sender}")
        lines += [f" SG_ {s.name} {s.mux} : {_with_unit(s.place)} {receiver}" for s in message.signals]
    lines += _definitions()
    for message in messages:
        lines += _attributes(message)
    return "\n".join(lines) + "\n"


def _with_unit(place):
    text = place if "(" in place else f"{place} (1,0)"
    text = text if "[" in text else f"{text} [0|0]"
    return text if '"' in text else f'{text} ""'


def _definitions():
    texts = {name: "STRING" for name in _TEXTS}
    choices = ",".join(f'"{word}"' for word in _SEND_TYPES)
    formats = ",".join(f'"{word}"' for word in ["StandardCAN", *["reserved"] * 13, "StandardCAN_FD"])
    own = {"GenMsgSendType": f"ENUM {choices}", "GenSigSendType": f"ENUM {choices}", "VFrameFormat": f"ENUM {formats}"}
    floats = {"GenSigStartValue": "FLOAT 0 100000000000", "GenSigInactiveValue": "FLOAT 0 100000000000"}
    kinds = texts | own | floats
    lines = []
    for kind, names in (("BO_", [*_MESSAGE_ATTRIBUTES.values(), "VFrameFormat"]), ("SG_", _SIGNAL_ATTRIBUTES.values())):
        for name in names:
            lines.append(f'BA_DEF_ {kind} "{name}" {kinds.get(name, "INT 0 100000")};')
            default = '""' if name in texts else '"NoSendType"' if "SendType" in name else "0"
            lines.append(
                f'BA_DEF_DEF_ "{name}" {default if name != "VFrameFormat" else chr(34) + "StandardCAN" + chr(34)};'
            )
    return lines


def _attributes(message):
    lines = []
    if message.fd:
        lines.append(f'BA_ "VFrameFormat" BO_ {message.can_id} {_FRAME_FORMATS["StandardCAN_FD"]};')
    for key, value in message.attributes.items():
        lines.append(
            f'BA_ "{_MESSAGE_ATTRIBUTES[key]}" BO_ {message.can_id} {_shown(_MESSAGE_ATTRIBUTES[key], value)};'
        )
    for signal in message.signals:
        place = f"SG_ {message.can_id} {signal.name}"
        for key, value in signal.attributes.items():
            lines.append(f'BA_ "{_SIGNAL_ATTRIBUTES[key]}" {place} {_shown(_SIGNAL_ATTRIBUTES[key], value)};')
        if signal.labels:
            table = " ".join(f'{raw} "{label}"' for raw, label in signal.labels.items())
            lines.append(f"VAL_ {message.can_id} {signal.name} {table} ;")
    return lines


def _shown(attribute, value):
    if attribute.endswith("SendType"):
        return _SEND_TYPES.index(value)
    return f'"{value}"' if attribute in _TEXTS else value


def load(*messages, receiver="ECU", where="x.dbc"):
    return database.load(dbc(*messages, receiver=receiver), ".dbc", where)


class Collector:
    """A port that keeps what it is given, with the bench time of it."""

    def __init__(self, clock, bus="cabin"):
        self.clock, self.bus, self.sent = clock, bus, []

    async def open(self, on_frame, on_lost):
        """It hears nothing."""

    async def close(self):
        """Nothing to let go of."""

    def send(self, can_id, data, flags=0):
        self.sent.append((self.clock.now_ns, can_id, data, flags))


class LaggingClock(VirtualClock):
    """A virtual clock on which a callback may take its time, as on a real one: `hog` makes time pass."""

    def hog(self, duration_ns):
        self.now_ns += duration_ns


class Lab:
    """A restbus on collecting ports; all times in milliseconds.

    Args:
        clock: bench time.
        buses: messages of each bus.
        in_kernel: whether the ports have a broadcast manager.
        options: of the restbus.
    """

    def __init__(self, clock, buses, *, in_kernel=False, **options):
        self.clock, self.late = clock, []
        self.network = Network({bus: load(*messages, where=f"{bus}.dbc") for bus, messages in buses.items()})
        self.ports = {bus: Collector(clock, bus) for bus in buses}
        if in_kernel:
            self.ports = {bus: KernelPort(clock, port) for bus, port in self.ports.items()}
        options = {"absent": ["ECU"], "on_late": self.late.append} | options
        self.restbus = Restbus(clock, self.network, self.ports, **options)

    def ref(self, name):
        return self.network.resolve(name)

    def value(self, name, value):
        return database.to_value(self.ref(name), value)

    def set(self, **values):
        """Set signals at one instant; `__` in a name stands for the dot of `Message.Signal`."""
        named = {name.replace("__", "."): value for name, value in values.items()}
        self.restbus.set_all({self.ref(name): self.value(name, value) for name, value in named.items()})

    def get(self, name):
        return str(self.restbus.get(self.ref(name)))

    def follow(self, name, *points):
        """Let a signal follow (ms, value) points."""
        times, values = zip(*points, strict=True)
        self.restbus.follow(self.ref(name), Curve(tuple(round(t * MS) for t in times), tuple(map(float, values))))

    def sent(self, name):
        bus, message = self.network.message(name)
        return self.restbus.sent(bus, message.name)

    def run(self, until, *actions, start=0):
        """Start the restbus at `start` (None: it is left as it is), do each `(ms, action)`, run until the end."""

        async def main():
            if start is not None:
                self.clock.call_at(round(start * MS), lambda _: self.restbus.start())
            for at, action in actions:
                self.clock.call_at(round(at * MS), lambda act: act(), action)
            await self.clock.sleep_until(round(until * MS) + 1)

        self.clock.run(main())

    def frames(self, name):
        """(ms, payload) of each frame of a message."""
        bus, message = self.network.message(name)
        sent = self.ports[bus].sent
        return [(t_ns / MS, data) for t_ns, can_id, data, _ in sent if can_id == message.frame_id]

    def times(self, name):
        return [t for t, _ in self.frames(name)]

    def bytes(self, name, index=0):
        """(ms, one byte) of each frame of a message."""
        return [(t, data[index]) for t, data in self.frames(name)]
