"""Supplies: refusals before anything is sent, transcripts with instruments of three makers, time-outs, a safe end."""

import asyncio

import pytest

from hil.clock import VirtualClock
from hil.errors import BenchError, UsageError
from hil.serial.line import PowerLine, pipe
from hil.serial.port import PowerLimits, PowerReading
from hil.serial.power_scpi import ScpiSupply, _Conversation
from hil.serial.power_sim import SimSupply

LIMITS = PowerLimits(max_voltage_V=16.0, max_current_A=5.0)
NO_ERROR = '0,"No error"'


@pytest.fixture
def clock():
    clock = VirtualClock()
    yield clock
    clock.close()


class Scripted:
    """The far end of the wire: every line must be the next of the transcript; leftovers fail."""

    def __init__(self, clock):
        near, self._far = pipe(clock, "psu wire")
        self.supply = ScpiSupply(clock=clock, name="kl30", port=near, limits=LIMITS)
        self._clock, self._lines, self._text = clock, [], b""

    def expect(self, *lines):
        """Each `(command, answer)`, or `command`, which stands for itself and an empty error queue."""
        for line in lines:
            self._lines += [line] if isinstance(line, tuple) else [(line, None), ("SYST:ERR?", NO_ERROR)]

    def run(self, call):
        async def main():
            await self._far.open(self._hear, None)
            return await call

        return self._clock.run(main())

    def _hear(self, t_ns, data):
        *lines, self._text = (self._text + data).split(b"\n")
        for line in lines:
            assert self._lines, f"unexpected: {line}"
            command, answer = self._lines.pop(0)
            assert line.decode() == command
            if answer is not None:
                self._far.write(answer.encode() + b"\r\n")

    def done(self):
        assert self._lines == []


STANDARD_OPEN = (
    ("*IDN?", "ACME,PS1,1,1"),
    ("*CLS", None),
    ("INST:NSEL 1", None),
    ("SYST:ERR?", '-113,"Undefined header"'),
    ("SYST:ERR?", NO_ERROR),
    "VOLT:PROT 16.000",
    "CURR 5.000",
    "CURR:PROT:STAT ON",
    ("OUTP?", "0"),
)


@pytest.fixture
def psu(clock):
    psu = Scripted(clock)
    yield psu
    psu.done()


@pytest.fixture
def opened(psu):
    psu.expect(*STANDARD_OPEN)
    psu.run(psu.supply.open())
    psu.done()
    return psu


def test_opening_sets_the_protections_and_leaves_the_output(opened):
    assert opened.supply.identity == "ACME,PS1,1,1"


RIGOL = (
    ("*IDN?", "RIGOL TECHNOLOGIES,DP832,DP8,00.01.14"),
    ("*CLS", None),
    "INST:NSEL 1",
    "OUTP:OVP:VAL 16.000",
    "OUTP:OVP ON",
    "CURR 5.000",
    "OUTP:OCP:VAL 5.000",
    "OUTP:OCP:STAT ON",
    ("OUTP?", "OFF"),
)
HAMEG = (
    ("*IDN?", "ROHDE&SCHWARZ,HMP4040,1,2.0"),
    ("*CLS", None),
    "INST:NSEL 1",
    "VOLT:PROT 16.000",
    "CURR 5.000",
    "FUSE:STAT ON",
    ("OUTP?", "0"),
)


@pytest.mark.parametrize("transcript", [RIGOL, HAMEG], ids=["Rigol", "Rohde & Schwarz"])
def test_each_maker_is_spoken_to_in_its_own_words(psu, transcript):
    psu.expect(*transcript)
    psu.run(psu.supply.open())


def test_a_trip_of_a_rigol_is_asked_for_in_its_words_and_cleared(psu):
    psu.expect(*RIGOL)
    psu.run(psu.supply.open())
    on = ("INST:NSEL 1", "VOLT 13.500", "OUTP ON", ("OUTP?", "ON"))
    psu.expect(*on)
    psu.run(psu.supply.switch(True))
    psu.expect("INST:NSEL 1", ("OUTP?", "ON"), ("OUTP:OVP:QUES?", "NO"), ("OUTP:OCP:QUES?", "YES"))
    with pytest.raises(BenchError, match=r"kl30.*protection.*5 A"):
        psu.run(psu.supply.read())
    psu.expect("INST:NSEL 1", ("OUTP?", "ON"), ("MEAS:VOLT?", "0.01"), ("MEAS:CURR?", "0"))
    assert psu.run(psu.supply.read()) == PowerReading(on=False, voltage_V=0.01, current_A=0.0)
    psu.expect("INST:NSEL 1", "OUTP:OVP:CLEAR", "OUTP:OCP:CLEAR", *on[1:])
    psu.run(psu.supply.switch(True))


def test_nothing_beyond_the_limits_is_sent(opened):
    with pytest.raises(UsageError, match=r"supply.kl30.max_voltage_V: 16.5 V is outside 0 to 16 V.* Remedy"):
        opened.run(opened.supply.set_voltage(16.5))


@pytest.mark.parametrize("make", [SimSupply, ScpiSupply])
def test_a_start_voltage_beyond_the_limits_is_refused(clock, make):
    wire = {"line": PowerLine()} if make is SimSupply else {"port": pipe(clock, "wire")[0]}
    with pytest.raises(UsageError, match=r"supply.kl15.max_voltage_V: 24 V"):
        make(clock=clock, name="kl15", limits=LIMITS, voltage_V=24.0, **wire)


