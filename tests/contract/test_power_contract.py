"""The power contract on all that we ship: the simulated supply, and SCPI over a socket to a simulated instrument."""

import pytest

from hil.clock import RealClock, VirtualClock
from hil.contract.power import START_V, PowerBench, PowerContract
from hil.ecu.scpi_face import ScpiFace
from hil.serial.line import PowerLine
from hil.serial.port import PowerLimits
from hil.serial.power_scpi import ScpiSupply
from hil.serial.power_sim import SimSupply
from hil.serial.pyserial_port import SerialPort

LIMITS = PowerLimits(max_voltage_V=16.0, max_current_A=5.0)


def make_load(line):
    def draw(current_A):
        line.load_A = lambda: current_A if line.voltage_V else 0.0

    return draw


class TestSimSupply(PowerContract):
    @pytest.fixture
    def power_bench(self):
        clock, line = VirtualClock(), PowerLine()
        port = SimSupply(clock=clock, name="kl30", line=line, limits=LIMITS, voltage_V=START_V)
        yield PowerBench(clock, port, lambda: line.voltage_V, make_load(line))
        clock.close()


class TestScpiSupply(PowerContract):
    @pytest.fixture
    def power_bench(self):
        clock, line = RealClock(), PowerLine()
        face = ScpiFace(clock=clock, line=line)
        clock.run(face.open())
        wire = SerialPort(clock=clock, name="psu", url=f"socket://127.0.0.1:{face.port}")
        port = ScpiSupply(clock=clock, name="kl30", port=wire, limits=LIMITS, voltage_V=START_V)
        yield PowerBench(clock, port, lambda: line.voltage_V, make_load(line), settle_s=0.02)
        clock.run(face.close())
        clock.close()
