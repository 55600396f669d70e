"""The journal: read back equal, equal bytes for equal runs, whole up to where a run died."""

import errno
import functools
import io
import os
import random
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mcap.reader import make_reader
from mcap.writer import Writer

from hil import journal as journal_module
from hil.errors import BenchError, UsageError
from hil.journal import CHUNK_BYTES, FD, MOST_COME, CanRecord, Entry, Journal, JournalReader, Origin, Picture


class Wall:
    """The host's clock, in the hand of the test."""

    def __init__(self):
        self.now_ns, self.looks = 10**15, 0

    def __call__(self):
        self.looks += 1
        return self.now_ns


@pytest.fixture
def wall(monkeypatch):
    wall = Wall()
    monkeypatch.setattr(journal_module, "wall_ns", wall)
    return wall


def write_some(path):
    journal = Journal(path)
    journal.metadata("bench", {"name": "virtual", "variant": "base"})
    journal.attach("cabin.dbc", "text/plain", b"VERSION")
    journal.frame(1_000, "cabin", 0x123, FD, Origin.KERNEL, bytes(range(64)))
    journal.picture(2_000, "cluster", "png", b"\x89PNG")
    journal.record(3_000, "console", {"direction": "rx", "text": "boot ä\n"}, name="main")
    journal.record(4_000, "verdict", {"verdict": "pass", "message": ""})
    journal.close()


def test_what_is_written_is_read_back(tmp_path):
    write_some(tmp_path / "j.mcap")
    reader = JournalReader(tmp_path / "j.mcap")
    assert list(reader) == [
        Entry(1_000, "can", "cabin", CanRecord(0x123, FD, Origin.KERNEL, bytes(range(64)))),
        Entry(2_000, "screen", "cluster", Picture("png", b"\x89PNG")),
        Entry(3_000, "console", "main", {"direction": "rx", "text": "boot ä\n"}),
        Entry(4_000, "verdict", "", {"verdict": "pass", "message": ""}),
    ]
    assert not reader.truncated
    assert reader.attachments == {"cabin.dbc": b"VERSION"}
    assert reader.metadata["bench"]["variant"] == "base"


def test_other_tools_read_it(tmp_path):
    write_some(tmp_path / "j.mcap")
    with (tmp_path / "j.mcap").open("rb") as file:
        summary = make_reader(file).get_summary()
    assert {channel.topic for channel in summary.channels.values()} == {
        "/can/cabin", "/screen/cluster", "/console/main", "/verdict",
    }  # fmt: skip
    assert summary.statistics.message_count == 4


def test_equal_runs_make_equal_files(tmp_path):
    write_some(tmp_path / "a.mcap")
    write_some(tmp_path / "b.mcap")
    assert (tmp_path / "a.mcap").read_bytes() == (tmp_path / "b.mcap").read_bytes()


@pytest.mark.parametrize("cut", [1, 30, 500, 900])
def test_a_truncated_file_is_read_up_to_the_cut(tmp_path, cut):
    path = tmp_path / "j.mcap"
    journal = Journal(path)
    for t_ns in range(20):
        journal.record(t_ns, "note", {"text": "x" * 20})
        journal.pack()
    journal.close()
    path.write_bytes(path.read_bytes()[:-cut])
    reader = JournalReader(path)
    entries = list(reader)
    assert reader.truncated
    assert [entry.t_ns for entry in entries] == list(range(len(entries)))
    assert entries


def test_an_empty_file_is_a_run_that_died_at_once(tmp_path):
    (tmp_path / "j.mcap").write_bytes(b"")
    reader = JournalReader(tmp_path / "j.mcap")
    assert list(reader) == []
    assert reader.truncated


def test_another_file_is_refused_with_its_name(tmp_path):
    (tmp_path / "j.mcap").write_bytes(b"this is no journal at all, but long enough to be one")
    with pytest.raises(UsageError, match=r"j\.mcap: is no journal"):
        list(JournalReader(tmp_path / "j.mcap"))


def test_an_unknown_field_is_refused(tmp_path):
    journal = Journal(tmp_path / "j.mcap")
    with pytest.raises(UsageError, match="nonsense"):
        journal.record(0, "note", {"nonsense": 1})
    journal.close()


def test_a_folder_that_is_not_there_is_a_bench_fault(tmp_path):
    with pytest.raises(BenchError, match="--results"):
        Journal(tmp_path / "missing" / "j.mcap")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_a_bench_fault():
    journal = Journal(Path("/dev/full"))
    journal.record(0, "note", {"text": "x" * 4000})
    with pytest.raises(BenchError, match="No space"):
        journal.flush()


