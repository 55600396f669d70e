"""Logs: what is written is read back, by python-can too, and python-can's own files and Vector's are read."""

import gzip
import random
import struct
import subprocess
import sys
import zlib
from datetime import UTC, datetime

import can
import pytest
from log_factory import (
    ROWS,
    START_NS,
    SUFFIXES,
    asc,
    attempt,
    blf,
    blf_object,
    block_of,
    classic,
    messages_of,
    random_frames,
    read,
    saved,
    wide64,
    write,
)

from hil.can import logs
from hil.can.frames import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, SENT
from hil.can.log_blf import BlfParser
from hil.can.log_candump import CandumpParser
from hil.can.log_frames import FrameList, joined
from hil.can.logs import add_message, open_log, open_writer, whole_or_not_at_all
from hil.errors import UsageError
from hil.journal import Journal, Origin


def by_name(log, rows):
    """Rows with the channel's name, which doesn't depend on which channel came first."""
    return [(t_ns, log.channels[channel], *rest) for t_ns, channel, *rest in rows]


def without(rows, suffix):
    """What a format keeps of frames: of error frames no direction, and of stamps what its resolution keeps."""
    step = 1 if suffix == ".blf" else 1000
    names = ("can0", "can1") if suffix == ".log" else ("1", "2")
    return [
        ((t_ns + step // 2) // step * step, names[channel], can_id, flags, length, data)
        for t_ns, channel, can_id, flags, length, data in rows
    ]


# ---- what is written is read back


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_is_read_back(tmp_path, suffix):
    log, rows = read(write(tmp_path / f"log{suffix}"))
    expected = without(ROWS, suffix)
    if suffix == ".log":  # candump says which error it was
        expected = [(*row[:2], 0x80 if row[3] & ERROR else row[2], *row[3:]) for row in expected]
    assert by_name(log, rows) == expected
    assert log.complaint() == ""
    assert log.start_ns // 1_000_000 == START_NS // 1_000_000
    assert (log.frames, log.last_ns) == (400, expected[-1][0])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_python_can_reads_what_is_written(tmp_path, suffix):
    path = write(tmp_path / f"log{suffix}")
    messages = list(can.LogReader(path))
    assert len(messages) == len(ROWS)
    for message, row in zip(messages, ROWS, strict=True):
        _, channel, can_id, flags, length, data = row
        assert message.is_error_frame == bool(flags & ERROR)
        if flags & ERROR:
            assert suffix == ".log" or message.channel == channel  # whose reader drops the channel of error frames
            continue
        assert message.channel == (f"can{channel}" if suffix == ".log" else channel)
        assert (message.arbitration_id, message.is_extended_id) == (can_id, bool(flags & EXTENDED))
        assert message.is_fd == bool(flags & FD)
        assert message.is_rx == (not flags & SENT)
        assert bytes(message.data) == data
        assert (message.bitrate_switch, message.error_state_indicator) == (bool(flags & BRS), bool(flags & ESI))
        if not (suffix == ".asc" and flags & FD and not length):  # which it takes for a remote frame
            assert message.is_remote_frame == bool(flags & REMOTE)
            assert message.dlc == length


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_stamps_are_dates_for_python_can(tmp_path, suffix):
    options = {"relative_timestamp": False} if suffix == ".asc" else {}
    first, *_, last = can.LogReader(write(tmp_path / f"log{suffix}"), **options)
    if suffix != ".asc":  # which python-can takes for local time
        assert first.timestamp == pytest.approx(START_NS / 1e9, abs=2e-6)
    assert last.timestamp - first.timestamp == pytest.approx(ROWS[-1][0] / 1e9, abs=2e-6)


def test_blf_keeps_nanoseconds(tmp_path):
    rows = [(t_ns, 0, 1, 0, 0, b"") for t_ns in (0, 1, 999, 1_000_000_007, 3_600_000_000_001)]
    assert [row[0] for row in read(write(tmp_path / "log.blf", rows))[1]] == [row[0] for row in rows]


def test_a_log_that_is_written_twice_is_the_same(tmp_path):
    for suffix in (*SUFFIXES, ".csv"):
        one, other = (write(tmp_path / f"{name}{suffix}") for name in ("one", "other"))
        assert one.read_bytes() == other.read_bytes()


def test_buses_become_channels_and_a_remark(tmp_path):
    for suffix in (".blf", ".asc"):
        path = write(tmp_path / f"log{suffix}", channels=("chassis", "body"))
        log, rows = read(path)
        assert {name for _, name, *_ in by_name(log, rows)} == {"1", "2"}
        said = path.read_bytes() if suffix == ".asc" else zlib.decompress(path.read_bytes()[144 + 32 :])
        assert b"channel 2 is bus body" in said
    log, _ = read(write(tmp_path / "log.log", channels=("chassis", "my bus")))
    assert sorted(log.channels) == ["chassis", "mybus"]


def test_frames_as_csv(tmp_path):
    rows = [
        (0, 0, 0x1A0, 0, 2, b"\x01\xff"),
        (1_500_000, 1, 0x18DAF110, EXTENDED | FD | BRS | ESI | SENT, 3, b"abc"),
        (2_000_000_001, 0, 0x7FF, REMOTE, 4, b""),
        (3_000_000_000, 0, 0, ERROR, 0, b""),
    ]
    path = tmp_path / "log.csv"
    writer = open_writer(path, ".csv", ["chassis", 'a "b", c'], None, lambda *key: "Speed" if key[1] == 0x1A0 else "")
    writer.write(block_of(rows))
    writer.close()
    assert path.read_text().splitlines() == [
        "time_s,bus,id,message,direction,kind,length,data",
        "0.000000000,chassis,0x1A0,Speed,Rx,CAN,2,01 FF",
        '0.001500000,"a ""b"", c",0x18DAF110x,,Tx,CAN FD BRS ESI,3,61 62 63',
        "2.000000001,chassis,0x7FF,,Rx,remote,4,",
        "3.000000000,chassis,,,Rx,error,0,",
    ]


# ---- against python-can's writers and readers


def by_python_can(path):
    """What its reader makes of a file, as rows; stamps to the microsecond."""
    frames, channels = FrameList(), []
    for message in can.LogReader(path):
        channel = message.channel if isinstance(message.channel, str) else str((message.channel or 0) + 1)
        add_message(frames, channels, message, channel)
    rows = list(frames.take().rows())
    return [
        (round((t_ns - rows[0][0]) / 1000), channels[channel] if not flags & ERROR else "", can_id, flags, length, data)
        for t_ns, channel, can_id, flags, length, data in rows
    ]


def by_ours(path):
    log, rows = read(path)
    return [
        (
            round(t_ns / 1000),
            log.channels[channel] if not flags & ERROR else "",
            # of error frames python-can keeps neither class nor data everywhere
            *((0, flags & ERROR, 0, b"") if flags & ERROR else (can_id, flags, length, data)),
        )
        for t_ns, channel, can_id, flags, length, data in rows
    ]


def plain_errors(rows):
    return [(*row[:2], 0, ERROR, 0, b"") if row[3] & ERROR else row for row in rows]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("writer", "suffix", "options"),
    [
        (can.BLFWriter, ".blf", {}),
        (can.BLFWriter, ".blf", {"compression_level": 0}),
        (can.BLFWriter, ".blf", {"max_container_size": 1000}),
        (can.BLFWriter, ".blf", {"max_container_size": 150}),
        (can.CanutilsLogWriter, ".log", {}),
        (can.ASCWriter, ".asc", {}),
    ],
    ids=["blf", "blf stored", "blf small", "blf tiny", "candump", "asc"],
)
def test_python_cans_files_are_read_as_python_can_reads_them(tmp_path, seed, writer, suffix, options):
    path = tmp_path / f"log{suffix}"
    with writer(path, **options) as log:
        for message in messages_of(random_frames(seed, 300)):
            log.on_message_received(message)
    assert by_ours(path) == plain_errors(by_python_can(path))


LINES = """\
(1700000000.000001) can0 1A0#
(1700000000.000002) can0 1A0#00
(1700000000.000003) vcan12 1A0#0011223344556677
(1700000000.000004) can0 1a0#aAbBcC
(1700000000.000005) can0 00000123#11
(1700000000.000006) can0 1FFFFFFF#11 R
(1700000000.000007) can0 123#22 T
(1700000000.000008) can0 123##0
(1700000000.000009) can0 123##1001122334455667788AABBCC
(1700000000.000010) can0 123##3{wide} T
(1700000000.000011) can0 123##2{wide}
(1700000000.000012) can0 123#R
(1700000000.000013) can0 12345678#R8 R
(1700000000.000014) can0 20000080#0000000000000000
(1700000001.5) can0 1#11
(1700000002.000000) a-very-long-name 7FF#FF
""".format(wide="0123456789ABCDEF" * 8)


def test_candump_lines_are_read_as_python_can_reads_them(tmp_path):
    path = tmp_path / "x.log"
    path.write_text(LINES)
    assert by_ours(path) == plain_errors(by_python_can(path))


def test_candump_stamps_are_exact(tmp_path):
    path = tmp_path / "x.log"
    path.write_text("(1700000000.123456789) can0 1#\n(1700000000.123456790) can0 1#\n(1700000000.2) can0 1#\n")
    log, rows = read(path)
    assert log.start_ns == 1_700_000_000_123_456_789
    assert [row[0] for row in rows] == [0, 1, 76_543_211]


def test_candump_of_a_classic_frame_with_a_raw_length_code(tmp_path):
    path = tmp_path / "x.log"
    path.write_text("(1.0) can0 123#0011223344556677_F\n(1.1) can0 123#R8_9\n")
    assert [(row[3], row[4]) for row in read(path)[1]] == [(0, 8), (REMOTE, 8)]


def test_candump_rounds_to_microseconds(tmp_path):
    rows = [(t_ns, 0, 1, 0, 0, b"") for t_ns in (0, 1_499, 1_500, 999_999_500)]
    path = write(tmp_path / "x.log", rows, start_ns=1_700_000_000_000_000_000)
    stamps = [line.split()[0] for line in path.read_text().splitlines()]
    assert stamps == [f"(170000000{n})" for n in ("0.000000", "0.000001", "0.000002", "1.000000")]


def test_error_frames_of_candump_keep_their_class(tmp_path):
    path = tmp_path / "x.log"
    path.write_text("(1.0) can0 20000004#0008000000000000\n")
    ((_, _, can_id, flags, length, data),) = read(path)[1]
    assert (can_id, flags, length, data) == (4, ERROR, 8, bytes([0, 8, 0, 0, 0, 0, 0, 0]))


# ---- objects of BLF that python-can doesn't write


@pytest.mark.parametrize(
    "given",
    [
        [wide64(bytes(range(64)), flags=0x7000), wide64(bytes(8), dlc=8, sent=1), wide64(b"", dlc=0)],
        [wide64(bytes(range(20)), valid=24, dlc=12), wide64(bytes(8), flags=0, dlc=8), wide64(b"", flags=0x10, dlc=8)],
        [wide64(bytes(range(12)), dlc=9, extra=32 + 40 + 12, behind=b"\xff" * 16), classic(version=2), classic(unit=1)],
        [wide64(bytes(12), dlc=9, version=2), wide64(bytes(12), dlc=9, extra=84, behind=b"\xee" * 8, version=2)],
        [wide64(bytes(range(12)), valid=24, dlc=12, extra=32 + 40 + 12, behind=b"\xff" * 16), classic()],
        [wide64(classic() + bytes(16)), classic(data=b"\x07")],
        [classic(data=b"LOBJLOBJ"), classic(), blf_object(65, b"text LOBJ and more"), classic(flags=0x81)],
        [blf_object(86, struct.pack("<HBBL8sLBBH", 3, 1, 8, 0x80000001, bytes(8), 0, 0, 0, 0)), classic(number=2)],
        [blf_object(73, struct.pack("<HHLBBBxLLH2x8s", 2, 0, 0, 0, 0, 4, 0, 5, 0, b"abcdefgh")), classic()],
    ],
    ids=["fd64", "fd64 short", "extra data", "version 2", "short and extra data", "object in a payload",
         "marks in payloads", "message2", "error ext"],
)  # fmt: skip
def test_objects_are_read_as_python_can_reads_them(tmp_path, given):
    path = saved(tmp_path, blf(*given))
    assert by_ours(path) == plain_errors(by_python_can(path))
    assert open_log(path).complaint() == ""


def test_error_frames_that_python_can_does_not_know(tmp_path):
    given = blf_object(2, struct.pack("<HHL", 2, 0, 0)), blf_object(104, struct.pack("<BBBBHHHBBL", 1, *[0] * 8, 7))
    log, rows = read(saved(tmp_path, blf(*given)))
    assert [(log.channels[row[1]], row[3]) for row in rows] == [("2", ERROR), ("1", ERROR)]


@pytest.mark.parametrize("padding", [0, 1, 2, 3])
def test_any_padding_between_objects(tmp_path, padding):
    content = b"".join(one + bytes(padding) for one in (classic(), wide64(b"abc", dlc=3), classic()))
    log, rows = read(saved(tmp_path, blf(content)))
    assert (len(rows), log.complaint()) == (3, "")


@pytest.mark.parametrize("piece", [1, 7, 150, 4096])
@pytest.mark.parametrize(("parser", "suffix"), [(BlfParser, ".blf"), (CandumpParser, ".log")])
def test_pieces_of_any_size(tmp_path, parser, suffix, piece):
    path = write(tmp_path / f"log{suffix}", ROWS[:60])
    data, made = path.read_bytes(), parser()
    pieces = [data[at : at + piece] for at in range(0, len(data), piece)]
    assert fed(made, pieces) == fed(parser(), [data])


def fed(parser, pieces):
    blocks = [*(parser.feed(piece) for piece in pieces), parser.finish()]
    flat = [block for made in blocks for block in (made if isinstance(parser, BlfParser) else [made])]
    return list(joined(flat).rows())


# ---- ASC as it comes


def test_the_first_event_behind_a_short_header_is_read(tmp_path):
    log, rows = read(asc(tmp_path, "   0.001000 1  123             Rx   d 2 01 02"))
    assert [(row[2], row[5]) for row in rows] == [(0x123, b"\x01\x02")]
    assert log.start_ns == int(datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC).timestamp()) * 10**9 + 501_000_000


