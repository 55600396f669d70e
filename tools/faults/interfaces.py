"""Interfaces of a real kernel that are broken on purpose: vcan, two SJA1000 controllers, a USB adapter. In the guest.

Rules of this module: everything here is the kernel's: interfaces go down and up by netlink, as by `ip link set`; a
controller is bus-off because its driver said so; a card is gone because its driver let go of it. The ECU is a socket
on the other end of the wire, or what the adapter hears. The bench is a process of its own kind: one bus, no more.

Not for: everything else that a bench has (`faults.lab`), and how an adapter that is a program is made
(`faults.adapter`).
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

from faults.adapter import Adapter, Dialect
from faults.buses import BENCH_END, BUSES, STATUS_ID
from faults.fault import Fault, nothing
from faults.gs_usb import GsUsb
from faults.metronome import Metronome
from faults.ucan import Ucan
from faults.usbip import until
from hil.bench.facade import Bench
from hil.can import link
from hil.can.link import LinkSettings
from hil.errors import BenchError

BITRATE: Final = 500_000
_STATUS_EVERY_S: Final = 0.02
_FRAME: Final = struct.Struct("=IB3x8s")
_READY: Final = b"\1"
_BENCH: Final = """# One bus of this kernel, to be broken on purpose.
[bench]
name = "interface"
clock = "real"
allowed_lateness = "5 s"

[bus.can0]
port = "python-can"
interface = "socketcan"
channel = "{channel}"
bitrate = {bitrate}
database = "bus.dbc"
real_nodes = ["ECU"]
{setting}
"""


class Wire(Protocol):
    """An interface, and the ECU at the other end of it.

    Attributes:
        setting: what else the bench file says of it.
    """

    setting: str

    @property
    def channel(self) -> str:
        """The interface of the bench."""

    def open(self) -> None:
        """There, and as a bench finds it."""

    def say(self) -> None:
        """The ECU sends its status."""

    def close(self) -> None:
        """As it was."""


class Vcan:
    """A virtual interface that somebody else brought up: the bench must leave that to them."""

    setting = ""

    def __init__(self, channel: str = "vcan0") -> None:
        self._channel = channel
        self._speaker = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)

    @property
    def channel(self) -> str:
        """See `Wire`."""
        return self._channel

    def open(self) -> None:
        """See `Wire`."""
        link.bring(self.channel, up=True)
        self._speaker.bind((self.channel,))

    def say(self) -> None:
        """See `Wire`; nothing goes out while it is down."""
        with contextlib.suppress(OSError):
            self._speaker.send(_FRAME.pack(STATUS_ID, 1, _READY))

    def close(self) -> None:
        """See `Wire`."""
        self._speaker.close()


class Pair(Vcan):
    """Two controllers on one bus; the bench sets up its own."""

    setting = "set_up = true"

    def __init__(self, channel: str = "can0", far: str = "can1") -> None:
        super().__init__(channel)
        self._far = far
        self._device = (Path("/sys/class/net") / channel / "device").resolve()
        self._driver = (self._device / "driver").resolve()

    def open(self) -> None:
        """See `Wire`."""
        link.configure(self._far, LinkSettings(BITRATE))
        self._speaker.bind((self._far,))

    def close(self) -> None:
        """See `Wire`."""
        super().close()
        link.bring(self._far, up=False)

    def take_away(self) -> None:
        """The controller is gone for its driver, as if its card had been pulled."""
        (self._driver / "unbind").write_text(self._device.name)

    def give_back(self) -> None:
        """The driver finds it again, and makes an interface of the same name."""
        (self._driver / "bind").write_text(self._device.name)


class Usb:
    """A USB adapter, which the bench sets up."""

    setting = "set_up = true"

    def __init__(self, dialect: Dialect) -> None:
        self.adapter = Adapter(dialect)
        self.adapter.plug()

    @property
    def channel(self) -> str:
        """Its interface."""
        return self.adapter.channel

    def open(self) -> None:
        """See `Wire`: it is plugged in already."""

    def say(self) -> None:
        """See `Wire`."""
        self.adapter.hear(STATUS_ID, _READY)

    def close(self) -> None:
        """See `Wire`."""
        self.adapter.pull()


class Seal(Usb):
    """One that the kernel restarts after bus-off."""

    setting = 'set_up = true\nrestart_after = "100 ms"'

    def __init__(self) -> None:
        super().__init__(Ucan())


class CandleLight(Usb):
    """One of the kind that most are."""

    def __init__(self) -> None:
        super().__init__(GsUsb())


class InterfaceLab:
    """A `faults.trial.Place` of one bus.

    Args:
        folder: for bench file, database and results.
        wire: the bus.
    """

    def __init__(self, folder: Path, wire: Wire) -> None:
        self.wire, self.results, self.bench = wire, folder / "results", folder / "interface.toml"
        self.results.mkdir()
        (folder / "bus.dbc").write_text(BUSES)
        words = {"channel": wire.channel, "bitrate": BITRATE, "setting": wire.setting}
        self.bench.write_text(_BENCH.format(**words) + BENCH_END)
        self._stop = threading.Event()
        self._metronome = Metronome(folder)

    def talk(self) -> None:
        """What the ECU says, in a thread: its own crystal, not the bench's."""
        while not self._stop.wait(_STATUS_EVERY_S):
            self.wire.say()

    def stop(self) -> None:
        """The ECU says no more."""
        self._stop.set()
        self._metronome.stop()

    def begin(self) -> None:
        """A trial begins."""

    def held(self) -> int:
        """Interfaces that the bench set up and that are still up."""
        return int(bool(self.wire.setting) and self.is_up())

    def is_up(self) -> bool:
        """Whether the interface is there and up."""
        with contextlib.suppress(BenchError):
            return link.read(self.wire.channel).up
        return False

    def send(self, bench: Bench, number: int) -> None:
        """A value, and time for it to get onto the wire."""
        bench.set_signal("Speed.Kmh", 10 + number)
        bench.sleep("20 ms")

    def check(self, bench: Bench, asks: Callable[[float], object]) -> None:
        """The ECU's status is there, and stays."""
        asks(0.0)
        bench.signal_should_be("Status.Ready", "Yes")
        bench.sleep("20 ms")

    def unsafe(self) -> list[str]:
        """An interface is given back as it was found, which `held` knows."""
        return []

    def stolen_s(self) -> float:
        """By how much the metronome was late: the guest is emulated."""
        return self._metronome.late_s


