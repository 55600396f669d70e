"""The bench measures itself, on a virtual clock with frames, gaps and loads that the test says."""

import pytest
from can_lab import dbc
from kernel_can import OnKernel
from small_bench import BODY

from hil.bench import config as bench_config
from hil.bench import machine, wiring
from hil.bench.blind import Blind, Cause, worst_of
from hil.bench.facade import Bench
from hil.bench.health import Health
from hil.bench.machine import Load, Reading, between, ticks_of
from hil.bench.plan import plan
from hil.bench.recorder import Recorder
from hil.can import raw_frames
from hil.can.frames import SENT, CanFrame
from hil.can.gaps import Gap
from hil.can.pace import Pace
from hil.clock import VirtualClock
from hil.errors import InconclusiveError
from hil.journal import Journal, JournalReader, Origin

MS = 1_000_000
S = 1000 * MS


class Sent:
    """A message of a restbus, as far as its cycle goes."""

    def __init__(self, name, period_ns, kernel=None):
        self.name, self.bus, self.period_ns, self.kernel, self.pace = name, "body", period_ns, kernel, Pace()


class Restbus:
    def __init__(self):
        self.messages = [Sent("Fast", 10 * MS), Sent("Slow", 100 * MS, kernel=object())]


class Lab:
    def __init__(self, folder):
        self.clock, self.restbus, self.frames = VirtualClock(), Restbus(), []
        self.recorder = Recorder(self.clock)
        self.path = folder / "journal.mcap"
        self.recorder.begin(Journal(self.path))
        self.reading = Reading(0, 0, (0, 0, 0))
        self.health = Health(
            self.clock, self.recorder, self.restbus, self.frames.append,
            allowed_lag_ns=50 * MS, read_machine=lambda: self.reading,
        )  # fmt: skip
        self.do(self.health.start)

    def do(self, action, *arguments):
        async def main():
            return action(*arguments)

        return self.clock.run(main())

    def sleep(self, duration_ns):
        self.clock.run(self.clock.sleep_until(self.clock.now_ns + duration_ns))

    def hear(self, lag_ns, bus="body"):
        self.do(self.health.hear, CanFrame(self.clock.now_ns - lag_ns, bus, 0x1, b"", 0, Origin.KERNEL))

    def stand_still(self, duration_ns):
        """The loop does something else, and no timer comes to its turn."""

        async def main():
            self.clock.now_ns += duration_ns

        self.clock.run(main())

    def end(self):
        short = self.clock.run(self.health.finish())
        self.recorder.journal.close()
        entries = list(JournalReader(self.path))
        kept = [entry.data for entry in entries if entry.kind == "bench"]
        return short, kept, [entry.data for entry in entries if entry.kind == "health"]

    def close(self):
        self.health.stop()
        self.clock.close()


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    yield lab
    lab.close()


def blind(lab):
    return [(one.cause, one.bus, one.worst_ns) for one in lab.recorder.blind]


# Lag ------------------------------------------------------------------------------------------------------------------


def test_each_frame_goes_on_and_its_lag_is_known(lab):
    lab.sleep(S)
    for lag_ms in (1, 2, 3, 40):
        lab.hear(lag_ms * MS)
    short, (kept,), health = lab.end()
    assert len(lab.frames) == 4
    (body,) = kept["received"]
    assert (body["bus"], body["count"], body["max_ns"]) == ("body", 4, 40 * MS)
    assert 2 * MS <= body["p50_ns"] <= 2.1 * MS
    assert (short["lag_max_ns"], short["lag_worst"]) == (40 * MS, "body")
    assert health == []
    assert lab.recorder.blind == []


@pytest.mark.parametrize(
    ("origin", "said", "bound_ns"),
    [(Origin.KERNEL, "kernel", 7), (Origin.HARDWARE, "hardware", 7), (Origin.HOST, "host", None)],
)
def test_where_the_stamps_of_others_came_from_is_kept_with_their_bound(lab, origin, said, bound_ns):
    lab.health.bounds["body"] = lambda: 7
    lab.do(lab.health.hear, CanFrame(0, "body", 0x1, b"", 0, origin))
    lab.do(lab.health.hear, CanFrame(0, "body", 0x1, b"", SENT, Origin.SIM))
    _, (kept,), _ = lab.end()
    assert (kept["received"][0]["stamps"], kept["received"][0]["bound_ns"]) == (said, bound_ns)


