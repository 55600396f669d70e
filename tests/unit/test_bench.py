"""The bench of a test, on the virtual clock: start states, signals, power, console, pictures, time-outs, faults."""

import signal

import pytest
from whole_bench import session_on

from hil.bench import config as bench_config
from hil.bench.case import Case, Selection
from hil.bench.reset import Start
from hil.bench.session import Outcome, Session, Settings
from hil.can.frames import CanFrame
from hil.errors import BenchError, EcuError, NotRunError, UsageError, Verdict
from hil.evidence.facts import Wires
from hil.evidence.report import make_report
from hil.journal import JournalReader


def case(start=Start.ON, timeout_s=None, name="case", runner="pytest"):
    return Case(name, name, "suite", "file:1", ("T-1",), (), start, runner, "", timeout_s)


@pytest.fixture
def session(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(repository)
    session = session_on(tmp_path)
    yield session
    session.close()


@pytest.fixture
def begin(session):
    """Begin a case and give its bench; `begin.end()` ends it and gives verdict and journal."""

    class Begun:
        def __call__(self, *arguments, **named):
            self.case = case(*arguments, **named)
            session.begin(self.case)
            return session.bench()

        def end(self, **outcome):
            final = session.end(Outcome(**outcome))
            entries = list(JournalReader(session.folder / "tests" / self.case.id / "1" / "journal.mcap"))
            return final, entries

    return Begun()


def test_on_means_that_the_ecu_is_up(begin):
    bench = begin(Start.ON)
    assert bench.signal("ClusterState").label == "On"
    bench.screen().should_be_lit(within="100 ms")
    assert bench.supply().read().current_A > 1


@pytest.mark.parametrize(
    ("judged_itself", "said"), [(False, "no check was made: nothing but the monitors judged the ECU"), (True, "")]
)
def test_a_case_that_checked_nothing_passes_and_says_so(begin, judged_itself, said):
    begin().set_signal("HighBeam", "On")
    final, entries = begin.end(judged_itself=judged_itself)
    assert (final.verdict, final.message) == (Verdict.PASS, said)
    assert [entry.data["message"] for entry in entries if entry.kind == "verdict"] == [said]


def test_a_check_of_the_case_before_is_none_of_this_one(begin):
    begin(name="first").screen().telltale("high_beam").should_be("off")
    assert begin.end()[0].message == ""
    begin(name="second").set_signal("HighBeam", "On")
    assert begin.end()[0].message.startswith("no check was made")


def test_a_case_that_never_asked_for_the_bench_says_that(session):
    session.begin(case())
    assert session.end(Outcome()).message == "no check was made: the bench was not used"


def test_off_means_no_supply_a_dark_screen_and_a_silent_bus(begin):
    bench = begin(Start.OFF)
    bench.screen().should_be_lit(False, within=0)
    assert bench.supply().read().current_A == 0
    bench.sleep("1 s")
    _, entries = begin.end()
    assert not [entry for entry in entries if entry.kind == "can"]


def test_sleep_means_that_the_ecu_draws_next_to_nothing_and_a_frame_wakes_it(begin):
    bench = begin(Start.SLEEP)
    assert bench.supply().read().current_A < 0.01
    bench.screen().should_be_lit(False, within=0)
    bench.restbus(True)
    bench.ignition(True)
    bench.screen().should_be_lit(within="1 s")


def test_each_case_has_a_fresh_bench(begin):
    bench = begin(name="one")
    bench.set_signal("HighBeam", "On")
    bench.screen().telltale("high_beam").should_be("on")
    begin.end()
    bench = begin(name="two")
    bench.screen().telltale("high_beam").should_be("off", within=0)
    assert bench.signal("HighBeam").label == "Off"


def test_what_happens_is_in_the_journal(begin):
    bench = begin()
    bench.set_signal("VehicleSpeed", "87 km/h")
    bench.screen().needle("speed_needle").should_show("87 km/h", tolerance="1 km/h", within="2 s")
    bench.console().send_line("version")
    final, entries = begin.end()
    kinds = [entry.kind for entry in entries]
    assert {"case", "step", "can", "console", "signal", "check", "screen", "verdict"} <= set(kinds)
    assert (kinds[0], kinds[-1]) == ("case", "verdict")
    assert final.verdict is Verdict.PASS
    (check,) = [entry.data for entry in entries if entry.kind == "check"]
    assert check["ok"]
    assert check["origin"] == "sim"
    assert check["margin"] > 0


def test_a_failed_check_carries_the_picture(begin):
    bench = begin()
    with pytest.raises(EcuError, match=r"expected on within 50 ms, seen off") as raised:
        bench.screen().telltale("high_beam").should_be("on", within="50 ms")
    assert raised.value.picture.startswith(b"\x89PNG")
    final, entries = begin.end(error=raised.value)
    assert final.verdict is Verdict.FAIL
    assert {"cluster", "cluster/telltale.high_beam"} <= {entry.name for entry in entries if entry.kind == "screen"}


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (lambda bench: bench.screen("clustr"), "no screen 'clustr' on this bench. Remedy: there is: cluster, centre."),
        (lambda bench: bench.screen().telltale("high_bem"), "no telltale 'high_bem'"),
        (lambda bench: bench.screen().text("high_beam"), "is a telltale, no text. Remedy: take the check of a"),
        (lambda bench: bench.set_signal("DisplayedSpeed", 5), "is sent by COCKPIT, which is really there"),
        (lambda bench: bench.set_signal("VehicleSpeed", "3 V"), "can't be converted"),
        (lambda bench: bench.supply().set_voltage("48 V"), "16"),
        (lambda bench: bench.console().expect("(", regex=True), "no regular expression"),
        (lambda bench: bench.sleep("-1 s"), "negative"),
        (lambda bench: bench.stop_message("CLU_Status"), "not sent by the restbus"),
        (lambda bench: bench.screen().telltale("high_beam").should_be("bright"), "on or off"),
    ],
)
def test_a_wrong_word_is_a_usage_error_in_one_line(begin, use, said):
    bench = begin()
    with pytest.raises(UsageError) as raised:
        use(bench)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_caught_mistake_of_the_test_sticks(begin):
    bench = begin()
    with pytest.raises(UsageError):
        bench.set_signal("VehicleSpeed", "9999 km/h")
    final, _ = begin.end()
    assert final.verdict is Verdict.USAGE


