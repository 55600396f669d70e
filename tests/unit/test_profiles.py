"""Profiles of a supply: their text, their set points, how a supply follows them, and what a case makes of it."""

import csv
import math

import pytest
import whole_bench

from hil.bench.power_profiles import find
from hil.clock import VirtualClock
from hil.errors import UsageError, Verdict
from hil.serial.line import PowerLine, pipe
from hil.serial.player import play
from hil.serial.port import PowerLimits
from hil.serial.power_scpi import ScpiSupply
from hil.serial.power_sim import SimSupply
from hil.serial.profiles import parse

MS = 1_000_000
LIMITS = PowerLimits(max_voltage_V=16.0, max_current_A=5.0)
CRANK = "12 V 1 s | to 8 V 5 ms | 8 V 15 ms | to 9.5 V 50 ms | ripple 9.5 V 1 V 2 Hz 1 s | to 12 V 40 ms | 12 V 20 ms"


def course(text, start_V=13.5):
    return [(point.t_ns // MS, point.voltage_V) for point in parse(text).points(start_V)]


def test_a_step_goes_there_at_once_and_stays():
    assert course("8 V 20 ms | .5V 1.5 s") == [(0, 8.0), (20, 0.5), (1520, 0.5)]


def test_a_ramp_is_a_straight_line_in_steps_of_a_millisecond_at_least():
    assert course("to 11 V 5 ms", 13.5) == [(0, 13.0), (1, 12.5), (2, 12.0), (3, 11.5), (4, 11.0), (5, 11.0)]
    assert course("to 11 V 500 us", 13.5) == [(0, 11.0), (0, 11.0)]
    long = course("to 6 V 75 s", 13.5)
    assert len(long) == 51
    assert long[0][1] == pytest.approx(13.35)


def test_a_ripple_begins_where_the_voltage_is_and_has_its_swing_and_its_period():
    points = list(parse("ripple 7.5 V 2 V 2 Hz 1 s").points(6.5))
    assert points[0].voltage_V == 6.5
    values = [point.voltage_V for point in points]
    assert max(values) == pytest.approx(8.5, abs=0.01)
    assert min(values) == pytest.approx(6.5, abs=0.01)
    for point in points[:-1]:  # an oracle in closed form: from the trough
        assert point.voltage_V == pytest.approx(7.5 - math.cos(math.tau * 2 * point.t_ns / 1e9), abs=1e-3)
    assert len(points) == 81


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no part of a profile"), ("8 V", "'8 V' is no part"), ("8 V 0 ms", "takes no time"),
        ("8 V 3 parsec", "parsec"), ("-8 V 3 ms", "no part"), ("8 V 1 s || 9 V 1 s", "'' is no part"),
        ("ripple 1 V 3 V 2 Hz 1 s", "no ripple"), ("ripple 8 V 1 V 0 Hz 1 s", "no ripple"),
        ("to 8 V", "no part"),
    ],
)  # fmt: skip
def test_what_is_no_profile_is_refused_with_how_to_write_one(text, words):
    with pytest.raises(UsageError) as refusal:
        parse(text, where="table.csv:3")
    assert words in str(refusal.value)
    assert "table.csv:3" in str(refusal.value)
    assert "8 V 15 ms" in str(refusal.value)


def test_every_row_of_the_table_is_a_profile_with_a_source(repository, monkeypatch):
    monkeypatch.chdir(repository)
    with open("fixtures/tables/supply_profiles.csv") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    for row in rows:
        profile = find(row["profile"])
        assert profile.source
        assert 0 < profile.duration_ns < 300e9
        assert all(0 <= point.voltage_V <= 13.5 for point in profile.points(13.5))
    assert len(rows) == 9
    with pytest.raises(UsageError, match="there is: ISO 16750"):
        find("ISO 16750-2 level V")


# On supplies ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def clock():
    clock = VirtualClock()
    yield clock
    clock.close()


def test_a_simulated_supply_follows_to_the_nanosecond(clock):
    line, seen = PowerLine(), []
    supply = SimSupply(clock=clock, name="kl30", line=line, limits=LIMITS)
    line.listen(lambda voltage_V: seen.append((clock.now_ns, voltage_V)))

    async def main():
        await supply.switch(True)
        del seen[:]
        return await play(clock, supply, parse(CRANK), 13.5, lambda t_ns, voltage_V: None)

    played = clock.run(main())
    assert played.took_ns == parse(CRANK).duration_ns == 2130 * MS
    assert (played.worst_ns, played.left_out, played.late) == (0, 0, ())
    wanted = [(p.t_ns, p.voltage_V) for p in parse(CRANK).points(13.5)]
    assert [point for point in seen if point not in wanted] == []
    assert seen[:3] == [(0, 12.0), (1000 * MS, 11.2), (1001 * MS, 10.4)]


