"""What the journals of a run say: verdicts that nothing can gloss over, timelines in bounded memory."""

import json
import random
import sys
from pathlib import Path

import numpy as np
import pytest

from hil.can.log_frames import Frames
from hil.errors import UsageError, Verdict
from hil.evidence.blocks import Block, BlockReader
from hil.evidence.collect import Collector
from hil.evidence.events import event_text
from hil.evidence.facts import Wires
from hil.evidence.frames import FRAMES
from hil.evidence.model import DIED, Fault, Ruling, rule, rule_without_journal, worst
from hil.evidence.reader import read_run
from hil.evidence.report import make_report
from hil.evidence.series import SeriesBuilder, thin
from hil.journal import CanRecord, Entry, Journal, JournalReader

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import evidence_factory as factory

PASSED, FAILED = Ruling(Verdict.PASS), Ruling(Verdict.FAIL, "too dark")
FAULT = Fault(5, Verdict.BENCH, "supply lost", "supply.kl30", "look at the fuse", "fuse")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return factory.make_results(tmp_path_factory.mktemp("evidence") / "results", seconds=3)


@pytest.fixture(scope="module")
def run(results):
    return read_run(results)


@pytest.fixture(scope="module")
def attempts(results):
    seen = []
    read_run(results, on_attempt=seen.append)
    return {(attempt.info.id, attempt.number): attempt for attempt in seen}


def test_every_ending_gets_its_verdict(run):
    assert {case.info.id: case.ruling.verdict for case in run.cases} == {
        "cluster.speed": Verdict.PASS, "cluster.abs": Verdict.FAIL, "cluster.hostile": Verdict.PASS,
        "latency.speed": Verdict.PASS, "power.brownout": Verdict.BENCH, "net.late": Verdict.INCONCLUSIVE,
        "diag.killed": Verdict.BENCH, "diag.garbage": Verdict.BENCH, "diag.never": Verdict.NOT_RUN,
        "cam.none": Verdict.NOT_RUN, "wire.full": Verdict.PASS,
    }  # fmt: skip


def test_the_reason_says_what_happened(run):
    messages = {case.info.id: case.ruling.message for case in run.cases}
    assert messages["diag.killed"] == "the run ended in the middle of this case"
    assert messages["diag.never"] == "the run ended before it"
    assert messages["cam.none"] == "this bench has no camera"
    assert messages["diag.garbage"].startswith("the journal can't be read to its end: is no journal")


def test_no_path_of_the_host_is_in_a_message(run, results):
    assert not [case for case in run.cases if str(results) in case.ruling.message]


def test_a_fault_hides_the_failure_that_followed_it_but_keeps_its_claim(run):
    case = next(case for case in run.cases if case.info.id == "power.brownout")
    assert case.ruling.message.startswith("supply kl30 is at its current limit of 10 A\nRemedy: check the wiring")
    assert "had said: fail: the screen is dark" in case.ruling.message
    assert (case.ruling.where, case.ruling.first_cause) == ("supply.kl30", "over-current protection")
    assert [attempt.number for attempt in case.attempts] == [1, 2]


@pytest.mark.parametrize("claimed", [PASSED, FAILED, Ruling(Verdict.NOT_RUN)])
def test_a_fault_is_sticky(claimed):
    assert rule(claimed, [FAULT]).verdict is Verdict.BENCH


def test_the_first_fault_is_the_cause():
    late = Fault(1, Verdict.INCONCLUSIVE, "late")
    assert rule(PASSED, [late, FAULT]).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("recorded", "cut", "message"),
    [(None, None, DIED), (None, DIED, DIED), (FAILED, DIED, f"{DIED}\n(The case itself had said: fail: too dark)")],
)
def test_a_case_without_a_proper_end_is_a_bench_fault(recorded, cut, message):
    final = rule(recorded, [], cut=cut)
    assert (final.verdict, final.message) == (Verdict.BENCH, message)


def test_a_case_that_died_of_a_fault_names_the_fault():
    assert rule(None, [FAULT], cut=DIED).message.startswith("supply lost")


def test_what_the_session_knows_beats_a_pass_but_not_a_failure():
    torn_down_badly = Ruling(Verdict.BENCH, "reset failed")
    assert rule(PASSED, [], said=torn_down_badly) is torn_down_badly
    assert rule(FAILED, [], said=PASSED) is FAILED


def test_a_pass_without_a_journal_is_none():
    assert rule_without_journal(PASSED, started=True).verdict is Verdict.BENCH
    assert rule_without_journal(None, started=True).message == DIED
    assert rule_without_journal(Ruling(Verdict.NOT_RUN, "no camera"), started=False).message == "no camera"


