"""The journal: read back equal, equal bytes for equal runs, whole up to where a run died."""

import os
import signal
import subprocess
import sys

import pytest
from mcap.reader import make_reader

from hil.errors import BenchError, UsageError
from hil.journal import FD, CanRecord, Entry, Journal, JournalReader, Origin, Picture


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
        journal.flush()
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
    from pathlib import Path

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
