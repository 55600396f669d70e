"""Trace files: what another reader finds in them is what the journal has."""

import sys
from pathlib import Path

from can import BLFReader

from hil.evidence.report import make_report
from hil.evidence.trace import BENCH_EPOCH_S
from hil.journal import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, SENT, Origin

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import evidence_factory as factory

FRAMES = [
    (1_000_001, "powertrain", 0x123, SENT, b"\x01\x02"),
    (2_000_003, "cabin", 0x18DA10F1, EXTENDED, bytes(8)),
    (3_000_007, "cabin", 0x321, FD | BRS | ESI, bytes(range(64))),
    (4_000_009, "powertrain", 0x7FF, REMOTE, b""),
    (59_999_999_999, "powertrain", 0x000, ERROR, b""),
]


def traced(results, close=True):
    journal = factory.open_case(results, "a")
    for t_ns, bus, can_id, flags, data in FRAMES:
        journal.frame(t_ns, bus, can_id, flags, Origin.SIM, data)
    factory.check(journal, 60_000_000_000, False, "on ä", "off")
    if close:
        factory.verdict(journal, 60_000_000_000, "fail", "dark")
    make_report(results)
    return results / "tests" / "a" / "1" / "trace.blf"


def test_frames_are_read_back(tmp_path):
    messages = list(BLFReader(traced(tmp_path)))
    assert [round((message.timestamp - BENCH_EPOCH_S) * 1e6) for message in messages] == [
        round(t_ns / 1e3) for t_ns, *_ in FRAMES
    ]
    assert [message.channel for message in messages] == [0, 1, 1, 0, 0]
    first, extended, fd, remote, error = messages
    assert (first.arbitration_id, bytes(first.data), first.is_rx) == (0x123, b"\x01\x02", False)
    assert (extended.arbitration_id, extended.is_extended_id, extended.is_rx) == (0x18DA10F1, True, True)
    assert (bytes(fd.data), fd.is_fd, fd.bitrate_switch, fd.error_state_indicator) == (
        bytes(range(64)), True, True, True,
    )  # fmt: skip
    assert remote.is_remote_frame
    assert error.is_error_frame


def test_stamps_are_exact_to_the_nanosecond(tmp_path):
    reader = BLFReader(traced(tmp_path))
    reader.start_timestamp = 0.0
    assert [round(message.timestamp * 1e9) for message in reader] == [t_ns for t_ns, *_ in FRAMES]


def test_markers_name_the_buses_and_the_failure(tmp_path):
    import zlib

    data = traced(tmp_path).read_bytes()
    inside = zlib.decompress(data[144 + 32 :])
    for text in (b"channel 2 is bus cabin", b"failed check: telltale, expected on ?, seen off", b"verdict: fail dark"):
        assert text in inside


def test_equal_journals_give_equal_files(tmp_path):
    one, other = traced(tmp_path / "one"), traced(tmp_path / "other")
    assert one.read_bytes() == other.read_bytes()


def test_a_case_without_frames_has_no_trace(tmp_path):
    factory.hostile(tmp_path)
    report = make_report(tmp_path)
    assert [path.name for path in report.files] == ["index.html", "junit.xml", "summary.json"]


def test_a_journal_that_was_cut_still_gives_a_trace(tmp_path):
    assert len(list(BLFReader(traced(tmp_path, close=False)))) == len(FRAMES)


def test_a_case_that_passed_has_its_trace_where_it_is_asked_for(tmp_path):
    factory.make_many(tmp_path, 1)
    path = tmp_path / "tests" / "many.0000" / "1" / "trace.blf"
    make_report(tmp_path)
    assert not path.exists()
    make_report(tmp_path, traces="all")
    assert len(list(BLFReader(path))) == 420
    make_report(tmp_path)
    assert not path.exists()


def test_a_trace_that_cannot_be_written_is_a_warning_not_a_verdict(tmp_path):
    factory.failing(tmp_path)
    (tmp_path / "tests" / "cluster.abs" / "1" / "trace.blf").mkdir()
    report = make_report(tmp_path)
    assert report.run.cases[0].ruling.verdict == "fail"
    assert any("trace.blf can't be written" in warning for warning in report.run.warnings)