def test_relative_stamps_are_added_up(tmp_path):
    head = "date Tue Nov 14 22:13:20 2023\nbase hex  timestamps relative\ninternal events logged\n"
    lines = (
        "0.5 1  1 Rx   d 0",
        "0.25 1  Statistic: D 0 R 0",
        "0.25 1  2 Rx   d 0",
        "0.125 CAN 1 Status:chip",
        "0.5 1  3 Rx d 0",
    )
    assert [row[0] for row in read(asc(tmp_path, *lines, head=head))[1]] == [0, 500_000_000, 1_125_000_000]


def test_decimal_logs(tmp_path):
    head = "date Die Mär 14 22:13:20.000 2023\nbase dec  timestamps absolute\n"
    log, rows = read(asc(tmp_path, "0.1 2  291 Tx   d 2 16 255", "0.2 2  305419896x Rx   d 0", head=head))
    assert [(row[2], row[3], row[5]) for row in rows] == [
        (291, SENT, b"\x10\xff"), (0x12345678, EXTENDED, b""),
    ]  # fmt: skip
    assert log.start_ns == int(datetime(2023, 3, 14, 22, 13, 20, tzinfo=UTC).timestamp()) * 10**9 + 100_000_000


def test_lines_that_are_no_frames_are_passed_over(tmp_path):
    lines = (
        "// version 9.0.0", "Begin Triggerblock Tue Nov 14 22:13:21.000 2023", "   0.000000 Start of measurement",
        "   0.1 1  123 TxRq d 1 00", "   0.1 1  123 Tx   d 1 00", "   0.2 CANFD   1 TxRq 123 1 0 1 1 00",
        "   0.3 1  J1939TP FEE3p 6 0 0 - Rx d 1 00", "   0.4 CAN 1 Status:chip status error active",
        "   0.5 1  Statistic: D 4 R 0 XD 0 XR 0 E 0 O 0 B 0.04%", "   0.6 1  ErrorFrame", "End TriggerBlock",
    )  # fmt: skip
    log, rows = read(asc(tmp_path, *lines))
    assert [(row[0], row[3]) for row in rows] == [(0, SENT), (500_000_000, ERROR)]
    assert log.complaint() == ""


