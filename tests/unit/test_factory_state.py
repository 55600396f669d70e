"""The ECU as it left the plant: what the shell's command does, and how a real bench's reset comes to it."""

import re
from types import SimpleNamespace

import pytest
from cockpit_lab import CockpitLab

from hil.bench.cloud import Cloud
from hil.bench.config import DutSection, ResetSection
from hil.bench.reset import Reset, Start
from hil.clock import VirtualClock
from hil.ecu.slots import factory_flash, offset_of
from hil.errors import BenchError, UsageError
from hil.seed import seeded
from hil.serial.console import Missed


@pytest.fixture
def lab(tmp_path):
    made = CockpitLab(tmp_path)
    yield made
    made.close()


def shell(lab, line):
    lab.bench.console().send_line(line)
    lab.run(0.05)


def test_the_command_leaves_nothing_of_what_was(lab):
    flash, store = lab.ecu.platform.wires.flash, lab.ecu.platform.store
    shell(lab, "set language de")
    shell(lab, "set speed_unit mph")
    lab.run(0.1)
    flash.erase(offset_of("A") // 4096)
    flash.flush()
    assert any(store.pages)
    shell(lab, "factory")
    lab.bench.console().expect("factory: as it left the plant, halted", within="1 s")
    assert store.pages == [b"", b""]
    assert flash.dump() == factory_flash(seeded("any")).dump()
    lab.bench.power_off()
    lab.run(0.3)
    lab.bench.power_on()
    lab.bench.console().expect("slot A, boot reason: power", within="1 s")
    lab.bench.console().expect("boot complete", within="3 s")
    shell(lab, "get language")
    lab.bench.console().expect("language = en", within="1 s")


def test_it_does_nothing_more_until_the_next_power_up(lab):
    shell(lab, "factory")
    lab.bench.console().drain()
    shell(lab, "version")
    lab.run(5)
    lab.bench.console().should_not_show("software", during="1 s")
    assert not any(lab.display.frame.pixels.flat)
    assert lab.ecu.platform.store.pages == [b"", b""]


# --- the bench's reset --------------------------------------------------------------------------------------------


class FakeBench:
    """What `Reset` stands on, with an ECU that hears `factory` only while it runs."""

    def __init__(self, clock, *, running, deaf=False, steps=("restore factory state", "KL30 cycle")):
        self.did, self.running, self.deaf = [], running, deaf
        section = {"line": "factory", "answer": "factory: .*halted"}
        reset = ResetSection.model_validate({"steps": list(steps), "factory": section})
        self.config = SimpleNamespace(
            reset=reset, is_virtual=False, ignition=None, path="bench.toml", diag={}, dut=DutSection(),
            supply={"battery": SimpleNamespace(voltage_V=13.5)},
        )  # fmt: skip
        watch = SimpleNamespace(pause=self.nothing, expect=self.nothing)
        self.traffic = SimpleNamespace(reset=self.nothing, start=self.nothing, stop=self.nothing, watch=watch)
        self.clock, self.diag, self.supplies, self.consoles = clock, {}, {"battery": self}, {"main": self}
        self.inbox, self.recorder = SimpleNamespace(clear=self.nothing), SimpleNamespace(facts={})
        self.cloud, self.profiles = SimpleNamespace(forget=self.nothing), {}
        self.relays = SimpleNamespace(rest=self.rest, power=self.rest)

    def nothing(self, *_):
        """Not what this is about."""

    drain = nothing

    async def set_voltage(self, voltage_V):
        """Likewise."""

    async def rest(self, *_):
        """Likewise."""

    async def switch(self, on):
        self.did.append("on" if on else "off")
        self.running = on

    def send_line(self, line):
        self.did.append(line)

    async def expect(self, pattern, within_s):
        assert isinstance(pattern, re.Pattern)
        if self.running and not self.deaf:
            self.running = False
            self.did.append("halted")
            return object()
        return Missed(0, 0, "", 0)


def reset(start, **options):
    clock = VirtualClock()
    bench = FakeBench(clock, **options)
    try:
        clock.run(Reset(bench).to(start))
    finally:
        clock.close()
    return bench.did


def test_an_ecu_that_runs_is_made_new_before_it_is_switched_off():
    assert reset(Start.ON, running=True) == ["factory", "halted", "off", "on"]
    assert reset(Start.OFF, running=True) == ["factory", "halted", "off"]


def test_one_that_was_off_is_made_new_after_it_came_up_and_starts_once_more():
    begun = ["factory", "off", "on", "factory", "halted", "off", "on"]
    assert reset(Start.ON, running=False) == begun
    assert reset(Start.OFF, running=False) == [*begun, "off"]


def test_one_that_never_answers_is_a_bench_fault():
    with pytest.raises(BenchError, match=r"console did not answer 'factory' with 'factory: \.\*halted' after"):
        reset(Start.ON, running=True, deaf=True)


def test_the_step_needs_a_power_up():
    with pytest.raises(UsageError, match="'restore factory state' needs to know how, and a power-up"):
        reset(Start.ON, running=True, steps=("restore factory state", "KL15 cycle"))


def test_what_was_said_offered_and_remembered_before_a_case_is_forgotten():
    calls = []
    cloud = Cloud.__new__(Cloud)
    cloud.mqtt = {"cloud": SimpleNamespace(forget=lambda: calls.append("mqtt"))}
    cloud.updates = {"backend": SimpleNamespace(forget=lambda: calls.append("update"))}
    cloud.images = {("flash", "slot A"): b"x"}
    cloud.forget()
    assert (calls, cloud.images) == (["mqtt", "update"], {})