def test_a_refusal_names_the_command_and_empties_the_queue(opened):
    opened.expect(
        ("VOLT 9.000", None),
        ("SYST:ERR?", '-222,"Data out of range"'),
        ("SYST:ERR?", '-104,"Data type error"'),
        ("SYST:ERR?", "+0,No error"),
    )
    with pytest.raises(BenchError, match=r"kl30: refused 'VOLT 9.000': -222, Data out of range"):
        opened.run(opened.supply.set_voltage(9.0))


def test_an_output_that_stays_off_is_a_bench_error(opened):
    opened.expect("VOLT 13.500", "OUTP ON", ("OUTP?", "0"))
    with pytest.raises(BenchError, match="did not go on"):
        opened.run(opened.supply.switch(True))


def test_silence_is_a_bench_error_after_the_time_out_and_poisons(opened, clock):
    before_ns = clock.now_ns
    opened.expect(("VOLT 9.000", None), ("SYST:ERR?", None))
    with pytest.raises(BenchError, match=r"kl30 \(psu wire\): didn't answer 'SYST:ERR\?' within 2 s"):
        opened.run(opened.supply.set_voltage(9.0))
    assert clock.now_ns - before_ns == 2_000_000_000
    with pytest.raises(BenchError, match="didn't answer"):
        opened.run(opened.supply.read())
    opened.expect(("OUTP OFF", None))
    with pytest.raises(BenchError, match="may still be on"):
        opened.run(opened.supply.close())
    opened.run(opened.supply.close())
    opened.run(clock.sleep(0.001))


def test_a_supply_that_does_not_answer_at_all_is_not_opened(psu):
    psu.expect(("*IDN?", None))
    with pytest.raises(BenchError, match=r"\*IDN\?.*Remedy: check that it is on"):
        psu.run(psu.supply.open())
    psu.run(psu.supply.close())


def test_closing_switches_off_and_looks(opened):
    opened.expect("OUTP OFF", ("OUTP?", "0"))
    opened.run(opened.supply.close())
    opened.run(opened.supply.close())


def test_an_output_that_can_not_be_switched_off_is_told(opened):
    opened.expect("OUTP OFF", ("OUTP?", "1"))
    with pytest.raises(BenchError, match=r"may still be on.*front panel"):
        opened.run(opened.supply.close())


def test_a_channel_that_is_not_there_is_a_bench_error(clock):
    psu = Scripted(clock)
    psu.supply._channel = 2
    psu.expect(*STANDARD_OPEN[:2], ("INST:NSEL 2", None), *STANDARD_OPEN[3:5])
    with pytest.raises(BenchError, match=r"supply.kl30.channel: there is no channel 2"):
        psu.run(psu.supply.open())
    psu.done()


def test_an_answer_that_is_no_number_is_told(opened):
    opened.expect(("OUTP?", "0"), ("MEAS:VOLT?", "OVLD"))
    with pytest.raises(BenchError, match=r"answered 'OVLD' to 'MEAS:VOLT\?'"):
        opened.run(opened.supply.read())


def test_two_callers_take_turns(opened, clock):
    opened.expect("VOLT 9.000", "VOLT 8.000")

    async def main():
        calls = [clock.loop.create_task(opened.supply.set_voltage(voltage_V)) for voltage_V in (9.0, 8.0)]
        for call in calls:
            await call

    opened.run(main())


def test_the_simulated_supply_says_when_it_tripped_and_what_was_drawn(clock):
    line = PowerLine()
    line.load_A = lambda: 7.25
    supply = SimSupply(clock=clock, name="kl30", line=line, limits=LIMITS)

    async def main():
        await clock.sleep(1.5)
        await supply.switch(True)

    with pytest.raises(BenchError, match=r"supply.kl30.max_current_A: .*7.25 A drawn at 1.500 s, 5 A allowed"):
        clock.run(main())
    assert line.voltage_V == 0.0


def test_the_simulated_supply_leaves_a_bench_that_waits_for_ever_to_be_found_out(clock):
    line = PowerLine()
    supply = SimSupply(clock=clock, name="kl30", line=line, limits=LIMITS)

    async def main():
        await supply.switch(True)
        await clock.loop.create_future()

    with pytest.raises(UsageError, match="waits for ever"):
        clock.run(main())


class _Silent:
    """A line whose far end is the test."""

    name = "wire"

    async def open(self, on_data, on_lost):
        self.on_data = on_data

    def write(self, data):
        pass


@pytest.mark.parametrize("comes", ["in the same moment", "later", "before"])
def test_an_answer_that_nobody_waits_for_any_more_is_not_taken_for_another(clock, comes):
    line = _Silent()
    talk = _Conversation(clock, "kl30", line, 2.0)

    async def main():
        await talk.open()
        given_up = asyncio.ensure_future(talk.ask("FIRST?"))
        await clock.sleep(0)
        if comes == "before":
            line.on_data(0, b"one\n")
        given_up.cancel()
        if comes == "in the same moment":
            line.on_data(0, b"one\n")
        await asyncio.wait([given_up])
        clock.call_in(1_000, lambda _: line.on_data(0, b"one\ntwo\n" if comes == "later" else b"two\n"))
        return await talk.ask("SECOND?")

    assert clock.run(main()) == "two"