def test_an_unknown_verdict_is_a_bench_fault(tmp_path):
    journal = factory.open_case(tmp_path, "odd")
    factory.verdict(journal, 1, "great success")
    (case,) = read_run(tmp_path).cases
    assert case.ruling.verdict is Verdict.BENCH
    assert "great success" in case.ruling.message


def test_requirements_are_worth_their_worst_case(run):
    found = {item.id: (item.verdict, item.title, len(item.cases)) for item in run.requirements}
    assert found["TEL-1"] == (Verdict.FAIL, "ABS telltale is on after a wheel sensor fault", 1)
    assert found["SPD-1"][0] is Verdict.INCONCLUSIVE
    assert found["NET-9"] == (None, "Network management keeps the bus awake", 0)
    assert worst([]) is None


def test_a_run_that_did_not_finish_says_so_and_is_no_success(tmp_path):
    factory.make_many(tmp_path / "whole", 1)
    assert make_report(tmp_path / "whole").exit_status == 0
    (tmp_path / "whole" / "session.mcap").unlink()
    report = make_report(tmp_path / "whole")
    assert report.exit_status == 3
    assert any("did not finish" in warning for warning in report.run.warnings)


def test_a_timeline_has_what_the_case_did(attempts):
    timeline = attempts["cluster.abs", 1].timeline
    assert [check.ok for check in timeline.checks] == [True, False]
    assert (timeline.focus_ns, timeline.end_ns) == (8_500_000_000, 9_000_000_000)
    assert [step.name for step in timeline.steps][-1] == "Read region"
    assert timeline.steps[-1].parent == 3
    names = {(series.group, series.name) for series in timeline.series}
    assert ("signal", "powertrain::Speed") in names
    assert ("supply", "kl30 V") in names
    assert ("bus load", "cabin") in names
    assert [shot.name for shot in timeline.shots] == ["cluster", "cluster/telltale.abs"]


def test_frames_are_kept_up_to_the_failed_check_only(attempts):
    frames = attempts["cluster.abs", 1].timeline.frames
    assert frames[0].t_ns >= 6_400_000_000
    assert frames[-1].t_ns <= 8_500_000_000
    assert 0 < len(frames) <= FRAMES


MS = 1_000_000


@pytest.mark.parametrize(
    ("fields", "decided_ms"),
    [
        ({"name": "within", "ok": False, "since_ns": 4_802 * MS, "within_ns": 500 * MS}, 5_302),
        ({"name": "within", "ok": True, "since_ns": 4_802 * MS, "within_ns": 500 * MS}, 4_802),
        ({"name": "always", "ok": False, "since_ns": 4_000 * MS, "within_ns": 2_000 * MS}, 4_801),
        ({"name": "always", "ok": False}, 4_801),
    ],
)
def test_a_check_is_decided_when_its_time_is_over_not_when_its_picture_was_drawn(fields, decided_ms):
    collector = Collector("a")
    collector.take_entry(Entry(4_801 * MS, "check", "", {"target": "lamp", **fields}))
    collector.take_entry(Entry(6_000 * MS, "verdict", "", {"verdict": "fail"}))
    timeline = collector.timeline()
    assert timeline.checks[0].decided_ns == decided_ms * MS
    assert fields["ok"] or timeline.focus_ns == decided_ms * MS


def test_a_step_that_never_ended_has_no_end(attempts):
    (step,) = attempts["diag.killed", 1].timeline.steps
    assert step.end_ns is None


def frames_of(t_ns, can_id, data):
    count = len(t_ns)
    columns = {"channel": np.zeros(count, np.uint16), "can_id": np.full(count, can_id, np.uint32)}
    columns |= {"flags": np.zeros(count, np.uint8), "length": np.full(count, len(data), np.uint8)}
    payload = np.tile(np.frombuffer(data, np.uint8), (count, 1))
    return Frames(t_ns=np.array(t_ns, np.int64), data=payload, **columns)