def test_frames_that_are_read_too_late_are_one_span_and_one_record(lab):
    lab.sleep(S)
    for lag_ms in (10, 60, 90, 70, 20):
        lab.sleep(20 * MS)
        lab.hear(lag_ms * MS)
    lab.sleep(300 * MS)
    lab.hear(5 * MS)
    _, (kept,), health = lab.end()
    assert blind(lab) == [(Cause.LAG, "body", 90 * MS)]
    (span,) = lab.recorder.blind
    assert (span.from_ns, span.to_ns) == (S - 30 * MS, S + 80 * MS), "from the first late stamp until the last was read"
    assert [(one["late_ns"], one["allowed_ns"]) for one in health] == [(90 * MS, 50 * MS)]
    assert health[0]["what"].startswith("frames of body were read late; the bench's process used")
    assert kept["blind"] == 1


def test_a_span_goes_on_until_the_loop_has_had_its_turn_and_then_ends(lab):
    lab.sleep(S)
    lab.hear(60 * MS)
    (span,) = lab.recorder.blind
    assert span.is_open
    assert span.touches(lab.clock.now_ns + S, lab.clock.now_ns + 2 * S)
    lab.sleep(200 * MS)
    assert not span.is_open
    assert not span.touches(lab.clock.now_ns - 50 * MS, lab.clock.now_ns)


def test_a_port_that_says_when_it_read_is_believed(lab):
    class Port:
        bus, read_ns = "body", 60 * MS

        async def open(self, on_frame, on_lost):
            """Is open."""

    lab.do(lab.health.listener(Port()), CanFrame(0, "body", 0x1, b"", 0, Origin.KERNEL))
    assert [blind.worst_ns for blind in lab.recorder.blind] == [60 * MS]
    assert lab.health._received()[0]["count"] == 0  # it is counted with the next beat
    lab.health._end_spans(lab.clock.now_ns)
    assert lab.health._received()[0]["max_ns"] == 60 * MS


def test_a_lag_later_on_is_another_span(lab):
    lab.sleep(S)
    lab.hear(60 * MS)
    lab.sleep(S)
    lab.hear(70 * MS)
    lab.hear(80 * MS, bus="chassis")
    *_, health = lab.end()
    assert blind(lab) == [(Cause.LAG, "body", 60 * MS), (Cause.LAG, "body", 70 * MS), (Cause.LAG, "chassis", 80 * MS)]
    assert len(health) == 3


# Losses, standstill, load ---------------------------------------------------------------------------------------------


def test_lost_frames_are_counted_and_where_nobody_counted_that_is_said(lab):
    lab.do(lab.health.on_gap, Gap("body", 2 * MS, 5 * MS, 12, "nobody read"))
    lab.do(lab.health.on_gap, Gap("body", 6 * MS, 7 * MS, 0, "the controller's buffer ran over"))
    lab.do(lab.health.on_gap, Gap("body", 8 * MS, 9 * MS, 1, "nobody read"))
    short, (kept,), health = lab.end()
    assert [one["what"].split(",")[0] for one in health] == [
        "12 frames of body were lost; nobody read",
        "nobody knows how many frames of body were lost; the controller's buffer ran over",
        "a frame of body was lost; nobody read",
    ]
    assert [one["from_ns"] for one in health] == [2 * MS, 6 * MS, 8 * MS]
    assert (kept["received"][0]["lost"], kept["received"][0]["uncounted"]) == (13, 1)
    assert (short["lost"], short["uncounted"]) == (13, 1)