def test_a_caught_bench_fault_sticks_and_names_the_first_cause(begin):
    bench = begin()
    bench.wiring.recorder.lost(BenchError("the adapter was unplugged", where="bus.cabin"))
    for use in (lambda: bench.sleep(1), bench.power_off):
        with pytest.raises(BenchError, match="unplugged"):
            use()
    final, entries = begin.end()
    assert final.verdict is Verdict.BENCH
    assert final.message == "bus.cabin: the adapter was unplugged"
    assert len([entry for entry in entries if entry.kind == "fault"]) == 1


def test_the_deadline_ends_a_case_in_bench_time(begin):
    bench = begin(timeout_s=2.0)
    with pytest.raises(UsageError, match="used up its 2 s"):
        bench.sleep("1 h")
    assert bench.now_ns == pytest.approx(bench_start_ns(bench) + 2e9)


def bench_start_ns(bench):
    return bench._deadline.t_ns - 2_000_000_000


def test_voltage_below_the_ecus_threshold_darkens_it(begin):
    bench = begin()
    bench.supply().set_voltage("5 V")
    bench.screen().should_be_lit(False, within="100 ms")
    bench.supply().set_voltage("13.5 V")
    bench.console().expect("boot complete", within="3 s")


def test_a_console_that_says_nothing_like_it_fails_with_its_last_lines(begin):
    bench = begin()
    with pytest.raises(EcuError, match=r"seen .*can0: 500 kbit/s up \| .*boot complete"):
        bench.console().expect("login:", within="500 ms")