def test_blocks_are_what_the_journal_s_own_reader_gives(results):
    for path in sorted(results.glob("tests/*/*/journal.mcap")):
        if path.parent.parent.name == "diag.garbage":
            continue
        reader, frames, entries = BlockReader(path), [], []
        for block in reader:
            frames += [(t, reader.buses[bus], i, f, d) for t, bus, i, f, _, d in block.frames.rows()]
            entries += block.entries
            behind = np.arange(block.frames.data.shape[1]) >= block.frames.length[:, None]
            assert not block.frames.data[behind].any(), "zeros behind the payload, as decoders rely on"
        journal = JournalReader(path)
        everything = list(journal)
        seen = [(e.t_ns, e.name, e.data.can_id, e.data.flags, e.data.data) for e in everything if e.kind == "can"]
        assert frames == seen
        assert entries == [entry for entry in everything if not isinstance(entry.data, CanRecord)]
        assert reader.truncated == journal.truncated
        assert (reader.attachments, reader.metadata) == (journal.attachments, journal.metadata)


def test_signals_are_decoded_by_the_databases_in_the_journal(attempts):
    timeline = attempts["wire.full", 1].timeline
    speed = next(
        one for one in timeline.series if one.name == "chassis::ESC_Speed.VehicleSpeed" and one.group == "wire"
    )
    assert speed.unit == "km/h"
    assert [(t_ns // 1_000_000_000, value) for t_ns, value in zip(speed.t_ns, speed.values, strict=True)] == [
        (t_s, 5.0 * t_s) for t_s in range(12)
    ]
    assert not [one.name for one in timeline.series if one.name.endswith(("_Crc", "_Counter"))]


def test_frames_say_what_they_mean(attempts):
    timeline = attempts["wire.full", 1].timeline
    named = dict(map(timeline.meaning, timeline.frames))
    assert "VehicleSpeed 55 km/h" in named["ESC_Speed"]


def test_times_of_an_event_are_in_milliseconds():
    fields = {"event": "response", "data": "7e00", "took_ns": 8_201_939}
    assert event_text(fields) == "response · data 7e00, took 8.202 ms"


def test_a_change_of_the_supply_says_what_was_read_after_it():
    collector = Collector("a")
    collector.take_entry(Entry(1, "supply", "kl30", {"event": "set to 6.5 V", "voltage_V": 6.5, "current_A": 4.77689}))
    assert [line.text for line in collector.timeline().notes] == ["set to 6.5 V: 6.5 V, 4.777 A"]


def test_an_unknown_kind_has_a_lane_of_its_own(attempts):
    events = {event.lane: event for event in attempts["wire.full", 1].timeline.events}
    assert set(events) == {"diag cockpit", "mqtt", "update", "sound", "touch", "wind tunnel"}
    assert events["wind tunnel"].text == "speed_m_s 12.5"
    assert (events["sound"].t_ns, events["sound"].until_ns) == (7_000_000_000, 9_000_000_000)
    assert events["diag cockpit"].bad, "a negative response is seen to be one"


def test_a_database_that_cannot_be_read_is_said_and_the_frames_stay(tmp_path):
    journal = factory.open_case(tmp_path, "a")
    journal.attach("cabin.dbc", "text/plain", b"BO_ what is this")
    factory.traffic(journal, 0, 1, buses=("cabin",))
    factory.verdict(journal, 1_000_000_000, "pass")
    seen = []
    read_run(tmp_path, on_attempt=seen.append)
    assert seen[0].timeline.frames
    assert any(note.startswith("the frames of cabin are not decoded: ") for note in seen[0].timeline.thinned)


def test_memory_is_bounded_whatever_the_length():
    collector = Collector("long")
    collector.begin(Wires().of({}, {}), ["cabin"])
    for start in range(0, 60_000, 1_000):
        stamps = [n * 1_000_000 for n in range(start, start + 1_000)]
        entries = []
        for t_ns in stamps:
            entries.append(Entry(t_ns, "signal", "", {"signal": "Speed", "value": t_ns // 1_000_000 % 250}))
            entries.append(Entry(t_ns, "console", "main", {"direction": "rx", "text": "x"}))
        collector.take(Block(frames_of(stamps, 0x100, bytes(8)), entries))
    timeline = collector.timeline()
    assert len(timeline.frames) == FRAMES
    assert len(timeline.series[0].t_ns) <= 40_000
    assert timeline.series[0].thinned
    assert "console lines: the first 40000 of 60000 are left out" in timeline.thinned


ODD = [None, [], {}, "text", -1, float("nan"), True, {"id": "x"}, {"a": {"b": []}}]
KINDS = ["case", "step", "check", "signal", "measurement", "console", "supply", "fault", "health", "note", "verdict"]


@pytest.mark.parametrize("kind", KINDS)
def test_fields_of_any_type_are_taken(kind):
    rng = random.Random(kind)
    keys = ["id", "phase", "ok", "t", "samples", "limit", "value", "signal", "since_ns", "verdict", "text", "parent"]
    collector = Collector("odd")
    for _ in range(300):
        collector.take_entry(Entry(1, kind, "", {key: rng.choice(ODD) for key in keys}))
        collector.take_entry(Entry(1, kind, "", rng.choice(ODD)))
    collector.timeline()


@pytest.mark.parametrize("seed", range(25))
def test_a_damaged_journal_never_stops_the_report(tmp_path, seed):
    rng = random.Random(seed)
    factory.failing(tmp_path)
    path = tmp_path / "tests" / "cluster.abs" / "1" / "journal.mcap"
    data = bytearray(path.read_bytes())
    for _ in range(20):
        data[rng.randrange(8, len(data))] = rng.randrange(256)
    path.write_bytes(data[: rng.randrange(100, len(data))])
    report = make_report(tmp_path)
    assert report.verdicts[Verdict.BENCH] == 1


def test_an_unreadable_run_json_is_a_warning(tmp_path):
    factory.make_many(tmp_path, 1)
    (tmp_path / "run.json").write_text("{", encoding="utf-8")
    assert any("run.json" in warning for warning in make_report(tmp_path).run.warnings)


def test_an_attempt_is_ordered_by_number_not_by_text(tmp_path):
    for attempt in (10, 2):
        factory.verdict(factory.open_case(tmp_path, "a", attempt), 1, "pass" if attempt == 10 else "bench fault")
    (case,) = read_run(tmp_path).cases
    assert [attempt.number for attempt in case.attempts] == [2, 10]
    assert case.ruling.verdict is Verdict.PASS


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no results folder"):
        read_run(tmp_path)


def test_a_verdict_in_a_journal_that_was_cut_is_only_a_claim(tmp_path):
    factory.failing(tmp_path)
    path = tmp_path / "tests" / "cluster.abs" / "1" / "journal.mcap"
    path.write_bytes(path.read_bytes()[:-20])
    (case,) = read_run(tmp_path).cases
    assert case.ruling.verdict is Verdict.BENCH
    assert "had said: fail: Telltale 'abs' should be on" in case.ruling.message


def test_a_planned_name_fills_what_a_killed_journal_lacks(tmp_path):
    Journal(_folder(tmp_path, "a") / "journal.mcap").flush()
    factory.session(tmp_path, {"a": ("Nice name", "suite", ["R-1"], [])}, {}, started=("a",))
    (case,) = read_run(tmp_path).cases
    assert (case.info.name, case.info.requirements) == ("Nice name", ("R-1",))


def _folder(results, case_id):
    folder = results / "tests" / case_id / "1"
    folder.mkdir(parents=True)
    return folder


def test_thinning_keeps_peaks_and_both_ends():
    t, v = np.arange(100_000), np.sin(np.arange(100_000) / 900)
    v[54_321], v[12_345], v[-1] = 9, -9, v[-40]
    thin_t, thin_v = thin(t, v, 500)
    assert len(thin_t) <= 500
    assert (thin_t[0], thin_t[-1]) == (0, 99_999)
    assert (thin_v.max(), thin_v.min()) == (9, -9)
    assert (np.diff(thin_t) > 0).all()


def test_equal_values_in_a_row_are_kept_once():
    builder = SeriesBuilder("a", "V", "supply")
    for t_ns, value in enumerate([1.0, 1.0, 2.0, 2.0, 1.0]):
        builder.add(t_ns, value)
    assert (builder.build().t_ns, builder.build().values) == ((0, 2, 4), (1.0, 2.0, 1.0))


def test_bus_load_follows_silence():
    collector = Collector("load")
    collector.begin(Wires().of({}, {}), ["cabin"])
    collector.take(Block(frames_of([t_ms * 1_000_000 for t_ms in [*range(0, 200), 500]], 0x155, b"\x55" * 8), []))
    (load,) = collector.timeline().series
    # 111 bits, of which none is stuffed, and an intermission that is counted: 0.222 ms each millisecond
    assert list(zip(load.t_ns, load.values, strict=True)) == [(0, 22.2), (200_000_000, 0.0)]
    assert any("500 kbit/s" in note for note in collector.timeline().thinned)


def test_run_json_may_hold_what_json_should_not(tmp_path):
    factory.make_many(tmp_path, 1)
    (tmp_path / "run.json").write_text('{"wall_s": NaN, "dut": 7, "hashes": [], "requirements": {"a": 1}}')
    facts = make_report(tmp_path).run.facts
    assert json.dumps(facts, allow_nan=False)
