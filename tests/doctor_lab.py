"""A bench in virtual time with others on its buses, healthy or sick: for tests of `hil doctor`."""

from __future__ import annotations

from typing import Any, ClassVar

from can_lab import MS, dbc, msg, sig

from hil.bench import config
from hil.bench.checkup import Wishes, check_up
from hil.bench.checkup_finding import Mark
from hil.bench.ports import Options, SimCan
from hil.bench.secrets import Secret
from hil.can.disturbance import Disturbance
from hil.can.e2e import E2e
from hil.can.traits import E2eConfig
from hil.errors import BenchError
from hil.seed import seeded

SPEED, DOORS, ANSWER, GUARD = 0x100, 0x210, 0x300, 0x301
CHASSIS = [msg("ESC_Speed", SPEED, 2, sig("Speed", "0|16@1+"), sender="ESC", cycle=20)]
BODY = [
    msg("Doors", DOORS, 2, sig("Left", "0|8@1+"), sender="BCM", cycle=50),
    msg("Answer", ANSWER, 1, sig("State", "0|8@1+"), sender="ECU", cycle=100),
    msg("Guard", GUARD, 8, sig("Crc", "0|8@1+"), sig("Counter", "8|4@1+"), sender="ECU", cycle=50,
        profile="P01", data_id=0x123),
]  # fmt: skip
BENCH = """[bench]
name = "sick"
clock = "virtual"

[bus.body]
port = "doctor_lab:Peopled"
database = "body.dbc"
real_nodes = ["ECU"]

[bus.chassis]
port = "doctor_lab:Peopled"
database = "chassis.dbc"
"""


class _Peopled:
    """A port on a simulated wire on which another node speaks too, from the opening on."""

    def __init__(self, site: Any, port: Any, wire: Any, speakers: Any) -> None:
        self.bus, self.close = port.bus, port.close
        self._clock, self._port, self._wire, self._speakers = site.clock, port, wire, speakers
        self._other = wire.port("OTHER")

    async def open(self, on_frame: Any, on_lost: Any) -> None:
        await self._port.open(on_frame, on_lost)
        await self._other.open(lambda frame: None, lambda error: None)
        for speak in self._speakers:
            speak(self._clock, self._wire, self._other)

    def send(self, *frame: Any) -> None:
        Peopled.sent.append((self._clock.now_ns, self.bus, *frame))
        self._port.send(*frame)


class Peopled(SimCan):
    """A factory: who else speaks is in `speakers`, what the bench sent in `sent`."""

    speakers: ClassVar[dict[str, Any]] = {}
    sent: ClassVar[list[Any]] = []

    @staticmethod
    def make(site: Any, options: Any) -> Any:
        port = SimCan.make(site, options)
        return _Peopled(site, port, site.copper.wires[site.name], Peopled.speakers.get(site.name, ()))


class _Dead:
    def __init__(self, site: Any) -> None:
        self.bus = site.name

    async def open(self, on_frame: Any, on_lost: Any) -> None:
        raise BenchError("no such device", where=f"bus.{self.bus} (toy can7)", remedy="plug it in.")

    async def close(self) -> None:
        """It was never open."""


class Dead(SimCan):
    """A factory of ports that don't open."""

    @staticmethod
    def make(site: Any, options: Any) -> Any:
        return _Dead(site)


class LeakyOptions(Options):
    password: Secret = ""


class Leaky(SimCan):
    """A factory of ports whose error holds their password."""

    Options = LeakyOptions

    @staticmethod
    def make(site: Any, options: Any) -> Any:
        port, password = _Dead(site), site.reveal(options.password, "bus.body.password")

        async def refuse(on_frame: Any, on_lost: Any) -> None:
            raise BenchError(f"login with '{password}' refused", where="bus.body", remedy=f"not {password}.")

        port.open = refuse
        return port


def every(period_ms, can_id, data=b"\0", flags=0, begin=0):
    """A speaker that repeats a frame; `data` may be a function of the number of the frame."""

    def speak(clock, wire, other):
        def again(number):
            other.send(can_id, data(number) if callable(data) else data, flags)
            clock.call_in(round(period_ms * MS), again, number + 1)

        clock.call_in(round(begin * MS), again, 0)

    return speak


def at(times_ms, can_id, data=b"\0"):
    """A speaker that sends a frame at these times."""

    def speak(clock, wire, other):
        for time_ms in times_ms:
            clock.call_in(round(time_ms * MS), lambda _: other.send(can_id, data))

    return speak


def noise(corruption):
    """A wire that breaks frames with this probability."""
    return lambda clock, wire, other: wire.disturb([Disturbance(corruption=corruption)], seeded("noise"))


def guarded(corrupt=False):
    """Payloads of Guard, by number."""
    e2e = E2e(E2eConfig("P01", 8, data_id=0x123))
    return lambda number: (e2e.corrupt if corrupt else bytes)(e2e.protect(bytes(8), number))


ECU = [every(100, ANSWER), every(50, GUARD, guarded())]


class Rows:
    """The rows of a check-up."""

    def __init__(self, report):
        self.report, self.findings = report, report.findings

    def of(self, part, check, when=None):
        return [f for f in self.findings if f.part == part and f.check == check and when in (None, f.when)]

    def one(self, part, check, when=None):
        (found,) = self.of(part, check, when)
        return found

    @property
    def faults(self):
        return [(f.part, f.check) for f in self.findings if f.mark is Mark.FAULT]


class SickBench:
    """Writes a bench file, puts others on its buses, and looks at it.

    Args:
        folder: where its files are written.
    """

    def __init__(self, folder):
        self.path = folder / "bench.toml"
        (folder / "body.dbc").write_text(dbc(*BODY))
        (folder / "chassis.dbc").write_text(dbc(*CHASSIS, receiver="BODY"))

    def write(self, *, body=ECU, chassis=(), more="", change=lambda text: text):
        Peopled.speakers, Peopled.sent = {"body": body, "chassis": chassis}, []
        self.path.write_text(change(BENCH) + more)
        return config.load(self.path)

    def __call__(self, *, body=ECU, chassis=(), more="", change=lambda text: text, **wishes):
        return Rows(check_up(self.write(body=body, chassis=chassis, more=more, change=change), Wishes(**wishes)))
