"""Logs that were cut or damaged are read as far as they go; what is no log is refused in a line."""

import gzip
import io
import random
import re
from types import SimpleNamespace

import can
import pytest
from log_factory import ROWS, asc, attempt, blf, classic, messages_of, read, saved, write

from hil.can.frames import FD
from hil.can.log_candump import CandumpParser
from hil.can.logs import open_log
from hil.errors import UsageError

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
    log, rows = read(path)
    assert len(rows) > len(whole) - 20
    assert rows[-1][2:] == whole[-1][2:]
    if size != 10**6:  # all of it is left out; where its size is only too great, all of it can be read
        data[third : third + 4] = b"nope"
        path.write_bytes(data)
        assert rows == read(path)[1]
        assert log.damage.skipped == 1
    else:
        assert rows == whole


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
    widths = [(whole, fraction) for whole in range(1, 7) for fraction in range(1, 7)]
    lines = [f"({1:0{a}d}.{n:0{b}d}) {'c' * (13 - a - b)} 1A0#{n:02X}" for n in range(9) for a, b in widths]
    assert len({len(line) for line in lines}) == 1
    log, rows = read(saved(tmp_path, ("\n".join([*lines, lines[0][:-2] + "G0"]) + "\n").encode(), "x.log"))
    assert [row[5] for row in rows] == [bytes([n]) for n in range(9) for _ in widths]
    assert log.complaint().endswith(f"left out: line {len(lines) + 1}")


@pytest.mark.parametrize(
    "good", ["(1.000001) can0 1A0#00112233 R", "(1.000001) can0 00000123##1AABBCC", "(1.0) c 123#R8"]
)
def test_a_line_is_read_the_same_behind_one_that_looks_like_it(good):
    """Each place of a line takes each character that means something somewhere."""
    for place in range(len(good)):
        for character in "()#. 09aGRT_x\r":
            line = good[:place] + character + good[place + 1 :]
            assert parsed(good, line) == parsed(good) + parsed(line), line


def parsed(*lines):
    parser = CandumpParser()
    block = parser.feed("".join(f"{line}\n" for line in lines).encode())
    return [(row[0], parser.channels[row[1]], *row[2:]) for row in block.rows()]


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