def test_a_text_that_must_not_come_fails_at_once_when_it_comes(begin):
    bench = begin(Start.OFF)
    bench.power_on()
    with pytest.raises(EcuError, match="kernel"):
        bench.console().should_not_show("kernel", during="10 s")
    assert bench.now_ns < 1e9


def test_a_part_that_the_bench_lacks_makes_the_case_not_run(begin):
    bench = begin()
    bench.wiring.consoles.clear()
    with pytest.raises(NotRunError, match="no console"):
        bench.console()


def test_lateness_makes_a_failed_check_inconclusive_but_not_a_passed_one(begin):
    from hil.can.restbus import Lateness
    from hil.errors import InconclusiveError

    bench = begin()
    lamp = bench.screen().telltale("high_beam")
    bench.wiring.recorder.late(Lateness("BCM_Lights on cabin", bench.now_ns, 60_000_000, 50_000_000))
    lamp.should_be("off", within="10 ms")
    with pytest.raises(InconclusiveError, match=r"BCM_Lights on cabin by 60\.0 ms"):
        lamp.should_be("on", within="10 ms")
    final, _ = begin.end()
    assert final.verdict is Verdict.INCONCLUSIVE


def test_lateness_makes_a_passed_always_check_inconclusive(begin):
    from hil.can.restbus import Lateness
    from hil.errors import InconclusiveError

    bench = begin()
    bench.wiring.recorder.late(Lateness("BCM_Lights on cabin", bench.now_ns, 60_000_000, 50_000_000))
    with pytest.raises(InconclusiveError):
        bench.screen().telltale("high_beam").should_stay("off", during="100 ms")


def test_lateness_before_a_check_does_not_touch_it(begin):
    from hil.can.restbus import Lateness

    bench = begin()
    bench.wiring.recorder.late(Lateness("BCM_Lights on cabin", bench.now_ns, 60_000_000, 50_000_000))
    bench.sleep("1 s")
    with pytest.raises(EcuError):
        bench.screen().telltale("high_beam").should_be("on", within="10 ms")


def test_lateness_that_the_ecu_must_have_noticed_touches_all_that_fails_after_it(begin):
    from hil.can.restbus import Lateness
    from hil.errors import InconclusiveError

    bench = begin()
    bench.wiring.recorder.late(Lateness("BCM_Lights on cabin", bench.now_ns, 201_000_000, 50_000_000))
    bench.sleep("1 s")
    bench.screen().telltale("high_beam").should_stay("off", during="100 ms")
    with pytest.raises(InconclusiveError, match=r"before, and the ECU may have noticed: BCM_Lights .* by 201\.0 ms"):
        bench.screen().telltale("high_beam").should_be("on", within="10 ms")


def lose(bench, bus):
    """A frame is lost while the next check runs."""
    from hil.bench.blind import Blind, Cause

    t_ns = bench.now_ns + 1_000_000
    bench.wiring.recorder.blind.append(Blind(Cause.LOST, bus, t_ns, t_ns, count=1, why="nobody read"))


def test_a_check_that_failed_over_lost_frames_of_its_bus_is_inconclusive(begin):
    from hil.errors import InconclusiveError

    bench = begin()
    lose(bench, "body")
    bench.signal_should_be("body::CLU_Status.ClusterState", "On", within="10 ms")
    with pytest.raises(InconclusiveError, match=r"a frame of body was lost at .* s; nobody read"):
        bench.signal_should_be("body::CLU_Status.ClusterState", "Off", within="10 ms")
    assert begin.end()[0].verdict is Verdict.INCONCLUSIVE