def test_a_classic_frame_in_a_can_fd_event(tmp_path):
    tail = "0 0 {:x} 0 0 0 0 0"
    lines = (
        f"0.1 CANFD   1 Rx 123  1 0 8 8 00 01 02 03 04 05 06 07 {tail.format(0x3000)}",
        f"0.2 CANFD   1 Rx 123  Name 0 0 2 2 00 01 {tail.format(0)}",
        f"0.3 CANFD   1 Tx 123  0 0 8 0 {tail.format(0x10)}",
        f"0.4 CANFD   1 Rx 123  0 0 0 0 {tail.format(0x1000)}",
        "0.5 CANFD   1 Rx 123  0 0 1 1 00",
    )
    flags = [(row[3], row[4]) for row in read(asc(tmp_path, *lines))[1]]
    assert flags == [(FD | BRS, 8), (0, 2), (REMOTE | SENT, 8), (FD, 0), (FD, 1)]


def test_reading_goes_on_behind_a_broken_line(tmp_path):
    lines = ("0.1 1  123 Rx   d 1 00", "0.2 1  123 Rx   d 2 0", "0.3 1  12G Rx   d 1 00", "0.4 1  123 Rx   d 1 04")
    log, rows = read(asc(tmp_path, *lines))
    assert [row[5] for row in rows] == [b"\x00", b"\x04"]
    assert log.complaint() == "x.asc: 2 pieces could not be read and were left out, the first: line 4"


