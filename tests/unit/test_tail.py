"""The tail of a journal: what was flushed is read whatever killed the bench, and nothing is read twice."""

import errno
import os

import pytest

from hil import tail as tail_module
from hil.errors import BenchError
from hil.evidence.blocks import BlockReader
from hil.journal import Journal, JournalReader
from hil.tail import Tail, tail_of


def notes(path):
    """The numbers of the notes, by both readers."""
    by_block = [entry.t_ns for block in BlockReader(path) for entry in block.entries]
    assert by_block == [entry.t_ns for entry in JournalReader(path)]
    return by_block


def write(journal, *numbers):
    for number in numbers:
        journal.record(number, "note", {"text": f"n\xfcmber {number}"})
    journal.flush()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.mcap"


@pytest.fixture
def journal(path):
    journal = Journal(path)
    yield journal
    journal.close()


def killed(path, folder):
    """The two files as a kill leaves them now."""
    folder.mkdir(exist_ok=True)
    for one in (path, tail_of(path)):
        (folder / one.name).write_bytes(one.read_bytes())
    return folder / path.name


def test_what_was_flushed_is_read_and_no_chunk_was_packed_for_it(path, journal):
    write(journal, 1, 2)
    size = path.stat().st_size
    write(journal, 3)
    assert path.stat().st_size == size
    reader = JournalReader(path)
    assert [entry.data["text"] for entry in reader] == ["n\xfcmber 1", "n\xfcmber 2", "n\xfcmber 3"]
    assert reader.truncated


def test_a_chunk_that_is_packed_takes_the_place_of_the_tail(path, journal):
    write(journal, 1, 2)
    journal.pack()
    assert notes(path) == [1, 2]
    write(journal, 3)
    assert notes(path) == [1, 2, 3]


def test_what_is_attached_stands_behind_what_was_flushed_before(path, journal):
    write(journal, 1)
    journal.attach("a.dbc", "text/plain", b"VERSION")
    write(journal, 2)
    journal.metadata("buses", {"a": "500000"})
    write(journal, 3)
    assert notes(path) == [1, 2, 3]


def test_after_the_close_there_is_no_tail(path, journal):
    write(journal, 1)
    journal.close()
    assert not tail_of(path).exists()
    assert notes(path) == [1]


def test_a_tail_that_was_left_by_a_run_before_is_none_of_the_journals(path, tmp_path):
    write(before := Journal(tmp_path / "before.mcap"), 7, 8, 9)
    tail_of(path).write_bytes(tail_of(tmp_path / "before.mcap").read_bytes())
    journal = Journal(path)
    journal.pack()
    assert notes(path) == []
    write(journal, 1)
    assert notes(path) == [1]
    before.close()
    journal.close()


def test_a_kill_after_the_chunk_and_before_the_tail_was_emptied_doubles_nothing(path, journal, tmp_path):
    write(journal, 1, 2)
    old = tail_of(path).read_bytes()
    journal.pack()
    here = killed(path, tmp_path / "killed")
    tail_of(here).write_bytes(old)
    assert notes(here) == [1, 2]


def test_a_kill_inside_the_chunk_or_inside_the_tail_takes_nothing_that_was_flushed_before(path, journal, tmp_path):
    write(journal, 1)
    journal.pack()
    begin = path.stat().st_size
    write(journal, 2)
    sure = tail_of(path).stat().st_size
    write(journal, 3)
    tail = tail_of(path).read_bytes()
    journal.pack()
    whole, here = path.read_bytes(), killed(path, tmp_path / "killed")
    chunk_end = begin + 9 + int.from_bytes(whole[begin + 1 : begin + 9], "little")
    for cut in range(begin, len(whole) + 1, 3):
        here.write_bytes(whole[:cut])
        tail_of(here).write_bytes(tail)
        assert notes(here) == [1, 2, 3], f"journal cut at {cut}, its chunk ends at {chunk_end}"
    here.write_bytes(whole[:begin])
    for cut in range(len(tail) + 1):
        tail_of(here).write_bytes(tail[:cut])
        assert notes(here)[:2] == [1, 2][: 1 + (cut >= sure)]


