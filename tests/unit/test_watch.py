"""Monitors, network management and disturbances on the virtual bench: what they see, and what it does to a verdict."""

import pytest
from whole_bench import session_on

from hil.bench.blind import Blind, Cause
from hil.bench.case import Case
from hil.bench.reset import Start
from hil.bench.session import Outcome, Session, Settings
from hil.can.restbus import Lateness
from hil.errors import BenchError, EcuError, NotRunError, UsageError, Verdict
from hil.journal import EXTENDED, JournalReader

MS = 1_000_000


@pytest.fixture
def session(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(repository)
    session = session_on(tmp_path)
    yield session
    session.close()


class Begun:
    """A case that has begun, with its bench; `end` gives the verdict and what the monitors wrote."""

    def __init__(self, session, start=Start.ON):
        self.session = session
        session.begin(Case("case", "case", "suite", "file:1", (), (), start, "pytest"))
        self.bench = session.bench()
        self.wiring = self.bench.wiring
        (self.ecu,) = self.wiring.ecus.values()

    def act(self, action):
        async def main():
            action()

        self.bench.call(main())

    def silence(self):
        """The ECU's program goes on and sends no more."""
        self.ecu._com.start = lambda: None
        self.ecu._com.stop()

    def end(self, **outcome):
        final = self.session.end(Outcome(**outcome))
        entries = list(JournalReader(self.session.folder / "tests" / "case" / "1" / "journal.mcap"))
        return final, [entry.data for entry in entries if entry.kind == "monitor"]


@pytest.fixture
def begun(session):
    return Begun(session)


@pytest.fixture
def bench(begun):
    return begun.bench


# Monitors -------------------------------------------------------------------------------------------------------------


def test_a_sound_ecu_leaves_nothing_to_say(begun, bench):
    bench.sleep("10 s")
    final, said = begun.end()
    assert (final.verdict, said) == (Verdict.PASS, [])


def test_an_ecu_that_stops_sending_fails_the_case(begun, bench):
    bench.sleep("1 s")
    begun.act(begun.silence)
    bench.sleep("3 s")
    final, said = begun.end()
    assert final.verdict is Verdict.FAIL
    assert final.message.startswith("monitor: CLU_")
    assert "came no more after" in final.message
    assert {record["phase"] for record in said} == {"first", "end"}
    assert {record["message"] for record in said} >= {"CLU_Status", "CLU_ChassisStatus", "CLU_HeartbeatBody"}


def test_a_broken_checksum_of_the_ecu_fails_the_case(begun, bench):
    begun.act(lambda: begun.ecu._com._sent["CLU_Status"][0].corrupt_crc(True))
    bench.sleep("1 s")
    final, said = begun.end()
    assert (final.verdict, said[-1]["kind"], said[-1]["message"]) == (Verdict.FAIL, "e2e", "CLU_Status")
    assert said[-1]["count"] >= 9


def test_an_identifier_that_no_database_has_fails_the_case(begun, bench):
    stranger = begun.wiring.wires["body"].port("STRANGER")
    bench.call(stranger.open(lambda frame: None, lambda error: None))
    begun.act(lambda: stranger.send(0x18FF1234, b"\x01", EXTENDED))
    bench.sleep("100 ms")
    final, _ = begun.end()
    assert final.verdict is Verdict.FAIL
    assert "0x18FF1234x on body" in final.message


def speaks_over(begun, message="BCM_Lights"):
    """Somebody else sends a message that the restbus plays, once."""
    second = begun.wiring.wires["body"].port("SECOND")
    begun.bench.call(second.open(lambda frame: None, lambda error: None))
    played = begun.wiring.plan.network.databases["body"].get_message_by_name(message)
    begun.act(lambda: second.send(played.frame_id, bytes(played.length)))


def test_a_second_sender_is_a_bench_fault_at_once(begun, bench):
    speaks_over(begun)
    with pytest.raises(BenchError, match="BCM_Lights on body: somebody else sends it, though the restbus plays it"):
        bench.sleep("10 s")
    assert bench.now_ns < 10_000 * MS
    final, said = begun.end()
    assert final.verdict is Verdict.BENCH
    assert "stop the other sender, or name its node in real_nodes" in final.message
    assert [(record["kind"], record["level"]) for record in said] == [("foreign", "fault")]


def test_a_second_sender_may_be_allowed_by_the_case(begun, bench):
    bench.allow_findings("BCM_Lights", kinds=("foreign",))
    speaks_over(begun)
    bench.sleep("100 ms")
    assert [str(finding.kind) for finding in bench.findings()] == ["foreign"]
    assert begun.end()[0].verdict is Verdict.PASS


def test_a_second_sender_may_be_borne_by_the_bench_file(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(repository)
    text = (repository / "fixtures/benches/virtual.toml").read_text().replace('"../', f'"{repository}/fixtures/')
    text = text.replace(f"{repository}/fixtures/../", f"{repository}/")
    (tmp_path / "bench.toml").write_text(text + '\n[monitors]\nforeign = "warn"\n')
    session = Session(Settings(bench=str(tmp_path / "bench.toml"), results=str(tmp_path)))
    begun = Begun(session)
    speaks_over(begun)
    begun.bench.sleep("100 ms")
    assert begun.end()[0].verdict is Verdict.PASS
    session.close()


def test_what_the_bench_sends_itself_is_not_monitored(begun, bench):
    bench.send_frame("body", "0x6FE", "01")
    bench.corrupt_crc("ESC_Speed")
    bench.sleep("1 s")
    assert begun.end()[0].verdict is Verdict.PASS


@pytest.mark.parametrize(("allowed", "verdict"), [
    ({"kinds": ("cycle",)}, Verdict.PASS),
    ({"messages": ("CLU_*",)}, Verdict.PASS),
    ({"messages": ("chassis::CLU_*",)}, Verdict.FAIL),
    ({"kinds": ("e2e", "dlc")}, Verdict.FAIL),
])  # fmt: skip
def test_findings_that_a_case_provokes_may_be_allowed(begun, bench, allowed, verdict):
    bench.allow_findings(*allowed.get("messages", ()), kinds=allowed.get("kinds", ()))
    begun.act(begun.silence)
    bench.sleep("3 s")
    final, said = begun.end()
    assert final.verdict is verdict
    assert said
    assert all(record.get("allowed") for record in said) is (verdict is Verdict.PASS)


def test_a_stranger_may_be_allowed_by_its_identifier(begun, bench):
    stranger = begun.wiring.wires["body"].port("STRANGER")
    bench.call(stranger.open(lambda frame: None, lambda error: None))
    bench.allow_findings("0x6F0-0x6FF")
    begun.act(lambda: stranger.send(0x6FE, b"\x01"))
    bench.sleep("100 ms")
    assert [finding.message for finding in bench.findings()] == ["0x6FE"]
    assert begun.end()[0].verdict is Verdict.PASS


def test_what_is_allowed_must_be_something(bench):
    with pytest.raises(UsageError, match="'cicle' is nothing that monitors watch"):
        bench.allow_findings(kinds=("cicle",))


def test_nobody_is_expected_without_supply_and_everybody_some_time_after_it(begun, bench):
    bench.power_off()
    bench.sleep("20 s")
    bench.power_on()
    bench.sleep("10 s")
    assert bench.findings() == []
    begun.act(begun.silence)
    bench.sleep("3 s")
    assert bench.findings()


def test_a_supply_that_is_switched_by_itself_counts_too(begun, bench):
    bench.supply().switch(False)
    bench.sleep("20 s")
    bench.supply().switch(True)
    bench.sleep("3 s")
    bench.supply().set_voltage("5 V")
    bench.sleep("20 s")
    assert bench.findings() == []


def test_an_ecu_that_does_not_come_back_is_missed_after_the_grace(begun, bench):
    bench.power_off()
    begun.ecu._boot = lambda reason: None
    bench.power_on()
    bench.sleep("4 s")
    assert bench.findings() == []
    bench.sleep("3 s")
    assert {finding.message for finding in bench.findings()} >= {"CLU_Status"}


def test_while_the_bench_was_late_nothing_is_held_against_the_ecu(begun, bench):
    begun.act(begun.silence)
    now_ns = bench.now_ns
    begun.act(lambda: begun.wiring.recorder.late(Lateness("ESC_Speed on chassis", now_ns, 30 * MS, 10 * MS)))
    bench.sleep("3 s")
    final, _ = begun.end()
    assert final.verdict is Verdict.INCONCLUSIVE
    assert "while the bench was late" in final.message


def lose(begun, bus, from_ns, to_ns):
    begun.wiring.recorder.blind.append(Blind(Cause.LOST, bus, from_ns, to_ns, count=3, why="nobody read"))


def test_what_is_missed_over_lost_frames_is_not_held_against_the_ecu(begun, bench):
    begun.act(begun.silence)
    lose(begun, "body", bench.now_ns, bench.now_ns + 50 * MS)
    lose(begun, "chassis", bench.now_ns, bench.now_ns + 50 * MS)
    bench.sleep("500 ms")
    final, _ = begun.end()
    assert final.verdict is Verdict.INCONCLUSIVE
    assert "while the bench was blind: 3 frames of " in final.message


def test_frames_lost_on_one_bus_excuse_nothing_on_another(begun, bench):
    begun.act(begun.silence)
    lose(begun, "body", bench.now_ns, bench.now_ns + 50 * MS)
    bench.sleep("500 ms")
    final, _ = begun.end()
    assert (final.verdict, "on chassis" in final.message) == (Verdict.FAIL, True)


def test_lost_frames_excuse_no_frame_that_came(begun, bench):
    """Whoever sees an identifier that no database has sees too much, not too little."""
    stranger = begun.wiring.wires["body"].port("STRANGER")
    bench.call(stranger.open(lambda frame: None, lambda error: None))
    begun.act(begun.silence)
    for bus in ("body", "chassis"):
        lose(begun, bus, bench.now_ns, bench.now_ns + 400 * MS)
    bench.sleep("300 ms")
    begun.act(lambda: stranger.send(0x6FE, b"\x01"))
    bench.sleep("100 ms")
    assert bench.findings()[0].kind == "cycle", "what is doubtful comes first"
    final, _ = begun.end()
    assert (final.verdict, "0x6FE" in final.message) == (Verdict.FAIL, True)


def test_a_finding_whose_worst_came_while_the_bench_was_well_fails_the_case(begun, bench):
    """A cycle that is wrong before, in and after a gap is not explained by the gap."""
    status = begun.ecu._com._sent["CLU_Status"][0]
    lose(begun, "body", bench.now_ns, bench.now_ns + 300 * MS)
    begun.act(lambda: status.silence("test", True))
    bench.sleep("300 ms")
    begun.act(lambda: status.silence("test", False))
    bench.sleep("3 s")
    begun.act(lambda: status.silence("test", True))
    bench.sleep("900 ms")
    begun.act(lambda: status.silence("test", False))
    bench.sleep("300 ms")
    final, said = begun.end()
    assert final.verdict is Verdict.FAIL
    assert said


def test_a_failure_of_the_test_itself_is_told_first(begun, bench):
    begun.act(begun.silence)
    bench.sleep("3 s")
    final, said = begun.end(error=EcuError("the lamp is dark"), failed="the lamp is dark")
    assert (final.verdict, final.message) == (Verdict.FAIL, "the lamp is dark")
    assert said


# Network management ---------------------------------------------------------------------------------------------------


def test_the_networks_sleep_when_nobody_wants_them_and_wake_again(begun, bench):
    bench.network_should_be(True, within=0)
    bench.ignition(False)
    bench.release_network()
    bench.network_should_be(False, within="12 s")
    bench.sleep("1 s")
    assert bench.supply().read().current_A < 0.01
    heard = begun.wiring.inbox.heard
    bench.sleep("10 s")
    assert begun.wiring.inbox.heard == heard
    bench.ignition(True)
    bench.wake_network()
    bench.network_should_be(True, within="100 ms")
    bench.screen().should_be_lit(within="2 s")
    assert begun.end()[0].verdict is Verdict.PASS


def test_an_ecu_with_its_ignition_on_keeps_the_networks_awake_and_is_named(bench):
    bench.release_network()
    with pytest.raises(EcuError, match="kept awake by COCKPIT"):
        bench.network_should_be(False, within="12 s")


def test_one_bus_may_be_meant(bench):
    bench.release_network("body")
    bench.network_should_be(True, bus="chassis", within=0)
    with pytest.raises(UsageError, match=r"bus 'cabin' has no network management\. Remedy: there is: chassis, body"):
        bench.wake_network("cabin")


def test_the_messages_of_a_partial_network_are_sent_while_it_is_requested(begun, bench):
    comfort = [sent for sent in begun.wiring.restbus.messages if sent.traits.partial_network == 18]
    assert comfort
    bench.sleep("2 s")
    before = {sent.name: sent.count for sent in comfort}
    bench.partial_network(18, False)
    bench.sleep("3 s")
    off = {sent.name: sent.count for sent in comfort}
    bench.sleep("5 s")
    assert {sent.name: sent.count for sent in comfort} == off
    bench.partial_network(18, True)
    bench.sleep("5 s")
    cyclic = [sent for sent in comfort if sent.period_ns]
    assert cyclic
    assert all(sent.count > off[sent.name] > before[sent.name] for sent in cyclic)
    with pytest.raises(UsageError, match=r"no message belongs to partial network 5\. Remedy: there is: 16, 17, 18"):
        bench.partial_network(5, True)


# Disturbances ---------------------------------------------------------------------------------------------------------


def test_corrupted_frames_become_error_frames_and_a_warning(begun, bench):
    bench.disturb_bus("chassis", corruption=0.05)
    bench.sleep("1 s")
    bench.undisturb_bus("chassis")
    errors = begun.wiring.wires["chassis"].error_frames
    assert errors > 10
    bench.sleep("1 s")
    assert begun.wiring.wires["chassis"].error_frames == errors
    final, said = begun.end()
    assert final.verdict is Verdict.PASS
    assert {(record["kind"], record["level"]) for record in said} == {("error_frames", "warn")}


def test_one_message_may_be_lost_for_one_node(begun, bench):
    bench.set_signal("VehicleSpeed", "60 km/h")
    bench.screen().text("speed").should_be("60")
    bench.disturb_bus("chassis", loss=1.0, messages=["ESC_Speed"], nodes=["cockpit"])
    bench.screen().text("speed").should_be("---", within="1 s")
    bench.undisturb_bus("chassis")
    bench.screen().text("speed").should_be("60", within="1 s")


def test_the_load_of_a_bus_is_that_of_its_frames(bench):
    bench.sleep("2 s")
    assert 0.05 < bench.bus_load("body") < 0.15
    bench.restbus(False)
    bench.sleep("10 s")
    assert bench.bus_load("chassis") < 0.01


def test_a_real_wire_is_not_disturbed(bench, monkeypatch):
    bench.wiring._copper.wires.pop("body")
    for use in (lambda: bench.disturb_bus("body", loss=0.1), lambda: bench.bus_load("body")):
        with pytest.raises(NotRunError, match="bus body is a real wire"):
            use()
    with pytest.raises(UsageError, match="no bus 'cabin'"):
        bench.undisturb_bus("cabin")
    with pytest.raises(UsageError, match="loss is a probability: 2"):
        bench.disturb_bus("chassis", loss=2)
