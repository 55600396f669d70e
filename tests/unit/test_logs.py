"""Logs: what is written is read back, by python-can too; what was cut or damaged is read as far as it goes."""

import gzip
import io
import logging
import random
import re
import struct
import zlib
from datetime import UTC, datetime
from types import SimpleNamespace

import can
import pytest

from hil.can import logs
from hil.can.frames import BRS, ERROR, ESI, EXTENDED, FD, REMOTE, SENT
from hil.can.log_blf import BlfParser
from hil.can.log_candump import CandumpParser
from hil.can.log_frames import FrameList, joined
from hil.can.logs import add_message, open_log, open_writer, whole_or_not_at_all
from hil.errors import UsageError
from hil.journal import Journal, Origin

START_NS = 1_700_000_000_123_456_000
FD_LENGTHS = [*range(9), 12, 16, 20, 24, 32, 48, 64]
SUFFIXES = [".blf", ".asc", ".log"]


def random_frames(seed, count, *, errors=True, fd=True):
    """(t_ns, channel, identifier, flags, length, data) of every kind that a log can have."""
    rng = random.Random(seed)
    rows, t_ns = [], 0
    for number in range(count):
        kind = rng.random()
        flags = SENT if rng.random() < 0.3 else 0
        if errors and kind < 0.05:
            rows.append((t_ns, rng.randrange(2), 0, ERROR, 0, b""))
        else:
            extended = rng.random() < 0.4
            can_id = rng.randrange(1 << 29) if extended else rng.randrange(0x800)
            flags |= EXTENDED if extended else 0
            if kind < 0.12:
                rows.append((t_ns, rng.randrange(2), can_id, flags | REMOTE, rng.randrange(9), b""))
            elif fd and kind < 0.5:
                data = rng.randbytes(rng.choice(FD_LENGTHS))
                flags |= FD | rng.choice([0, BRS, ESI, BRS | ESI])
                rows.append((t_ns, rng.randrange(2), can_id, flags, len(data), data))
            else:
                data = rng.randbytes(rng.randrange(9))
                rows.append((t_ns, rng.randrange(2), can_id, flags, len(data), data))
        t_ns += rng.choice([1000, 250_000, 10_000_000]) * (number % 3 + 1)
    return rows


ROWS = random_frames("rows", 400)


def block_of(rows):
    frames = FrameList()
    for row in rows:
        frames.add(*row)
    return frames.take()


def write(path, rows=ROWS, channels=("1", "2"), start_ns=START_NS):
    writer = open_writer(path, path.suffix, list(channels), start_ns)
    middle = len(rows) // 2
    for part in (rows[:middle], rows[middle:]):
        writer.write(block_of(part))
    writer.close()
    return path


def read(path):
    log = open_log(path)
    rows = [row for block in log for row in block.rows()]
    return log, rows


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


def messages_of(rows):
    for t_ns, channel, can_id, flags, length, data in rows:
        yield can.Message(
            timestamp=1_700_000_000 + t_ns / 1e9,
            arbitration_id=can_id,
            is_extended_id=bool(flags & EXTENDED),
            is_remote_frame=bool(flags & REMOTE),
            is_error_frame=bool(flags & ERROR),
            channel=channel,
            dlc=length,
            data=data,
            is_fd=bool(flags & FD),
            is_rx=not flags & SENT,
            bitrate_switch=bool(flags & BRS),
            error_state_indicator=bool(flags & ESI),
        )


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


def test_error_frames_of_candump_keep_their_class(tmp_path):
    path = tmp_path / "x.log"
    path.write_text("(1.0) can0 20000004#0008000000000000\n")
    ((_, _, can_id, flags, length, data),) = read(path)[1]
    assert (can_id, flags, length, data) == (4, ERROR, 8, bytes([0, 8, 0, 0, 0, 0, 0, 0]))


# ---- objects of BLF that python-can doesn't write


def blf(*objects, size=None, kind=10, method=2):
    content = b"".join(one + bytes(len(one) % 4) for one in objects)
    packed = zlib.compress(content) if method == 2 else content
    container = struct.pack("<4sHHLLH6xL4x", b"LOBJ", 16, 1, 32 + len(packed), kind, method, len(content)) + packed
    whole = container + bytes(len(container) % 4)
    date = (2023, 11, 2, 14, 22, 13, 20, 0)
    total = 144 + len(whole) if size is None else size
    head = struct.pack("<4sL8BQQLL8H8H", b"LOGG", 144, 5, 0, 0, 0, 2, 6, 8, 1, total, 0, len(objects), 0, *date, *date)
    return head + bytes(144 - len(head)) + whole


