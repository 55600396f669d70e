"""Diagnosis on the virtual bench: client, checks, reset recipe, facts about the ECU, what the journal says."""

import pytest
from whole_bench import session_on

from hil.bench.case import Case
from hil.bench.checkup import Wishes, check_up
from hil.bench.checkup_finding import Mark
from hil.bench.config import load
from hil.bench.reset import Start
from hil.bench.session import Outcome, Session, Settings
from hil.can.frames import CanFrame
from hil.errors import EcuError, NotRunError, UsageError, Verdict
from hil.journal import SENT, JournalReader

S = 1_000_000_000


def made(repository, tmp_path, change=None, **settings):
    """A session on the virtual bench, whose file is changed."""
    if change is None and not settings:
        return session_on(tmp_path)
    change = change or str
    text = (repository / "fixtures/benches/virtual.toml").read_text()
    text = change(
        text.replace('"../', f'"{repository}/fixtures/').replace(f"{repository}/fixtures/../", f"{repository}/")
    )
    path = tmp_path / "bench.toml"
    path.write_text(text)
    return Session(Settings(bench=str(path), results=str(tmp_path / "results"), **settings))


class Lab:
    def __init__(self, session):
        self.session = session
        self.case = Case("case", "case", "suite", "f:1", ("T-1",), (), Start.ON, "pytest", "", 600)
        session.begin(self.case)
        self.bench = session.bench()
        self.diag = self.bench.diag()

    def end(self):
        final = self.session.end(Outcome())
        return final, list(JournalReader(self.session.folder / "tests/case/1/journal.mcap"))