CRASH = """
import os, signal, sys
from pathlib import Path
from hil.journal import Journal
journal = Journal(Path(sys.argv[1]))
for t_ns in range(100):
    journal.record(t_ns, "note", {"text": "kept"})
journal.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_sigkill_loses_nothing_that_was_flushed(tmp_path):
    path = tmp_path / "j.mcap"
    done = subprocess.run([sys.executable, "-c", CRASH, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    reader = JournalReader(path)
    assert len(list(reader)) == 100
    assert reader.truncated


def test_sigkill_loses_at_most_a_chunk_of_what_was_not_flushed(tmp_path):
    path = tmp_path / "j.mcap"
    crash = CRASH.replace(
        'journal.record(t_ns, "note", {"text": "kept"})', "journal.frame(t_ns, 'a', 1, 0, 0, b'8' * 8)"
    )
    crash = crash.replace("range(100)", "range(9999)").replace("journal.flush()\n", "")
    assert "flush" not in crash
    subprocess.run([sys.executable, "-c", crash, str(path)], check=False)
    found = [entry.t_ns for entry in JournalReader(path)]
    assert found == list(range(len(found)))
    record_bytes = 9 + 22 + 16 + 8
    assert (9999 - len(found)) * record_bytes <= CHUNK_BYTES + record_bytes


# Against the mcap library ---------------------------------------------------------------------------------------------


def cdr_frame(can_id, flags, origin, data):
    """A CAN frame in CDR, member by member, each aligned to its size (OMG CDR; the origin is behind the header)."""
    body = bytearray()
    for value, size in ((can_id, 4), (flags, 1), (origin, 1), (len(data), 4)):
        body += bytes(-len(body) % size) + value.to_bytes(size, "little")
    return b"\x00\x01\x00\x00" + bytes(body) + data


def random_frames(seed, count):
    rng, t_ns, frames = random.Random(seed), 0, []
    for _ in range(count):
        t_ns += rng.choice((0, 52_000, 10_000_000, -30_000))
        data = rng.randbytes(rng.choice((0, 1, 8, 8, 8, 12, 48, 64)))
        frames.append((t_ns, rng.choice(("chassis", "body", "k\xfcche")), rng.randrange(1 << 29), rng.randrange(128),
                       rng.choice(list(Origin)), data))  # fmt: skip
    return frames


def messages(path):
    with path.open("rb") as file:
        found = make_reader(file, validate_crcs=True).iter_messages(log_time_order=False)
        return [(s.name, c.topic, c.message_encoding, m.log_time, m.publish_time, m.data) for s, c, m in found]


def write_with_the_library(path, frames):
    with path.open("wb") as file:
        writer, channels = Writer(file), {}
        writer.start()
        schema = writer.register_schema("hil_msgs/msg/CanFrame", "ros2msg", b"")
        for t_ns, bus, *rest in frames:
            if bus not in channels:
                channels[bus] = writer.register_channel(f"/can/{bus}", "cdr", schema)
            writer.add_message(channels[bus], max(t_ns, 0), cdr_frame(*rest), max(t_ns, 0))
        writer.finish()


@pytest.mark.parametrize("seed", range(3))
def test_frames_are_what_the_librarys_writer_would_have_written(tmp_path, seed):
    frames = random_frames(seed, 4000)
    journal = Journal(tmp_path / "ours.mcap")
    for frame in frames:
        journal.frame(*frame)
    journal.close()
    write_with_the_library(tmp_path / "theirs.mcap", frames)
    assert messages(tmp_path / "ours.mcap") == messages(tmp_path / "theirs.mcap")
    read = [(e.t_ns, e.name, e.data.can_id, e.data.flags, e.data.origin, e.data.data)
            for e in JournalReader(tmp_path / "ours.mcap")]  # fmt: skip
    assert read == [(max(t_ns, 0), *rest) for t_ns, *rest in frames]


def test_other_bytes_than_bytes_are_taken(tmp_path):
    journal = Journal(tmp_path / "j.mcap")
    for data in (bytearray(b"12"), memoryview(b"123")):
        journal.frame(0, "a", 1, 0, 0, data)
    journal.close()
    assert [entry.data.data for entry in JournalReader(tmp_path / "j.mcap")] == [b"12", b"123"]


def test_records_frames_and_pictures_keep_their_order(tmp_path):
    journal = Journal(tmp_path / "j.mcap")
    kinds = [random.Random(4).choice(("can", "note", "screen")) for _ in range(500)]
    for t_ns, kind in enumerate(kinds):
        if kind == "can":
            journal.frame(t_ns, "a", 1, 0, 0, b"")
        elif kind == "note":
            journal.record(t_ns, "note", {"text": "x"})
        else:
            journal.picture(t_ns, "cluster", "png", bytes(3000))
    journal.close()
    assert [(e.t_ns, e.kind) for e in JournalReader(tmp_path / "j.mcap")] == list(enumerate(kinds))


def test_after_close_everything_is_ignored(tmp_path, wall):
    journal = Journal(tmp_path / "j.mcap")
    journal.close()
    wall.now_ns += 10**9
    empty = (tmp_path / "j.mcap").read_bytes()
    journal.frame(0, "a", 1, 0, 0, b"")
    journal.record(0, "note", {"text": ""})
    journal.picture(0, "cluster", "png", b"")
    journal.attach("a", "text/plain", b"")
    journal.metadata("m", {})
    journal.flush()
    journal.close()
    assert (tmp_path / "j.mcap").read_bytes() == empty


# Truncated and damaged ------------------------------------------------------------------------------------------------


def write_foreign_letters(path):
    """Four chunks, attachments and metadata in between, letters of two bytes wherever a name may stand."""
    journal = Journal(path)
    journal.metadata("b\xe4nch", {"n\xe4me": "virtu\xe4l"})
    journal.attach("k\xe4bin.dbc", "text/plain", b"VERSION" * 10)
    for t_ns in range(12):
        journal.frame(t_ns, "c\xe4bin", t_ns, 0, 0, bytes(8))
        if t_ns % 4 == 3:
            journal.pack()
    journal.record(12, "note", {"text": "\xfc"})
    journal.close()
    with path.open("rb") as file:
        indexes = make_reader(file).get_summary().chunk_indexes
    return [index.chunk_start_offset + index.chunk_length for index in indexes]


def test_cut_at_any_byte_a_journal_is_read_up_to_its_last_whole_chunk(tmp_path):
    path, cut_path = tmp_path / "j.mcap", tmp_path / "cut.mcap"
    chunk_ends = write_foreign_letters(path)
    whole = path.read_bytes()
    messages_after = dict(zip(chunk_ends, (4, 8, 12, 13), strict=True))
    for cut in range(len(whole)):
        cut_path.write_bytes(whole[:cut])
        reader = JournalReader(cut_path)
        there = max((count for end, count in messages_after.items() if end <= cut), default=0)
        assert [entry.t_ns for entry in reader] == list(range(there)), f"cut at {cut}"
        assert reader.truncated, f"cut at {cut}"


def frames_or_reason(path):
    frames = []
    try:
        frames.extend(entry for entry in JournalReader(path) if entry.kind == "can")
    except UsageError as error:
        return frames, str(error)
    return frames, ""


def test_damage_in_the_middle_is_refused_or_harmless(tmp_path):
    path, damaged = tmp_path / "j.mcap", tmp_path / "damaged.mcap"
    write_foreign_letters(path)
    whole, rng, refused = path.read_bytes(), random.Random(3), 0
    frames = set(frames_or_reason(path)[0])
    for _ in range(800):
        wrong = bytearray(whole)
        wrong[rng.randrange(8, len(whole))] ^= rng.randrange(1, 256)
        damaged.write_bytes(wrong)
        found, reason = frames_or_reason(damaged)
        assert set(found) <= frames, "a frame that was never on the wire"
        assert "damaged.mcap: is no journal" in (reason or "damaged.mcap: is no journal")
        refused += bool(reason)
    assert refused > 200


# A full disk ----------------------------------------------------------------------------------------------------------


class Disk(io.FileIO):
    """A file on a disk with room for `room` bytes; `breaks` fails the close, as a network file system may."""

    room = 1 << 30
    breaks = False

    def write(self, data):
        if self.tell() + len(data) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)

    def close(self):
        super().close()
        if self.breaks:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")


@pytest.fixture
def disk(tmp_path, monkeypatch):
    disk = Disk(tmp_path / "j.mcap", "w")
    monkeypatch.setattr(journal_module, "_open_new", lambda path: disk)
    yield disk
    disk.breaks = False


@pytest.fixture
def journal(tmp_path, disk):
    return Journal(tmp_path / "j.mcap")


def test_the_frame_that_fills_the_disk_is_a_bench_fault(wall, disk, journal):
    disk.room = 100

    def write_two_chunks():
        for t_ns in range(2400):
            journal.frame(t_ns, "a", 1, 0, 0, bytes(8))

    with pytest.raises(BenchError, match=r"j\.mcap: the journal can't be written: No space.*--results"):
        write_two_chunks()


@pytest.mark.parametrize(
    "write",
    [
        lambda journal: journal.attach("a.dbc", "text/plain", bytes(1000)),
        lambda journal: journal.metadata("m", {"k": "v" * 1000}),
        lambda journal: journal.picture(0, "cluster", "png", random.Random(1).randbytes(100_000)),
        lambda journal: journal.record(0, "note", {"text": random.Random(1).randbytes(50_000).hex()}),
        lambda journal: journal.flush(),
        lambda journal: journal.close(),
    ],
)
def test_whatever_fills_the_disk_is_a_bench_fault(disk, journal, write):
    disk.room = 10
    with pytest.raises(BenchError, match="No space"):
        write(journal)


def test_the_verdict_of_a_full_disk_still_finds_its_place(wall, disk, journal):
    disk.room = 2000
    for t_ns in range(10):
        journal.frame(t_ns, "a", 1, 0, 0, bytes(8))
    journal.flush()
    with pytest.raises(BenchError):
        journal.picture(20, "cluster", "png", random.Random(1).randbytes(100_000))
    journal.record(21, "verdict", {"verdict": "bench fault"})
    journal.flush()
    with pytest.raises(BenchError, match="No space"):
        journal.close()
    reader = JournalReader(journal.path)
    assert [entry.t_ns for entry in reader] == [*range(10), 21]
    assert reader.truncated


def test_a_journal_on_a_full_disk_is_closed_nevertheless(disk, journal):
    disk.room = 10
    with pytest.raises(BenchError):
        journal.close()
    assert disk.closed
    journal.close()


def test_an_error_that_shows_only_at_close_is_a_bench_fault(disk, journal):
    disk.breaks = True
    with pytest.raises(BenchError, match="quota"):
        journal.close()


# When a chunk ends ----------------------------------------------------------------------------------------------------


def in_file(journal):
    return _stamps(journal.path, journal.path.stat().st_size)


@functools.lru_cache(maxsize=1)
def _stamps(path, size):
    """Read again only when the file has grown."""
    return [entry.t_ns for entry in JournalReader(path)]


MS = 1_000_000


@pytest.mark.parametrize("gap_ns", [3 * MS, 10 * MS, 25 * MS, 50 * MS])
def test_on_a_real_clock_no_frame_waits_longer_than_the_promise(tmp_path, wall, gap_ns):
    journal = Journal(tmp_path / "j.mcap")
    for number in range(120):
        wall.now_ns += gap_ns
        journal.frame(number * gap_ns, "a", 1, 0, 0, bytes(8))
        oldest_waiting = len(in_file(journal))
        assert (number - oldest_waiting) * gap_ns < 100 * MS
    journal.close()


def test_where_bench_time_creeps_no_frame_waits_much_longer_than_the_promise(tmp_path, wall):
    """The bytes make it look, also just after a check that ended a full chunk."""
    journal = Journal(tmp_path / "j.mcap")
    for number in range(1000):
        journal.frame(number, "a", 1, 0, 0, bytes(8))
    journal.flush()
    for number in range(1000, 2000):
        wall.now_ns += MS
        journal.frame(number, "a", 1, 0, 0, bytes(8))
        assert number - len(in_file(journal)) < 100 + MOST_COME
    journal.close()


def test_a_frame_seldom_looks_at_the_wall_clock(tmp_path, wall):
    journal = Journal(tmp_path / "j.mcap")
    wall.looks = 0
    for number in range(1000):
        journal.frame(number * MS // 4, "a", 1, 0, 0, bytes(8))
    assert 1000 // 40 <= wall.looks <= 1000 // 30
    journal.close()


def test_a_record_looks_at_the_wall_clock(tmp_path, wall):
    journal = Journal(tmp_path / "j.mcap")
    journal.record(1, "note", {"text": ""})
    wall.now_ns += 100 * MS
    journal.record(2, "note", {"text": ""})
    assert in_file(journal) == [1, 2]
    journal.close()


def test_a_line_seldom_looks_at_the_wall_clock(tmp_path, wall):
    journal = Journal(tmp_path / "j.mcap")
    wall.looks = 0
    for number in range(100):
        journal.line("/note", number * MS // 4, '{"text":""}')
        journal.keep("/check", number * MS // 4, "{}")
    assert 1 <= wall.looks <= 200 // 20
    journal.close()


def test_what_is_kept_is_read_after_a_kill_with_all_that_came_before_it(tmp_path, wall):
    journal = Journal(tmp_path / "j.mcap")
    journal.frame(1, "a", 1, 0, 0, bytes(8))
    journal.line("/signal", 2, '{"signal":"a"}')
    journal.keep("/check", 3, '{"name":"b"}')
    journal.line("/signal", 4, "{}")
    entries = [(entry.t_ns, entry.kind) for entry in JournalReader(tmp_path / "j.mcap")]
    assert entries == [(1, "can"), (2, "signal"), (3, "check")]
    journal.close()


def test_what_is_expected_comes_behind_what_has_come(tmp_path):
    """The order of the channels is that in which they were first asked for, encoded or not."""
    path = tmp_path / "j.mcap"
    journal = Journal(path)
    journal.frame(1, "a", 1, 0, 0, bytes(8))
    journal.expect("verdict")
    journal.record(2, "note", {"text": ""})
    journal.record(3, "verdict", {"verdict": "pass"})
    journal.close()
    with path.open("rb") as file:
        channels = make_reader(file).get_summary().channels
    assert [channels[number].topic for number in sorted(channels)] == ["/can/a", "/verdict", "/note"]


def test_a_case_of_nothing_but_checks_ends_its_chunks_too(tmp_path, wall):
    journal = Journal(tmp_path / "j.mcap")
    for _ in range(200):
        journal.keep("/check", 0, '{"name":"' + "x" * 1000 + '"}')
    assert len(journal._writer.chunk) < CHUNK_BYTES
    assert len(in_file(journal)) == 200
    journal.close()


def test_two_threads_lose_none_of_their_records(tmp_path):
    """One may append while the other encodes."""
    journal, every = Journal(tmp_path / "j.mcap"), 3000

    def write(lane):
        for number in range(every):
            journal.frame(number * MS, lane, number, 0, 0, bytes(8))
            if number % 50 == 0:
                journal.keep("/check", number * MS, "{}")

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=write, args=(lane,)) for lane in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    journal.close()
    came = [(entry.name, entry.t_ns // MS) for entry in JournalReader(tmp_path / "j.mcap") if entry.kind == "can"]
    for lane in "ab":
        assert [number for name, number in came if name == lane] == list(range(every))


def test_a_line_waits_no_longer_than_the_promise(tmp_path, wall):
    journal = Journal(tmp_path / "j.mcap")
    for number in range(120):
        wall.now_ns += 25 * MS
        journal.line("/note", number * 25 * MS, '{"text":""}')
        assert (number - len(in_file(journal))) * 25 < 100
    journal.close()


def test_a_chunk_ends_at_its_size_without_any_wall_time(tmp_path, wall):
    journal = Journal(tmp_path / "j.mcap")
    per_chunk = CHUNK_BYTES // (9 + 22 + 16 + 64)
    for number in range(10 * per_chunk):
        journal.frame(number, "a", 1, FD, 0, bytes(64))
        if number % 100 == 0:
            assert number - len(in_file(journal)) <= per_chunk + MOST_COME
    journal.close()


# Two threads ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def switching():
    """Threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_parallel(*actions):
    with ThreadPoolExecutor(len(actions)) as pool:
        for running in [pool.submit(action) for action in actions]:
            running.result()