def blf_object(kind, body, *, t=1_000, unit=2, version=1):
    header = struct.pack("<LHHQ", unit, 0, 0, t) if version == 1 else struct.pack("<LBxHQQ", unit, 0, 0, t, 0)
    size = 16 + len(header) + len(body)
    return struct.pack("<4sHHLL", b"LOBJ", 16 + len(header), version, size, kind) + header + body


def classic(number=1, can_id=0x123, data=b"\x01\x02", flags=0, **more):
    return blf_object(1, struct.pack("<HBBL8s", number, flags, len(data), can_id, data), **more)


def wide64(data, *, flags=0x1000, valid=None, extra=0, behind=b"", dlc=15, number=1, sent=0, **more):
    head = struct.pack(
        "<BBBBLLLLLLLHBBL", number, dlc, len(data) if valid is None else valid, 0, 0x80000123, 0, flags,
        0, 0, 0, 0, 0, sent, extra, 0,
    )  # fmt: skip
    return blf_object(101, head + data + behind, **more)


def saved(tmp_path, data, name="x.blf"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "given",
    [
        [wide64(bytes(range(64)), flags=0x7000), wide64(bytes(8), dlc=8, sent=1), wide64(b"", dlc=0)],
        [wide64(bytes(range(20)), valid=24, dlc=12), wide64(bytes(8), flags=0, dlc=8), wide64(b"", flags=0x10, dlc=8)],
        [wide64(bytes(range(12)), dlc=9, extra=32 + 40 + 12, behind=b"\xff" * 16), classic(version=2), classic(unit=1)],
        [wide64(bytes(12), dlc=9, version=2), wide64(bytes(12), dlc=9, extra=84, behind=b"\xee" * 8, version=2)],
        [classic(data=b"LOBJLOBJ"), classic(), blf_object(65, b"text LOBJ and more"), classic(flags=0x81)],
        [blf_object(86, struct.pack("<HBBL8sLBBH", 3, 1, 8, 0x80000001, bytes(8), 0, 0, 0, 0)), classic(number=2)],
        [blf_object(73, struct.pack("<HHLBBBxLLH2x8s", 2, 0, 0, 0, 0, 4, 0, 5, 0, b"abcdefgh")), classic()],
    ],
    ids=["fd64", "fd64 short", "extra data", "version 2", "marks in payloads", "message2", "error ext"],
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


def asc(tmp_path, *lines, head="date Tue Nov 14 10:13:20.5 pm 2023\nbase hex  timestamps absolute\n"):
    return saved(tmp_path, (head + "\n".join(lines) + "\n").encode(), "x.asc")


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


# ---- logs that were cut


def whole_and_log(tmp_path, kind):
    """A small log of a kind, and its rows."""
    name = {"blf": "x.blf", "stored": "x.blf", "candump": "x.log", "asc": "x.asc", "gzip": "x.log.gz"}[kind]
    rows = ROWS[:40]
    if kind in ("blf", "stored"):
        path = tmp_path / name
        level = 6 if kind == "blf" else 0
        with can.BLFWriter(path, max_container_size=400, compression_level=level) as log:
            for message in messages_of(rows):
                log.on_message_received(message)
    elif kind == "gzip":
        path = saved(tmp_path, gzip.compress(write(tmp_path / "y.log", rows).read_bytes(), mtime=0), name)
    else:
        path = write(tmp_path / name, rows)
    return path, read(path)[1]


def attempt(path):
    """Rows and what is said; a refusal is no rows and its words."""
    try:
        log, rows = read(path)
    except UsageError as error:
        rows, said = [], str(error)
    else:
        said = log.complaint()
    assert "\n" not in said
    return rows, said


@pytest.mark.parametrize("kind", ["blf", "stored", "candump", "asc", "gzip"])
def test_a_log_that_was_cut_is_read_up_to_there_and_says_so(tmp_path, kind):
    path, whole = whole_and_log(tmp_path, kind)
    data = path.read_bytes()
    most = 0
    for cut in range(0, len(data), 7):
        path.write_bytes(data[:cut])
        rows, said = attempt(path)
        assert rows == whole[: len(rows)], cut
        assert len(rows) >= most, cut
        most = len(rows)
        at_line_end = kind == "candump" and data[:cut].endswith((b"\n", b" R", b" T"))
        assert said or at_line_end, cut
    assert most >= len(whole) - 4


def test_what_a_cut_log_says(tmp_path):
    path, _ = whole_and_log(tmp_path, "blf")
    path.write_bytes(path.read_bytes()[:-30])
    log, rows = read(path)
    assert re.fullmatch(
        rf"x\.blf: ends in the middle of a container; {len(rows)} frames were read, until \d\.\d\d\d s", log.complaint()
    )
    path = write(tmp_path / "x.log", ROWS[:10])
    path.write_bytes(path.read_bytes()[:-5])
    log, rows = read(path)
    assert log.complaint().startswith("x.log: breaks off in line 10, which was left out; 9 frames were read, until ")


def test_the_frames_of_a_cut_container_are_read(tmp_path):
    data = blf(*(classic(data=bytes([n]), t=n * 1000) for n in range(200)))
    _, rows = read(saved(tmp_path, data[: 144 + (len(data) - 144) // 2]))
    assert len(rows) > 40
    assert [row[5] for row in rows] == [bytes([n]) for n in range(len(rows))]


@pytest.mark.parametrize("ending", ["", " R"])
def test_a_last_line_without_end(tmp_path, ending):
    log, rows = read(saved(tmp_path, f"(1.0) can0 1#11\n(2.0) can0 1#11{ending}".encode(), "x.log"))
    assert len(rows) == (2 if ending else 1)  # a frame may be shorter than it was, unless something stands behind it
    assert bool(log.complaint()) == (not ending)


def test_a_log_that_was_never_closed(tmp_path):
    data = bytearray(blf(classic()))
    data[16:24] = (144).to_bytes(8, "little")
    assert "was never closed by its writer" in read(saved(tmp_path, data))[0].complaint()
    data[16:24] = (10**6).to_bytes(8, "little")
    assert "of the 1000000 bytes that its header names" in read(saved(tmp_path, data))[0].complaint()
    lines = ("Begin Triggerblock Tue Nov 14 22:13:21.000 2023", "0.1 1  123 Rx d 1 00")
    assert "has no 'End TriggerBlock'" in read(asc(tmp_path, *lines))[0].complaint()


# ---- logs that are damaged


@pytest.mark.parametrize("kind", ["blf", "stored", "candump", "asc", "gzip"])
@pytest.mark.parametrize("flips", [1, 20])
def test_flipped_bytes_are_never_a_traceback(tmp_path, kind, flips):
    path, whole = whole_and_log(tmp_path, kind)
    data = path.read_bytes()
    rng = random.Random(f"{kind} {flips}")
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(flips):
            broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
        path.write_bytes(broken)
        rows, _ = attempt(path)
        assert len(rows) <= len(whole) + flips
        for _, _, can_id, flags, length, payload in rows:
            assert can_id < 1 << 29
            assert length <= (64 if flags & FD or kind in ("blf", "stored") else 8)
            assert len(payload) in (length, 0)


def test_what_is_behind_a_damaged_container_is_read(tmp_path):
    path, whole = whole_and_log(tmp_path, "blf")
    data = bytearray(path.read_bytes())
    third = [found.start() for found in re.finditer(rb"LOBJ", data)][2]
    data[third + 60] ^= 0xFF
    path.write_bytes(data)
    log, rows = read(path)
    assert len(whole) - 20 < len(rows) < len(whole)
    assert set(row[2:] for row in rows) <= set(row[2:] for row in whole)
    assert rows[-1][2:] == whole[-1][2:]
    assert log.complaint() == f"x.blf: 1 piece that could not be read was left out: byte {third}"


@pytest.mark.parametrize("size", [0, 20, 100, 10**6, 2**31])
def test_a_container_of_a_wrong_size(tmp_path, size):
    path, whole = whole_and_log(tmp_path, "blf")
    data = bytearray(path.read_bytes())
    third = [found.start() for found in re.finditer(rb"LOBJ", data)][2]
    data[third + 8 : third + 12] = size.to_bytes(4, "little")
    path.write_bytes(data)
    _, rows = read(path)
    assert len(rows) > len(whole) - 20
    assert rows[-1][2:] == whole[-1][2:]


@pytest.mark.parametrize("size", [0, 16, 47, 500, 2**31])
def test_an_object_of_a_wrong_size(tmp_path, size):
    objects = [classic(data=bytes([n]), t=n * 1000) for n in range(9)]
    objects[4] = objects[4][:8] + size.to_bytes(4, "little") + objects[4][12:]
    log, rows = read(saved(tmp_path, blf(*objects)))
    kept = [row[5][0] for row in rows]
    assert kept == [0, 1, 2, 3, 5, 6, 7, 8]
    assert log.complaint()


def test_lines_of_rubbish_between_good_ones(tmp_path):
    rng = random.Random("rubbish")
    good = [f"(1.{n:06d}) can0 1A0#{n:04X}" for n in range(500)]
    lines = list(good)
    for _ in range(300):
        rubbish = "".join(rng.choice("()#. can0123ABCxyz") for _ in range(rng.randrange(1, 40)))
        lines.insert(rng.randrange(len(lines)), rubbish)
    broken = sum(bool(line.strip()) for line in lines) - len(good)
    log, rows = read(saved(tmp_path, ("\n".join(lines) + "\n").encode(), "x.log"))
    assert [row[5].hex().upper() for row in rows] == [line[-4:] for line in good]
    assert log.damage.skipped == broken


def test_many_layouts_of_one_length(tmp_path):
    """More than are tried at once; the rest is read line by line."""
    lines = [f"(1.{n:0{width}d}) {'c' * (12 - width)} 1A0#{n:02X}" for n in range(20) for width in range(3, 9)]
    log, rows = read(saved(tmp_path, ("\n".join(lines) + "\n").encode(), "x.log"))
    assert (len(rows), log.complaint()) == (120, "")
    assert [row[5] for row in rows] == [bytes([n]) for n in range(20) for _ in range(6)]


# ---- what is no log


ALL_BYTES = bytes(range(256)) * 1000


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("x.blf", b"", "x.blf: is empty"),
        ("x.blf", b"LO", "x.blf: ends within its header"),
        ("x.blf", b"nothing of the kind", "x.blf: is no BLF log"),
        ("x.log", b"nothing\n" * 5000, "x.log: is no candump log: nothing in it can be read (not even line 1)"),
        ("x.log", ALL_BYTES, "x.log: is no candump log"),
        ("x.asc", ALL_BYTES, "x.asc: is no ASC log: nothing in it can be read (not even line 1)"),
        ("x.mcap", b"rubbish" * 100, "x.mcap: is damaged, before its first frame"),
        ("x.bin", b"\x00\x01\x02", "x.bin: is no log that is known here"),
        ("x", b"\x00\x01\x02", "x: is no log that is known here"),
        ("x.log.gz", b"\x1f\x8b\x08rubbish", "x.log.gz: is packed, and its packing is damaged"),
        ("x.gz", gzip.compress(b""), "x.gz: is empty"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_no_log_is_refused_in_a_line(tmp_path, name, data, words):
    rows, said = attempt(saved(tmp_path, data, name))
    assert rows == []
    assert words in said
    assert "Remedy: " in said


def test_missing_files_folders_and_rights(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match=r"none\.blf: can't be read: No such file or directory"):
        open_log(tmp_path / "none.blf")
    with pytest.raises(UsageError, match="is a folder"):
        open_log(tmp_path)
    path = write(tmp_path / "x.log", ROWS[:3])

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(UsageError, match=r"x\.log: can't be read: Permission denied"):
        open_log(path)


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


def test_nothing_is_said_by_python_can(tmp_path, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        read(asc(tmp_path, "0.1 CANFD 1 Rx 123 1 0 f 2 00 01 0 0 1000 0 0 0 0 0"))
    assert capfd.readouterr() == ("", "")


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


def test_an_unreadable_disk(tmp_path, monkeypatch):
    path = write(tmp_path / "x.log", ROWS[:100])
    data = path.read_bytes()

    class Failing(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 0:
                raise OSError(5, "Input/output error")
            return super().read(200)

        def fileno(self):
            return 0

    monkeypatch.setattr(type(path), "open", lambda *_: Failing(data))
    monkeypatch.setattr("hil.can.log_source.os.fstat", lambda _: SimpleNamespace(st_size=len(data)))
    log, rows = read(path)
    assert rows
    assert "breaks off" in log.complaint() or "Input/output error" in log.complaint()