@contextlib.contextmanager
def opened(folder: Path, make: Callable[[], Wire]) -> Iterator[InterfaceLab]:
    """A lab with its ECU talking."""
    wire = make()
    wire.open()
    lab = InterfaceLab(folder, wire)
    talker = threading.Thread(target=lab.talk, name="far-ecu", daemon=True)
    talker.start()
    try:
        yield lab
    finally:
        lab.stop()
        talker.join()
        wire.close()


def _down(lab: InterfaceLab) -> None:
    link.bring(lab.wire.channel, up=False)


def _up(lab: InterfaceLab) -> None:
    link.bring(lab.wire.channel, up=True)


def _is_up(lab: InterfaceLab) -> None:
    until(lab.is_up, "the interface is up")


def _pair(lab: InterfaceLab) -> Pair:
    assert isinstance(lab.wire, Pair)
    return lab.wire


def _adapter(lab: InterfaceLab) -> Adapter:
    assert isinstance(lab.wire, Usb)
    return lab.wire.adapter


_DOWN: Final = r"bus\.can0 .*(the interface is down|was set up and is down)"
_GONE: Final = (
    r"bus\.can0 .*(the adapter is gone|the interface is down|no such interface|No such device|does not answer)"
)
_OFF: Final = r"bus\.can0 .*(bus-off|No buffer space)"

FAULTS: Final[Sequence[tuple[Callable[[], Wire], Fault]]] = (
    (Vcan, Fault("vcan: interface down and up", _down, _up, (_DOWN,))),
    (Pair, Fault("SJA1000: interface down and up", _down, nothing, (_DOWN,), heals=True, ready=_is_up)),
    (
        Pair,
        Fault(
            "SJA1000: card taken away and back",
            lambda lab: _pair(lab).take_away(),
            lambda lab: _pair(lab).give_back(),
            (_GONE,),
        ),
    ),
    (
        CandleLight,
        Fault(
            "USB adapter: pulled and back",
            lambda lab: _adapter(lab).pull(),
            lambda lab: _adapter(lab).plug(),
            (_GONE,),
        ),
    ),
    (
        Seal,
        Fault(
            "USB adapter: short circuit, bus-off",
            lambda lab: _adapter(lab).short(),
            lambda lab: _adapter(lab).clear(),
            (_OFF,),
            comes_again=True,
        ),
    ),
)
"""What it is done to, and the fault."""