def test_two_threads_write_one_whole_journal(tmp_path, switching):
    count, journal = 20_000, Journal(tmp_path / "j.mcap")

    def frames():
        for t_ns in range(count):
            journal.frame(t_ns, f"bus{t_ns % 3}", t_ns, 0, 0, bytes(8))

    def others():
        for t_ns in range(count // 10):
            journal.record(t_ns, "note", {"text": str(t_ns)})
            if t_ns % 100 == 0:
                journal.flush()
                journal.attach(f"{t_ns}", "text/plain", b"x")

    in_parallel(frames, others)
    journal.close()
    entries = list(JournalReader(tmp_path / "j.mcap"))
    assert [entry.data.can_id for entry in entries if entry.kind == "can"] == list(range(count))
    assert [entry.data["text"] for entry in entries if entry.kind == "note"] == [str(n) for n in range(count // 10)]
    with (tmp_path / "j.mcap").open("rb") as file:
        reader = make_reader(file)
        assert sum(1 for _ in reader.iter_messages()) == reader.get_summary().statistics.message_count == len(entries)
        assert len(list(reader.iter_attachments())) == count // 1000


def test_a_close_from_another_thread_ends_the_journal_between_two_frames(tmp_path, switching):
    journal, reached = Journal(tmp_path / "j.mcap"), threading.Event()

    def frames():
        for t_ns in range(20_000):
            journal.frame(t_ns, "a", 1, 0, 0, bytes(8))
            if t_ns == 3000:
                reached.set()

    def close():
        reached.wait()
        journal.close()

    in_parallel(frames, close)
    reader = JournalReader(tmp_path / "j.mcap")
    found = [entry.t_ns for entry in reader]
    assert not reader.truncated
    assert found == list(range(len(found)))
    assert len(found) > 3000


def both_ways(path, ahead):
    """A journal whose middle part was recorded ahead, or not."""
    journal, first = Journal(path), Journal(None) if ahead else None
    journal.record(0, "case", {"id": "a"})
    journal.attach("cabin.dbc", "text/plain", b"VERSION")
    early = first or journal
    if first is not None:
        first.expect("case")
    early.record(0, "step", {"id": 1, "phase": "start", "name": "Start"})
    for number in range(3000):
        early.frame(number * 1_000_000, "body" if number % 3 else "chassis", number, 0, Origin.SIM, bytes(number % 9))
    if first is not None:
        journal.take_over(first)
    journal.frame(4_000_000_000, "body", 1, FD, Origin.SIM, b"after")
    journal.record(4_000_000_001, "step", {"id": 1, "phase": "end", "status": "pass"})
    journal.record(4_000_000_002, "verdict", {"verdict": "pass", "message": ""})
    journal.close()
    return path


def test_what_was_recorded_ahead_reads_as_if_it_had_been_recorded_here(tmp_path):
    ahead, here = both_ways(tmp_path / "ahead", True), both_ways(tmp_path / "here", False)
    reader, other = JournalReader(ahead), JournalReader(here)
    assert list(reader) == list(other)
    assert len(list(reader)) == 3005
    assert reader.attachments == other.attachments
    summaries = [make_reader(path.open("rb")).get_summary() for path in (ahead, here)]
    one, two = [summary.statistics for summary in summaries]
    assert (one.message_count, one.channel_message_counts) == (two.message_count, two.channel_message_counts)
    assert (one.message_start_time, one.message_end_time) == (two.message_start_time, two.message_end_time)
    assert summaries[0].channels == summaries[1].channels


def test_the_index_finds_what_was_recorded_ahead(tmp_path):
    path = both_ways(tmp_path / "ahead", True)
    with path.open("rb") as file:
        found = [
            message.log_time
            for _, _, message in make_reader(file).iter_messages(
                "/can/chassis", starting_at=90_000_000, ending_before=10**8
            )
        ]
    assert found == [90_000_000, 93_000_000, 96_000_000, 99_000_000]


def test_a_journal_that_began_otherwise_is_not_taken_over(tmp_path):
    journal, first = Journal(tmp_path / "a"), Journal(None)
    journal.record(0, "case", {"id": "a"})
    first.record(0, "step", {"id": 1})
    with pytest.raises(ValueError, match="don't go on"):
        journal.take_over(first)
    journal.close()


def test_what_was_recorded_ahead_on_a_full_disk_is_a_fault_and_the_reason_still_fits(tmp_path, monkeypatch):
    journal, first = Journal(tmp_path / "a"), Journal(None)
    journal.record(0, "case", {"id": "a"})
    journal.flush()
    first.expect("case")
    first.frame(5, "body", 1, 0, Origin.SIM, b"early")
    full = journal._file

    class Full:
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        seek, truncate = staticmethod(full.seek), staticmethod(full.truncate)

    journal._writer._file = Full()
    with pytest.raises(BenchError, match="can't be written"):
        journal.take_over(first)
    journal._writer._file = full
    journal.record(9, "fault", {"what": "disk full"})
    journal.close()
    kinds = [entry.kind for entry in JournalReader(tmp_path / "a")]
    assert kinds == ["case", "fault"]