def test_a_loop_that_stands_still_is_noticed_though_nothing_comes(lab):
    lab.sleep(S)
    lab.stand_still(200 * MS)
    lab.sleep(30 * MS)
    _, (kept,), health = lab.end()
    ((cause, bus, late_ns),) = blind(lab)
    assert (cause, bus) == (Cause.STALL, "")
    assert 190 * MS <= late_ns <= 200 * MS
    assert health[0]["what"].startswith("the bench's loop stood still; ")
    assert kept["timers"]["max_ns"] == late_ns


def test_a_short_delay_is_measured_and_does_no_harm(lab):
    lab.sleep(S)
    lab.stand_still(40 * MS)
    lab.sleep(30 * MS)
    _, (kept,), health = lab.end()
    assert (lab.recorder.blind, health) == ([], [])
    assert 30 * MS <= kept["timers"]["max_ns"] <= 40 * MS


def test_the_load_explains_what_happened(lab):
    lab.reading = Reading(S, S // 2, (200, 196, 80))
    lab.do(lab.health.on_gap, Gap("body", 2 * MS, 5 * MS, 12, "nobody read"))
    short, (kept,), _health = lab.end()
    assert str(lab.recorder.blind[0]) == (
        "12 frames of body were lost at 0.002 s; nobody read, the bench's process used 50% of a core, "
        "the machine was 98% busy, 40% of its time was stolen"
    )
    assert kept["load"] == {"process": 0.5, "busy": 0.98, "stolen": 0.4}
    assert short["busy"] == 0.98


def test_a_case_knows_nothing_of_the_one_before(lab):
    lab.sleep(S)
    lab.hear(60 * MS)
    lab.restbus.messages[0].pace.frame(0, 10 * MS)
    lab.restbus.messages[0].pace.frame(11 * MS, 10 * MS)
    lab.do(lab.health.on_gap, Gap("body", 2 * MS, 5 * MS, 12, ""))
    lab.recorder.begin(lab.recorder.journal)
    lab.do(lab.health.begin)
    short, (kept,), _ = lab.end()
    assert (kept["cycles"], kept["received"], kept["blind"]) == ([], [], 0)
    assert kept["timers"]["count"] == 0
    assert short["lost"] == 0


def test_a_bench_that_is_late_all_the_time_writes_few_records(lab):
    for _ in range(300):
        lab.do(lab.health.on_gap, Gap("body", 2 * MS, 5 * MS, 1, ""))
    *_, health = lab.end()
    assert len(lab.recorder.blind) == 300
    assert len(health) == 200


def test_a_bench_that_measures_nothing_says_nothing(tmp_path):
    lab = Lab(tmp_path)
    lab.close()
    health = Health(lab.clock, lab.recorder, lab.restbus, print)
    with pytest.raises(StopIteration) as ended:
        health.finish().send(None)
    assert ended.value.value == {}


# Cycles ---------------------------------------------------------------------------------------------------------------


def test_cycles_stand_in_the_record_the_worst_first(lab):
    fast, slow = lab.restbus.messages
    for t_ms in (0, 10, 20.5, 30):
        fast.pace.frame(round(t_ms * MS), 10 * MS)
    for t_ms in (0, 100, 203):
        slow.pace.frame(t_ms * MS, 100 * MS)
    short, (kept,), _ = lab.end()
    assert [(one["message"], one["by"], one["count"], one["max_ns"]) for one in kept["cycles"]] == [
        ("Slow", "kernel", 2, 3 * MS), ("Fast", "bench", 3, MS // 2)]  # fmt: skip
    assert (short["cycle_worst"], short["cycle_max_ns"]) == ("Slow on body", 3 * MS)


def test_a_cycle_that_begins_anew_is_no_error():
    pace = Pace()
    pace.frame(0, 10 * MS)
    pace.frame(10 * MS, 10 * MS)
    pace.start_anew()
    pace.frame(500 * MS, 10 * MS)
    pace.frame(530 * MS, 20 * MS)
    assert (pace.errors.count, pace.errors.most_ns) == (1, 0)
    pace.frame(549 * MS, 20 * MS)
    assert (pace.errors.count, pace.errors.most_ns, pace.errors.most_at_ns) == (2, MS, 549 * MS)


# Blind spans ----------------------------------------------------------------------------------------------------------


LOST = Blind(Cause.LOST, "body", 100, 200)
LATE = Blind(Cause.LAG, "body", 150, 300, worst_ns=90)
STILL = Blind(Cause.STALL, "", 100, 400, worst_ns=300)


@pytest.mark.parametrize(
    ("buses", "failed", "span", "found"),
    [
        (["body"], True, (0, 500), LOST),
        (["body"], False, (0, 500), LOST),
        (["body"], True, (201, 500), STILL),
        (["body"], False, (201, 500), LATE),
        (["chassis"], True, (0, 500), STILL),
        (["chassis"], False, (0, 500), None),
        ([], True, (0, 500), STILL),
        ([], False, (0, 500), None),
        (["body"], True, (0, 99), None),
        (["body"], True, (401, 500), None),
    ],
)
def test_what_makes_a_check_doubtful(buses, failed, span, found):
    from_ns, to_ns = span
    assert worst_of([LATE, LOST, STILL], buses, failed=failed, from_ns=from_ns, to_ns=to_ns) is found


# The machine ----------------------------------------------------------------------------------------------------------


STAT = "cpu  100 10 40 800 30 5 5 10 0 0\ncpu0 1 2 3\n"


def test_ticks_of_a_machine_are_all_busy_and_stolen():
    assert ticks_of(STAT) == (1000, 170, 10)


@pytest.mark.parametrize("stat", ["", "intr 1 2 3", "cpu  1 2 3"])
def test_a_machine_that_says_nothing_of_itself_has_no_load(stat):
    assert ticks_of(stat) == ()
    assert between(Reading(0, 0), Reading(100, 25)) == Load(0.25)
    assert str(Load(0.25)) == "the bench's process used 25% of a core"
    assert Load(0.25).fields() == {"process": 0.25}


def test_the_counters_of_this_machine_can_be_read():
    reading = machine.read()
    assert reading.process_ns > 0
    assert between(reading, reading).process == 0


# A whole bench --------------------------------------------------------------------------------------------------------


BENCH = """[bench]
name = "real"
clock = "real"
listen = 0

[bus.body]
port = "kernel_can:OnKernel"
database = "body.dbc"
real_nodes = ["ECU"]

[monitors]
cycle = "off"
"""


@pytest.fixture
def real(tmp_path):
    """A bench on a real clock whose kernel is simulated, in the middle of a case."""
    (tmp_path / "body.dbc").write_text(dbc(*BODY))
    (tmp_path / "bench.toml").write_text(BENCH)
    opened = wiring.open_bench(plan(bench_config.load(tmp_path / "bench.toml")), "seed")
    opened.wiring.recorder.begin(Journal(tmp_path / "journal.mcap"))
    opened.wiring.health.begin()
    yield opened.wiring
    opened.close()
    opened.wiring.recorder.journal.close()


def test_frames_that_the_kernel_dropped_while_a_check_ran_make_it_inconclusive(real, tmp_path):
    kernel, port = OnKernel.made[-1]
    answer = raw_frames.pack(0x300, b"\x01", 0)

    def overflow(_):
        for _ in range(5):
            kernel.carry(answer, from_here=False)
        port._read_ready()
        kernel.carry(answer, from_here=False)
        port._read_ready()

    async def later():
        real.clock.call_in(20 * MS, overflow)

    bench = Bench(real, 60)
    bench.call(later())
    with pytest.raises(InconclusiveError, match=r"2 frames of body were lost at .* s; the bench did not read the"):
        bench.signal_should_be("State", 5, within="100 ms")
    short = real.clock.run(real.health.finish())
    assert (short["lost"], short["lag_worst"]) == (2, "body")
    real.recorder.journal.close()
    entries = [entry for entry in JournalReader(tmp_path / "journal.mcap") if entry.kind in ("bench", "can")]
    (kept,) = [entry.data for entry in entries if entry.kind == "bench"]
    assert kept["received"][0]["count"] == sum(entry.kind == "can" for entry in entries) == 4
    assert kept["timers"]["count"] >= 1