def test_lost_frames_that_a_check_did_not_need_excuse_nothing(begin):
    bench = begin()
    lose(bench, "chassis")
    with pytest.raises(EcuError):
        bench.signal_should_be("body::CLU_Status.ClusterState", "Off", within="10 ms")
    lose(bench, "body")
    lamp = bench.screen().telltale("high_beam")
    lamp.should_stay("off", during="100 ms")
    with pytest.raises(EcuError):
        lamp.should_be("on", within="10 ms")
    with pytest.raises(EcuError):
        bench.signal_should_be("body::CLU_Status.ClusterState", "Off", within="10 ms")


def test_a_loop_that_stood_still_and_a_question_that_lost_its_answer_are_inconclusive(begin):
    from hil.bench.blind import Blind, Cause
    from hil.errors import InconclusiveError

    bench = begin()
    t_ns = bench.now_ns
    bench.wiring.recorder.blind.append(Blind(Cause.STALL, "", t_ns, t_ns + 80_000_000, 80_000_000, 50_000_000))
    with pytest.raises(InconclusiveError, match=r"the bench's loop stood still by 80\.0 ms \(allowed 50\.0 ms\)"):
        bench.screen().telltale("high_beam").should_be("on", within="10 ms")
    bench.sleep("1 s")
    lose(bench, bench.diag()._ecu.bus)
    with pytest.raises(InconclusiveError, match=r"a frame of .* was lost"):
        bench.diag().request("22 F1 8C", expect="7F")
    _, entries = begin.end()
    assert not [entry for entry in entries if entry.kind in ("bench", "health")], "a virtual bench measures nothing"


def test_a_value_that_its_sender_no_longer_says_does_not_count(begin):
    bench = begin()
    bench.signal_should_be("ClusterState", "On", within=0)
    bench.power_off()
    bench.sleep("1 s")
    with pytest.raises(EcuError, match=r"ClusterState: expected On.*seen On, said 1\.\d\d s ago"):
        bench.signal_should_be("ClusterState", "On", within="500 ms")


def test_a_reaction_is_measured_at_random_phases_with_an_uncertainty(begin):
    bench = begin()
    result = bench.screen().telltale("high_beam").reaction("HighBeam", "On", rest="Off", samples=60)
    assert len(set(result.samples_ms)) > 50
    assert 4 < result.summary.minimum < result.summary.maximum < 14 + 16.7 + 0.2
    assert set(result.summary.bounds) == {"p50", "p95"}
    assert result.uncertainty_ms == pytest.approx(2 * 16.666667 / 12**0.5, rel=1e-3)


