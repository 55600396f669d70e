"""A small bench for the tests of `hil restbus`: its database, its bench files, and ports that leave traces or break."""

from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel

from hil.bench.ports import SimCan
from hil.errors import BenchError
from hil.serial.power_sim import SimSupply

DBC = """VERSION ""

NS_ :

BS_:

BU_: BCM ESC CLU

BO_ 100 BCM_Power: 2 BCM
 SG_ PowerMode : 0|3@1+ (1,0) [0|7] "" CLU
 SG_ Door : 8|1@1+ (1,0) [0|1] "" CLU

BO_ 200 ESC_Speed: 8 ESC
 SG_ SpeedCrc : 0|8@1+ (1,0) [0|255] "" CLU
 SG_ SpeedCounter : 8|4@1+ (1,0) [0|15] "" CLU
 SG_ VehicleSpeed : 16|16@1+ (0.01,0) [0|300] "km/h" CLU
 SG_ AbsFault : 32|1@1+ (1,0) [0|1] "" CLU

BO_ 201 ESC_Wheels: 4 ESC
 SG_ WheelLeft : 0|16@1+ (0.01,0) [0|300] "km/h" CLU
 SG_ WheelRight : 16|16@1+ (0.01,0) [0|300] "km/h" CLU

BO_ 300 BCM_Horn: 1 BCM
 SG_ Horn : 0|1@1+ (1,0) [0|1] "" CLU

BO_ 400 CLU_Status: 2 CLU
 SG_ ClusterState : 0|3@1+ (1,0) [0|7] "" BCM
 SG_ ShownSpeed : 8|8@1+ (1,0) [0|255] "km/h" BCM

BA_DEF_ BO_  "GenMsgCycleTime" INT 0 65535;
BA_DEF_ BO_  "E2EProfile" STRING ;
BA_DEF_ BO_  "E2EDataId" INT 0 65535;
BA_DEF_DEF_  "GenMsgCycleTime" 0;
BA_DEF_DEF_  "E2EProfile" "";
BA_DEF_DEF_  "E2EDataId" 0;
BA_ "GenMsgCycleTime" BO_ 100 100;
BA_ "GenMsgCycleTime" BO_ 200 20;
BA_ "GenMsgCycleTime" BO_ 201 10;
BA_ "GenMsgCycleTime" BO_ 400 50;
BA_ "E2EProfile" BO_ 200 "P01";
BA_ "E2EDataId" BO_ 200 291;
VAL_ 100 PowerMode 0 "Off" 1 "Accessory" 2 "On" ;
VAL_ 100 Door 0 "Closed" 1 "Ajar door" ;
VAL_ 200 VehicleSpeed 65535 "SNA" ;
VAL_ 400 ClusterState 0 "Off" 2 "On" ;
"""
_BENCH = """[bench]
name = "small"
clock = "{clock}"

[bus.cabin]
{port}
database = "small.dbc"
real_nodes = ["CLU"]

[ignition]
signal = "PowerMode"
"""
_SIM = 'port = "sim"'
REAL = 'port = "python-can"\ninterface = "virtual"\nchannel = "{}"'


def write_bench(folder: Path, *, port: str = _SIM, clock: str = "virtual", more: str = "") -> Path:
    """A bench file in this folder, with its database."""
    (folder / "small.dbc").write_text(DBC)
    path = folder / "small.toml"
    path.write_text(_BENCH.format(clock=clock, port=port) + more)
    return path


def many_messages(folder: Path, count: int) -> None:
    """Make the database of that folder longer: messages Many_00, Many_01, ..."""
    bodies = [
        f'BO_ {600 + n} Many_{n:02}: 1 ESC\n SG_ Level{n:02} : 0|8@1+ (1,0) [0|255] "" CLU\n' for n in range(count)
    ]
    (folder / "small.dbc").write_text(DBC.replace("BA_DEF_ BO_", "\n".join(bodies) + "\nBA_DEF_ BO_", 1))


def add_network_management(folder: Path) -> None:
    """Let the nodes of that folder's database keep the bus awake; ESC_Wheels belongs to partial network 16."""
    nm = 'BO_ 1296 NM_BCM: 8 BCM\n SG_ NM_BCM_User : 56|8@1+ (1,0) [0|255] "" CLU\n\n'
    nm += 'BO_ 1297 NM_CLU: 8 CLU\n SG_ NM_CLU_User : 56|8@1+ (1,0) [0|255] "" BCM\n\n'
    kinds = 'BA_DEF_ BU_ "NmAsrNodeIdentifier" INT 0 255;\nBA_DEF_ BO_ "NmAsrMessage" ENUM "no","yes";\n'
    kinds += 'BA_DEF_ BO_ "NmPnc" INT 0 255;\nBA_DEF_DEF_ "NmAsrNodeIdentifier" 0;\n'
    kinds += 'BA_DEF_DEF_ "NmAsrMessage" "no";\nBA_DEF_DEF_ "NmPnc" 0;\n'
    values = 'BA_ "NmAsrNodeIdentifier" BU_ BCM 16;\nBA_ "NmAsrNodeIdentifier" BU_ CLU 17;\n'
    values += 'BA_ "NmAsrMessage" BO_ 1296 1;\nBA_ "NmAsrMessage" BO_ 1297 1;\nBA_ "NmPnc" BO_ 201 16;\n'
    text = DBC.replace("BA_DEF_ BO_", f"{nm}{kinds}BA_DEF_ BO_", 1).replace("VAL_ 100", f"{values}VAL_ 100", 1)
    (folder / "small.dbc").write_text(text)


class _Traced(SimSupply):
    """A supply that writes down what was done to it."""

    def __init__(self, site: Any, trace: Path) -> None:
        line = site.copper.line(site.name)
        super().__init__(clock=site.clock, name=site.name, line=line, limits=site.limits, voltage_V=site.voltage_V)
        self._trace = trace

    def _write(self, text: str) -> None:
        with self._trace.open("a") as file:
            file.write(f"{text}\n")

    async def open(self) -> None:
        self._write("open")

    async def switch(self, on: bool) -> None:
        self._write("on" if on else "off")
        await super().switch(on)

    async def set_voltage(self, voltage_V: float) -> None:
        self._write(f"{voltage_V:g} V")
        await super().set_voltage(voltage_V)

    async def close(self) -> None:
        self._write("closed")
        await super().close()


class TraceOptions(BaseModel):
    trace: str


class TracedSupply:
    """A factory: `port = "restbus_bench:TracedSupply"`."""

    Options: ClassVar[type[BaseModel]] = TraceOptions
    real: ClassVar[bool] = False

    @staticmethod
    def resources(options: TraceOptions) -> list[str]:
        return [f"file:{options.trace}"]

    @staticmethod
    def make(site: Any, options: TraceOptions) -> _Traced:
        return _Traced(site, Path(options.trace))


class _Breaking:
    def __init__(self, site: Any, port: Any) -> None:
        self.bus, self._clock, self._port = site.name, site.clock, port
        self.send, self.close = port.send, port.close

    async def open(self, on_frame: Any, on_lost: Any) -> None:
        await self._port.open(on_frame, on_lost)
        error = BenchError("the adapter was pulled", where=f"bus.{self.bus}", remedy="plug it in.")
        self._clock.call_in(1_000_000_000, lambda _: on_lost(error))


class BreakingCan(SimCan):
    """A CAN port that is lost one second after it was opened."""

    @staticmethod
    def make(site: Any, options: Any) -> _Breaking:
        return _Breaking(site, SimCan.make(site, options))