# ---- what a log is


@pytest.mark.parametrize(("kind", "suffix"), [("BLF", ".blf"), ("ASC", ".asc"), ("candump", ".log")])
def test_the_content_says_what_it_is_where_the_suffix_misleads(tmp_path, kind, suffix):
    data = write(tmp_path / f"good{suffix}", ROWS[:20]).read_bytes()
    for name in ("x.blf", "x.asc", "x.log", "x.txt", "x", "x.mf4"):
        log, rows = read(saved(tmp_path, data, name))
        assert (log.kind, len(rows)) == (kind, 20)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_packed_logs(tmp_path, suffix):
    path = write(tmp_path / f"x{suffix}")
    packed = saved(tmp_path, gzip.compress(path.read_bytes()), f"x{suffix}.gz")
    assert read(packed)[1] == read(path)[1]
    twice = saved(tmp_path, gzip.compress(path.read_bytes()[:1000]) + gzip.compress(path.read_bytes()[1000:]), "y.gz")
    assert read(twice)[1] == read(path)[1]


def test_nothing_is_said_by_python_can(tmp_path):
    path = asc(tmp_path, "0.1 CANFD 1 Rx 123 1 0 f 2 00 01 0 0 1000 0 0 0 0 0")
    code = (
        f"from pathlib import Path; from hil.can.logs import open_log; print(len(list(open_log(Path({str(path)!r})))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "")


# ---- journals and MF4


def journal(path, rows=ROWS):
    made = Journal(path)
    for t_ns, channel, can_id, flags, length, data in rows:
        made.frame(t_ns, ("chassis", "body")[channel], can_id, flags, Origin.SIM, data or bytes(length))
        made.record(t_ns, "note", {"text": "something else"})
    return made


def test_a_journal_is_a_log(tmp_path):
    journal(tmp_path / "journal.mcap").close()
    log, rows = read(tmp_path / "journal.mcap")
    names = ("chassis", "body")
    assert by_name(log, rows) == [(t_ns, names[channel], *rest) for t_ns, channel, *rest in ROWS]
    assert (log.kind, log.start_ns, log.complaint()) == ("journal", None, "")


def test_a_journal_that_was_cut(tmp_path):
    made = journal(tmp_path / "journal.mcap")
    made.flush()
    log, rows = read(tmp_path / "journal.mcap")
    made.close()
    assert len(rows) == len(ROWS)
    assert "never closed" in log.complaint()
    data = (tmp_path / "journal.mcap").read_bytes()
    for cut in range(1, len(data), len(data) // 40):
        rows, said = attempt(saved(tmp_path, data[:cut], "cut.mcap"))
        assert said


def test_flipped_bytes_in_a_journal(tmp_path):
    journal(tmp_path / "journal.mcap").close()
    data, rng = (tmp_path / "journal.mcap").read_bytes(), random.Random("journal")
    for _ in range(150):
        broken = bytearray(data)
        broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
        attempt(saved(tmp_path, broken, "broken.mcap"))


def test_the_journal_of_a_session_has_no_frames(tmp_path):
    Journal(tmp_path / "session.mcap").close()
    log, rows = read(tmp_path / "session.mcap")
    assert (rows, log.complaint()) == ([], "")


def test_without_asammdf_the_line_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr(logs.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"x\.mf4: is an MF4 log, and asammdf isn't installed.*pip install"):
        open_log(saved(tmp_path, b"MDF     4.10    rest", "x.mf4"))


def mf4(tmp_path, rows):
    pytest.importorskip("asammdf")
    path = tmp_path / "x.mf4"
    with can.MF4Writer(path) as log:
        for message in messages_of(rows):
            log.on_message_received(message)
    return path


def test_mf4(tmp_path):
    rows = [row for row in ROWS[:60] if not row[3] & (ERROR | REMOTE)]
    log, found = read(mf4(tmp_path, rows))
    assert [row[2:] for row in found] == [row[2:] for row in rows]
    assert [round(row[0] / 1000) for row in found] == [round((row[0] - rows[0][0]) / 1000) for row in rows]
    assert (log.kind, log.complaint()) == ("MF4", "")


def test_mf4_that_was_cut_or_damaged(tmp_path):
    path = mf4(tmp_path, ROWS[:60])
    data, rng = path.read_bytes(), random.Random("mf4")
    for cut in range(10, len(data), len(data) // 8):
        attempt(saved(tmp_path, data[:cut], "x.mf4"))
    for _ in range(10):
        broken = bytearray(data)
        broken[rng.randrange(64, len(broken))] ^= 1 << rng.randrange(8)
        attempt(saved(tmp_path, broken, "x.mf4"))


# ---- what else is promised


def test_a_classic_frame_takes_24_bytes():
    block = block_of(random_frames("memory", 1000, fd=False))
    arrays = (getattr(block, name) for name in block.__slots__)
    assert sum(array.nbytes for array in arrays) <= 24 * len(block)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_long_log_comes_in_blocks(tmp_path, suffix):
    rows = [(n * 1000, 0, 0x100, 0, 8, n.to_bytes(8, "big")) for n in range(50_000)]
    sizes = [len(block) for block in open_log(write(tmp_path / f"x{suffix}", rows))]
    assert sum(sizes) == 50_000
    assert max(sizes) <= 40_000


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "x.log"
    path.write_text("old")

    def interrupted():
        with whole_or_not_at_all(path) as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["x.log"]
    with whole_or_not_at_all(path) as part:
        part.write_text("new")
    assert path.read_text() == "new"


def test_what_can_not_be_written_is_a_line(tmp_path):
    with (
        pytest.raises(UsageError, match=r"can't be written: No such file or directory"),
        whole_or_not_at_all(tmp_path / "none" / "x.log") as part,
    ):
        part.write_text("x")


def test_progress_is_known(tmp_path):
    log = open_log(write(tmp_path / "x.log"))
    assert log.size == (tmp_path / "x.log").stat().st_size
    assert 0 < log.position <= log.size
    for _ in log:
        assert log.position <= log.size