def test_whoever_is_killed_before_the_first_chunk_leaves_a_journal(path, journal, tmp_path):
    write(journal, 1)
    assert notes(killed(path, tmp_path / "killed")) == [1]


# Where the disk is full -----------------------------------------------------------------------------------------------


class Full:
    """A file on a disk with so much room left."""

    def __init__(self, file, room):
        self._file, self.room = getattr(file, "_file", file), room

    def __getattr__(self, name):
        return getattr(self._file, name)

    def write(self, data):
        fits = bytes(data)[: self.room]
        self.room -= len(fits)
        if not fits:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._file.write(fits)


def fill(journal, *, tail=0, chunks=0):
    journal._tail._file = Full(journal._tail._file, tail)
    journal._writer._file = Full(journal._writer._file, chunks)


@pytest.mark.parametrize("room", [0, 5, 40])
def test_where_only_the_tail_finds_no_room_the_chunk_is_packed_at_once(path, journal, room):
    write(journal, 1)
    fill(journal, tail=room, chunks=9999)
    write(journal, 2)
    assert tail_of(path).stat().st_size == 0
    assert notes(path) == [1, 2]
    assert journal.lost is None
    write(journal, 3)
    assert notes(path) == [1, 2, 3]


@pytest.mark.parametrize("room", [0, 5, 40])
def test_what_was_flushed_outlives_a_disk_that_is_full_from_then_on(path, journal, room):
    write(journal, 1, 2)
    fill(journal, tail=room)
    with pytest.raises(BenchError, match="No space"):
        write(journal, 3)
    assert notes(path) == [1, 2]
    with pytest.raises(BenchError, match="No space"):
        journal.close()
    assert notes(path) == [1, 2], "the tail stays, since the journal lacks it"


def test_where_there_is_room_again_the_journal_goes_on_with_what_was_flushed(path, journal):
    journal.frame(1, "a", 1, 0, 0, b"x")
    write(journal, 2)
    fill(journal)
    with pytest.raises(BenchError):
        write(journal, 3)
    fill(journal, tail=9999, chunks=9999)
    journal.frame(4, "b", 1, 0, 0, b"x")
    write(journal, 5)
    here = [entry.t_ns for entry in JournalReader(path)]
    journal.close()
    assert here == [entry.t_ns for entry in JournalReader(path)] == [1, 2, 4, 5]
    assert not tail_of(path).exists()


def test_a_signal_in_the_middle_costs_no_record_and_doubles_none(path, journal, monkeypatch):
    write(journal, 1)

    class Interrupting:
        def __init__(self, file):
            self._file, self.truncate, self.close = file, file.truncate, file.close

        def write(self, data):
            self._file.write(data)
            raise KeyboardInterrupt

    file = journal._tail._file
    journal._tail._file = Interrupting(file)
    with pytest.raises(KeyboardInterrupt):
        write(journal, 2)
    journal._tail._file = file
    write(journal, 3)
    assert notes(path) == [1, 2, 3]


def test_a_tail_that_cant_be_made_is_done_without(path, journal):
    os.mkdir(tail_of(path))
    write(journal, 1)
    assert notes(path) == [1]


def test_a_flush_costs_one_write_of_what_is_new(path, monkeypatch):
    sizes = []
    tail = Tail(path)
    chunk = bytearray(b"12345")
    assert tail.keep(chunk, 40)
    file = tail._file
    tail._file = Full(file, 9999)
    monkeypatch.setattr(Full, "write", lambda self, data: sizes.append(len(data)) or self._file.write(data))
    chunk += b"678"
    assert tail.keep(chunk, 40)
    assert tail.keep(chunk, 40)
    assert sizes == [3]
    assert tail_of(path).read_bytes()[tail_module._HEAD.size :] == b"12345678"
    tail.close()