def test_a_reaction_that_never_comes_fails(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(repository)
    session = session_on(tmp_path, "high_beam_dark")
    session.begin(case())
    with pytest.raises(EcuError, match="no reaction"):
        session.bench().screen().telltale("high_beam").reaction("HighBeam", "On", rest="Off", samples=3)
    session.end(Outcome())
    session.close()
    entries = list(JournalReader(session.folder / "tests" / "case" / "1" / "journal.mcap"))
    assert {entry.name for entry in entries if entry.kind == "screen"} >= {"cluster", "cluster/telltale.high_beam"}
    assert [entry.data["label"] for entry in entries if entry.kind == "signal"] == ["Off", "On"]


def steps(entries):
    """The steps after the start, and how each ended."""
    told = [entry.data for entry in entries if entry.kind == "step"]
    ended = {item["id"]: item["status"] for item in told if item["phase"] == "end"}
    return [(item["name"], item["args"], ended[item["id"]]) for item in told if item["phase"] == "start"][1:]


def test_the_steps_of_a_python_test_are_its_own_lines(begin):
    bench = begin()
    speed = 87
    bench.set_signal("VehicleSpeed", f"{speed} km/h")
    with pytest.raises(EcuError):
        bench.screen().telltale("high_beam").should_be(
            "on", within="50 ms"
        )  # fmt: skip
    with bench.transaction():
        bench.set_signal("HighBeam", "On")
    with bench.step("braking", "hard"):
        bench.sleep("10 ms")
    assert steps(begin.end()[1]) == [
        ('bench.set_signal("VehicleSpeed", f"{speed} km/h")', ["value=87 km/h"], "pass"),
        ('bench.screen().telltale("high_beam").should_be( "on", within="50 ms" )', [], "fail"),
        ('bench.set_signal("HighBeam", "On")', [], "pass"),
        ('with bench.transaction(): bench.set_signal("HighBeam", "On")', [], "pass"),
        ("braking", ["hard"], "pass"),
        ('bench.sleep("10 ms")', [], "pass"),
    ]


def test_frames_of_a_variant_s_own_database_are_read_from_the_journal_alone(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(repository)
    session = Session(Settings(results=str(tmp_path), variant="brio"))
    session.begin(case())
    session.bench()
    session.end(Outcome())
    session.close()
    reader = JournalReader(session.folder / "tests" / "case" / "1" / "journal.mcap")
    sport = next(x for x in reader if x.kind == "can" and (x.name, x.data.can_id) == ("body", 984))
    list(reader)
    said = Wires().of(reader.attachments, reader.metadata).texts
    name, signals = said.of(CanFrame(0, "body", 984, sport.data.data, sport.data.flags))
    assert name == "BCM_Sport"
    assert "LapNumber" in signals


def test_a_robot_case_has_no_steps_but_its_keywords(begin):
    begin(runner="robot").set_signal("HighBeam", "On")
    assert steps(begin.end()[1]) == []


def test_the_bench_is_given_back_after_a_case_in_which_a_signal_arrived(begin, session):
    bench = begin(name="stopped")
    bench.wiring.clock.call_in(1_000_000, lambda _: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        bench.sleep("1 s")
    begin.end(error=KeyboardInterrupt())
    assert begin(name="next").signal("ClusterState").label == "On"


def test_a_closed_session_ends_its_case_as_stopped(session, begin):
    begin()
    session.close()
    entries = list(JournalReader(session.folder / "tests" / "case" / "1" / "journal.mcap"))
    assert entries[-1].data["verdict"] == "bench fault"
    assert "stopped" in entries[-1].data["message"]


def test_settings_travel_through_the_environment(monkeypatch):
    sent = Settings(bench="b.toml", seed="7", defects=("x",), selection=Selection(names=("a*",)), folder="f")
    for name, value in sent.to_environment().items():
        monkeypatch.setenv(name, value)
    assert Settings.from_environment() == sent


def test_a_bench_without_probe_or_ignition_can_be_started(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(repository)
    text = (repository / "fixtures/benches/virtual.toml").read_text().replace('"../', f'"{repository}/fixtures/')
    text = text.replace("probe =", "# probe =")
    (tmp_path / "bench.toml").write_text(text)
    session = Session(Settings(bench=str(tmp_path / "bench.toml"), results=str(tmp_path / "r")))
    session.begin(case())
    assert session.bench().now_ns == 0
    session.end(Outcome())
    session.close()
    assert bench_config.load(tmp_path / "bench.toml").reset.probe is None


def test_a_port_that_cannot_be_closed_is_told_and_the_supply_is_off_all_the_same(begin, session, capsys):
    bench = begin()
    line = bench.wiring._copper.line("battery")
    assert line.voltage_V == 13.5

    async def broken():
        raise OSError("the adapter is gone")

    bench.wiring.screens["cluster"].close = broken
    begin.end()
    assert line.voltage_V == 0
    assert "could not be left safe: could not be closed: OSError: the adapter is gone" in capsys.readouterr().err
    assert Verdict.BENCH in session.verdicts


def test_a_restbus_that_cannot_be_stopped_is_told_and_the_supply_is_off_all_the_same(begin, session, capsys):
    bench = begin()
    line = bench.wiring._copper.line("battery")
    stop = bench.wiring.traffic.close

    def broken():
        stop()
        raise KeyError("0x100")

    bench.wiring.traffic.close = broken
    begin.end()
    assert line.voltage_V == 0
    assert "could not be left safe: could not be closed: KeyError: '0x100'" in capsys.readouterr().err


def test_a_bench_that_breaks_after_the_verdict_was_worked_out_spoils_it(begin, session):
    """Session, journal and report say the same: the fault stands in the journal of this case."""
    recorder = begin().wiring.recorder
    measured = session._measured
    session._measured = lambda: (recorder.fault(BenchError("the adapter is gone", where="bus.body")), measured())[1]
    final = session.end(Outcome())
    assert (final.verdict, final.message) == (Verdict.BENCH, "bus.body: the adapter is gone")
    session.close()
    make_report(session.folder)
    assert '<error type="bench"' in (session.folder / "junit.xml").read_text()


def test_an_error_of_a_labs_own_port_is_a_bench_fault(begin):
    bench = begin()

    def explode(frame):
        raise KeyError("a lab's own tap")

    bench.wiring.taps.append(explode)
    with pytest.raises(BenchError, match="the bench failed in itself: KeyError"):
        bench.sleep("1 s")
    final, _ = begin.end()
    assert final.verdict is Verdict.BENCH


def test_a_failed_check_can_not_be_skipped_away(begin):
    bench = begin()
    with pytest.raises(EcuError):
        bench.screen().telltale("high_beam").should_be("on", within="10 ms")
    final, _ = begin.end(skipped="not today")
    assert final.verdict is Verdict.FAIL


def test_a_check_that_is_caught_inside_a_good_attempt_counts(begin):
    bench = begin()

    def attempt():
        with pytest.raises(EcuError):
            bench.screen().telltale("high_beam").should_be("on", within="10 ms")

    bench.until_succeeds(attempt, within="1 s", interval="100 ms")
    final, _ = begin.end()
    assert final.verdict is Verdict.FAIL


def test_attempts_may_be_nested(begin):
    bench = begin()
    bench.set_signal("HighBeam", "On")
    lamp = bench.screen().telltale("high_beam")

    def outer():
        bench.until_succeeds(lambda: lamp.should_be("on", within=0), within="1 s", interval="10 ms")

    bench.until_succeeds(outer, within="2 s", interval="10 ms")
    final, _ = begin.end()
    assert final.verdict is Verdict.PASS


def test_the_journal_says_which_check_was_declared_to_fail_where_it_looked_and_what_was_measured(begin):
    bench = begin()
    lamp = bench.screen().telltale("high_beam")
    with bench.expected_failure():
        lamp.should_be("on", within="10 ms")
    with pytest.raises(EcuError):
        lamp.should_be("on", within="10 ms")
    final, entries = begin.end()
    assert final.verdict is Verdict.FAIL
    declared, failed = [entry.data for entry in entries if entry.kind == "check"]
    assert (declared.get("declared"), failed.get("declared")) == (True, None)
    assert failed["region"] == list(bench.screen().layout.telltale("high_beam").region)
    assert failed["measured"].startswith("brightness ")


def test_an_assertion_of_the_test_is_not_taken_for_the_expected_failure(begin):
    bench = begin()

    def fail_and_go_on():
        with pytest.raises(EcuError):
            bench.screen().telltale("high_beam").should_be("on", within="10 ms")
        raise AssertionError("mine")

    with pytest.raises(AssertionError, match="mine"), bench.expected_failure():
        fail_and_go_on()


def test_a_case_that_never_ends_is_interrupted_so_that_the_bench_is_left_safe(begin, session):
    line = begin().wiring._copper.line("battery")
    assert session._watchdog.interval == session.config.bench.watchdog
    soon = session.config.bench.model_copy(update={"watchdog": 0.3})
    session.config = session.config.model_copy(update={"bench": soon})

    def hang():
        session._disarm_watchdog()
        session._arm_watchdog()  # anew, as a case begins: the boot on a busy machine would have taken longer
        while True:
            pass

    with pytest.raises(KeyboardInterrupt):
        hang()
    session.close()
    assert line.voltage_V == 0