class SlowInstrument:
    """The far end of a SCPI wire: obeys, and takes its time for each answer."""

    def __init__(self, clock, answer_ms):
        near, self._far = pipe(clock, "psu wire")
        self.supply = ScpiSupply(clock=clock, name="kl30", port=near, limits=LIMITS)
        self._clock, self._answer_ns = clock, round(answer_ms * MS)
        self.volts, self._on = [], "0"

    async def begin(self):
        await self._far.open(self._hear, None)
        await self.supply.open()
        await self.supply.switch(True)
        del self.volts[:]

    def _hear(self, t_ns, data):
        for line in data.decode().splitlines():
            if line.startswith("VOLT "):
                self.volts.append(float(line[5:]))
            if line.startswith("OUTP "):
                self._on = "1" if line == "OUTP ON" else "0"
            if line.endswith("?"):
                answers = {"*IDN?": "ACME", "OUTP?": self._on, "SYST:ERR?": '0,"No error"'}
                self._clock.call_in(self._answer_ns, self._say, answers.get(line, "0"))

    def _say(self, answer):
        self._far.write(answer.encode() + b"\n")


def played_on(clock, answer_ms, text=CRANK):
    instrument = SlowInstrument(clock, answer_ms)

    async def main():
        await instrument.begin()
        return await play(clock, instrument.supply, parse(text), 13.5, lambda t_ns, voltage_V: None)

    return clock.run(main()), instrument


def test_a_supply_that_is_quick_enough_follows(clock):
    """Two answers a command: 0.8 ms a set point."""
    played, _ = played_on(clock, 0.4)
    assert played.late == ()
    assert played.slowest_ns == round(0.8 * MS)
    assert played.left_out == 0


def test_a_supply_that_is_too_slow_is_measured(clock):
    """20 ms a set point: a ramp of 5 ms can't be made, its points are left out; the corners are not, and are late."""
    played, instrument = played_on(clock, 10)
    assert played.slowest_ns == 20 * MS
    assert played.left_out > 20
    assert [late.segment for late in played.late][:2] == ["to 8 V 5 ms", "8 V 15 ms"]
    assert all(late.late_ns > late.allowed_ns for late in played.late)
    assert {12.0, 8.0, 9.5} <= set(instrument.volts) | {round(v, 1) for v in instrument.volts}


def test_a_profile_beyond_the_limits_is_refused_before_anything_is_sent(clock):
    """Also where only the crest of a ripple is beyond."""
    instrument = SlowInstrument(clock, 0.1)

    async def main():
        await instrument.begin()
        await play(clock, instrument.supply, parse("12 V 1 s | ripple 15.5 V 2 V 2 Hz 1 s"), 13.5, print)

    with pytest.raises(UsageError, match=r"16.5 V is outside"):
        clock.run(main())
    assert instrument.volts == []


# On a bench -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(repository, tmp_path, monkeypatch):
    """Run a case on the virtual bench; gives its verdict and journal."""
    monkeypatch.chdir(repository)
    runs = whole_bench.Runs(tmp_path)
    yield runs
    runs.close()


def test_a_profile_goes_on_beside_the_checks_and_stands_in_the_journal(run):
    def body(bench):
        begin_ns = bench.now_ns
        bench.supply().begin_profile(CRANK)
        bench.sleep("1.02 s")
        assert bench.supply().read().voltage_V == pytest.approx(8.0, abs=0.1)
        played = bench.supply().end_profile()
        assert bench.now_ns - begin_ns == 2130 * MS
        assert played.late == ()
        assert bench.supply().ramp("9 V", over="100 ms").took_ns == 100 * MS
        assert bench.supply().read().voltage_V == 9.0

    final, entries = run(body)
    assert final.verdict is Verdict.PASS, final.message
    said = [entry.data for entry in entries if entry.kind == "supply"]
    assert any("asked 2.13 s, took 2.13 s" in fields["event"] for fields in said)
    assert sum(fields["event"] == "sample" for fields in said) > 80


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (lambda b: b.supply().play("20 V 1 s"), "20 V is outside"),
        (lambda b: b.supply().ramp("3 V", over="0 s"), "needs some time"),
        (lambda b: b.supply().end_profile(), "no profile is being played"),
        (lambda b: b.supply().play("LV 124 E-12"), "no supply profile 'LV 124 E-12'"),
        (lambda b: (b.supply().switch(False), b.supply().play("9 V 1 s")), "its output is off"),
        (lambda b: (b.supply().begin_profile("9 V 1 s"), b.supply().set_voltage(12), b.supply().end_profile()),
         "setting or switching"),
    ],
)  # fmt: skip
def test_what_a_test_does_wrong_is_said(run, body, words):
    final, _ = run(body)
    assert final.verdict is Verdict.USAGE
    assert words in final.message


def test_a_supply_that_cannot_follow_makes_the_case_inconclusive(run):
    def body(bench):
        port = bench.wiring.supplies["battery"]
        straight = port.set_voltage

        async def slow(voltage_V):
            await bench.wiring.clock.sleep(0.03)
            await straight(voltage_V)

        port.set_voltage = slow
        bench.supply().play(CRANK)

    final, entries = run(body)
    assert final.verdict is Verdict.INCONCLUSIVE
    assert "could not follow" in final.message
    assert "faster supply" in final.message
    assert any("slowest set point 30" in e.data["event"] for e in entries if e.kind == "supply")


def test_a_supply_that_breaks_while_nobody_waits_is_a_bench_fault(run):
    def body(bench):
        bench.wiring._copper.lines["battery"].load_A = lambda: 99.0
        bench.supply().begin_profile("9 V 1 s | 12 V 1 s")
        bench.sleep("3 s")

    final, _ = run(body)
    assert final.verdict is Verdict.BENCH
    assert "over-current" in final.message