@pytest.fixture
def open_lab(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(repository)
    sessions = []

    def opened(change=None, **settings):
        sessions.append(made(repository, tmp_path, change, **settings))
        return Lab(sessions[-1])

    yield opened
    for session in sessions:
        session.close()


@pytest.fixture
def lab(open_lab):
    return open_lab()


def test_identifiers_are_read_and_decoded(lab):
    assert lab.diag.read_did("F189") == "1.0.0"
    assert lab.diag.read_did("software version") == "1.0.0"
    assert lab.diag.read_did("VIN") == "WHLCKPT1ZA0000001"
    assert lab.diag.read_did("F18B") == "2026-01-15"
    assert lab.diag.read_did("active session") == 1
    assert str(lab.diag.read("supply voltage")) == "13.5 V"
    lab.diag.identifier_should_be("active slot", "A")
    with pytest.raises(EcuError, match=r"software version: expected 2\.0, seen 1\.0\.0"):
        lab.diag.identifier_should_be("F189", "2.0")
    with pytest.raises(UsageError, match="no identifier 'colour'"):
        lab.diag.read("colour")


def test_a_refusal_says_in_words_what_was_asked_and_why_it_was_refused(lab):
    with pytest.raises(EcuError, match=r"read data by identifier 12 34: .* refused: 0x31 request out of range"):
        lab.diag.read_did("1234")
    lab.diag.request("22 12 34", expect=0x31)
    lab.diag.request("22F190", expect="62F190")
    lab.diag.request("B5", functional=True, expect="")
    with pytest.raises(EcuError, match="expected no answer"):
        lab.diag.request("B5", expect="")
    with pytest.raises(EcuError, match="no answer within"):
        lab.diag.request("3E80", expect="7E")


def test_a_session_ends_after_five_seconds_unless_it_is_kept(lab):
    lab.diag.session("extended")
    lab.bench.sleep("4.9 s")
    assert lab.diag.read_did("active session") == 3
    lab.bench.sleep("5.1 s")
    assert lab.diag.read_did("active session") == 1
    lab.diag.session("extended", keep=True)
    lab.bench.sleep("20 s")
    assert lab.diag.read_did("active session") == 3
    lab.diag.session("default")
    lab.bench.sleep("1 s")
    assert lab.diag.read_did("active session") == 1
    assert lab.end()[0].verdict is Verdict.PASS


def test_a_reset_restarts_the_ecu_and_the_monitors_bear_it(lab):
    lab.diag.session("extended")
    lab.diag.reset("hard")
    lab.bench.console().expect("boot reason: software", within="1 s")
    lab.diag.should_answer(within="3 s")
    assert lab.diag.read_did("active session") == 1
    lab.bench.sleep("8 s")
    final, _ = lab.end()
    assert (final.verdict, final.message) == (Verdict.PASS, "")


def test_a_frame_that_was_on_the_wire_at_a_reset_is_no_sign_of_the_restart(lab):
    """It ends just after the answer; the next one comes when the ECU has started."""
    lab.bench.allow_findings(kinds=("e2e",))
    lab.diag.reset("hard")
    lab.bench.wiring.traffic.watch.on_frame(CanFrame(lab.bench.wiring.clock.now_ns + 1, "body", 0x3E0, bytes(8)))
    lab.bench.sleep("3 s")
    final, _ = lab.end()
    assert (final.verdict, final.message) == (Verdict.PASS, "")


def test_an_ecu_that_is_off_does_not_answer(lab):
    lab.bench.power_off()
    with pytest.raises(EcuError, match="no answer within 5"):
        lab.diag.tester_present()
    with pytest.raises(EcuError):
        lab.diag.should_answer(within="1 s")


def test_configuration_is_written_behind_security_and_stays_across_a_power_cut(lab):
    lab.diag.session("extended")
    with pytest.raises(EcuError, match="0x33 security access denied"):
        lab.diag.write_did("service interval", "27 10")
    lab.diag.unlock()
    lab.diag.write_did("service interval", "27 10")
    lab.bench.power_off()
    lab.bench.sleep("1 s")
    lab.bench.power_on()
    lab.diag.should_answer(within="5 s")
    assert str(lab.diag.read("service interval")) == "10000 km"


def test_the_ecu_falls_silent_while_communication_is_off_and_the_monitors_know_it(lab):
    lab.diag.session("extended", keep=True)
    lab.diag.request("28 03 01")
    off_ns = lab.bench.now_ns
    lab.bench.sleep("3 s")
    on_ns = lab.bench.now_ns
    lab.diag.request("28 00 01")
    lab.bench.sleep("8 s")
    final, entries = lab.end()
    assert (final.verdict, final.message) == (Verdict.PASS, "")
    frames = [entry for entry in entries if entry.kind == "can" and not entry.data.flags & SENT]
    own = {message.frame_id for _, message in lab.session.plan.network.messages() if message.senders[:1] == ["COCKPIT"]}
    nm_and_diagnosis = {0x728, *(frame_id for frame_id in own if 0x500 <= frame_id < 0x540)}
    heard = [entry.t_ns for entry in frames if entry.data.can_id in own - nm_and_diagnosis]
    assert not [t_ns for t_ns in heard if off_ns < t_ns < on_ns]
    assert len([t_ns for t_ns in heard if t_ns > on_ns]) > 100


def test_a_late_answer_is_kept_apart_from_a_failure(open_lab):
    lab = open_lab(defects=("tester_present_late",))
    assert lab.diag.tester_present().is_positive
    (late,) = lab.diag.late_answers
    assert late.limit == "P2"
    assert 120e6 < late.took_ns < 140e6
    with pytest.raises(EcuError, match="1 late: P2 is 60 ms, the answer took 13"):
        lab.diag.answers_should_be_in_time()


def test_answers_are_in_time_also_with_78(lab):
    lab.diag.clear_dtcs()
    assert lab.diag.request("14 FF FF FF").pending == 1
    lab.diag.answers_should_be_in_time()


def test_requests_and_answers_stand_in_the_journal(lab):
    lab.diag.read_did("F189")
    lab.diag.request("221234", expect=0x31)
    said = [entry.data for entry in lab.end()[1] if entry.kind == "diag"]
    assert [(one["event"], one["data"]) for one in said] == [
        ("request", "22f189"), ("response", "62f189312e302e30"), ("request", "221234"), ("response", "7f2231"),
    ]  # fmt: skip
    assert said[0]["text"] == "read data by identifier F1 89"
    assert said[3]["text"] == "read data by identifier refused: 0x31 request out of range"
    assert 0 < said[1]["took_ns"] < 60e6


def test_trouble_codes_are_checked_by_name(lab):
    lab.diag.dtc_should_not_be_stored("U0121")
    lab.bench.stop_node("ESC")
    lab.bench.sleep("3 s")
    lab.diag.dtc_should_be_stored("U0121")
    lab.diag.dtc_should_be_stored("U0121-87")
    with pytest.raises(EcuError, match="U0121: expected U0121 not stored, seen U0121-87 \\(test failed, "):
        lab.diag.dtc_should_not_be_stored("U0121")
    lab.diag.clear_dtcs()
    lab.bench.sleep("200 ms")
    lab.diag.dtc_should_be_stored("U0121")
    lab.bench.resume_node("ESC")
    lab.bench.sleep("1 s")
    lab.diag.clear_dtcs()
    lab.diag.dtc_should_not_be_stored()
    with pytest.raises(EcuError, match="U0121: expected U0121 stored, seen none"):
        lab.diag.dtc_should_be_stored("U0121")
    with pytest.raises(UsageError, match="is no trouble code"):
        lab.diag.dtc_should_be_stored("Motor")


def test_equal_seeds_give_equal_journals(open_lab):
    journals = []
    for _ in range(2):
        lab = open_lab()
        lab.diag.session("extended")
        lab.diag.unlock()
        journals.append([(e.t_ns, e.kind, str(e.data)) for e in lab.end()[1]])
    assert journals[0] == journals[1]


def test_the_recipe_may_ask_by_diagnosis_and_facts_are_read_by_identifier(open_lab):
    def change(text):
        text = text.replace('steps = ["KL30 cycle"]', 'steps = ["default session", "clear DTCs", "KL30 cycle"]')
        return text[: text.index("[dut]")] + (
            '[dut]\nkind = "virtual"\nname = "x"\n[dut.identifiers]\npart = "F187"\nserial = "serial number"\n'
            'software = "F189"\nhardware = "F191"\n'
        )

    lab = open_lab(change)
    assert lab.bench.wiring.recorder.facts == {
        "part": "68999001AA", "serial": "VC000001", "software": "1.0.0", "hardware": "B1"
    }  # fmt: skip
    said = [entry.data["text"] for entry in lab.end()[1] if entry.kind == "diag" and entry.data["event"] == "request"]
    assert said[:2] == ["diagnostic session control 01", "clear diagnostic information FF FF FF"]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('bus = "body"\nsecurity', 'bus = "bodi"\nsecurity', "diag.cockpit.bus: no bus 'bodi'"),
        ('security = "virtual"', 'security = "nothing:key"', "no key function 'nothing:key'"),
        ('bus = "body"\nsecurity', 'bus = "chassis"\nsecurity', "doesn't say with which identifiers"),
        ("0200 = {", "020 = {", "an identifier is four hex digits"),
        ('security = "virtual"', "p2 = 0", "diag.cockpit.p2"),
        ("[dut]", '[dut]\ndiag = "x"\nidentifiers = { part = "F187" }', "dut.diag: 'x' is no section"),
        ("[dut]", '[dut]\nidentifiers = { part = "colour" }', "no identifier 'colour'"),
    ],
)
def test_a_wrong_section_is_one_clear_line(repository, tmp_path, monkeypatch, old, new, what):
    monkeypatch.chdir(repository)
    with pytest.raises(UsageError) as caught:
        made(repository, tmp_path, lambda text: text.replace(old, new))
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bench_without_diagnosis_runs_no_case_of_it(open_lab):
    def change(text):
        begin, end = text.index("[diag.cockpit]"), text.index("[ignition]")
        return text[:begin] + text[end:]

    with pytest.raises(NotRunError, match="no \\[diag\\]"):
        open_lab(change)


def test_doctor_says_whether_the_ecu_answers(repository, monkeypatch):
    monkeypatch.chdir(repository)
    bench = load(repository / "fixtures/benches/virtual.toml")
    (dark,) = [row for row in check_up(bench).findings if row.part == "diag.cockpit"]
    (awake,) = [row for row in check_up(bench, Wishes(power=True)).findings if row.part == "diag.cockpit"]
    assert (dark.mark, dark.found) == (
        Mark.NOTE,
        "tester present: no answer within 60 ms, as there is none while an ECU has no power",
    )
    assert awake.found.startswith("answers tester present after ")
